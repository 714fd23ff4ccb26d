"""What understanding a question yields: the right working, plausible wrong ones, and a check.

A check looks first where an answer states its result: behind the last "answer" or "####".
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

NUMBER = r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
"""Pattern of one number: a sign, thousands commas and decimals are optional."""
TOLERANCE = 1e-3
"""Relative error of a number that is still right."""

_CUE = re.compile(r"answer(?: is| would be)?\b:?|####", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Working:
    """One way to answer: the lines of thought and the answer they end in."""

    answer: str
    lines: tuple[str, ...] = ()
    doubtful: str = ""
    """Text in `lines` on which the answer hangs too: the result of the step that went wrong."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A question understood; its answer may be followed by a `unit`."""

    right: Working
    accepts: Callable[[str], bool]
    """True for a text that states the right answer, in whatever words."""
    slips: Sequence[Working]
    """What a weaker model may answer instead."""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """Accepts a text whose result is the number `value`."""

    value: str

    def __call__(self, text: str) -> bool:
        """True if `text` states it; of several results the first behind a cue, else the last."""
        cued = _cued(text).strip()
        stated = numbers(cued.partition("\n")[0].rpartition("=")[2]) or numbers(cued)
        stated = stated[:1] or numbers(text)[-1:]
        value = Fraction(self.value)
        return bool(stated) and abs(stated[0] - value) <= TOLERANCE * abs(value)


@dataclass(frozen=True, slots=True)
class Words:
    """Accepts a text that holds `value` as whole words where it states its result."""

    value: str

    def __call__(self, text: str) -> bool:
        """True if `text` states it."""
        pattern = rf"(?<!\w){re.escape(self.value)}(?!\w)"
        return re.search(pattern, _cued(text) or text, re.IGNORECASE) is not None


def _cued(text: str) -> str:
    """What follows the last cue; nothing without one."""
    return "".join(_CUE.split(text)[1:][-1:])


def numbers(text: str) -> list[Fraction]:
    """The numbers in `text`, in order."""
    return [Fraction(found.replace(",", "")) for found in re.findall(NUMBER, text)]


def show(value: Fraction, places: int = 9) -> str:
    """`value` in plain decimals, rounded to `places`, without trailing zeros."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.{places}f}".rstrip("0").rstrip(".")


def misread(value: Fraction, rng: random.Random) -> Fraction:
    """Another number that is easily taken for `value`: one or ten off, or swapped digits."""
    choices = [value + 1, value - 1 if value > 1 else value + 2]
    if value >= 20:
        digits = show(value)
        choices += [value + 10, value - 10, Fraction(digits[1] + digits[0] + digits[2:])]
    return rng.choice([choice for choice in choices if choice != value])
