"""Reading what a strict parser refuses, and mending the text that comes of it.

Two rules: text is valid Unicode (a surrogate pair cut in two is joined, a lone half and bytes that
are not UTF-8 become U+FFFD), and JSON is nested at most `MAX_DEPTH` levels. Time is linear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, TypeGuard

from ..errors import ProtocolError

MAX_DEPTH = 128
"""Levels of arrays and objects in one JSON text."""

_DECODER = json.JSONDecoder(strict=False)
# The closing quote is optional and the repeats are possessive: a broken string is passed once.
_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


def loads(data: bytes) -> object:
    """Decode JSON. Strings may hold control characters and halves of surrogate pairs.

    Raises:
        ValueError: it is not JSON.
        ProtocolError: it is nested too deep.
    """
    text = data.decode("utf-8", "replace")
    may_be_deep = text.count("[") + text.count("{") > MAX_DEPTH
    depth = 0
    for mark in _MARK.finditer(text) if may_be_deep else ():
        depth += (mark[0] in "[{") - (mark[0] in "]}")
        if depth > MAX_DEPTH:
            raise ProtocolError(f"the server sent JSON nested deeper than {MAX_DEPTH} levels")
    try:
        return _DECODER.decode(text.strip())
    except RecursionError:
        raise ProtocolError("the server sent JSON nested too deep to be read") from None


def read_object(data: bytes) -> dict[str, Any] | None:
    """The JSON object in `data`, also if it is alone in a list; None if there is none.

    Raises:
        ProtocolError: it is nested too deep.
    """
    try:
        found = loads(data)
    except ValueError:
        return None
    if is_list(found) and len(found) == 1:
        found = found[0]
    return found if is_object(found) else None


def begins_as_json(data: bytes) -> bool:
    """True if `data` looks like an object or a list, whole or cut."""
    return data.lstrip()[:1] in (b"{", b"[")


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """True for a decoded JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """True for a decoded JSON array."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """True for what a caller may give as a JSON object."""
    return isinstance(value, Mapping)


def is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """True for what a caller may give as a JSON array."""
    return isinstance(value, list | tuple)


def mend(text: str) -> str:
    """Join surrogate pairs; a half without its other half becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_arguments(given: object) -> str:
    """The arguments of a call as JSON text: some servers send the object itself."""
    if given is None or isinstance(given, str):
        return given or ""
    text = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate stays an escape, for the validator to judge.
    return text if mend(text) == text else json.dumps(given, separators=(",", ":"))


class Halves:
    """First halves of surrogate pairs at the end of a piece of text, waiting for the next piece.

    Texts that grow side by side (answer, thinking, the arguments of each call) have a key each.
    """

    def __init__(self) -> None:
        self.waiting: dict[Hashable, str] = {}

    def join(self, key: Hashable, text: str) -> str:
        """`text` with what waited before it, mended; it may come out empty."""
        text = self.waiting.pop(key, "") + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            self.waiting[key] = text[-1]
            text = text[:-1]
        return mend(text)

    def flush(self) -> Iterator[Hashable]:
        """The keys whose text ends with half a character, forgotten on the way."""
        while self.waiting:
            yield self.waiting.popitem()[0]
