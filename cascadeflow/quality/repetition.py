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


def periodic_end(window: str) -> tuple[int, int]:
    """Length of the unit and of the whole loop that the text ends in; (0, 0) if there is none."""
    text = window.rstrip()
    if len(text) < 2 * ANCHOR:
        return 0, 0
    before = text.rfind(text[-ANCHOR:], 0, len(text) - 1)
    if before < 0:
        return 0, 0
    period = len(text) - ANCHOR - before
    return period, period + _agreement(text[:-period], text[period:])


def _agreement(left: str, right: str) -> int:
    """How many characters two texts of one length share at their ends; logarithmic steps."""
    low, high = 0, len(left)
    while low < high:
        middle = (low + high + 1) // 2
        if left[-middle:] == right[-middle:]:
            low = middle
        else:
            high = middle - 1
    return low


def is_loop(period: int, covered: int, window: str, *, lenient: bool) -> bool:
    """Whether a periodic end is long enough to be a loop."""
    if not period:
        return False
    rule = RULES.issuperset(window.rstrip()[-period:])
    factor = LENIENCE if lenient or rule else 1
    turns = covered / period
    return covered >= LEAST_LOOP * factor and turns >= LEAST_TURNS * (factor if period > 8 else 1)


class Repetition:
    """Looks for loops in the pieces of one answer."""

    __slots__ = ("_line", "_lines", "_seen", "_steps", "_window", "looping", "repeated", "total")

    def __init__(self) -> None:
        self.looping = False
        """Whether the text read so far ends in a loop, or is poor in words."""
        self.repeated = 0
        """Characters in lines that were said before."""
        self.total = 0
        self._window = ""
        self._line = ""
        self._lines: set[str] = set()
        self._seen = 0
        self._steps = 0

    def take(self, piece: str, *, code: bool) -> None:
        """Read the next piece; `code` says that it stands in a code fence."""
        self.total += len(piece)
        self._steps += 1
        self._window = (self._window + piece)[-WINDOW:]
        period, covered = periodic_end(self._window)
        self.looping = is_loop(period, covered, self._window, lenient=code)
        if not self.looping and not code and self._steps % 4 == 0:
            self.looping = poor_vocabulary(self._window)
        self._count_lines(piece)

    def share(self) -> float:
        """1 while looping, else the share of the text that only repeats earlier lines."""
        if self.looping:
            return 1.0
        share = self.repeated / self.total if self._seen >= 6 else 0.0
        return share if share > 0.3 else 0.0

    def _count_lines(self, piece: str) -> None:
        """Lines are joined over the ends of pieces; where most are short, none is counted."""
        if self.total > READ_CHARS or 8 * piece.count("\n") > len(piece):
            return
        first, *others = piece.splitlines(keepends=True) or [""]
        for line in (self._line + first, *others):
            self._line = "" if line.endswith("\n") else line[-WINDOW:]
            if not self._line:
                self._count_line(line)

    def _count_line(self, line: str) -> None:
        if len(line) < LEAST_LINE:
            return
        key = line.translate(_NO_DIGITS).strip()
        if len(key) < LEAST_LINE or RULES.issuperset(key):
            return
        if key in self._lines:
            self._seen += 1
            self.repeated += len(line)
        else:
            self._lines.add(key)


def poor_vocabulary(window: str) -> bool:
    """Whether a window of many words has hardly any different ones."""
    words = window.lower().split()
    if len(words) < VOCABULARY_WORDS:
        return False
    return len(set(words)) < VOCABULARY_SHARE * len(words)
