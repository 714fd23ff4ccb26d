"""JSON of unknown shape, read as what is expected of it, or as empty."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
"""Any JSON value."""


def mapping(value: Json) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    try:
        return msgspec.convert(value, type=dict[str, Any])
    except msgspec.ValidationError:
        return {}


def sequence(value: Json) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    try:
        return msgspec.convert(value, type=list[Any])
    except msgspec.ValidationError:
        return []


def is_number(value: Json) -> bool:
    """Whether `value` is a JSON number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(left: Json, right: Json) -> bool:
    """Equality of JSON values: true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
