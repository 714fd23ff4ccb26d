"""JSON of unknown shape, read as what is expected of it, or as empty."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
"""Any JSON value."""


def as_object(value: Json) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    try:
        return msgspec.convert(value, type=dict[str, Any])
    except msgspec.ValidationError:
        return {}


def as_array(value: Json) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    try:
        return msgspec.convert(value, type=list[Any])
    except msgspec.ValidationError:
        return []
