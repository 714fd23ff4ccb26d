"""Token log-probabilities that say what real ones say: less where the model is wrong, with overlap.

Natural logarithms. The tokens on which the answer hangs get a probability drawn from one beta
distribution if the answer is right and from another if it is wrong; `SEPARATION` gives the AUROC
of the two. All other tokens get what wording gets anywhere: mostly near 1, sometimes low, and the
same for right and wrong answers, so their mean tells little.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

RIGHT = (12.0, 0.9)
WRONG = (2.2, 1.5)
"""Shape of the beta distribution of the probability of answer-bearing tokens."""
SEPARATION = 0.94
"""P(a right answer's token is more probable than a wrong one's), from 1,000,000 draws."""
FLOOR = -20.0

_INSTEAD = (" the", " a", " is", ",", ".", " that", " of", " in", " about", " not")
_DIGITS = tuple("1234567890")


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token."""

    text: str
    logprob: float
    others: tuple[tuple[str, float], ...] = ()
    """The most likely tokens in its place, itself included, most likely first."""


def certainty(right: bool, rng: random.Random) -> float:
    """The probability of an answer-bearing token, in (0, 1)."""
    return rng.betavariate(*(RIGHT if right else WRONG))


def wording(rng: random.Random) -> float:
    """The probability of a token of the wording, in (0, 1]."""
    match rng.random():
        case chance if chance < 0.88:
            return 1.0 - rng.random() * 0.02
        case chance if chance < 0.99:
            return rng.uniform(0.6, 0.98)
        case _:
            return rng.uniform(0.15, 0.5)


def token(text: str, probability: float, rng: random.Random) -> Token:
    """`text` as a token of this probability, with five alternatives for its place.

    It is the most likely one itself, as with greedy decoding.
    """
    logprob = max(FLOOR, math.log(probability))
    left = 1.0 - probability
    others = [(text, logprob)]
    for other in _alternatives(text, rng):
        share = min(left * 0.55, 0.95 * probability)
        left -= share
        others.append((other, max(FLOOR, math.log(share)) if share > 0 else FLOOR))
    others.sort(key=lambda pair: -pair[1])
    return Token(text, logprob, tuple(others))


def _alternatives(text: str, rng: random.Random) -> list[str]:
    pool = _DIGITS if text.strip().isdigit() else _INSTEAD
    return rng.sample([other for other in pool if other != text], 5)
