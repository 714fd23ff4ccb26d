"""Answers in the form `response_format` asks for: a JSON object, or one that fits a schema.

Schemas are JSON, hence `Any`. Supported: object, array, string, number, integer, boolean and enum;
every property is filled, the texts and numbers with those of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from . import numerals
from .jsontypes import Json, as_array, as_object

DEEPEST = 8
"""Levels of a schema that are filled; below them everything is null."""


def as_format(response_format: Mapping[str, Any] | None, text: str) -> str:
    """`text` in the form asked for; unchanged for plain text."""
    match (response_format or {}).get("type"):
        case "json_object":
            return msgspec.json.encode({"answer": text}).decode()
        case "json_schema":
            wrapped = as_object((response_format or {}).get("json_schema"))
            filled = _fill(as_object(wrapped.get("schema")), text, DEEPEST)
            return msgspec.json.encode(filled).decode()
        case _:
            return text


def _fill(schema: Mapping[str, Any], text: str, depth: int) -> Json:
    if depth == 0:
        return None
    if values := as_array(schema.get("enum")):
        fitting = [value for value in values if str(value).lower() in text.lower()]
        return fitting[0] if fitting else values[0]
    numbers = numerals.numbers(text)
    match schema.get("type"):
        case "object":
            properties = as_object(schema.get("properties"))
            return {
                name: _fill(as_object(about), text, depth - 1) for name, about in properties.items()
            }
        case "array":
            return [_fill(as_object(schema.get("items")), text, depth - 1)]
        case "integer":
            return int(numbers[-1]) if numbers else 0
        case "number":
            return float(numbers[-1]) if numbers else 0.0
        case "boolean":
            return not text.lower().startswith(("no", "false"))
        case "null":
            return None
        case _:
            return text
