"""A small check of a value against a JSON Schema, for the judge alone.

The keywords that tools use: type, required, properties, additionalProperties, items, enum, const,
minimum and maximum, lengths and numbers of items, anyOf and oneOf. `$ref`, formats and patterns are
passed over: what is not understood is not held against the draft. At most 512 values and 12 levels
are looked at. Keywords: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Literal, TypeAlias

import msgspec

from .jsontypes import Json, is_number, mapping, same, sequence

MOST_VALUES = 512
MOST_LEVELS = 12
LONGEST_WRITTEN = 2_000
"""Characters of a string that may spell a value of another type."""

Violation: TypeAlias = Literal[
    "missing_required",
    "unknown_argument",
    "wrong_type",
    "loose_type",
    "outside_enum",
    "out_of_bounds",
]
"""`loose_type`: a value of another type that spells one of the right type, as "5" does 5."""


class Schema(msgspec.Struct, rename="camel"):
    """The keywords that are checked. Anything may stand in them: schemas are the caller's."""

    type: Any = None
    required: Any = None
    properties: Any = None
    additional_properties: Any = None
    items: Any = None
    enum: Any = None
    const: Any = msgspec.UNSET
    default: Any = msgspec.UNSET
    description: Any = None
    minimum: Any = None
    maximum: Any = None
    exclusive_minimum: Any = None
    exclusive_maximum: Any = None
    min_length: Any = None
    max_length: Any = None
    min_items: Any = None
    max_items: Any = None
    any_of: Any = None
    one_of: Any = None


ANYTHING = Schema()


def read_schema(node: Json) -> Schema:
    """The keywords of a schema; for anything but an object, a schema that allows everything."""
    try:
        return msgspec.convert(node, Schema)
    except msgspec.ValidationError:
        return ANYTHING


def violations(node: Json, value: Json) -> list[Violation]:
    """How `value` breaks the schema `node`, in order of appearance; empty if it does not."""
    check = _Check()
    check.take(node, value, 0)
    return check.found


class _Check:
    """One walk through a value."""

    __slots__ = ("_left", "found")

    def __init__(self) -> None:
        self._left = MOST_VALUES
        self.found: list[Violation] = []

    def take(self, node: Json, value: Json, level: int) -> None:
        """Check one value and what is inside it."""
        self._left -= 1
        if self._left < 0 or level > MOST_LEVELS:
            return
        schema = read_schema(node)
        if schema.type is not None and not has_type(value, schema.type):
            self.found.append("loose_type" if _written(value, schema.type) else "wrong_type")
            return
        if not _listed(schema, value):
            self.found.append("outside_enum")
        if not _within(schema, value):
            self.found.append("out_of_bounds")
        self._alternatives(schema, value, level)
        if isinstance(value, dict):
            self._members(schema, mapping(value), level)
        elif isinstance(value, list):
            for item in sequence(value)[:MOST_VALUES]:
                self.take(schema.items, item, level + 1)

    def _alternatives(self, schema: Schema, value: Json, level: int) -> None:
        """One of the alternatives must hold; the first one's violations tell why none does."""
        for options in (sequence(schema.any_of), sequence(schema.one_of)):
            first: list[Violation] | None = None
            for option in options:
                inner = _Check()
                inner._left = self._left
                inner.take(option, value, level + 1)
                self._left = inner._left
                if not inner.found:
                    break
                first = first or inner.found
            else:
                self.found += first or []

    def _members(self, schema: Schema, value: dict[str, Any], level: int) -> None:
        properties = mapping(schema.properties)
        for name in sequence(schema.required):
            if isinstance(name, str) and name not in value:
                self.found.append("missing_required")
        for name, member in islice(value.items(), MOST_VALUES):
            if name in properties:
                self.take(properties[name], member, level + 1)
            elif mapping(schema.additional_properties):
                self.take(schema.additional_properties, member, level + 1)
            elif schema.additional_properties is False or properties:
                # Not forbidden by default, but no tool expects an argument it does not name.
                self.found.append("unknown_argument")


def has_type(value: Json, kind: Json) -> bool:
    """Whether `value` is of the JSON type `kind`, or of one of several; unknown types fit."""
    if kinds := sequence(kind):
        return any(has_type(value, each) for each in kinds)
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return is_number(value) and value == value // 1
        case "number":
            return is_number(value)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None
        case _:
            return True


def _written(value: Json, kind: Json) -> bool:
    """Whether a string spells a value of the right type, or a fraction stands for an integer."""
    if isinstance(value, float):
        return str(kind) == "integer"
    if not isinstance(value, str) or len(value) > LONGEST_WRITTEN:
        return False
    try:
        return has_type(msgspec.json.decode(value.lower()), kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def _listed(schema: Schema, value: Json) -> bool:
    if schema.const is not msgspec.UNSET and not same(schema.const, value):
        return False
    allowed = sequence(schema.enum)
    return not allowed or any(same(option, value) for option in allowed)


def _within(schema: Schema, value: Json) -> bool:
    """Whether a number, or the length of a string or an array, keeps its bounds."""
    if is_number(value):
        return _between(schema.minimum, value, schema.maximum) and _strictly(schema, value)
    if isinstance(value, str):
        return _between(schema.min_length, len(value), schema.max_length)
    if isinstance(value, list):
        return _between(schema.min_items, len(sequence(value)), schema.max_items)
    return True


def _between(low: Json, value: float, high: Json) -> bool:
    return (not is_number(low) or low <= value) and (not is_number(high) or value <= high)


def _strictly(schema: Schema, value: float) -> bool:
    low, high = schema.exclusive_minimum, schema.exclusive_maximum
    return (not is_number(low) or low < value) and (not is_number(high) or value < high)
