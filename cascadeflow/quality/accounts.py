"""Whether a calculation makes use of everything that the query gives.

A solution that leaves out a quantity, or that has fewer operations than the query has quantities to
join, has missed a step. Quantities are numbers in digits and in words ("twice", "half"); they count
as used where they, their percentage, their hundredfold or their reciprocal stand in an equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from .equations import Equation, value_of
from .numerals import Quantity
from .quantity import NUMBER
from .rational import Rational, variants

MOST_NUMBERS = 64
MOST_OPERATIONS = 64
FEW_NUMBERS = 12.0
FEW_RELATIONS = 10.0
FEW_MISSING = 3.0

_RELATIONS = (
    "half", "third", "quarter", "percent", "%", "twice", "times as", "times more", "more than",
    "less than", "fewer than", "older", "younger", "average", "remaining", "left", "rest",
    "originally", "start with", "initially", "ratio", "hälfte", "prozent", "mal so", "mehr als",
    "weniger als", "übrig", "durchschnitt", "moitié", "pour cent", "fois plus", "de plus que",
    "de moins que", "reste", "moyenne", "mitad", "por ciento", "veces", "más que", "menos que",
    "queda", "promedio", "metà", "per cento", "volte", "più di", "meno di",
)  # fmt: skip


def values(text: str) -> list[Rational]:
    """The numbers in digits of a text, in order; at most 64."""
    return [value_of(found[0]) for found in islice(NUMBER.finditer(text), MOST_NUMBERS)]


class Accounts:
    """The quantities of one query, and those that the equations of an answer used."""

    __slots__ = ("_digits", "_expressions", "_operations", "_quantities", "_words", "query", "used")

    def __init__(self, query: str, given: Sequence[Quantity]) -> None:
        folded = query.lower()
        written = values(query)
        self._digits = frozenset(written)
        self._words = frozenset(each.value for each in given if each.value not in self._digits)
        self._quantities = len(given)
        self._expressions: set[str] = set()
        self._operations = 0
        self.used: set[Rational] = set()
        relations = sum(phrase in folded for phrase in _RELATIONS)
        self.query = {
            "query_numbers": min(1.0, self._quantities / FEW_NUMBERS),
            "relations": min(1.0, relations / FEW_RELATIONS),
        }
        """What the query alone tells of how hard the calculation is."""

    def enter(self, equation: Equation) -> bool:
        """Count in the operands of an equation; False if the same was written before."""
        written = equation.expression.replace(" ", "")
        if written in self._expressions:
            return False
        self._expressions.add(written)
        operands = values(equation.expression)
        self.used.update(operands)
        self._operations += max(0, len(operands) - 1)
        return True

    def final(self) -> dict[str, float]:
        """What the whole answer left out."""
        missed = [value for value in self._digits if not self._uses(value)]
        short = self._quantities - 1 - self._operations
        return {
            "numbers_uncomputed": len(missed) / max(1, len(self._digits)),
            "words_uncomputed": float(any(not self._uses(value) for value in self._words)),
            "operations_short": min(1.0, max(0, short) / FEW_MISSING),
        }

    def _uses(self, value: Rational) -> bool:
        top, bottom = value
        inverse = (bottom, top) in self.used if top else False
        return inverse or not variants(value).isdisjoint(self.used)
