"""Whether a calculation makes use of everything that the query gives.

A solution that leaves out a quantity, or that has fewer operations than the query has quantities to
join, has missed a step. Quantities are numbers in digits and in words ("twice", "half"); they count
as used where they, their percentage, their hundredfold or their reciprocal stand in an equation.
"""

from __future__ import annotations

import re
from itertools import islice

from .equations import Equation, value_of
from .quantity import NUMBER
from .rational import Rational, variants

MOST_NUMBERS = 64
MOST_WORDS = 1_024
MOST_OPERATIONS = 64
FEW_NUMBERS = 12.0
FEW_RELATIONS = 10.0
FEW_MISSING = 3.0

_WORD = re.compile(r"[^\W\d_]+")
_WORDED: dict[str, Rational] = {
    "two": (2, 1), "three": (3, 1), "four": (4, 1), "five": (5, 1), "six": (6, 1),
    "seven": (7, 1), "eight": (8, 1), "nine": (9, 1), "ten": (10, 1), "twelve": (12, 1),
    "dozen": (12, 1), "twenty": (20, 1), "twice": (2, 1), "double": (2, 1), "triple": (3, 1),
    "half": (1, 2), "third": (1, 3), "quarter": (1, 4), "fifth": (1, 5),
    "zwei": (2, 1), "drei": (3, 1), "vier": (4, 1), "doppelt": (2, 1), "hälfte": (1, 2),
    "deux": (2, 1), "trois": (3, 1), "quatre": (4, 1), "moitié": (1, 2), "dos": (2, 1),
    "tres": (3, 1), "cuatro": (4, 1), "doble": (2, 1), "mitad": (1, 2), "due": (2, 1),
    "tre": (3, 1), "quattro": (4, 1), "doppio": (2, 1), "metà": (1, 2),
}  # fmt: skip
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

    def __init__(self, query: str) -> None:
        found = values(query)
        words = (word[0].lower() for word in islice(_WORD.finditer(query), MOST_WORDS))
        worded = [_WORDED[word] for word in words if word in _WORDED]
        folded = query.lower()
        self._digits = frozenset(found)
        self._words = frozenset(worded)
        self._quantities = len(found) + len(worded)
        self._expressions: set[str] = set()
        self._operations = 0
        self.used: set[Rational] = set()
        relations = sum(phrase in folded for phrase in _RELATIONS)
        self.query = {
            "query_numbers": min(1.0, self._quantities / FEW_NUMBERS),
            "relations": min(1.0, relations / FEW_RELATIONS),
        }
        """What the query alone tells of how hard the calculation is."""

    def take(self, equation: Equation) -> None:
        """Count in the operands of an equation; one that is written twice counts once."""
        written = equation.expression.replace(" ", "")
        if written in self._expressions:
            return
        self._expressions.add(written)
        operands = values(equation.expression)
        self.used.update(operands)
        self._operations += max(0, len(operands) - 1)

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
