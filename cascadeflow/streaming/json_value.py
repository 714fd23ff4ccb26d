"""The value of a JSON text still arriving: dicts and lists that grow in place, and its open string.

Used by `incremental_json`, which knows the grammar; this knows where the next value belongs.
Units: lengths are characters.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ..providers.lenient import mend

MAX_DUPLICATES: Final = 16
"""How many duplicate keys are told by name."""
EXACT: Final = 8192
"""Up to this length an open string is shown whole after every fragment."""
LAG: Final = 64
"""A longer open string is shown anew whenever it has grown by 1/64, so that all copies together
cost 64 times its length at most."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class LiveValue:
    """A partial value and the place in it where the text stands."""

    __slots__ = ("_placed", "around", "array", "duplicates", "key", "object", "root")

    def __init__(self) -> None:
        self.root: Any = None
        """The whole value so far."""
        self.object: dict[str, Any] | None = None
        """The innermost open container, if it is an object."""
        self.array: list[Any] | None = None
        """The innermost open container, if it is an array."""
        self.around: list[dict[str, Any] | list[Any] | None] = []
        """The containers around it; the first is None. As long as the text is deep."""
        self.key = ""
        """The key whose value comes next or is open."""
        self.duplicates: tuple[str, ...] = ()
        """Keys that came twice in one object, the first `MAX_DUPLICATES` of them."""
        self._placed = False  # whether the last element of `array` is the open string

    def name(self, key: str) -> None:
        """A key is whole; its value follows."""
        self.key = key
        if self.object and key in self.object and key not in self.duplicates:
            self.duplicates = (*self.duplicates, key)[:MAX_DUPLICATES]

    def put(self, value: object) -> None:
        """A value is whole, or a container begins."""
        if self.object is not None:
            self.object[self.key] = value
        elif self.array is None:
            self.root = value
        elif self._placed:
            self.array[-1] = value
            self._placed = False
        else:
            self.array.append(value)

    def show(self, text: str) -> None:
        """What has come of a string that is still open."""
        self.put(text)
        self._placed = self.array is not None

    def open(self, container: dict[str, Any] | list[Any]) -> None:
        """An object or an array begins."""
        self.put(container)
        self.around.append(self.array if self.object is None else self.object)
        if isinstance(container, dict):
            self.object, self.array = container, None
        else:
            self.object, self.array = None, container

    def close(self) -> bool:
        """The innermost container ends: is there one around it?"""
        parent = self.around.pop()
        if isinstance(parent, dict):
            self.object, self.array = parent, None
        else:
            self.object, self.array = None, parent
        return parent is not None


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
        if text.isascii() or _SURROGATE.search(text) is None:
            return text
        mended = mend(text)
        if mended.count("\ufffd") > text.count("\ufffd"):
            self.lone_surrogates = True
        return mended

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
