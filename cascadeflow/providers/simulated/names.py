"""Which of the two simulated models a name stands for. Imports nothing but `re`."""

from __future__ import annotations

import re

_SMALL = re.compile(
    r"(?<!ge)mini|small|haiku|(?<!\d)8b|nano|flash|(?<![a-z])lite|3\.5-turbo", re.IGNORECASE
)


def is_small(name: str) -> bool:
    """True if `name` stands for the small model, False for the large one.

    Small: names that contain mini, small, haiku, 8b, nano, flash, lite or 3.5-turbo, in any case.
    Look-alikes do not count: the "mini" of gemini, the "8b" of 48b, the "lite" of elite.
    """
    return _SMALL.search(name) is not None


def is_refusing(name: str) -> bool:
    """True if the model refuses whatever it is asked: its name contains "refuse"."""
    return "refuse" in name.lower()
