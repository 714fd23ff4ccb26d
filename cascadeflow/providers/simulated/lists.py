"""Questions about a list of numbers: sort it, find the largest or smallest, add it up, count.

Slips: two neighbours swapped or one number lost, the runner-up taken, off by one.
"""

from __future__ import annotations

import random
import re
from fractions import Fraction

from . import check, numerals
from .solution import Solution, Working, solution

_LIST = re.compile(r"-?\d+(?:\.\d+)?(?:\s*(?:,\s*and\s+|,\s*|\s+and\s+)-?\d+(?:\.\d+)?)+")
_SORT = re.compile(r"\b(?:sort|arrange|put|order)\b", re.IGNORECASE)
_DOWN = re.compile(r"descending|largest to smallest|highest to lowest|decreasing|revers", re.I)
_EXTREME = re.compile(
    r"\b(?:(largest|biggest|highest|greatest|maximum|max)|(smallest|lowest|least|minimum|min))\b",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"how many\b.*?\b(even|odd|(?:greater|larger|bigger|more) than|(?:less|smaller) than)\s*"
    r"(-?\d+(?:\.\d+)?)?",
    re.IGNORECASE | re.DOTALL,
)
_SUM = re.compile(r"\b(?:sum of|add up|total of)\b", re.IGNORECASE)


def pose(rng: random.Random) -> str:
    """A question about five to nine different numbers below a hundred."""
    values = rng.sample(range(2, 100), rng.randint(5, 9))
    shown = ", ".join(map(str, values))
    tasks = (
        f"Sort these numbers in ascending order: {shown}",
        f"Sort these numbers in descending order: {shown}",
        f"What is the largest of these numbers: {shown}?",
        f"What is the smallest of these numbers: {shown}?",
        f"How many of these numbers are even: {shown}?",
        f"How many of these numbers are greater than {rng.randint(20, 80)}: {shown}?",
        f"What is the sum of these numbers: {shown}?",
    )
    return rng.choice(tasks)


def solve(text: str, rng: random.Random) -> Solution | None:
    """The task done; None: `text` holds no list of numbers, or no task we know."""
    found = _LIST.search(text)
    if found is None:
        return None
    values = numerals.items(found[0])
    if match := _COUNT.search(text[: found.start()]):
        return _count(values, match[1].lower(), match[2])
    if _SORT.search(text):
        return _sort(values, _DOWN.search(text) is not None, rng)
    if _SUM.search(text):
        return _sum(values, rng)
    if match := _EXTREME.search(text):
        return _extreme(values, match[1] is not None)
    return None


def _shown(values: list[Fraction]) -> str:
    return ", ".join(map(numerals.show, values))


def _sort(values: list[Fraction], descending: bool, rng: random.Random) -> Solution:
    result = sorted(values, reverse=descending)
    place = rng.randrange(len(result) - 1)
    swapped = [*result[:place], result[place + 1], result[place], *result[place + 2 :]]
    lost = result[:place] + result[place + 1 :]
    slips = [Working(_shown(swapped)), Working(_shown(lost)), Working(_shown(values))]
    accepts = check.Sequence(tuple(result))
    return solution("lists", Working(_shown(result)), accepts, slips)


def _extreme(values: list[Fraction], largest: bool) -> Solution:
    result = sorted(set(values), reverse=largest)
    slips = [_one(value) for value in (*result[1:3], result[-1])]
    return solution("lists", _one(result[0]), check.Number(result[0]), slips)


def _count(values: list[Fraction], test: str, bound: str | None) -> Solution | None:
    if test in ("even", "odd"):
        hits = [v for v in values if v.denominator == 1 and v % 2 == (test == "odd")]
    elif bound is None:
        return None
    elif test.startswith(("less", "smaller")):
        hits = [v for v in values if v < Fraction(bound)]
    else:
        hits = [v for v in values if v > Fraction(bound)]
    line = f"They are {_shown(hits)}." if hits else "There are none."
    right = Working(str(len(hits)), (line,))
    slips = [Working(str(len(hits) + off)) for off in (1, -1, 2) if len(hits) + off >= 0]
    return solution("lists", right, check.Number(Fraction(len(hits))), slips)


def _sum(values: list[Fraction], rng: random.Random) -> Solution:
    terms = " + ".join(map(numerals.show, values))

    def working(total: Fraction) -> Working:
        return Working(numerals.show(total), (f"{terms} = {numerals.show(total)}.",))

    total = sum(values, Fraction(0))
    slips = [
        working(numerals.misread(total, rng)),
        _one(total - rng.choice(values)),
    ]
    return solution("lists", working(total), check.Number(total), slips)


def _one(value: Fraction) -> Working:
    return Working(numerals.show(value))
