"""Joins a calculation that goes on in the next line.

    Total = 400 + 900              Total cost            x = 450 / 0.9
    Total = 1300                     = 400 + 900         x = 500
                                     = 1300

A line that begins with the sign, or with the words of the line before it, continues that line.
"""

from __future__ import annotations

MOST_CHARS = 200
"""Characters of an expression that a later line may continue."""


class Chain:
    """What the last line left open."""

    __slots__ = ("_label", "_open")

    def __init__(self) -> None:
        self._label = ""
        self._open = ""

    def join(self, line: str) -> str:
        """A line with signs of equality, with what it continues written in front of it."""
        label, _, rest = line.partition("=")
        label = label.strip(" -*\\[]()&\t")
        going_on = bool(self._open) and label in ("", self._label)
        whole = f"{self._open} ={rest}" if going_on else line
        self._label = label or self._label
        self._open = rest.rpartition("=")[2].strip(" \\[]&\t")[-MOST_CHARS:]
        return whole

    def skip(self, line: str) -> None:
        """A line without numbers."""
        if line.strip(" \\[]\t"):
            self._open = self._label = ""
            if "=" in line:
                self._label = line.partition("=")[0].strip(" -*\\[]()&\t")
