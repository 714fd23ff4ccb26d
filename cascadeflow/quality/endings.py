"""Whether an answer ends where an answer may end.

A sentence that breaks off shows in its last characters; a code fence or a bracket that stays open
shows in the counts. Lists, headings, tables, verse and code end without a full stop, so only prose
is asked for one.
"""

from __future__ import annotations

import re

PROSE_LINE = 60
"""Characters from which a last line counts as prose."""

_DANGLING = frozenset(",:;-–—(/、，：；")
_TERMINAL = frozenset(".!?…。！？」』\"'”’»)]}>*_`~|$।؟")
_LIST_ITEM = re.compile(r"\s*(?:[-*•+>#|]|\d{1,3}[.):]|[A-Za-z][.)]) ?")
_LAST = (
    "the a an of and or to in with for is are that by der die das und oder ein eine mit von zu le "
    "la les et ou de des un une el los y o con di il e che da het een en van te"
)
_LAST_WORDS = frozenset(_LAST.split())


class Structure:
    """Fences and brackets of one answer so far."""

    __slots__ = ("_braces", "_fences", "_structured")

    def __init__(self) -> None:
        self._fences = self._braces = 0
        self._structured: bool | None = None
        """Whether the text begins with a bracket; None: there is no text yet."""

    def take(self, piece: str) -> None:
        """Count in the next piece."""
        if self._structured is None:
            self._structured = piece.lstrip()[:1] in ("{", "[")
        self._fences += piece.count("```")
        self._braces += piece.count("{") + piece.count("[") - piece.count("}") - piece.count("]")

    @property
    def in_code(self) -> bool:
        """Whether a code fence is open."""
        return self._fences % 2 == 1

    @property
    def fenced(self) -> bool:
        """Whether there is a code fence."""
        return self._fences > 0

    def unclosed(self) -> float:
        """1 for an open code fence, 0.7 for open brackets in code or in JSON, else 0."""
        if self.in_code:
            return 1.0
        return 0.7 if self._braces > 0 and (self._structured or self._fences) else 0.0


def unfinished(tail: str, size: int) -> float:
    """How clearly a text of `size` characters that ends in `tail` breaks off, in [0, 1]."""
    text = tail.rstrip()
    if not text or text.endswith("```"):
        return 0.0
    line = text[text.rfind("\n") + 1 :]
    if text[-1] in _DANGLING:
        return 1.0 if size > PROSE_LINE else 0.5
    if text[-1] in _TERMINAL or not text[-1].isalnum():
        return 0.0
    if len(line) >= 20 and line.rpartition(" ")[2].lower() in _LAST_WORDS:
        return 0.8
    prose = len(line) >= PROSE_LINE and not _LIST_ITEM.match(line) and "|" not in line
    if not prose:
        return 0.0
    return 0.7 if ". " in text else 0.4
