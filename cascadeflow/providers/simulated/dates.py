"""Questions about the calendar: days between two dates, the weekday, a date so many days away.

Slips: off by one, both ends counted, a month taken as thirty days.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from fractions import Fraction

from . import calendar_dates, check
from .calendar_dates import WEEKDAYS, show, weekday
from .solution import Solution, Working, solution

_BETWEEN = re.compile(r"how many days|number of days|days between", re.IGNORECASE)
_WEEKDAY = re.compile(
    r"what day of the week|which day of the week|which weekday|what weekday", re.I
)
_AWAY = re.compile(r"\b(\d{1,5})\s+(days?|weeks?)\s+(after|from|before|prior to)\b", re.IGNORECASE)


def pose(rng: random.Random) -> str:
    """A question about one or two dates between 1990 and 2040."""
    day = dt.date(1990, 1, 1) + dt.timedelta(days=rng.randrange(50 * 365))
    match rng.randrange(3):
        case 0:
            end = day + dt.timedelta(days=rng.randint(20, 400))
            return f"How many days are there between {show(day)} and {show(end)}?"
        case 1:
            return f"What day of the week is {show(day)}?"
        case _:
            side = rng.choice(("after", "before"))
            return f"What date is {rng.randint(12, 300)} days {side} {show(day)}?"


def solve(text: str, rng: random.Random) -> Solution | None:
    """The question about dates answered; None: no such question, or no such day."""
    days = calendar_dates.find(text)
    if not days:
        return None
    if len(days) == 2 and _BETWEEN.search(text):
        return _between(*sorted(days))
    if len(days) == 1 and _WEEKDAY.search(text):
        return _weekday(days[0])
    if len(days) == 1 and (match := _AWAY.search(text)):
        count = int(match[1]) * (7 if match[2].lower().startswith("week") else 1)
        sign = 1 if match[3].lower() in ("after", "from") else -1
        try:
            return _away(days[0], sign * count, rng)
        except OverflowError:
            return None
    return None


def _between(start: dt.date, end: dt.date) -> Solution:
    days = (end - start).days
    months = (end.year - start.year) * 12 + end.month - start.month
    by_thirty = months * 30 + end.day - start.day

    def working(count: int) -> Working:
        return Working(str(count), (f"I count from {show(start)} to {show(end)}.",))

    slips = [working(days + 1), working(max(days - 1, 0)), working(by_thirty)]
    return solution("dates", working(days), check.Number(Fraction(days)), slips, "days")


def _weekday(day: dt.date) -> Solution:
    def working(shift: int) -> Working:
        name = WEEKDAYS[(day.weekday() + shift) % 7]
        return Working(name, (f"The date in question is {show(day)}.",))

    accepts = check.Choice(weekday(day), tuple(WEEKDAYS))
    return solution("dates", working(0), accepts, [working(1), working(-1), working(2)])


def _away(day: dt.date, count: int, rng: random.Random) -> Solution:
    side = "after" if count >= 0 else "before"

    def working(shift: int) -> Working:
        result = show(day + dt.timedelta(days=count + shift))
        return Working(result, (f"I go {abs(count)} days {side} {show(day)}.",))

    accepts = check.Day(day + dt.timedelta(days=count))
    slips = [working(1), working(-1), working(rng.choice((2, -2)))]
    return solution("dates", working(0), accepts, slips)
