"""Whether the beginning of a text can still become one JSON value.

Each character is read once, and 8,192 at most, against a stack of open brackets. Escapes and
control characters inside strings are left to the parser at the end. Text that opens with a code
fence is not judged: `core.calls` takes the fence off. Grammar:
https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

_Place: TypeAlias = Literal["value", "first", "key", "first_key", "colon", "after", "end"]
MOST_CHARS = 8_192
"""Characters that are read; a break further on shows when the whole is parsed."""
MOST_OPEN = 256
LONGEST_BARE = 400
_STRING = re.compile(r'(?:[^"\\]+|\\.)*', re.DOTALL)
_BARE = re.compile(r'[^\s{}\[\]:,"]*')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][+-]?\d*)?$")
_LITERALS = ("true", "false", "null")


class JSONPrefix:
    """The state behind the characters read so far."""

    __slots__ = ("_bare", "_escaped", "_left", "_open", "_place", "_quoted", "_trusted", "broken")

    def __init__(self) -> None:
        self.broken = False
        """Nothing that follows can make this JSON."""
        self._place: _Place = "value"
        self._left = MOST_CHARS
        self._open: list[str] = []
        self._quoted = self._escaped = self._trusted = False
        self._bare = ""

    def read(self, text: str) -> None:
        """Read the next fragment."""
        text = text[: self._left]
        self._left -= len(text)
        at = 0
        while at < len(text) and not (self.broken or self._trusted):
            at = self._string(text, at) if self._quoted else self._outside(text, at)

    def _string(self, text: str, at: int) -> int:
        found = _STRING.match(text, at + self._escaped)
        end = found.end() if found else at
        self._escaped = text[end : end + 1] == "\\"
        self._quoted = self._escaped or end >= len(text)
        return end + 1

    def _outside(self, text: str, at: int) -> int:
        bare = _BARE.match(text, at)
        if bare and bare[0]:
            self._take_bare(bare[0])
            return bare.end()
        self._bare = ""
        if not text[at].isspace():
            self._take(text[at])
        return at + 1

    def _take_bare(self, part: str) -> None:
        """A piece of a number or a literal; the end of it may come with the next fragment."""
        if not self._bare and part[0] == "`" and self._place == "value" and not self._open:
            self._trusted = True
            return
        self.broken = not self._bare and self._place not in ("value", "first")
        self._place = self._behind
        self._bare += part
        self._trusted = len(self._bare) > LONGEST_BARE
        literal = any(literal.startswith(self._bare) for literal in _LITERALS)
        self.broken |= not (self._trusted or literal or _NUMBER.match(self._bare))

    @property
    def _behind(self) -> _Place:
        """The place behind a whole value."""
        return "after" if self._open else "end"

    def _take(self, mark: str) -> None:
        """A mark: brackets, a quote, a colon or a comma."""
        place = self._place
        if mark == ":":
            self.broken, self._place = place != "colon", "value"
        elif mark == ",":
            self.broken = place != "after"
            self._place = "key" if self._open[-1:] == ["{"] else "value"
        elif mark in "}]":
            opening, empty = ("{", "first_key") if mark == "}" else ("[", "first")
            self.broken = place not in ("after", empty) or self._open.pop() != opening
            self._place = self._behind
        elif mark == '"' and place in ("key", "first_key"):
            self._quoted, self._place = True, "colon"
        else:
            self.broken = place not in ("value", "first")
            self._begin(mark)

    def _begin(self, mark: str) -> None:
        """A string, an object or an array in the place of a value."""
        if mark == '"':
            self._quoted, self._place = True, self._behind
        else:
            self._open.append(mark)
            self._place = "first_key" if mark == "{" else "first"
            self._trusted = len(self._open) > MOST_OPEN
