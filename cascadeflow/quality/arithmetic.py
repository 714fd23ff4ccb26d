"""Checks of an answer to a calculation, line by line.

The strongest sign that such an answer is wrong is an equation that does not hold. Then: a final
number that is missing, that is not the last result, or that cannot be a count; results that are
computed and never used; numbers that come from nowhere; numbers of the query that are left out.
All linear, with caps on the characters, equations and numbers that are read.

A line that begins with the sign, or with the words of the line before it, continues that line:

    Total = 400 + 900              Total cost            x = 450 / 0.9
    Total = 1300                     = 400 + 900         x = 500
                                     = 1300
"""

from __future__ import annotations

import re

from .equations import Equation, equations, holds
from .flow import Flow, operands
from .quantity import (
    asks_for_a_count,
    asks_for_a_number,
    bare_expression,
    has_number_word,
    quantities,
    wording,
)
from .rational import NUMBER, Rational, value_of, values, variants

MOST_EQUATIONS = 32
MOST_SIGNS = 48
"""Signs of equality after which no more are looked at, understood or not."""
LEAST_LINE = 3
READ_CHARS = 8_192
CHAIN_CHARS = 200
"""Characters of an expression that a later line may continue."""
TAIL_CHARS = 400
"""Characters at the end in which the final number is looked for."""

_MARKER = re.compile(r"####|\\boxed|answer", re.IGNORECASE)
_COMMON = (0, 1, 2, 3, 4, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000)
"""Numbers that need no source: small factors, time, percent."""
_COMMON_PARTS: tuple[Rational, ...] = ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4))
_DOUBTS = (
    "however", "actually", "note that", "assum", "not possible", "impossible", "cannot", "can't",
    "no solution", "contradict", "not enough information", "make sense", "allerdings", "jedoch",
    "unmöglich", "cependant", "sin embargo", "imposible", "tuttavia",
)  # fmt: skip
"""Words of a solution that runs into an obstacle."""
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z])")


class Arithmetic:
    """Equations of one answer, and its numbers if a number is what the query wants."""

    __slots__ = ("_label", "_left", "_open", "_signs", "right", "solution", "unsure", "wrong")

    def __init__(self, query: str, *, choice: bool = False) -> None:
        """`choice`: the answer is an option, not a number; only equations are checked."""
        wanted = not choice and asks_for_a_number(query)
        self.solution = Solution(query) if wanted else None
        """None: the query is a choice, or a question with numbers in it."""
        self._label = self._open = ""
        self._left = READ_CHARS
        self._signs = self.right = self.wrong = self.unsure = 0

    def take(self, piece: str) -> None:
        """Read the next piece."""
        if self._left <= 0:
            return
        self._left -= len(piece)
        if self.solution:
            self.solution.doubt(piece)
        for line in piece.splitlines():
            self._take_line(line)

    def _take_line(self, line: str) -> None:
        if len(line) < LEAST_LINE or not NUMBER.search(line):
            self._break_off(line)
            return
        if self.solution:
            self.solution.see(values(line))
        signs = line.count("=") + line.count("≈")
        if signs and self._signs < MOST_SIGNS:
            self._signs += signs
            for sentence in _SENTENCE.split(self._join(line)):
                found = equations(sentence, MOST_EQUATIONS - self.steps)
                self.right += sum(equation.verdict == "right" for equation in found)
                self.wrong += sum(equation.verdict == "wrong" for equation in found)
                self.unsure += sum(equation.verdict == "unsure" for equation in found)
                if self.solution:
                    self.solution.take(found, sentence)

    def _join(self, line: str) -> str:
        """A line with signs of equality, with what it continues written in front of it."""
        label, _, rest = line.partition("=")
        label = label.strip(" -*\\[]()&\t")
        going_on = bool(self._open) and label in ("", self._label)
        whole = f"{self._open} ={rest}" if going_on else line
        self._label = label or self._label
        self._open = rest.rpartition("=")[2].strip(" \\[]&\t")[-CHAIN_CHARS:]
        return whole

    def _break_off(self, line: str) -> None:
        """A line without numbers is continued by none."""
        if line.strip(" \\[]\t"):
            self._open = self._label = ""
            if "=" in line:
                self._label = line.partition("=")[0].strip(" -*\\[]()&\t")

    @property
    def steps(self) -> int:
        """Equations that were understood."""
        return self.right + self.wrong + self.unsure

    def features(self) -> dict[str, float]:
        """What the query asks for, and what the equations read so far amount to."""
        features = dict(self.solution.query) if self.solution else {}
        if not self.steps:
            return features
        each = 0.7 if self.right else 1.0
        features["equations_wrong"] = min(1.0, each * self.wrong + 0.3 * self.unsure)
        if self.solution:
            features["equations_right"] = self.right / self.steps
            features["steps"] = min(1.0, self.steps / 10)
            features |= self.solution.features()
        return features

    def final(self, tail: str, *, worded: bool) -> dict[str, float]:
        """What is odd about the final number of an answer that ends in `tail`.

        `worded` says that the query is long enough to need written steps.
        """
        if not self.solution:
            return {}
        return self.solution.final(tail[-TAIL_CHARS:], steps=self.steps, worded=worded)


class Solution:
    """The numbers of one answer to a calculation: given, computed, used, and the final one."""

    __slots__ = (
        "_asked", "_bare", "_count", "_doubtful", "_flow", "_foreign", "_inexact", "_known",
        "_last", "_operands", "_results", "_used", "query",
    )  # fmt: skip

    def __init__(self, query: str) -> None:
        given = quantities(query)
        self._flow = Flow(query, given)
        self.query = self._flow.query | wording(query, given)
        """What the query alone tells."""
        self._bare = bare_expression(query)
        self._count = asks_for_a_count(query)
        self._asked = frozenset(values(query))
        self._known: set[Rational] = {(number, 1) for number in _COMMON}
        self._known.update(_COMMON_PARTS, *(variants(each.value) for each in given))
        self._known.update(*map(variants, self._asked))
        self._results: dict[Rational, bool] = {}
        """Whether each was used later."""
        self._used: set[Rational] = set()
        self._last: Rational | None = None
        self._doubtful = False
        self._foreign = self._inexact = self._operands = 0

    def doubt(self, piece: str) -> None:
        """Look in a piece for words of an obstacle."""
        folded = piece.lower()
        self._doubtful = self._doubtful or any(phrase in folded for phrase in _DOUBTS)

    def see(self, found: list[Rational]) -> None:
        """Take in the numbers of a line."""
        self._used.update(found)
        self._results.update((value, True) for value in found if value in self._results)

    def take(self, found: list[Equation], sentence: str) -> None:
        """Take in the equations of one sentence; what one chain repeats flows once."""
        entered: set[Rational] = set()
        for equation in found:
            parts = operands(equation.expression)
            self._operands += len(parts)
            self._foreign += sum(value not in self._known for value, _, _ in parts)
            self._known |= variants(equation.result)
            self._results.setdefault(equation.result, False)
            self._last = equation.result
            self._inexact += equation.verdict == "right" and not equation.exact
            if self._flow.is_new(equation, parts) and equation.result not in entered:
                entered.add(equation.result)
                self._flow.take(equation, parts, sentence)

    def features(self) -> dict[str, float]:
        """What is odd about the numbers so far."""
        return {
            "numbers_unused": len(self._asked - self._used) / max(1, len(self._asked)),
            "numbers_from_nowhere": self._foreign / max(1, self._operands),
            "results_inexact": min(1.0, self._inexact / 2),
        }

    def final(self, text: str, *, steps: int, worded: bool) -> dict[str, float]:
        """What is odd about the final number of an answer that ends in `text`."""
        markers = list(_MARKER.finditer(text))
        found = list(NUMBER.finditer(text, markers[-1].end() if markers else 0))
        left_out = self._flow.left_out()
        if not found:
            missing = float(not has_number_word(text))
            return left_out | {"final_number_missing": missing, "final_unmarked": 1.0}
        last = found[0] if markers else found[-1]
        value, negative = value_of(last[0]), _negative(text[: last.start()])
        sign = "-" if negative else ""
        false = bool(self._bare) and holds(self._bare, sign + last[0]) is False
        inside = any(bottom != 1 for _, bottom in self._results)
        return {
            **left_out,
            **self._flow.final(value),
            **self._results_at(value),
            "steps_missing": float(worded and not steps),
            "final_fraction": float(value[1] != 1),
            "fraction_inside": float(inside),
            "final_underived": float(bool(steps) and value not in self._results),
            "final_number_no_count": float(self._count and (negative or value[1] != 1)),
            "final_unmarked": float(not markers),
            "result_false": float(false),
            "objections": float(self._doubtful),
        }

    def _results_at(self, value: Rational) -> dict[str, float]:
        if self._last is None:
            return {}
        unused = sum(not used for used in self._results.values())
        unused -= not self._results.get(value, True)
        return {
            "final_number_not_last": float(value != self._last),
            "results_unused": unused / len(self._results),
        }


def _negative(before: str) -> bool:
    """Whether a number behind `before` has a minus sign that is no operator or hyphen."""
    text = before.rstrip("$€£")
    return text.endswith(("-", "−")) and not text[-2:-1].isalnum() and text[-2:-1] != ")"
