"""Dates in text: `3 March 2024`, `March 3, 2024` and `2024-03-03`."""

from __future__ import annotations

import datetime as dt
import re

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
WEEKDAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip

_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS)
_DATE = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH}),? (\d{{4}})\b"
    rf"|\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b"
    r"|\b(\d{4})-(\d{2})-(\d{2})\b",
    re.IGNORECASE,
)


def show(day: dt.date) -> str:
    """`3 March 2024`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def weekday(day: dt.date) -> str:
    """`Monday` ... `Sunday`."""
    return WEEKDAYS[day.weekday()]


def find(text: str) -> list[dt.date]:
    """The dates in `text`, in order; what no calendar has (30 February) is left out."""
    return [day for match in _DATE.finditer(text) if (day := _date(match)) is not None]


def without(text: str) -> str:
    """`text` with a space for each date."""
    return _DATE.sub(" ", text)


def _date(match: re.Match[str]) -> dt.date | None:
    parts = match.groups()
    try:
        if parts[0]:
            return dt.date(int(parts[2]), _month(parts[1]), int(parts[0]))
        if parts[3]:
            return dt.date(int(parts[5]), _month(parts[3]), int(parts[4]))
        return dt.date(int(parts[6]), int(parts[7]), int(parts[8]))
    except ValueError:
        return None


def _month(name: str) -> int:
    return next(n for n, month in enumerate(MONTHS, 1) if month[:3].lower() == name[:3].lower())
