"""The table of skills, and questions with known answers: endless, the same for the same seed.

for question in generate(seed=7, n=100):
    right = question.check(await ask(question.text))
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from . import arithmetic, knowledge, texts, units
from .solution import Solution
from .tokens import dice

Kind: TypeAlias = Literal["units", "lists", "words", "facts", "arithmetic"]


@dataclass(frozen=True, slots=True)
class Skill:
    """One kind of questions: how they are made, how they are solved, how often wrongly.

    `solve` reads the text alone, so questions nobody generated are answered as well; None means
    that the question is of another kind.
    """

    pose: Callable[[random.Random], str]
    solve: Callable[[str, random.Random], Solution | None]
    small: float
    """Share of wrong answers of the small model, over many questions, at any temperature."""
    large: float


SKILLS: Mapping[Kind, Skill] = {
    "units": Skill(units.pose, units.solve, 0.24, 0.02),
    "lists": Skill(texts.pose_list, texts.solve_list, 0.20, 0.02),
    "words": Skill(texts.pose_word, texts.solve_word, 0.30, 0.03),
    "facts": Skill(knowledge.pose, knowledge.solve, 0.15, 0.01),
    "arithmetic": Skill(arithmetic.pose, arithmetic.solve, 0.30, 0.03),
}
"""In the order in which `generate` deals them and a question is tried on them."""
KINDS: tuple[Kind, ...] = tuple(SKILLS)
"""The kinds of questions, in that order."""
LONGEST_QUESTION = 4_000
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


def understand(text: str, rng: random.Random) -> tuple[Skill, Solution] | None:
    """The skill that fits a question, and its solution; None: it has no computed answer."""
    if len(text) > LONGEST_QUESTION:
        return None
    for skill in SKILLS.values():
        if found := skill.solve(text, rng):
            wrong = [slip for slip in found.slips if not found.accepts(slip.answer)]
            return skill, replace(found, slips=wrong)
    return None


def _question(kind: Kind, rng: random.Random) -> Question:
    while True:
        text = SKILLS[kind].pose(rng)
        found = understand(text, rng)
        if found and found[0] is SKILLS[kind] and found[1].slips:
            return Question(text, found[1].right.answer, kind, found[1].accepts)
