"""What a tool has returned, as JSON types within a bound.

dict, list, str, int, float, bool and None stay what they are. Tuples and sets become lists,
mappings dicts, enums their value; dataclasses, msgspec structs and pydantic models dicts; dates
ISO 8601 text, Decimal, UUID and paths text, bytes base64. Anything else is refused.

The bound is kept while reading, so that what is too large is neither copied nor encoded.
"""

from __future__ import annotations

import math
import sys
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeGuard

import msgspec

from ..providers.lenient import is_mapping, mend
from .show import shown
from .strict_json import MAX_DEPTH, UnusableJSON, dumps


class UnfitResult(ValueError):
    """The result is too large, or not JSON; `str()` says why."""


def plain(value: object, limit: int) -> Any:  # noqa: ANN401 -- JSON
    """A copy of `value` in JSON types whose text is at most `limit` bytes.

    The text is a string itself, or the JSON of anything else, in UTF-8.

    Raises:
        UnfitResult: it is not JSON or too large. Converting may raise what the value's code raises.
    """
    try:
        made = _Reader(limit).read(value, 0)
        text = made if isinstance(made, str) else dumps(made)
    except UnusableJSON as error:
        raise UnfitResult(f"the result is {error}") from None
    size = len(text) if text.isascii() else len(text.encode())
    if size > limit:
        raise _too_large(limit, f"has {size} bytes")
    return made


def _too_large(limit: int, size: str) -> UnfitResult:
    return UnfitResult(f"the result {size}; at most {limit} bytes are allowed")


class _Reader:
    """Copies one value and counts what its text has at least."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    def read(self, value: object, depth: int) -> object:
        """`value` in JSON types."""
        if depth > MAX_DEPTH:
            raise UnfitResult(f"the result is nested deeper than {MAX_DEPTH} levels, or in itself")
        if isinstance(value, Enum):
            return self.read(value.value, depth)
        if isinstance(value, str):
            if len(value) > self._limit:
                raise _too_large(self._limit, f"holds a text of {len(value)} characters")
            self._count(len(value))
            return mend(value)
        if value is None or isinstance(value, int | float):
            return self._scalar(value)
        if is_mapping(value):
            return {
                self._key(key, depth): self.read(each, depth + 1) for key, each in value.items()
            }
        if _is_collection(value):
            return [self.read(each, depth + 1) for each in value]
        if isinstance(value, bytes | bytearray) and len(value) > self._limit:
            raise _too_large(self._limit, f"holds {len(value)} bytes of {type(value).__name__}")
        try:
            made: object = msgspec.to_builtins(value, enc_hook=_other)
        except msgspec.ValidationError as error:
            raise UnfitResult(f"the result is not JSON: {error}") from None
        return self.read(made, depth + 1)

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _too_large(self._limit, f"has more than {self._limit} bytes")

    def _scalar(self, value: float | None) -> object:
        self._count(1)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value)
        if not math.isfinite(value):
            raise UnfitResult(f"the result holds {value}, which JSON has no word for")
        return float(value)

    def _key(self, key: object, depth: int) -> str:
        made = self.read(key, depth)
        if made is None or isinstance(made, int | float):
            made = self.read(dumps(made), depth)  # counted with all its digits
        if isinstance(made, str):
            return made
        raise UnfitResult(f"the result has the key {shown(key)}; keys are texts in JSON")


def _other(value: object) -> object:
    """What msgspec does not know."""
    if isinstance(value, PurePath):
        return str(value)
    # Nothing is a pydantic model before pydantic is imported.
    if "pydantic" in sys.modules:
        from pydantic import BaseModel

        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
    raise UnfitResult(f"the result is not JSON: it holds a {type(value).__name__}")


def _is_collection(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple | set | frozenset)
