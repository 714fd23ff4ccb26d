"""A small check of a value against a JSON Schema, for the judge alone.

The keywords that tools use: type, required, properties, additionalProperties, items, enum, const,
minimum and maximum, lengths and numbers of items, anyOf and oneOf. `$ref`, formats and patterns are
passed over: what is not understood is not held against the draft. At most 512 values and 12 levels
are looked at. Keywords: https://json-schema.org/draft/2020-12/json-schema-validation

Schemas are the caller's, so anything may stand in them: JSON of unknown shape is read as what is
expected of it, or as empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, TypeAlias

import msgspec

Json: TypeAlias = Any
"""Any JSON value."""

MOST_VALUES = 512
MOST_LEVELS = 12
LONGEST_WRITTEN = 2_000
"""Characters of a string that may spell a value of another type."""

Violation: TypeAlias = Literal[
    "missing_required", "unknown_argument", "wrong_type", "loose_type", "outside_enum",
    "out_of_bounds",
]  # fmt: skip
"""`loose_type`: a value of another type that spells one of the right type, as "5" does 5."""

_TYPES: dict[str, type[Any]] = {
    "string": str, "boolean": bool, "array": list, "object": dict, "null": type(None),
}  # fmt: skip
_ALSO = {
    "str": "string", "int": "integer", "long": "integer", "float": "number", "double": "number",
    "bool": "boolean", "list": "array", "tuple": "array", "dict": "object",
}  # fmt: skip
"""Types as some write them, and what they mean."""


def mapping(value: Json) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    try:
        return msgspec.convert(value, dict[str, Any]) if isinstance(value, dict) else {}
    except (msgspec.ValidationError, UnicodeError):
        return {}


def sequence(value: Json) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return msgspec.convert(value, list[Any]) if isinstance(value, (list, tuple)) else []


def is_number(value: Json) -> bool:
    """Whether `value` is a JSON number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(left: Json, right: Json) -> bool:
    """Equality of JSON values: true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def violations(node: Json, value: Json) -> list[Violation]:
    """How `value` breaks the schema `node`, in order of appearance; empty if it does not."""
    return list(_check(node, value, 0, iter(range(MOST_VALUES))))


def _check(node: Json, value: Json, level: int, left: Iterator[int]) -> Iterator[Violation]:
    """One value and what is inside it, as many as are `left`."""
    if next(left, None) is None or level > MOST_LEVELS:
        return
    schema = mapping(node)
    if "default" in schema and same(schema["default"], value):
        return
    allowed = kinds(schema)
    if not _has_type(value, allowed):
        yield "loose_type" if _written(value, allowed) else "wrong_type"
        return
    other = "const" in schema and not same(schema["const"], value)
    options = sequence(schema.get("enum"))
    if other or (options and not any(same(option, value) for option in options)):
        yield "outside_enum"
    if not _within(schema, value):
        yield "out_of_bounds"
    for name in ("anyOf", "oneOf"):
        # One of the alternatives must hold; the first one's violations tell why none does.
        first: list[Violation] = []
        for option in sequence(schema.get(name)):
            inner = list(_check(option, value, level + 1, left))
            if not inner:
                break
            first = first or inner
        else:
            yield from first
    if isinstance(value, dict):
        yield from _members(schema, mapping(value), level, left)
    for item in sequence(value)[:MOST_VALUES]:
        yield from _check(schema.get("items"), item, level + 1, left)


def _members(
    schema: dict[str, Any], value: dict[str, Any], level: int, left: Iterator[int]
) -> Iterator[Violation]:
    properties, more = mapping(schema.get("properties")), schema.get("additionalProperties")
    for name in sequence(schema.get("required")):
        if isinstance(name, str) and name not in value:
            yield "missing_required"
    for name, member in islice(value.items(), MOST_VALUES):
        if name in properties or mapping(more):
            yield from _check(properties.get(name, more), member, level + 1, left)
        elif more is False or properties:
            # Not forbidden by default, but no tool expects an argument it does not name.
            yield "unknown_argument"


def kinds(schema: Json) -> list[str]:
    """The types that a schema names, in JSON's words; empty: it names none."""
    told = mapping(schema).get("type")
    named = [each.lower() for each in sequence(told) or [told] if isinstance(each, str)]
    return [_ALSO.get(each, each) for each in named]


def _has_type(value: Json, allowed: list[str]) -> bool:
    """Whether `value` is of one of the types; unknown types fit."""
    return not allowed or any(_is(value, kind) for kind in allowed)


def _is(value: Json, kind: str) -> bool:
    if kind in ("integer", "number"):
        return is_number(value) and (kind == "number" or value == value // 1)
    return isinstance(value, _TYPES.get(kind, object))


def _written(value: Json, allowed: list[str]) -> bool:
    """Whether a string spells a value of the right type, or a fraction stands for an integer."""
    if isinstance(value, float):
        return "integer" in allowed
    if not isinstance(value, str) or len(value) > LONGEST_WRITTEN:
        return False
    try:
        return _has_type(msgspec.json.decode(value.lower()), allowed)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def _within(schema: dict[str, Any], value: Json) -> bool:
    """Whether a number, or the length of a string or an array, keeps its bounds."""
    if is_number(value):
        low, high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        inside = (not is_number(low) or low < value) and (not is_number(high) or value < high)
        return inside and _between(schema.get("minimum"), value, schema.get("maximum"))
    if isinstance(value, str):
        return _between(schema.get("minLength"), len(value), schema.get("maxLength"))
    size = len(sequence(value))
    listed = isinstance(value, list)
    return not listed or _between(schema.get("minItems"), size, schema.get("maxItems"))


def _between(low: Json, value: float, high: Json) -> bool:
    return (not is_number(low) or low <= value) and (not is_number(high) or value <= high)
