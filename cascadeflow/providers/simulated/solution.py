"""What understanding a question yields: the right working, and plausible wrong ones.

Every kind of question is one module with two functions:

    pose(rng) -> str                     a new question
    solve(text, rng) -> Solution | None  the question understood and computed; None: not this kind

`solve` reads the text alone, so questions nobody generated are answered as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["arithmetic", "units", "dates", "lists", "words", "code", "facts"]
"""The kinds of questions with a known answer."""


@dataclass(frozen=True, slots=True)
class Working:
    """One way to answer: the lines of thought and the answer they end in."""

    answer: str
    lines: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    """Texts in `lines` on which the answer hangs, e.g. the result of the step that went wrong."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A question understood."""

    kind: Kind
    right: Working
    accepts: Callable[[str], bool]
    """True for a text that states the right answer, in whatever words."""
    slips: tuple[Working, ...]
    """What a weaker model may answer instead: never accepted, never empty."""
    unit: str = ""
    """Follows the answer in a sentence."""


def solution(
    kind: Kind,
    right: Working,
    accepts: Callable[[str], bool],
    slips: list[Working],
    unit: str = "",
) -> Solution:
    """A `Solution` with only those `slips` whose answer really is wrong."""
    wrong = [slip for slip in slips if not accepts(slip.answer)]
    return Solution(kind, right, accepts, tuple(wrong), unit)
