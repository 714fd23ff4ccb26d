"""Questions with known answers, endless and the same for the same seed.

for question in generate(seed=7, n=100):
    right = question.check(await ask(question.text))
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from . import arithmetic, code, dates, facts, lists, sums, units, words
from .dice import dice
from .solution import Kind, Solution

Pose: TypeAlias = Callable[[random.Random], str]

_POSES: dict[Kind, tuple[Pose, ...]] = {
    "arithmetic": (arithmetic.pose, arithmetic.pose, sums.pose),
    "units": (units.pose,),
    "dates": (dates.pose,),
    "lists": (lists.pose,),
    "words": (words.pose,),
    "code": (code.pose,),
    "facts": (facts.pose,),
}
_SOLVERS = (
    arithmetic.solve, code.solve, units.solve, dates.solve, lists.solve, words.solve, facts.solve,
    sums.solve,
)  # fmt: skip

KINDS: tuple[Kind, ...] = tuple(_POSES)
"""The kinds of questions, in the order `generate` deals them."""
LONGEST_QUESTION = 8_000
"""Characters; a longer prompt is a document, not a question with a computed answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answer."""

    text: str
    answer: str
    kind: Kind
    accepts: Callable[[str], bool]

    def check(self, answer_text: str) -> bool:
        """True if `answer_text` states the right answer, however it is worded."""
        return self.accepts(answer_text)


def generate(seed: int, n: int) -> list[Question]:
    """`n` questions of all kinds in turn; equal seeds give equal questions.

    Raises:
        ValueError: if `n` is negative.
    """
    if n < 0:
        raise ValueError(f"n is {n}; it must be >= 0")
    return [_question(KINDS[i % len(KINDS)], dice("question", seed, i)) for i in range(n)]


def understand(text: str, rng: random.Random) -> Solution | None:
    """Recognise and solve a question; None: it is no question with a computed answer."""
    if len(text) > LONGEST_QUESTION:
        return None
    for solve in _SOLVERS:
        if (found := solve(text, rng)) is not None:
            return found
    return None


def _question(kind: Kind, rng: random.Random) -> Question:
    while True:
        text = rng.choice(_POSES[kind])(rng)
        solved = understand(text, rng)
        if solved is not None and solved.kind == kind and solved.slips:
            return Question(text, solved.right.answer, kind, solved.accepts)
