"""The items of a response, and which of them an event is about. Pure.

An item is known by its `output_index`, which servers leave out, send as text, or give to every
item; then by its ids, which may change from event to event; else it is the latest of its type that
has not ended. What begins or ends under the name of one that has ended is another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from .lenient import as_arguments, is_object, mend
from .responses_words import Json, canonical, read_index, string

_Name: TypeAlias = tuple[str, int | str | None]
"""Type of an item, and its index or an id."""

_CONTENT = ("call_id", "content", "summary")
"""Fields that differ between two items."""


class Item(msgspec.Struct, eq=False):
    """A message, a thought or a call, as far as it was given out."""

    place: int
    """In the order in which they began."""
    index: int | None
    """As the server gave it."""
    called: bool = False
    """It is a call, and that was told."""
    id: str = ""
    """Of the call, as is `name`."""
    name: str = ""
    given: str = ""
    """Arguments that the call had when it began: perhaps they are told again."""
    whole: Json | None = None
    """The item as it was when it ended."""
    said: dict[tuple[str, int], list[str]] = msgspec.field(
        default_factory=dict[tuple[str, int], list[str]]
    )
    """By the name of a text and its place in the item, the pieces."""

    def text(self, name: str, part: int | None = None) -> str:
        """What was said of the texts of that name, or of one of them."""
        keys = [key for key in self.said if key[0] == name] if part is None else [(name, part)]
        found = [self.said[key] for key in keys if key in self.said]
        for pieces in found:
            pieces[:] = ["".join(pieces)]
        return "".join(pieces[0] for pieces in found)

    def last(self, name: str) -> tuple[str, int]:
        """The text of that name that began last, the first one if none did."""
        return next((key for key in reversed(self.said) if key[0] == name), (name, 0))


class Items:
    """All of them, in the order in which they began."""

    def __init__(self) -> None:
        self.all: list[Item] = []
        self._known: dict[_Name, Item] = {}
        """The latest of a type has the name None."""

    def spoken(self, index: int) -> Item:
        """The message of that index."""
        return self._known.get(("message", index)) or self.of("message", {"output_index": index})

    def of(self, kind: str, body: Json) -> Item:
        """The item that goes on."""
        latest = self._known.get((kind, None))
        going = latest if latest is not None and latest.whole is None else None
        return self._find(kind, body, going) or self._new(kind, body)

    def begun(self, item: Json, body: Json) -> Item:
        """The item that the server says has begun."""
        kind, id = str(item.get("type")), _call_id(item)
        known = self._find(kind, body, None)
        if known is None or known.whole is not None or (id and known.id not in ("", id)):
            return self._new(kind, body)
        return known

    def ended(self, item: Json, body: Json) -> Item:
        """The item that the server says has ended; it has a `whole` if this is a repetition."""
        kind = str(item.get("type"))
        known = self.of(kind, body)
        whole = known.whole or item
        other = any(whole.get(field) != item.get(field) for field in _CONTENT)
        return self._new(kind, body) if other else known

    def paired(self, calls: Sequence[Json]) -> list[Item | None]:
        """Of each call in the closing event, the item; None if it is new. Its id may be, too."""
        left = [item for item in self.all if item.called or item.text("arguments")]
        pairs: list[Item | None] = [None] * len(calls)
        for by_item, by_call in ((_item_id, _call_id), (_item_content, _call_content)):
            waiting: dict[str, list[Item]] = {}
            for item in reversed(left):
                waiting.setdefault(by_item(item), []).append(item)
            for place, call in enumerate(calls):
                if pairs[place] is None and (found := waiting.get(by_call(call))):
                    pairs[place] = found.pop()
            left = [item for items in waiting.values() for item in items]
            left.sort(key=lambda item: item.place)
        nameless = [item for item in left if not item.called]
        for place, call in enumerate(calls if nameless else ()):
            whole = as_arguments(call.get("arguments"))
            begun = [item for item in nameless if whole.startswith(item.text("arguments"))]
            if pairs[place] is None and begun:
                pairs[place] = begun[0]
                nameless.remove(begun[0])
        return pairs

    def _find(self, kind: str, body: Json, latest: Item | None) -> Item | None:
        index = read_index(body.get("output_index"))
        for item in (*map(self._known.get, _names(kind, body)), latest):
            if item is not None and (index is None or item.index in (None, index)):
                if index is not None:
                    item.index, self._known[kind, index] = index, item
                return item
        return None

    def _new(self, kind: str, body: Json) -> Item:
        item = Item(len(self.all), read_index(body.get("output_index")))
        self.all.append(item)
        self._known |= dict.fromkeys([*_names(kind, body), (kind, None)], item)
        return item


def _item_id(item: Item) -> str:
    return item.id


def _call_id(call: Json) -> str:
    return mend(string(call.get("call_id")))


def _item_content(item: Item) -> str:
    return f"{item.name} {canonical(item.text('arguments'))}"


def _call_content(call: Json) -> str:
    return f"{string(call.get('name'))} {canonical(as_arguments(call.get('arguments')))}"


def _names(kind: str, body: Json) -> list[_Name]:
    """What an event calls the item that it is about."""
    item = body.get("item")
    held = item if is_object(item) else {}
    index = read_index(body.get("output_index"))
    ids = (body.get("item_id"), held.get("id"), held.get("call_id"))
    given = (index, *(id for id in ids if id and isinstance(id, str)))
    return [(kind, name) for name in given if name is not None]
