"""The quantities that a question gives: numbers in digits and in words, fractions, percentages.

"forty-two eggs, 20% off, two-thirds of 1,500, twice"  ->  42, 20 %, 2/3, 1500, 2
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from .rational import Rational, number, ratio

Kind: TypeAlias = Literal["number", "word", "fraction", "percent"]

MOST_WORDS = 1_024
MOST_QUANTITIES = 64

_TOKEN = re.compile(r"\d[\d,]*/\d+|\d[\d.,]*%?|\.\d+|[^\W\d_]+(?:'[^\W\d_]+)?|[.!?;,:]")
_BREAK = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_TO_NINETEEN = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDED: dict[str, Rational] = {
    **{word: (value, 1) for value, word in enumerate(_TO_NINETEEN.split(), 2)},
    **{word: (10 * value, 1) for value, word in enumerate(_TENS.split(), 2)},
    "dozen": (12, 1), "hundred": (100, 1), "twice": (2, 1), "double": (2, 1), "doubles": (2, 1),
    "doubled": (2, 1), "triple": (3, 1), "tripled": (3, 1), "thrice": (3, 1), "half": (1, 2),
    "zwei": (2, 1), "drei": (3, 1), "vier": (4, 1), "doppelt": (2, 1), "hälfte": (1, 2),
    "deux": (2, 1), "trois": (3, 1), "quatre": (4, 1), "moitié": (1, 2), "dos": (2, 1),
    "tres": (3, 1), "cuatro": (4, 1), "doble": (2, 1), "mitad": (1, 2), "due": (2, 1),
    "tre": (3, 1), "quattro": (4, 1), "doppio": (2, 1), "metà": (1, 2),
}  # fmt: skip
_HALVES = frozenset(("half", "hälfte", "moitié", "mitad", "metà"))
_PARTS = {
    "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "tenth": 10,
}  # fmt: skip
_ARTICLES = frozenset(("a", "the", "of", "one", "another"))
_PERCENT = frozenset(("percent", "prozent", "%"))


class Quantity(msgspec.Struct, frozen=True):
    """One quantity, and where it stands."""

    value: Rational
    kind: Kind
    words: list[str]
    """The lower-cased words and marks of its sentence."""
    first: int
    last: int
    """Which of them are the quantity."""


def sentences(text: str) -> list[str]:
    """The sentences of a text; a point within a number ends none."""
    return [found for found in _BREAK.split(text) if found.strip()]


def quantities(query: str) -> list[Quantity]:
    """The quantities of a question, in order; at most 64."""
    found: list[Quantity] = []
    words = 0
    for sentence in sentences(query):
        tokens = _TOKEN.findall(sentence.lower().replace("-", " "))
        words += len(tokens)
        if words > MOST_WORDS or len(found) >= MOST_QUANTITIES:
            break
        found += _of(tokens)
    return found[:MOST_QUANTITIES]


def _of(tokens: list[str]) -> Iterator[Quantity]:
    at = 0
    while at < len(tokens):
        ahead = tokens[at + 1] if at + 1 < len(tokens) else ""
        read = _digits(tokens[at], ahead) or _worded(tokens, at, ahead)
        if read:
            value, kind, last = read
            yield Quantity(value, kind, tokens, at, at + last)
        at += 1 + (read[2] if read else 0)


def _digits(token: str, ahead: str) -> tuple[Rational, Kind, int] | None:
    if not (token[0].isdecimal() or (token[0] == "." and len(token) > 1)):
        return None
    top, _, bottom = token.rstrip("%").partition("/")
    try:
        value = number(top, comma=False)[0]
        if bottom:
            return ratio(value[0], value[1] * int(bottom[:9])), "fraction", 0
    except ValueError:
        return None
    if token.endswith("%") or ahead in _PERCENT:
        return value, "percent", 0
    return value, "number", 0


def _worded(tokens: list[str], at: int, ahead: str) -> tuple[Rational, Kind, int] | None:
    word = tokens[at]
    part = _PARTS.get(word.removesuffix("s"))
    if part:
        given = at > 0 and tokens[at - 1] in _ARTICLES and word != "quarters"
        return ((1, part), "fraction", 0) if given else None
    value = _WORDED.get(word)
    if value is None:
        return None
    part = _PARTS.get(ahead.removesuffix("s"))
    if part and word not in _HALVES:
        return ratio(value[0], part), "fraction", 1
    unit = _WORDED.get(ahead, (0, 1))[0]
    if value[0] in range(20, 91, 10) and 0 < unit < 10 and ahead in _TO_NINETEEN:
        return (value[0] + unit, 1), "word", 1
    return value, "fraction" if word in _HALVES else "word", 0
