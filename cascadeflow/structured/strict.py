"""Whether OpenAI's strict mode takes a schema: then the model cannot but fit it.

A schema outside the subset is refused there with `strict: true`, so it is sent without.
Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from typing import Any, Final

from ..tools.check import subschemas

_KEYWORDS: Final = frozenset({
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum",
    "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems",
    "minimum", "multipleOf", "pattern", "properties", "required", "title", "type",
})  # fmt: skip
_FORMATS: Final = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
})  # fmt: skip


def is_strict(schema: dict[str, Any]) -> bool:
    """Whether it is an object whose members are all required, likewise everything inside it."""
    return schema.get("type") == "object" and all(map(_fits, subschemas(schema)))


def _fits(place: dict[str, Any]) -> bool:
    if not place.keys() <= _KEYWORDS or place.get("format", "date") not in _FORMATS:
        return False
    if "$ref" in place:
        return len(place) == 1
    if place.get("type") != "object" and "properties" not in place:
        return True
    names = set(place.get("properties", {}))
    return place.get("additionalProperties") is False and names == set(place.get("required", ()))
