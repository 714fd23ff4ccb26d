"""JSON Schemas of tools and answers: checked, compiled, looked through.

That of a tool describes an object. Each must be valid by its own draft and refer only to itself: a
model sees nothing else, and a validator that followed a remote or file reference would open it. So
the validator is given a retriever that refuses, and references are looked at before it is built.

Validators are kept, by the text of their schema: compiling one costs as much as a hundred uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..errors import ConfigError
from ..providers.lenient import is_list, is_object
from .show import escaped, shown
from .strict_json import UnusableJSON, dumps, loads

if TYPE_CHECKING:
    from jsonschema_rs import Validator

MASK: Final = "it"
"""Stands for the value in the validator's messages, which would hold it whole otherwise."""
ALLOWED: Final = (
    'allowed is a JSON Schema of an object, {"type": "object", "properties": {...}}, '
    'with references inside itself ("#/$defs/...") only'
)

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_DATA: Final = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords whose values are no schemas, whatever they look like."""
_MAPS: Final = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
"""Keywords whose values are objects of schemas by name."""


def missing(package: str) -> ConfigError:
    """The error for a package of the extra that is not installed."""
    return ConfigError(
        f'tools and schemas need {package}, which is not installed: pip install ".[tools]"'
    )


def checked(tool: str, parameters: object) -> dict[str, Any]:
    """A copy of a tool's schema in JSON types, with `type` filled in.

    None, and a schema without keywords, stand for an object without properties.

    Raises:
        ConfigError: naming the tool; or the extra `[tools]` is not installed.
    """
    try:
        schema = loads(dumps({} if parameters is None else parameters))
        if not is_object(schema):
            raise UnusableJSON(f"{shown(parameters)} is a {type(parameters).__name__}")
        if "type" not in schema and (not schema or "properties" in schema):
            schema = {"type": "object", **schema}
        if schema.get("type") != "object":
            raise UnusableJSON(f"type is {shown(schema.get('type'))}; it must be 'object'")
        schema.setdefault("properties", {})
        compiled(dumps(schema))
    except UnusableJSON as error:
        raise ConfigError(f"tool {tool!r}: parameters: {error}; {ALLOWED}") from None
    return schema


@lru_cache(maxsize=512)
def compiled(schema: str) -> Validator:
    """The validator of a schema, given as JSON text.

    Raises:
        UnusableJSON: it is no valid schema.
        ConfigError: the extra `[tools]` is not installed.
    """
    try:
        import jsonschema_rs
    except ImportError as error:
        raise missing("jsonschema-rs") from error
    value = loads(schema)
    if not is_object(value):
        raise UnusableJSON(f"{shown(value)} is no object")
    for reference in references(value):
        if not reference.startswith("#"):
            raise UnusableJSON(f"the reference {shown(reference)} leads out of the schema")
    try:
        return jsonschema_rs.validator_for(
            value, retriever=_refuse, validate_formats=True, mask=MASK
        )
    except jsonschema_rs.ValidationError as error:
        where = escaped("/".join(map(str, error.instance_path)))
        place = f"{where} is {shown(error.instance)}: " if where else ""
        raise UnusableJSON(
            f"not a valid JSON Schema: {place}{escaped(error.message, 200)}"
        ) from None
    except ValueError as error:
        raise UnusableJSON(f"not a valid JSON Schema: {escaped(str(error), 200)}") from None


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is outside the schema")


def references(schema: dict[str, Any]) -> Iterator[str]:
    """Every reference in a schema; names of properties and data that only look so are none."""
    for place in subschemas(schema):
        for keyword in _REFERENCES:
            if isinstance(reference := place.get(keyword), str):
                yield reference


def subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and every schema in it, and what stands under keywords nobody knows."""
    waiting: list[object] = [schema]
    while waiting:
        place = waiting.pop()
        if is_list(place):
            waiting.extend(place)
        elif is_object(place):
            yield place
            for keyword, value in place.items():
                if keyword in _MAPS and is_object(value):
                    waiting.extend(value.values())
                elif keyword not in _DATA:
                    waiting.append(value)
