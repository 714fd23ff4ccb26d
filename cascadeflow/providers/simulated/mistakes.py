"""How often the simulated models are wrong, and in which way.

`RATES` is the share of wrong answers per kind of question, over many questions, at any
temperature. Whether one question is answered wrongly is a trait of model and question: at
temperature 0 always the same; above it some answers near the edge change with the request's seed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .solution import Kind, Solution, Working


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of wrong answers, in [0, 1]."""

    small: float
    large: float


RATES: Mapping[Kind, Rates] = {
    "arithmetic": Rates(0.30, 0.02),
    "units": Rates(0.22, 0.02),
    "dates": Rates(0.35, 0.03),
    "lists": Rates(0.18, 0.01),
    "words": Rates(0.30, 0.02),
    "code": Rates(0.30, 0.03),
    "facts": Rates(0.15, 0.01),
}
TOOL_RATES = Rates(0.25, 0.02)
"""The same for the arguments of a tool call."""

Manner: TypeAlias = Literal["plain", "hedged", "refused", "looped"]
"""How an answer is put. `hedged`: with words of doubt; `refused`: the model says it cannot help;
`looped`: it repeats itself until its limit."""

WRONG_MANNERS: Mapping[Manner, float] = {
    "plain": 0.76, "hedged": 0.14, "refused": 0.06, "looped": 0.04
}  # fmt: skip
"""Shares of the manners among wrong answers of the small model; those of the large are plain."""
HEDGED_RIGHT = 0.04
"""Share of the small model's right answers that are hedged all the same."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question is answered."""

    working: Working
    right: bool
    manner: Manner = "plain"


def is_wrong(rate: float, trait: float, temperature: float, sample: random.Random) -> bool:
    """Whether an answer is wrong; over uniform `trait` in [0, 1) it is so in a share of `rate`.

    The edge moves by at most `rate / 2` with the sample, evenly to both sides.
    """
    shift = 0.5 * min(temperature, 2.0) * rate * (sample.random() - 0.5)
    return trait < rate + shift


def outcome(
    solved: Solution, *, small: bool, trait: float, temperature: float, sample: random.Random
) -> Outcome:
    """Decide how a solved question is answered.

    `trait`: a number in [0, 1) that model and question fix; `sample`: of this request.
    """
    rates = RATES[solved.kind]
    rate = rates.small if small else rates.large
    if not solved.slips or not is_wrong(rate, trait, temperature, sample):
        hedged = small and sample.random() < HEDGED_RIGHT
        return Outcome(solved.right, True, "hedged" if hedged else "plain")
    manner: Manner = "plain"
    if small:
        (manner,) = sample.choices(list(WRONG_MANNERS), list(WRONG_MANNERS.values()))
    return Outcome(sample.choice(solved.slips), False, manner)
