"""Unit conversion: lengths, masses, volumes, times and temperatures, with exact factors.

Factors are exact by definition (international yard and pound, 1959; US liquid gallon):
https://www.nist.gov/pml/owm/si-units
Slips: the factor used in the wrong direction, a wrong factor, a miscalculated product.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from fractions import Fraction

from . import check, numerals
from .solution import Solution, Working, solution

PLACES = 4
"""Decimals of a converted value."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its plural, what it measures and how many base units it is."""

    plural: str
    measures: str
    size: Fraction
    spellings: tuple[str, ...]


def _unit(measures: str, size: str, *spellings: str) -> Unit:
    return Unit(spellings[0], measures, Fraction(size), spellings)


UNITS = (
    _unit("length", "1000", "kilometres", "kilometre", "kilometers", "kilometer", "km"),
    _unit("length", "1", "metres", "metre", "meters", "meter", "m"),
    _unit("length", "1/100", "centimetres", "centimetre", "centimeters", "centimeter", "cm"),
    _unit("length", "1/1000", "millimetres", "millimetre", "millimeters", "millimeter", "mm"),
    _unit("length", "1609.344", "miles", "mile", "mi"),
    _unit("length", "0.9144", "yards", "yard", "yd"),
    _unit("length", "0.3048", "feet", "foot", "ft"),
    _unit("length", "0.0254", "inches", "inch"),
    _unit("mass", "1000", "kilograms", "kilogram", "kilos", "kilo", "kg"),
    _unit("mass", "1", "grams", "gram", "g"),
    _unit("mass", "453.59237", "pounds", "pound", "lbs", "lb"),
    _unit("mass", "28.349523125", "ounces", "ounce", "oz"),
    _unit("volume", "1", "litres", "litre", "liters", "liter", "l"),
    _unit("volume", "1/1000", "millilitres", "millilitre", "milliliters", "milliliter", "ml"),
    _unit("volume", "3.785411784", "gallons", "gallon", "gal"),
    _unit("time", "604800", "weeks", "week"),
    _unit("time", "86400", "days", "day"),
    _unit("time", "3600", "hours", "hour", "h"),
    _unit("time", "60", "minutes", "minute", "min"),
    _unit("time", "1", "seconds", "second", "s"),
)
CELSIUS = Unit("degrees Celsius", "temperature", Fraction(1), ("celsius", "°c", "c"))
FAHRENHEIT = Unit("degrees Fahrenheit", "temperature", Fraction(5, 9), ("fahrenheit", "°f", "f"))

_BY_SPELLING = {
    spelling: unit for unit in (*UNITS, CELSIUS, FAHRENHEIT) for spelling in unit.spellings
}
_ANY = "|".join(sorted(map(re.escape, _BY_SPELLING), key=len, reverse=True))
_QUANTITY = rf"({numerals.NUMBER})\s*(?:degrees\s+)?({_ANY})\b"
_FORWARD = re.compile(
    rf"(?:convert|what is|what's|how much is|express)\s+{_QUANTITY}\s+(?:to|in|into|as)\s+"
    rf"(?:degrees\s+)?({_ANY})\b",
    re.IGNORECASE,
)
_BACKWARD = re.compile(
    rf"how many\s+({_ANY})\s+(?:are|is|make)?\s*(?:there\s+)?(?:in\s+)?{_QUANTITY}", re.IGNORECASE
)


def pose(rng: random.Random) -> str:
    """A conversion between two units of the same measure, or of a temperature."""
    if rng.random() < 0.15:
        source, target = rng.sample((CELSIUS, FAHRENHEIT), 2)
        return f"Convert {rng.randint(5, 95)} {source.plural} to {target.plural}."
    source = rng.choice(UNITS)
    target = rng.choice([unit for unit in UNITS if _is_near(unit, source)])
    amount = rng.randint(2, 60)
    if rng.random() < 0.5:
        return f"Convert {amount} {source.plural} to {target.plural}."
    return f"How many {target.plural} are there in {amount} {source.plural}?"


def solve(text: str, rng: random.Random) -> Solution | None:
    """The conversion asked for in `text`; None: none, or between different measures."""
    if match := _FORWARD.search(text):
        amount, source, target = match.groups()
    elif match := _BACKWARD.search(text):
        target, amount, source = match.groups()
    else:
        return None
    start, end = _BY_SPELLING[source.lower()], _BY_SPELLING[target.lower()]
    if start.measures != end.measures:
        return None
    value = numerals.parse(amount)
    if start.measures == "temperature":
        return _temperature(value, start, end)
    return _scaled(value, start, end, rng)


def _is_near(unit: Unit, source: Unit) -> bool:
    """The same measure, and a factor people use: weeks to seconds is no everyday question."""
    ratio = unit.size / source.size
    return unit.measures == source.measures and ratio != 1 and Fraction(1, 1000) <= ratio <= 1000


def _scaled(amount: Fraction, start: Unit, end: Unit, rng: random.Random) -> Solution:
    factor = start.size / end.size
    right = _working(amount, start, end, factor)
    wrong_factor = factor * rng.choice((Fraction(9, 10), Fraction(10), Fraction(1, 10)))
    value = amount * factor
    off = numerals.misread(value, rng)
    slips = [
        _working(amount, start, end, 1 / factor),
        _working(amount, start, end, wrong_factor),
        _result(amount, start, end, factor, off),
    ]
    return solution("units", right, check.Number(value, 0.005), slips, end.plural)


def _working(amount: Fraction, start: Unit, end: Unit, factor: Fraction) -> Working:
    return _result(amount, start, end, factor, amount * factor)


def _result(amount: Fraction, start: Unit, end: Unit, factor: Fraction, value: Fraction) -> Working:
    """Divides where the factor is below one: `12 / 1000` reads better than `12 * 0.001`."""
    op, number = ("*", factor) if factor >= 1 else ("/", 1 / factor)
    single, many = (start, end) if factor >= 1 else (end, start)
    exact = numerals.is_shown_exactly(number, 9) and numerals.is_shown_exactly(value, PLACES)
    factor_text = numerals.show(number, 9)
    result = numerals.show(value, PLACES) if abs(value) >= 1 else numerals.show(value, 9)
    lines = (
        f"One {single.spellings[1]} is {factor_text} {many.plural}.",
        f"So {numerals.show(amount)} {op} {factor_text} {'=' if exact else 'is about'} {result}.",
    )
    return Working(result, lines, (factor_text,))


def _temperature(value: Fraction, start: Unit, end: Unit) -> Solution:
    def working(factor: Fraction, shift: int) -> Working:
        if end is FAHRENHEIT:
            result = value * factor + shift
            sum_ = f"{numerals.show(value)} * {numerals.show(factor)} + {shift}"
        else:
            result = (value - shift) / factor
            sum_ = f"({numerals.show(value)} - {shift}) / {numerals.show(factor)}"
        equals = "=" if numerals.is_shown_exactly(result, PLACES) else "is about"
        shown = numerals.show(result, PLACES)
        return Working(shown, (f"By the formula, {sum_} {equals} {shown}.",))

    right = working(Fraction(9, 5), 32)
    slips = [working(Fraction(5, 9), 32), working(Fraction(9, 5), 30), working(Fraction(2), 32)]
    stated = numerals.parse(right.answer)
    return solution("units", right, check.Number(stated, 0.005), slips, end.plural)


__all__ = ["CELSIUS", "FAHRENHEIT", "UNITS", "Unit", "pose", "solve"]
