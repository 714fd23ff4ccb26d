"""Cuts a growing text into pieces at places that depend on the text alone.

How a server splits an answer into deltas, and how often the answer is judged, must not change what
is found in it. So the text is cut where the text itself says. At every *edge*, a fixed number of
characters from the start, all up to the last line end before the edge becomes a piece; a line
longer than 512 characters is cut after a sentence, else after a word, else at the edge. Edges lie
256 characters apart, 2,048 in the later parts of long texts, where little news is to be expected.
Each character is handed out once; at most 2,560 characters wait.
"""

from __future__ import annotations

STEP = 256
"""Characters between two edges, and"""
LATE_STEP = 2_048
"""the same from the `LATE`th character on."""
LATE = 8_192
LONG_LINE = 512
"""A line of this many characters is cut before it ends."""


class Pieces:
    """The part of a text that waits for its piece to be complete."""

    __slots__ = ("_base", "_rest")

    def __init__(self) -> None:
        self._rest = ""
        self._base = 0

    def read(self, text: str) -> list[str]:
        """Add `text` and take the pieces that it completes."""
        edge = next_edge(self._base + len(self._rest))
        waiting = self._rest + text
        pieces: list[str] = []
        start = 0
        while edge <= self._base + len(waiting):
            cut = _cut(waiting, start, edge - self._base)
            if cut > start:
                pieces.append(waiting[start:cut])
            start = cut
            edge = next_edge(edge)
        self._rest = waiting[start:]
        self._base += start
        return pieces

    def end(self) -> str:
        """The last piece; empty if nothing waits."""
        rest, self._rest = self._rest, ""
        return rest


def next_edge(position: int) -> int:
    """The first edge behind `position` characters."""
    step = STEP if position < LATE else LATE_STEP
    return (position // step + 1) * step


def last_edge(position: int) -> int:
    """The last edge that a text of `position` characters has reached; 0 for none."""
    step = STEP if position < LATE else LATE_STEP
    return position // step * step


def _cut(text: str, start: int, edge: int) -> int:
    """Where the piece that began at `start` ends; `start` if it has to wait."""
    line = text.rfind("\n", start, edge) + 1
    if line > start:
        return line
    if edge - start < LONG_LINE:
        return start
    middle = start + STEP // 2
    sentence = text.rfind(". ", middle, edge) + 2
    if sentence > middle:
        return sentence
    word = text.rfind(" ", middle, edge) + 1
    return word if word > middle else edge
