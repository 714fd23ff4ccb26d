"""Worded arithmetic: each story is a text with blanks, and the steps that solve it.

The same text makes the question and, as a pattern, recognises it again. Exact arithmetic
throughout. Three slips: a step miscalculated (the equation in the text is wrong), a number of the
question misread (every equation holds), the last step forgotten.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from . import check, numerals
from .solution import Solution, Working, solution
from .stories import STORIES, Step, Story

WHO = ("Ana", "Ben", "Clara", "David", "Emil", "Fatima", "Greta", "Hugo", "Ines", "Jonas")
THINGS = ("pencils", "apples", "marbles", "stickers", "postcards", "cookies", "books", "shells")


@dataclass(frozen=True, slots=True)
class Worked:
    """A story calculated: the text and the value of each step."""

    lines: tuple[str, ...]
    values: tuple[Fraction, ...]


def pose(rng: random.Random) -> str:
    """A story with fresh numbers; no step has a negative or broken result."""
    story = rng.choice(STORIES)
    while True:
        blanks = {name: str(rng.randint(*bounds)) for name, bounds in story.ranges.items()}
        blanks |= {"who": rng.choice(WHO), "thing": rng.choice(THINGS)}
        values = work(story, blanks).values
        if all(value.denominator == 1 and value > 0 for value in values):
            return story.text.format_map(blanks)


def solve(text: str, rng: random.Random) -> Solution | None:
    """The story of `text` calculated; None: no story we know, or a division by zero."""
    for story in STORIES:
        if match := _pattern(story).search(text):
            try:
                return _solution(story, match.groupdict(), rng)
            except ZeroDivisionError:
                return None
    return None


def work(
    story: Story, blanks: Mapping[str, str], slip: tuple[int, Fraction] | None = None
) -> Worked:
    """Calculate `story`; with `slip` = (step, value) that step yields `value` instead.

    Raises:
        ZeroDivisionError: if the numbers make a step divide by zero.
    """
    lines: list[str] = []
    values: list[Fraction] = []
    for index, step in enumerate(story.steps):
        left, right = (_operand(name, blanks, values) for name in (step.left, step.right))
        value = slip[1] if slip and slip[0] == index else apply(step.op, left, right)
        equals = "=" if numerals.is_shown_exactly(value) else "is about"
        equation = f"{numerals.show(left)} {step.op} {numerals.show(right)} {equals} "
        lines.append(step.says.format_map({**blanks, "eq": equation + numerals.show(value)}))
        values.append(value)
    return Worked(tuple(lines), tuple(values))


def apply(op: str, left: Fraction, right: Fraction) -> Fraction:
    """One of `+ - * /`, exactly.

    Raises:
        ZeroDivisionError: on division by zero.
    """
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def _operand(name: str, blanks: Mapping[str, str], values: list[Fraction]) -> Fraction:
    if name.startswith("#"):
        return values[int(name[1:])]
    return numerals.parse(blanks.get(name, name))


def _solution(story: Story, blanks: dict[str, str], rng: random.Random) -> Solution:
    worked = work(story, blanks)
    total = worked.values[-1]
    index = rng.randrange(len(story.steps))
    wrong = numerals.misread(worked.values[index], rng)
    slips = [_working(work(story, blanks, (index, wrong)), numerals.show(wrong))]
    field = rng.choice(list(story.ranges))
    other = numerals.misread(numerals.parse(blanks[field]), rng)
    if other > 0:
        slips.append(_working(work(story, {**blanks, field: numerals.show(other)})))
    if len(worked.values) > 1:
        slips.append(_working(Worked(worked.lines[:-1], worked.values[:-1])))
    unit = story.unit.format_map(blanks)
    right = _working(worked)
    return solution("arithmetic", right, check.Number(total, 1e-4), slips, unit)


def _working(worked: Worked, *doubtful: str) -> Working:
    *_, last = worked.values
    return Working(numerals.show(last), worked.lines, doubtful)


@cache
def _pattern(story: Story) -> re.Pattern[str]:
    """`story.text` with each blank as a named group, and as a back reference when it recurs."""
    parts: list[str] = []
    seen: set[str] = set()
    for literal, field in _pieces(story.text):
        parts.append(r"\s+".join(map(re.escape, re.split(r"\s+", literal))))
        if field:
            parts.append(rf"(?P={field})" if field in seen else rf"(?P<{field}>{_blank(field)})")
            seen.add(field)
    return re.compile("".join(parts), re.IGNORECASE)


def _pieces(text: str) -> list[tuple[str, str]]:
    cut = re.split(r"\{(\w+)\}", text)
    return list(zip(cut[::2], [*cut[1::2], ""], strict=True))


def _blank(field: str) -> str:
    return r"[^\W\d_]+" if field in ("who", "thing") else r"\d+(?:\.\d+)?"


__all__ = ["STORIES", "Step", "Worked", "apply", "pose", "solve", "work"]
