"""Is an answer right, however it is worded?

The place where an answer states its result is found first: what follows the last "answer", "####"
or "prints"; else what is set in bold or boxed; else the whole text. Then the value there is
compared. Of several values the first counts after a cue, and the last in a whole text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from . import calendar_dates, numerals

T = TypeVar("T")

_CUE = re.compile(r"answer(?: is| would be)?\b:?|####|\bprints?\b:?|\boutput is\b:?", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*\*([^*\n]{1,200})\*\*|\\boxed\{([^{}\n]{1,200})\}")
_LONGEST = 20_000


def _places(text: str) -> tuple[str, str]:
    """The part of `text` that states the result, or "", and the whole text."""
    text = text[:_LONGEST]
    cues = list(_CUE.finditer(text))
    if cues:
        return text[cues[-1].end() :], text
    emphasised = _EMPHASIS.findall(text)
    return ("".join(emphasised[-1]) if emphasised else ""), text


def _stated(text: str, find: Callable[[str], list[T]]) -> T | None:
    """The value that `text` states as its result, among those `find` finds; None: none."""
    cued, whole = _places(text)
    line = cued.strip().partition("\n")[0]
    after_equals = find(line.rpartition("=")[2]) if "=" in line else []
    if after_equals or (after_equals := find(cued)):
        return after_equals[0]
    anywhere = find(whole)
    return anywhere[-1] if anywhere else None


@dataclass(frozen=True, slots=True)
class Number:
    """Accepts a text whose result is `value`, within a relative `tolerance`."""

    value: Fraction
    tolerance: float = 0.0

    def __call__(self, text: str) -> bool:
        """True if `text` states it."""
        stated = _stated(text, numerals.numbers)
        return stated is not None and abs(stated - self.value) <= self.tolerance * abs(self.value)


@dataclass(frozen=True, slots=True)
class Choice:
    """Accepts a text whose result is `value` and not another of `choices` (single words)."""

    value: str
    choices: tuple[str, ...]

    def __call__(self, text: str) -> bool:
        """True if `text` states it."""
        pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, self.choices))})\b", re.IGNORECASE)
        stated: str | None = _stated(text, pattern.findall)
        return stated is not None and stated.lower() == self.value.lower()


@dataclass(frozen=True, slots=True)
class Exact:
    """Accepts a text that holds `value` as whole words where it states its result."""

    value: str
    cased: bool = False

    def __call__(self, text: str) -> bool:
        """True if `text` states it."""
        cued, whole = _places(text)
        pattern = r"\s+".join(map(re.escape, self.value.split()))
        flags = 0 if self.cased else re.IGNORECASE
        return re.search(rf"(?<!\w){pattern}(?!\w)", cued or whole, flags) is not None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Accepts a text that ends with exactly these numbers, in this order."""

    values: tuple[Fraction, ...]

    def __call__(self, text: str) -> bool:
        """True if `text` states it."""
        cued, whole = _places(text)
        found = numerals.items(cued)
        if found:
            return tuple(found) == self.values
        return tuple(numerals.items(whole)[-len(self.values) :]) == self.values


@dataclass(frozen=True, slots=True)
class Day:
    """Accepts a text whose result is this date, in any usual notation."""

    value: dt.date

    def __call__(self, text: str) -> bool:
        """True if `text` states it."""
        return _stated(text, calendar_dates.find) == self.value
