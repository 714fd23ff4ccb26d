"""Loops: a model that says the same thing for ever.

Three views of the text, each linear in it:
- *periodic end*: the last 2,048 characters end in one unit said again and again. The previous
  occurrence of the last 24 characters gives the only candidate period, so nothing is searched.
- *poor vocabulary*: hundreds of words, hardly any of them different.
- *repeated lines*: lines of 24 characters or more that were said before, numbers aside (a loop
  often counts). Catches units longer than the window.

Code and tables repeat themselves by nature, so inside a code fence and for rules of dashes a loop
must be four times as long.
"""

from __future__ import annotations

from bisect import bisect_left

WINDOW = 2_048
ANCHOR = 24
LEAST_LOOP = 160
"""Characters a loop must cover."""
LEAST_TURNS = 5
"""Times the unit of a loop must be said."""
LENIENCE = 4
"""How many times longer a loop may be in code or in a rule."""
LEAST_LINE = 24
READ_CHARS = 16_384
"""Characters in which repeated lines are looked for."""
RULES = frozenset("-=_*#.~|+ \t\n:—─═━")
VOCABULARY_WORDS = 120
VOCABULARY_SHARE = 0.12

_NO_DIGITS = str.maketrans("", "", "0123456789")


def ends_in_loop(window: str, *, lenient: bool) -> bool:
    """Whether a text ends in one unit that is said often enough."""
    text = window.rstrip()
    before = text.rfind(text[-ANCHOR:], 0, len(text) - 1) if len(text) >= 2 * ANCHOR else -1
    if before < 0:
        return False
    period = len(text) - ANCHOR - before
    # The longest end that also stands one period before; all shorter ones do.
    ends = range(1, len(text) - period + 1)
    differs = bisect_left(
        ends, True, key=lambda size: text[-size:] != text[-size - period : -period]
    )
    covered = period + differs
    factor = LENIENCE if lenient or RULES.issuperset(text[-period:]) else 1
    turns = LEAST_TURNS * (factor if period > 8 else 1)
    return covered >= LEAST_LOOP * factor and covered / period >= turns


class Repetition:
    """Looks for loops in the pieces of one answer."""

    __slots__ = ("_line", "_lines", "_looping", "_repeated", "_seen", "_steps", "_total", "_window")

    def __init__(self) -> None:
        self._looping = False
        """Whether the text read so far ends in a loop, or is poor in words."""
        self._repeated = 0
        """Characters in lines that were said before."""
        self._total = 0
        self._window = self._line = ""
        self._lines: set[str] = set()
        self._seen = self._steps = 0

    def take(self, piece: str, *, code: bool) -> None:
        """Read the next piece; `code` says that it stands in a code fence."""
        self._total += len(piece)
        self._steps += 1
        self._window = (self._window + piece)[-WINDOW:]
        self._looping = ends_in_loop(self._window, lenient=code)
        if not self._looping and not code and self._steps % 4 == 0:
            words = self._window.lower().split()
            poor = len(set(words)) < VOCABULARY_SHARE * len(words)
            self._looping = poor and len(words) >= VOCABULARY_WORDS
        self._count_lines(piece)

    def share(self) -> float:
        """1 while looping, else the share of the text that only repeats earlier lines."""
        if self._looping:
            return 1.0
        share = self._repeated / self._total if self._seen >= 6 else 0.0
        return share if share > 0.3 else 0.0

    def _count_lines(self, piece: str) -> None:
        """Lines are joined over the ends of pieces; where most are short, none is counted."""
        if self._total > READ_CHARS or 8 * piece.count("\n") > len(piece):
            return
        first, *others = piece.splitlines(keepends=True) or [""]
        for line in (self._line + first, *others):
            self._line = "" if line.endswith("\n") else line[-WINDOW:]
            key = "" if self._line else line.translate(_NO_DIGITS).strip()
            if len(key) < LEAST_LINE or RULES.issuperset(key):
                continue
            if key in self._lines:
                self._seen += 1
                self._repeated += len(line)
            self._lines.add(key)
