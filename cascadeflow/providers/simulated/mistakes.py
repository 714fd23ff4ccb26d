"""Whether a question is answered wrongly, in which manner, and in which words.

That is a trait of model and question: at temperature 0 always the same; above it some answers near
the edge change with the request's seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .solution import Solution

Manner: TypeAlias = Literal["plain", "hedged", "refused", "looped"]
"""How an answer is put. `hedged`: with words of doubt; `refused`: the model says it cannot help;
`looped`: it repeats itself until its limit."""

TOOL_RATES = (0.25, 0.02)
"""Share of tool calls with a mistake, of the small and of the large model."""
MANNERS: Mapping[Manner, float] = {"plain": 0.76, "hedged": 0.14, "refused": 0.06, "looped": 0.04}
"""Shares of the manners among wrong answers of the small model; those of the large are plain."""
REFUSAL = "I'm sorry, but I can't help with that."

_LEADS = ("The answer is ", "So the answer is ", "Therefore, the answer is ")
_SHORT_LEADS = ("The answer is ", "Answer: ", "I get ")
_DOUBTS = ("I'm not sure, but I think", "I may be wrong, but I guess", "Probably, I'm not certain,")
_REPEATED = ("Let me check the numbers again. ", "So we start from the beginning. ")


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before it is cut into tokens."""

    text: str
    right: bool = True
    bears: tuple[str, ...] = ()
    """Texts on which the answer hangs."""
    certainty: float | None = None
    """The probability of all its tokens, where it is known."""

    def bearing(self, text: str) -> list[tuple[int, int]]:
        """Where in `text` that stands on which the answer hangs: spans of characters."""
        values = "|".join(re.escape(value) for value in self.bears if value)
        pattern = rf"(?<![\w.])(?:{values or '(?!)'})(?!\w)"
        return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


def is_wrong(rate: float, trait: float, temperature: float, sample: random.Random) -> bool:
    """Whether an answer is wrong; over uniform `trait` in [0, 1) it is so in a share of `rate`.

    The edge moves by at most `rate / 2` with the sample, evenly to both sides.
    """
    return trait < rate + 0.5 * min(temperature, 2.0) * rate * (sample.random() - 0.5)


def put(solved: Solution, wrong: bool, *, small: bool, brief: bool, rng: random.Random) -> Draft:
    """The answer to a solved question, right or wrong."""
    wrong = wrong and bool(solved.slips)
    manner: Manner = "plain"
    if small and wrong:
        (manner,) = rng.choices(list(MANNERS), list(MANNERS.values()))
    elif small and rng.random() < 0.04:
        manner = "hedged"  # though it is right
    working = rng.choice(solved.slips) if wrong else solved.right
    match manner:
        case "refused":
            text = REFUSAL
        case "looped":
            text = rng.choice(_REPEATED) * 100  # the model's limit cuts it
        case "hedged":
            text = f"{rng.choice(_DOUBTS)} it might be {working.answer}."
        case "plain":
            unit = f" {solved.unit}" if solved.unit and rng.random() < 0.5 else ""
            lead = rng.choice(_SHORT_LEADS if small else _LEADS)
            text = " ".join((*working.lines, f"{lead}{working.answer}{unit}."))
    if brief and manner in ("hedged", "plain"):
        text = working.answer
    return Draft(text, not wrong, (working.answer, working.doubtful))
