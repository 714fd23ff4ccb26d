"""Numbers as people write them, and how a hurried reader gets them wrong."""

from __future__ import annotations

import random
import re
from fractions import Fraction

NUMBER = r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
"""Pattern of one number: a sign, thousands commas and decimals are optional."""

_NUMBER = re.compile(NUMBER)
_PLAIN = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")


def parse(text: str) -> Fraction:
    """The value of a text that `NUMBER` matches.

    Raises:
        ValueError: if it is not such a text.
    """
    return Fraction(text.replace(",", ""))


def numbers(text: str) -> list[Fraction]:
    """The numbers in a sentence, in order; `1,234` is one number."""
    return [parse(found) for found in _NUMBER.findall(text)]


def items(text: str) -> list[Fraction]:
    """The numbers of a list, in order; `1,234` is two numbers."""
    return [Fraction(found) for found in _PLAIN.findall(text)]


def show(value: Fraction, places: int = 4) -> str:
    """`value` in plain decimals, rounded to `places`, without trailing zeros."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.{places}f}".rstrip("0").rstrip(".")


def is_shown_exactly(value: Fraction, places: int = 4) -> bool:
    """True if `show(value, places)` loses nothing."""
    return Fraction(show(value, places)) == value


def misread(value: Fraction, rng: random.Random) -> Fraction:
    """Another number that is easily taken for `value`: swapped digits, one digit off, one more."""
    digits = show(abs(value))
    swapped = digits[1] + digits[0] + digits[2:] if digits[:2].isdigit() and len(digits) > 1 else ""
    choices = [value + 1, value - 1 if value > 1 else value + 2]
    if swapped and swapped != digits and swapped[0] != "0":
        choices.append(Fraction(swapped))
    if value >= 20:
        choices.extend((value + 10, value - 10))
    return rng.choice(choices)
