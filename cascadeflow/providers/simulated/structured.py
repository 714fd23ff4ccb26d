"""Answers in the form `response_format` asks for: a JSON object, or one that fits a schema.

Every property is filled: texts and numbers with those of the answer.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from .solution import numbers
from .wire import Json


def as_format(response_format: Json, text: str) -> str:
    """`text` in the form asked for; unchanged for plain text."""
    match response_format:
        case {"type": "json_object"}:
            return msgspec.json.encode({"answer": text}).decode()
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return msgspec.json.encode(_fill(schema, text, 8)).decode()
        case _:
            return text


def _fill(schema: Json, text: str, depth: int) -> Json:
    """A value that fits; below `depth` levels everything is null."""
    match schema if depth else {"type": "null"}:
        case {"enum": [first, *_] as values}:
            return next((v for v in values if str(v).lower() in text.lower()), first)
        case {"type": "object"}:
            properties: dict[str, Json] = schema.get("properties", {})
            return {name: _fill(about, text, depth - 1) for name, about in properties.items()}
        case {"type": "array"}:
            return [_fill(schema.get("items", {}), text, depth - 1)]
        case {"type": "integer" | "number" as kind}:
            last = float((numbers(text) or [Fraction(0)])[-1])
            return int(last) if kind == "integer" else last
        case {"type": "boolean"}:
            return not text.lower().startswith(("no", "false"))
        case {"type": "null"}:
            return None
        case _:
            return text
