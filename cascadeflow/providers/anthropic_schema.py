"""A JSON Schema as the Messages API takes it. Pure.

The API knows a subset: every object closed, no bounds of numbers or lengths, no recursion. What it
does not know is told in the description, where the model reads it; the answer is checked against
the whole schema all the same.
Source: https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs#json-schema-limitations
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from .lenient import is_list, is_object

FORMATS: Final = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
})  # fmt: skip

_KEPT: Final = frozenset({"$ref", "type", "description", "title", "required", "const"})
_SCHEMAS: Final = frozenset({"properties", "$defs", "definitions"})
_UNIONS: Final = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_DROPPED: Final = frozenset({"$schema", "additionalProperties"})


class Inexpressible(ValueError):
    """The API has no way to ask for this."""


def reduced(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema with what the API knows; None if that would ask for something else."""
    try:
        return None if _recursive(schema) else _reduced(schema)
    except Inexpressible:
        return None


def _reduced(schema: object) -> dict[str, Any]:
    if not is_object(schema):
        raise Inexpressible
    made: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for keyword, value in schema.items():
        match keyword:
            case _ if keyword in _KEPT or (keyword == "format" and str(value) in FORMATS):
                made[keyword] = value
            case "enum" if is_list(value) and not any(is_list(v) or is_object(v) for v in value):
                made[keyword] = value
            case "minItems" if value in (0, 1):
                made[keyword] = value
            case _ if keyword in _SCHEMAS and is_object(value):
                made[keyword] = {name: _reduced(each) for name, each in value.items()}
            case _ if keyword in _UNIONS and is_list(value):
                # Each part of an `allOf` would be closed to what the other parts ask for.
                if keyword == "allOf" and len(value) > 1:
                    raise Inexpressible
                made[_UNIONS[keyword]] = [_reduced(each) for each in value]
            case "items":
                made[keyword] = _reduced(value)
            case _ if keyword not in _DROPPED:
                told[keyword] = value
            case _:
                pass
    if schema.get("type") == "object" or "properties" in schema:
        if is_object(schema.get("additionalProperties")) or not schema.get("properties"):
            raise Inexpressible  # an object that lives by members nobody named cannot be closed
        made["additionalProperties"] = False
    if told:
        notes = msgspec.json.encode(told).decode()
        made["description"] = "\n\n".join(filter(None, (str(made.get("description", "")), notes)))
    return made


def _recursive(schema: Mapping[str, Any]) -> bool:
    """Whether a definition leads back to itself."""
    definitions = {
        f"#/{home}/{name}": _references(each)
        for home in ("$defs", "definitions")
        if is_object(schemas := schema.get(home))
        for name, each in schemas.items()
    }
    reached = {name: set(names) for name, names in definitions.items()}
    for _ in definitions:
        for names in reached.values():
            names |= {far for near in names for far in reached.get(near, ())}
    known = all(name in definitions for name in _references(schema))
    return not known or any(name in names for name, names in reached.items())


def _references(schema: object) -> set[str]:
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        place = waiting.pop()
        if is_list(place):
            waiting.extend(place)
        elif is_object(place):
            if isinstance(reference := place.get("$ref"), str):
                found.add(reference)
            waiting.extend(place.values())
    return found
