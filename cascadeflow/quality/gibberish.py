"""Text that is no language: damaged characters and hammered keys.

Measured where a wrong call is unlikely: characters that no text holds (replacement, control and
private-use characters), and words of Latin letters with six consonants in a row, which even German
and Polish hold only now and then.
"""

from __future__ import annotations

import re

_BROKEN = re.compile("[\ufffd\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff]")
_HAMMERED = re.compile("[bcdfghjklmnpqrstvwxz]{6}")

LEAST_WORDS = 8
READ_CHARS = 16_384


class Gibberish:
    """Counts broken characters and unpronounceable words of one answer."""

    __slots__ = ("_broken", "_hammered", "_size", "_words")

    def __init__(self) -> None:
        self._broken = 0
        self._hammered = 0
        self._size = 0
        self._words = 0

    def take(self, piece: str) -> None:
        """Read the next piece of prose, until `READ_CHARS` are read."""
        if self._size >= READ_CHARS:
            return
        self._size += len(piece)
        self._words += len(piece.split())
        self._hammered += len(_HAMMERED.findall(piece.lower()))
        if not piece.isascii() or not piece.isprintable():
            self._broken += len(_BROKEN.findall(piece))

    def share(self) -> float:
        """0 for ordinary text; 1 where a fifth of it cannot be read."""
        broken = self._broken / self._size if self._size else 0.0
        hammered = self._hammered / self._words if self._words >= LEAST_WORDS else 0.0
        return min(1.0, 5 * max(broken, hammered - 0.04))
