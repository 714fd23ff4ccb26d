"""Numbers of a text, in digits or words, each with all its readings.

"1,234" may be 1234 or 1.234, or a list of 1 and 234; "5 %" is 5 or 0.05; "2 million" is 2 or
2,000,000. A number counts as found if one reading fits. Signs are not read: "45 degrees south" may
become -45. Linear; at most 256 numbers are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from ..quantity import TENS, TO_NINETEEN
from .words import fold

MOST_NUMBERS = 256
MOST_TOKENS = 4_096
MOST_DIGITS = 24

_TOKEN = re.compile(r"\d[\d.,]*(?:e[+-]?\d{1,2}(?![^\W_]))?|[^\W\d_]+|%")
_GROUPED = re.compile(r"\d{1,3}(?:(?:,\d{3})+(?:\.\d*)?|(?:\.\d{3})+,\d*)$")
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_OTHER = (
    "zwei drei vier funf sechs sieben acht neun zehn",
    "deux trois quatre cinq six sept huit neuf dix",
    "dos tres cuatro cinco seis siete ocho nueve diez",
    "due tre quattro cinque sei sette otto nove dieci",
    "dois tres quatro cinco seis sete oito nove dez",
    "twee drie vier vijf zes zeven acht negen tien",
    "два три четыре пять шесть семь восемь девять десять",
)
_SINGLE = {
    "half": 0.5, "quarter": 0.25, "third": 3.0, "dozen": 12.0, "decade": 10.0, "decades": 10.0,
    "century": 100.0, "twice": 2.0, "double": 2.0, "couple": 2.0, "pair": 2.0, "triple": 3.0,
    "once": 1.0, "single": 1.0, "halb": 0.5, "dutzend": 12.0, "week": 7.0, "fortnight": 14.0,
}  # fmt: skip
_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mn": 1e6,
    "m": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tausend": 1e3,
    "millionen": 1e6, "milliarden": 1e9, "mille": 1e3, "mil": 1e3, "millones": 1e6, "万": 1e4,
    "percent": 0.01, "per": 1.0, "%": 0.01, "prozent": 0.01, "pourcent": 0.01, "procent": 0.01,
}  # fmt: skip


_COUNTED = (
    *((words, 2, 1.0) for words in reversed(_OTHER)), (f"zero one {TO_NINETEEN}", 0, 1.0),
    (TENS, 2, 10.0), (_ORDINALS, 1, 1.0),
)  # fmt: skip
"""Words, which number the first of them is, and times what. Later ones take precedence."""
_WORDED = {
    fold(word): times * value
    for words, first, times in _COUNTED
    for value, word in enumerate(words.split(), first)
} | _SINGLE


def readings(written: str) -> set[float]:
    """What a number in digits may mean; empty for one that is too long."""
    text = written.rstrip(".,")
    if len(text) > MOST_DIGITS:
        return set()
    if "e" in text:
        return {float(text)} if text.count(".") < 2 and "," not in text else set()
    forms = {text.replace(",", ""), text.replace(".", "").replace(",", ".")}
    forms.update(re.split("[.,]", text) if "," in text or text.count(".") > 1 else ())
    return {float(form) for form in forms if form and form.count(".") < 2}


def _written(token: str) -> list[str]:
    """The numbers of a token: one, or those of a list without spaces."""
    text = token.rstrip(".,")
    several = text.count(",") > 1 or ("," in text and "." in text)
    if not several or _GROUPED.match(text):
        return [token]
    return [part for part in text.split(",") if part]


def numbers(text: str, *, worded: bool = True) -> list[frozenset[float]]:
    """The numbers of `text` in order, each with its readings; `worded`: also those in words."""
    found: list[set[float]] = []
    tens: set[float] | None = None
    ends = 0
    for token in islice(_TOKEN.finditer(fold(text)), MOST_TOKENS):
        word = token[0]
        if word[0].isdecimal():
            found += [readings(part) for part in _written(word)]
            tens = None
        elif worded and word in _WORDED:
            tens = _add_word(found, _WORDED[word], tens)
        elif found and word in _SCALES and token.start() - ends <= 1:
            found[-1] |= {value * _SCALES[word] for value in found[-1]}
            tens = None
        else:
            tens = None
            continue
        ends = token.end()
        if len(found) == MOST_NUMBERS:
            break
    return [frozenset(values) for values in found if values]


def _add_word(found: list[set[float]], value: float, tens: set[float] | None) -> set[float] | None:
    """Take in a number word; units behind tens make one number with them."""
    if tens is not None and 0 < value < 10:
        tens.update({base + value for base in tens})
        return None
    found.append({value})
    return found[-1] if 20 <= value < 100 and value % 10 == 0 else None


def all_readings(found: Iterable[frozenset[float]]) -> frozenset[float]:
    """Every reading of every number."""
    return frozenset(value for values in found for value in values)
