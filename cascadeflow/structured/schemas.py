"""The JSON Schemas of answers: of a type, relaxed for unfinished values, fit for the strict mode.

Types are described by pydantic: https://docs.pydantic.dev/latest/concepts/json_schema/
Keywords: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Final

from ..providers.lenient import is_object
from ..tools.schema import references, subschemas
from ..tools.show import shown
from ..tools.signature import describing, untitled

_LASTING: Final = frozenset({
    "$schema", "$defs", "definitions", "type",
    "properties", "patternProperties", "additionalProperties", "propertyNames", "maxProperties",
    "items", "prefixItems", "additionalItems", "maxItems", "uniqueItems",
})  # fmt: skip
_INSIDE: Final = ("#/$defs/", "#/definitions/")
"""References that lead to the same schema in the relaxed one."""
_STRICT: Final = frozenset({
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum",
    "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems",
    "minimum", "multipleOf", "pattern", "properties", "required", "title", "type",
})  # fmt: skip
_STRICT_FORMATS: Final = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
})  # fmt: skip


def is_type(value: object) -> bool:
    """Whether `value` is a class or what `typing` makes of classes, and no object of one."""
    return isinstance(value, type | types.UnionType) or typing.get_origin(value) is not None


def described(kind: Any) -> dict[str, Any]:  # noqa: ANN401 -- a class, a union, an alias
    """The schema of the values of a type, as a model must write them.

    Objects with known members are closed (`additionalProperties: false`) unless the type says
    otherwise: providers that hold a model to a schema insist on it.

    Raises:
        ConfigError: pydantic cannot describe it, or is not installed.
    """
    with describing(f"response_format is {shown(kind)}, which"):
        from pydantic import TypeAdapter

        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        schema = adapter.json_schema(schema_generator=untitled())
    for place in subschemas(schema):
        if "properties" in place:
            place.setdefault("additionalProperties", False)
    return schema


def relaxed(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an unfinished value must fit already; None if nothing can be said.

    Of a value that grows member by member only such keywords can be asked that further members
    cannot mend; `required` and the like have to wait for the end.
    """
    parent, _, name = str(schema.get("$ref", "")).rpartition("/")
    definitions = schema.get("$defs")
    if parent == "#/$defs" and is_object(definitions) and is_object(definitions.get(name)):
        # A schema that only names a definition, as pydantic gives for recursive models. What else
        # stands beside a reference was ignored before 2019-09; since then it holds too.
        schema = {"$defs": definitions, **definitions[name]}
    kept = {keyword: value for keyword, value in schema.items() if keyword in _LASTING}
    if not kept.keys() - {"$schema", "$defs", "definitions"} or "$id" in schema:
        return None
    return kept if all(each.startswith(_INSIDE) for each in references(kept)) else None


def is_strict(schema: dict[str, Any]) -> bool:
    """Whether OpenAI's strict mode takes it: then the model cannot but fit it.

    An object whose members are all required, likewise everything inside it. Source:
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    return schema.get("type") == "object" and all(map(_fits_strict, subschemas(schema)))


def _fits_strict(place: dict[str, Any]) -> bool:
    if not place.keys() <= _STRICT or place.get("format", "date") not in _STRICT_FORMATS:
        return False
    if "$ref" in place:
        return len(place) == 1
    if place.get("type") != "object" and "properties" not in place:
        return True
    names = set(place.get("properties", {}))
    return place.get("additionalProperties") is False and names == set(place.get("required", ()))
