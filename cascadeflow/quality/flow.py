"""How the quantities of a question run through the equations of a solution.

Every quantity of the question and every result comes in once and should be used once. Quantities
that no equation uses, fewer operations than there are quantities to join, a result that no later
equation uses, a quantity that the same operation takes in again and again: each is how a wrong
solution looks whose equations all hold.

A number counts as used where it, that per cent or its reciprocal is an operand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from .equations import Equation, holds
from .quantity import asks_for_a_count, bare_expression, has_number_word, quantities, wording
from .rational import NUMBER, Rational, ratio, value_of, values

FEW_RELATIONS = 10.0
FEW_MISSING = 3.0
MANY = 3
"""Quantities that one does not join without written steps."""
Operand: TypeAlias = tuple[Rational, str]
"""A number of an expression, and the operator before it."""
TRIVIAL: tuple[Rational, ...] = ((1, 1), (2, 1))

_DOUBTS = (
    "however", "actually", "note that", "assum", "not possible", "impossible", "cannot", "can't",
    "no solution", "contradict", "not enough information", "make sense", "allerdings", "jedoch",
    "unmöglich", "cependant", "sin embargo", "imposible", "tuttavia",
)  # fmt: skip
"""Words of a solution that runs into an obstacle."""
_RELATIONS = (
    "half", "third", "quarter", "percent", "%", "twice", "times as", "times more", "more than",
    "less than", "fewer than", "older", "younger", "average", "remaining", "left", "rest",
    "originally", "start with", "initially", "ratio", "hälfte", "prozent", "mal so", "mehr als",
    "weniger als", "übrig", "durchschnitt", "moitié", "pour cent", "fois plus", "de plus que",
    "de moins que", "reste", "moyenne", "mitad", "por ciento", "veces", "más que", "menos que",
    "queda", "promedio", "metà", "per cento", "volte", "più di", "meno di",
)  # fmt: skip
_MARKER = re.compile(r"####|\\boxed|answer", re.IGNORECASE)
_MINUS = re.compile(r"(?<![^\W_])(?<!\))[-−][$€£]*\Z")
"""Before a number: a sign that is no operator and no hyphen."""
_PART = re.compile(r"\d[\d.,]*|[-+*/^]")


class Solution:
    """The numbers of one answer to a calculation: given, computed, used, and the final one."""

    def __init__(self, query: str) -> None:
        given, folded = quantities(query), query.lower()
        relations = sum(phrase in folded for phrase in _RELATIONS)
        self.query = {"relations": min(1.0, relations / FEW_RELATIONS), **wording(query)}
        """What the query alone tells of how hard the calculation is."""
        self._bare = bare_expression(query)
        self._count = asks_for_a_count(query)
        self._given = Counter(given)
        self._digits = frozenset(values(query))
        self._short = len(given) - 1
        self._seen: set[Rational] = set()
        self._results: dict[Rational, bool] = {}
        """Whether each was seen again."""
        self._last: Rational | None = None
        self._expressions: set[str] = set()
        self._operands: set[Rational] = set()
        self._computed: Counter[Rational] = Counter()
        self._used: Counter[Rational] = Counter()
        self._repeated: Counter[tuple[Rational, str]] = Counter()
        self._doubtful = False

    def doubt(self, piece: str) -> None:
        """Look in a piece for words of an obstacle."""
        folded = piece.lower()
        self._doubtful = self._doubtful or any(phrase in folded for phrase in _DOUBTS)

    def see(self, found: list[Rational]) -> None:
        """Take in the numbers of a line."""
        self._seen.update(found)
        self._results.update((value, True) for value in found if value in self._results)

    def take(self, found: list[Equation]) -> None:
        """Take in the equations of one sentence; what one chain repeats flows once."""
        entered: set[Rational] = set()
        for equation in found:
            parts = operands(equation.expression)
            self._results.setdefault(equation.result, False)
            self._last = equation.result
            written = equation.expression.replace(" ", "")
            if written not in self._expressions:
                self._expressions.add(written)
                self._operands.update(value for value, _ in parts)
                self._short -= max(0, len(parts) - 1)
                if equation.result not in entered:
                    entered.add(equation.result)
                    self._enter(equation.result, parts)

    def _enter(self, result: Rational, parts: Sequence[Operand]) -> None:
        """Let the operands of a new equation flow into its result."""
        for value, before in parts:
            self._used[value] += 1
            if before in ("-", "*") and self._given[value] == 1 and value not in TRIVIAL:
                self._repeated[value, before] += 1
        self._computed[result] += 1

    def features(self) -> dict[str, float]:
        """What is odd about the numbers so far."""
        return {"numbers_unused": len(self._digits - self._seen) / max(1, len(self._digits))}

    def final(self, text: str, *, steps: int, brief: bool) -> dict[str, float]:
        """What is odd about the final number of an answer that ends in `text`."""
        last = _final(text)
        if last is None:
            missing = float(not has_number_word(text))
            return self.left_out() | {"final_number_missing": missing}
        value, negative = value_of(last[0]), bool(_MINUS.search(text, 0, last.start()))
        written = f"-{last[0]}" if negative else last[0]
        return {
            **self.left_out(),
            **self._flowed(value),
            "steps_missing": float(not steps and not brief and self._given.total() >= MANY),
            "final_fraction": float(value[1] != 1),
            "final_number_no_count": float(self._count and (negative or value[1] != 1)),
            "result_false": float(bool(self._bare) and holds(self._bare, written) is False),
            "objections": float(self._doubtful),
        }

    def left_out(self) -> dict[str, float]:
        """What the whole answer left out."""
        missed = sum(not self._uses(value) for value in self._digits)
        return {
            "numbers_uncomputed": missed / max(1, len(self._digits)),
            "operations_short": min(1.0, max(0, self._short) / FEW_MISSING),
        }

    def _uses(self, value: Rational) -> bool:
        """Whether a number is an operand: itself, its reciprocal, as a percentage or its rest."""
        top, whole = value[0], 100 * value[1]
        percentages = (ratio(part, whole) for part in (top, whole - top, whole + top))
        return not {value, value[::-1], *percentages}.isdisjoint(self._operands)

    def _flowed(self, value: Rational) -> dict[str, float]:
        """What is odd about how the numbers came to the final `value`."""
        over = self._given + self._computed - self._used
        loose = sum(result in over for result in self._computed if result != value)
        odd = {
            "results_loose": min(1.0, loose / 2),
            "operand_repeated": min(1.0, max(0, max(self._repeated.values(), default=0) - 1) / 2),
        }
        if self._last is not None:
            unused = sum(not seen for seen in self._results.values())
            unused -= not self._results.get(value, True)
            odd["final_number_not_last"] = float(value != self._last)
            odd["results_unused"] = unused / len(self._results)
        return odd


def _final(text: str) -> re.Match[str] | None:
    """The number that a text gives as its answer: the last one, unless one stands behind a marker.

    "The answer is 3 * 4 = 12, I hope this answer helps": 12.
    """
    for marker in reversed(list(_MARKER.finditer(text))):
        if first := NUMBER.search(text, marker.end()):
            line = text.find("\n", first.end())
            sign = text.rfind("=", first.end(), line if line >= 0 else len(text))
            return (NUMBER.search(text, sign) if sign >= 0 else None) or first
    return next(reversed(list(NUMBER.finditer(text))), None)


def operands(expression: str) -> list[Operand]:
    """The numbers of an expression, each with the operator before it."""
    parts = ["", *_PART.findall(expression)]
    return [(value_of(part), before) for before, part in pairwise(parts) if part[0].isdecimal()]
