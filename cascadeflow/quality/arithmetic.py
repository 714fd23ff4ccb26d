"""Checks of an answer to a calculation, line by line.

The strongest sign that such an answer is wrong is an equation that does not hold. Then: a final
number that is missing, that is not the last result, or that cannot be a count; results that are
computed and never used; numbers that come from nowhere; numbers of the query that are left out.
All linear, with caps on the characters, equations and numbers that are read.
"""

from __future__ import annotations

import re

from .accounts import Accounts, values
from .chain import Chain
from .equations import Equation, equations, holds, value_of
from .flow import Flow
from .numerals import quantities
from .quantity import NUMBER, asks_for_a_count, asks_for_a_number, bare_expression, has_number_word
from .rational import Rational, variants
from .wording import wording

MOST_EQUATIONS = 32
MOST_SIGNS = 48
"""Signs of equality after which no more are looked at, understood or not."""
LEAST_LINE = 3
READ_CHARS = 8_192
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
    """Equations and numbers of one answer to a calculation."""

    __slots__ = (
        "_accounts", "_asked", "_bare", "_count", "_doubts", "_flow", "_foreign", "_inexact",
        "_known", "_last", "_left", "_open", "_operands", "_query", "_results", "_signs", "_used",
        "right", "unsure", "wanted", "wrong",
    )  # fmt: skip

    def __init__(self, query: str, *, choice: bool = False) -> None:
        """`choice`: the answer is an option, not a number; only equations are checked."""
        self.wanted = not choice and asks_for_a_number(query)
        """Whether the query is a calculation, not a choice or a question with numbers in it."""
        given = quantities(query) if self.wanted else []
        self._accounts = Accounts(query if self.wanted else "", given)
        self._flow = Flow(query, given)
        self._query = self._accounts.query | wording(query, given)
        self._bare = bare_expression(query)
        self._count = asks_for_a_count(query)
        self._asked = frozenset(values(query))
        self._known: set[Rational] = {(number, 1) for number in _COMMON}
        self._known.update(_COMMON_PARTS, *(variants(each.value) for each in given))
        self._known.update(*map(variants, self._asked))
        self._results: dict[Rational, bool] = {}
        self._used: set[Rational] = set()
        self._open = Chain()
        self._last: Rational | None = None
        self._left = READ_CHARS
        self._doubts = self._foreign = self._inexact = self._operands = self._signs = 0
        self.right = self.wrong = self.unsure = 0

    def take(self, piece: str) -> None:
        """Read the next piece."""
        if self._left <= 0:
            return
        self._left -= len(piece)
        if self.wanted:
            folded = piece.lower()
            self._doubts += any(phrase in folded for phrase in _DOUBTS)
        for line in piece.splitlines():
            self._take_line(line)

    def _take_line(self, line: str) -> None:
        found = values(line) if len(line) >= LEAST_LINE else []
        if not found:
            self._open.skip(line)
            return
        self._used.update(found)
        self._results.update((value, True) for value in found if value in self._results)
        signs = line.count("=") + line.count("≈")
        if signs and self._signs < MOST_SIGNS:
            self._signs += signs
            for sentence in _SENTENCE.split(self._open.join(line)):
                self._take_sentence(sentence)

    def _take_sentence(self, sentence: str) -> None:
        """The equations of one sentence; what one chain repeats is entered in the books once."""
        entered: set[Rational] = set()
        for equation in equations(sentence, MOST_EQUATIONS - self.steps):
            self._take_equation(equation)
            if self._accounts.enter(equation) and equation.result not in entered:
                entered.add(equation.result)
                self._flow.take(equation, sentence)

    def _take_equation(self, equation: Equation) -> None:
        operands = values(equation.expression)
        self._operands += len(operands)
        self._foreign += sum(value not in self._known for value in operands)
        self._known |= variants(equation.result)
        self._results.setdefault(equation.result, False)
        self._last = equation.result
        self._inexact += equation.verdict == "right" and not equation.exact
        self.right += equation.verdict == "right"
        self.wrong += equation.verdict == "wrong"
        self.unsure += equation.verdict == "unsure"

    @property
    def steps(self) -> int:
        """Equations that were understood."""
        return self.right + self.wrong + self.unsure

    def features(self) -> dict[str, float]:
        """What the query asks for, and what the equations read so far amount to."""
        return (self._query if self.wanted else {}) | self._equations()

    def _equations(self) -> dict[str, float]:
        if not self.steps:
            return {}
        each = 0.7 if self.right else 1.0
        wrong = {"equations_wrong": min(1.0, each * self.wrong + 0.3 * self.unsure)}
        if not self.wanted:
            return wrong
        return wrong | {
            "equations_right": self.right / self.steps,
            "numbers_unused": len(self._asked - self._used) / max(1, len(self._asked)),
            "numbers_from_nowhere": self._foreign / max(1, self._operands),
            "steps": min(1.0, self.steps / 10),
            "results_inexact": min(1.0, self._inexact / 2),
        }

    def final(self, tail: str, *, worded: bool) -> dict[str, float]:
        """What is odd about the final number of an answer that ends in `tail`.

        `worded` says that the query is long enough to need written steps.
        """
        if not self.wanted:
            return {}
        text = tail[-TAIL_CHARS:]
        markers = list(_MARKER.finditer(text))
        found = list(NUMBER.finditer(text, markers[-1].end() if markers else 0))
        if not found:
            missing = {"final_number_missing": float(not has_number_word(text))}
            return missing | self._accounts.final() | {"final_unmarked": 1.0}
        last = found[0] if markers else found[-1]
        odd = self._final(last[0], negative=_negative(text[: last.start()]), worded=worded)
        odd |= self._accounts.final() | self._flow.final(value_of(last[0]))
        return odd | {
            "final_unmarked": float(not markers),
            "objections": float(self._doubts > 0),
        }

    def _final(self, written: str, *, negative: bool, worded: bool) -> dict[str, float]:
        value = value_of(written)
        odd = {"steps_missing": float(worded and not self.steps)}
        odd["final_fraction"] = float(value[1] != 1)
        odd["fraction_inside"] = float(any(bottom != 1 for _, bottom in self._results))
        odd["final_underived"] = float(bool(self.steps) and value not in self._results)
        odd["final_number_no_count"] = float(self._count and (negative or value[1] != 1))
        if self._bare:
            sign = "-" if negative else ""
            odd["result_false"] = float(holds(self._bare, sign + written) is False)
        if self._last is not None:
            odd["final_number_not_last"] = float(value != self._last)
            unused = sum(not used for used in self._results.values())
            odd["results_unused"] = (unused - (not self._results.get(value, True))) / len(
                self._results
            )
        return odd


def _negative(before: str) -> bool:
    """Whether a number behind `before` has a minus sign that is no operator or hyphen."""
    text = before.rstrip("$€£")
    return text.endswith(("-", "−")) and not text[-2:-1].isalnum() and text[-2:-1] != ")"
