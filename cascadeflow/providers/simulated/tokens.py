"""A tokeniser in the manner of the real ones: a piece is a word with its leading space.

`"".join(tokens(text)) == text` for every text. Up to three digits make one piece; words longer
than `LONGEST` letters, and words of scripts without spaces, are cut. Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 10
"""Letters of the longest piece."""

_PIECE = re.compile(
    r"[^\r\n\w]?[^\W\d_]+"  # a word, and the space or sign before it
    r"|\d{1,3}"
    r"| ?(?:[^\s\w]|_)+"
    r"|\s"
)


def tokens(text: str) -> list[str]:
    """`text` cut into the pieces a model would produce, in order and without loss."""
    return [piece for match in _PIECE.finditer(text) for piece in _cut(match[0])]


def count(text: str) -> int:
    """How many tokens `text` has."""
    return len(tokens(text))


def _cut(word: str) -> Iterator[str]:
    size = LONGEST if word.isascii() or len(word.encode("utf-8", "replace")) < 2 * len(word) else 2
    for start in range(0, len(word), size):
        yield word[start : start + size]
