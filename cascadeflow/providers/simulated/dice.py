"""Randomness that is a function of its seed, so the same request always gets the same answer."""

from __future__ import annotations

import hashlib
import random


def dice(*parts: object) -> random.Random:
    """A generator seeded from the text of `parts`; equal parts give equal sequences.

    The hash is cryptographic for its evenness alone: `hash()` differs from process to process.
    """
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))
