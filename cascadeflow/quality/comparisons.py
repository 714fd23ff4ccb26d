"""Whether a solution turns a comparison round.

"Ann has 2 fewer than Bob": who computes Ann subtracts 2, who computes Bob adds 2. Which of the two
an equation computes is told by the last of their names (or of the words that only one side of the
comparison has) in front of it: "Ann has 25 + 2 = 27" is the wrong way round.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from .quantity import Quantity
from .rational import Rational

MOST_COMPARISONS = 8
REACH = 12
"""Words behind a quantity in which the comparison ends."""

_MULTIPLES = frozenset(("twice", "double", "triple", "thrice"))
_RISING = "more older taller longer greater higher heavier faster larger bigger"
_FALLING = "fewer less younger shorter lower lighter slower smaller"
_MORE = frozenset(_RISING.split())
_LESS = frozenset(_FALLING.split())
_MARKS = frozenset((",", ";", ".", "?", "!", "and", "but"))
_BEGINNINGS = frozenset((",", ";", "and", "but", "while", "that", "if"))
_WITHOUT_MEANING = (
    "the a an of to in on at for and or but is are was were has have had he she they it his her "
    "their its him them that this with as than by from be if how many much what who will would can "
    "does did do so each per every all there total number also only now then when which you we out "
    "up more less fewer times time twice half cost costs"
)
_EMPTY = frozenset(_WITHOUT_MEANING.split())
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_NAME = re.compile(r"[A-Z][a-z]+")
_QUOTED = re.compile(r"\b(?:than|as)\b[^,]*?(?:,|\bso\b|$)")
_INVERSE = {"+": "-", "-": "+", "*": "/", "/": "*"}

Operand = tuple[Rational, str, str]
"""A number of an expression, and the operators before and behind it."""


class Comparison(msgspec.Struct, frozen=True):
    """`one` is `number` more, fewer or times as many as `other`."""

    number: Rational
    operator: str
    """How `one` is computed from `other`."""
    one: frozenset[str]
    other: frozenset[str]
    """Words that only one of the two sides has."""

    def reversed_by(self, before: str, operands: Sequence[Operand]) -> bool | None:
        """Whether an expression behind the words `before` is the wrong way round.

        None if it does not compute this comparison, or does not say whom it computes.
        """
        used = next((op for op in map(self._used, operands) if op), "")
        if not used:
            return None
        words = map(stem, _WORD.findall(_QUOTED.sub(" , ", before.lower())))
        named = [word in self.one for word in words if word in self.one or word in self.other]
        if not named:
            return None
        return used != (self.operator if named[-1] else _INVERSE[self.operator])

    def _used(self, operand: Operand) -> str:
        """The operator that brings the number in; empty if it is another number or operation."""
        value, before, behind = operand
        operator = before or (behind if behind in ("+", "*") else "")
        if self.operator == "*" and value == self.number[::-1] and value != self.number:
            operator = _INVERSE.get(operator, "")
        elif value != self.number:
            return ""
        return operator if operator in (self.operator, _INVERSE[self.operator]) else ""


def comparisons(query: str, given: Sequence[Quantity]) -> Iterator[Comparison]:
    """The comparisons of a question whose number stands in it once."""
    names = frozenset(stem(name.lower()) for name in _NAME.findall(query))
    counts = Counter(quantity.value for quantity in given)
    for quantity in given:
        operator = _operator(quantity)
        one, other = _sides(quantity, operator)
        if one and other and quantity.kind != "percent" and counts[quantity.value] == 1:
            if one & names and other & names:
                one, other = one & names, other & names
            yield Comparison(quantity.value, operator, one, other)


def stem(word: str) -> str:
    """A word without the ending of a plural or a genitive."""
    word = word.removesuffix("'s").removesuffix("'")
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _operator(quantity: Quantity) -> str:
    words, behind = quantity.words, quantity.last + 1
    word, ahead = words[quantity.first], words[behind : behind + 3]
    if word in _MULTIPLES or ahead[:1] == ["times"] or (word == "half" and ahead[:1] == ["as"]):
        return "*"
    for near in ahead:
        if near in _MORE or near in _LESS:
            return "+" if near in _MORE else "-"
    return ""


def _sides(quantity: Quantity, operator: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words before and behind "than", or the second "as"; empty if there is none."""
    words = quantity.words
    reach = range(quantity.last + 1, min(quantity.last + 1 + REACH, len(words)))
    middles = [at for at in reach if operator == "*" and words[at] == "as"][:2]
    middles = middles or [at for at in reach if operator and words[at] == "than"][:1]
    if not middles:
        return frozenset(), frozenset()
    start, end = quantity.first, middles[-1] + 1
    while start > 0 and words[start - 1] not in _BEGINNINGS:
        start -= 1
    while end < len(words) and words[end] not in _MARKS:
        end += 1
    one = frozenset(map(stem, words[start : quantity.first])) - _EMPTY
    other = frozenset(map(stem, words[middles[-1] + 1 : end])) - _EMPTY
    return one - other, other - one
