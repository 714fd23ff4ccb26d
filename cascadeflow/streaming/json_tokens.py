"""The tokens of JSON that can be long, while they are open: a string and a number.

Used by `incremental_json`. Both keep their parts in a list, so that each fragment costs time in
proportion to its own length. Units: sizes and positions are characters.
"""

from __future__ import annotations

from typing import Final

from .json_grammar import (
    MAX_NUMBER,
    NUMBER,
    SEEDS,
    WHOLE_NUMBERS,
    WITH_EXPONENT,
    MalformedJSON,
    mend,
    number,
)

EXACT: Final = 8192
"""Up to this length an open string is shown whole after every fragment."""
LAG: Final = 64
"""A longer open string is shown anew whenever it has grown by 1/64, so that all copies together
cost 64 times its length at most."""


class OpenText:
    """Strings of one JSON text, one after the other; halves of surrogate pairs are joined."""

    __slots__ = ("_high", "_parts", "lone_surrogates", "shown", "unshown")

    def __init__(self) -> None:
        self.shown = ""
        """The text as of the last `refresh`."""
        self.unshown = 0
        """Characters that came after it."""
        self.lone_surrogates = False
        """True if half a surrogate pair was replaced by U+FFFD, in any string so far."""
        self._parts: list[str] = []
        self._high: str = ""  # the first half of a pair whose second may follow

    def take(self, chunk: str) -> None:
        """Add what a fragment holds of the string, escapes resolved."""
        if self._high or not chunk.isascii():
            chunk = self._high + chunk
            self._high = ""
            if "\ud800" <= chunk[-1] <= "\udbff":
                self._high = chunk[-1]
                chunk = chunk[:-1]
            chunk = self.whole(chunk)
        if chunk:
            self._parts.append(chunk)
            self.unshown += len(chunk)

    def whole(self, text: str) -> str:
        """`text` as valid Unicode."""
        if text.isascii():
            return text
        text, lone = mend(text)
        if lone:
            self.lone_surrogates = True
        return text

    def refresh(self) -> str:
        """All of the string so far."""
        if self.unshown:
            self.shown += "".join(self._parts)
            self._parts.clear()
            self.unshown = 0
        return self.shown

    def close(self) -> str:
        """The whole string. The next `take` begins another one."""
        if self._high:
            self._parts.append(self.whole(self._high))
            self.unshown += 1
            self._high = ""
        text = self.refresh()
        self.shown = ""
        return text


class OpenNumber:
    """Numbers of one JSON text, one after the other."""

    __slots__ = ("_at", "_parts", "_seed", "_size")

    def __init__(self) -> None:
        self._at = 0
        self._parts: list[str] = []
        self._size = 0
        self._seed = ""  # stands where the number stands, so that no digit is read twice

    def begin(self, position: int) -> None:
        """Begin a number whose first character has this position in the whole text."""
        self._at = position
        self._parts = []
        self._size = 0
        self._seed = ""

    @property
    def whole(self) -> bool:
        """True if what has come is a number in itself."""
        return self._seed in WHOLE_NUMBERS

    def read(self, text: str, pos: int) -> int:
        """Read on at `pos`; where the number, or the fragment, ends.

        Raises:
            MalformedJSON: if the number is longer than `MAX_NUMBER`, or out of range.
        """
        end = self._extend(text, pos, len(text))
        if self._size > MAX_NUMBER:
            self._overrun()
        if self._seed == WITH_EXPONENT:
            self.value()  # out of range is out of range, whatever digits follow
        return end

    def value(self) -> int | float:
        """The number; only if it is `whole`.

        Raises:
            MalformedJSON: if it is out of range.
        """
        return number("".join(self._parts), self._at)

    def _extend(self, text: str, pos: int, stop: int) -> int:
        seed = self._seed
        match = NUMBER.match(seed + text) if seed else NUMBER.match(text, pos, stop)
        if match is None:
            return pos
        end = match.end() - len(seed)
        self._parts.append(text[pos:end])
        self._size += end - pos
        self._seed = SEEDS[match.lastindex or 0]
        return end

    def _overrun(self) -> None:
        """Fail as if the characters had come one by one: the first of two errors counts."""
        allowed = "".join(self._parts)[:MAX_NUMBER]
        self.begin(self._at)
        self._extend(allowed, 0, MAX_NUMBER)
        if self._seed == WITH_EXPONENT:
            self.value()
        message = f"a number of more than {MAX_NUMBER} characters"
        raise MalformedJSON("number", message, self._at + MAX_NUMBER)
