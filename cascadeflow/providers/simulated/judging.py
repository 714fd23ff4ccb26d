"""Answers to a question about the answer before it: true or false, yes or no, a grade up to 10.

The model solves the first question by itself, and its belief in the answer is drawn from a beta
distribution by whether that answer is right; the small model's overlap more.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from .questions import understand
from .wire import ChatMessage

LARGE = {True: (9.0, 1.2), False: (1.2, 5.0), None: (4.0, 2.0)}
SMALL = {True: (5.0, 1.5), False: (2.2, 2.5), None: (4.0, 2.0)}
"""Shapes of the belief in a right answer, a wrong one, and one that the model cannot check."""

_ASKED = re.compile(
    r"\blast answer\b.*(true or false|yes or no|to 10\b)", re.DOTALL | re.IGNORECASE
)


def verdict(
    messages: Sequence[ChatMessage], *, small: bool, rng: random.Random
) -> tuple[str, float] | None:
    """The word or grade that is said and its probability; None: no answer is asked about."""
    asked = _ASKED.search(messages[-1].text)
    if asked is None or [message.role for message in messages[-3::2]] != ["user", "user"]:
        return None
    found = understand(messages[-3].text, rng)
    right = found[1].accepts(messages[-2].text) if found else None
    belief = rng.betavariate(*(SMALL if small else LARGE)[right])
    if asked[1].lower() == "to 10":
        return str(round(10 * belief)), max(belief, 1 - belief)
    yes, no = asked[1].lower().split(" or ")
    return (yes, belief) if belief >= 0.5 else (no, 1 - belief)
