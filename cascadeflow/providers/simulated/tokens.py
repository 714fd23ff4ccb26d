"""Tokens and their log-probabilities, and the randomness of it all, a function of its seed.

Probabilities say what real ones say: less where the model is wrong, with overlap. The tokens on
which the answer hangs get one drawn from a beta distribution, `RIGHT` or `WRONG` (AUROC 0.94 for
one token, from 1,000,000 draws); all others get what wording gets anywhere.
"""

from __future__ import annotations

import hashlib
import random
import re

LONGEST = 10
"""Letters of the longest token."""
RIGHT, WRONG = (12.0, 0.9), (2.2, 1.5)
"""Shapes of the distributions of the probability of tokens on which the answer hangs."""

_PIECE = re.compile(rf"[^\r\n\w]?[^\W\d_]{{1,{LONGEST}}}|\d{{1,3}}| ?(?:[^\s\w]|_)+|\s")


def dice(*parts: object) -> random.Random:
    """A generator seeded from the text of `parts`; equal in every process."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))


def tokens(text: str) -> list[str]:
    """`text` cut without loss: words with the space before them, up to three digits, signs."""
    return _PIECE.findall(text)


def probability(right: bool | None, rng: random.Random) -> float:
    """Of a token on which a right or wrong answer hangs, or of wording (None): mostly near 1."""
    if right is not None:
        return rng.betavariate(*(RIGHT if right else WRONG))
    return 1.0 - rng.random() * 0.02 if rng.random() < 0.88 else rng.uniform(0.7, 0.98)
