"""The value of a JSON text that is still arriving: dicts and lists that grow in place.

Used by `incremental_json`, which knows the grammar; this knows where the next value belongs.
"""

from __future__ import annotations

from typing import Any, Final

MAX_DUPLICATES: Final = 16
"""How many duplicate keys are told by name."""


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
        if self.object and key in self.object:
            self._repeat(key)

    def _repeat(self, key: str) -> None:
        if key not in self.duplicates and len(self.duplicates) < MAX_DUPLICATES:
            self.duplicates = (*self.duplicates, key)

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

    def open_object(self) -> None:
        """An object begins."""
        container: dict[str, Any] = {}
        self.put(container)
        self.around.append(self.array if self.object is None else self.object)
        self.object, self.array = container, None

    def open_array(self) -> None:
        """An array begins."""
        container: list[Any] = []
        self.put(container)
        self.around.append(self.array if self.object is None else self.object)
        self.object, self.array = None, container

    def close(self) -> bool:
        """The innermost container ends: is there one around it?"""
        parent = self.around.pop()
        self.object = self.array = None
        if isinstance(parent, dict):
            self.object = parent
        else:
            self.array = parent
        return parent is not None
