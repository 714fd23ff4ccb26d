"""Whether the beginning of a text can still become one JSON value.

    +-- in a string: only the closing quote is looked for
    +-- else: brackets, commas, colons and bare words, against a stack of open brackets

Each character is read once, and 8,192 at most. Escapes and control characters inside strings are
left to the parser at the end. Text that opens with a code fence is not judged: `core.calls` takes
the fence off. Grammar:
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
_STRING_END = re.compile(r'"|\\')
_BARE = re.compile(r'[^\s{}\[\]:,"]+')
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
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _STRING_END.search(text, at)
        if found is None:
            return len(text)
        if found[0] == '"':
            self._quoted = False
        else:
            self._escaped = True
        return found.end()

    def _outside(self, text: str, at: int) -> int:
        bare = _BARE.match(text, at)
        if bare is not None:
            self._take_bare(bare[0])
            return bare.end()
        self._bare = ""
        mark = text[at]
        if not mark.isspace():
            self._take(mark)
        return at + 1

    def _take_bare(self, part: str) -> None:
        """A piece of a number or a literal; the end of it may come with the next fragment."""
        if not self._bare:
            if part[0] == "`" and self._place == "value" and not self._open:
                self._trusted = True
                return
            if not self._begin_value():
                return
        self._bare += part
        if len(self._bare) > LONGEST_BARE:
            self._trusted = True
        elif not (
            _NUMBER.match(self._bare)
            or any(literal.startswith(self._bare) for literal in _LITERALS)
        ):
            self.broken = True

    def _begin_value(self) -> bool:
        if self._place not in ("value", "first"):
            self.broken = True
            return False
        self._place = "after" if self._open else "end"
        return True

    def _take(self, mark: str) -> None:
        if mark == '"':
            self._quote()
        elif mark in "{[":
            self._enter(mark)
        elif mark in "}]":
            self._leave(mark)
        elif mark == ":":
            self.broken = self._place != "colon"
            self._place = "value"
        else:
            self.broken = self._place != "after"
            self._place = "key" if self._open[-1:] == ["{"] else "value"

    def _quote(self) -> None:
        self._quoted = True
        if self._place in ("key", "first_key"):
            self._place = "colon"
        else:
            self._begin_value()

    def _enter(self, mark: str) -> None:
        if self._begin_value():
            self._open.append(mark)
            self._place = "first_key" if mark == "{" else "first"
            self._trusted = len(self._open) > MOST_OPEN

    def _leave(self, mark: str) -> None:
        empty = "first_key" if mark == "}" else "first"
        matching = "{" if mark == "}" else "["
        if self._place not in ("after", empty) or self._open.pop() != matching:
            self.broken = True
        self._place = "after" if self._open else "end"
