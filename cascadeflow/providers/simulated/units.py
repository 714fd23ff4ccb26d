"""Unit conversion: lengths, masses, times and temperatures.

Factors are exact by definition (international yard and pound, 1959):
https://www.nist.gov/pml/owm/si-units . A slip uses the factor in the wrong direction.
"""

from __future__ import annotations

import random
import re
from fractions import Fraction

from .arithmetic import work
from .solution import NUMBER, Solution, numbers, show

_TABLE = """\
length 1000 kilometres kilometre kilometers kilometer km
length 1 metres metre meters meter m
length 0.01 centimetres centimetre centimeters cm
length 1609.344 miles mile
length 0.9144 yards yard
length 0.3048 feet foot ft
length 0.0254 inches inch
mass 1000 kilograms kilogram kilos kilo kg
mass 1 grams gram g
mass 453.59237 pounds pound lbs lb
time 604800 weeks week
time 86400 days day
time 3600 hours hour h
time 60 minutes minute min
time 1 seconds second s
temperature 1 celsius °c c
temperature 1 fahrenheit °f f
"""
UNITS = [
    (kind, Fraction(size), names) for kind, size, *names in map(str.split, _TABLE.splitlines())
]
"""What each unit measures, how many base units it is, and its spellings, the plural first."""

_BY_NAME = {name: unit for unit in UNITS for name in unit[2]}
_ANY = "|".join(sorted(_BY_NAME, key=len, reverse=True))
_QUANTITY = rf"({NUMBER})\s*(?:degrees\s+)?({_ANY})\b"
_FORWARD = re.compile(rf"{_QUANTITY}\s+(?:to|in|into)\s+(?:degrees\s+)?({_ANY})\b", re.I)
_BACKWARD = re.compile(rf"how many\s+({_ANY})\s+(?:are )?(?:there )?(?:in )?{_QUANTITY}", re.I)


def pose(rng: random.Random) -> str:
    """A conversion by a factor people use: weeks to seconds is no everyday question."""
    kind, size, names = rng.choice(UNITS)
    near = [u for u in UNITS if u[0] == kind and u[2] != names and 0.001 <= u[1] / size <= 1000]
    return f"Convert {rng.randint(2, 60)} {names[0]} to {rng.choice(near)[2][0]}."


def solve(text: str, rng: random.Random) -> Solution | None:
    """The conversion asked for in `text`; None: none, or between different measures."""
    if match := _FORWARD.search(text):
        amount, source, target = match.groups()
    elif match := _BACKWARD.search(text):
        target, amount, source = match.groups()
    else:
        return None
    start, end = _BY_NAME[source.lower()], _BY_NAME[target.lower()]
    if start[0] != end[0] or start is end:
        return None
    value = show(numbers(amount)[0])
    if start[0] == "temperature":
        sums = f"{value} * 1.8 + 32", f"({value} - 32) / 1.8"
        right, wrong = sums if end[2][0] == "fahrenheit" else sums[::-1]
        return work(right, rng, end[2][0], instead=wrong)
    # Divides where the factor is below one: `12 / 1000` reads better than `12 * 0.001`.
    small, large = sorted((start, end), key=lambda unit: unit[1])
    factor = show(large[1] / small[1])
    sums = f"{value} * {factor}", f"{value} / {factor}"
    right, wrong = sums if start is large else sums[::-1]
    lead = f"One {large[2][1]} is {factor} {small[2][0]}."
    return work(right, rng, end[2][0], lead=lead, instead=wrong)
