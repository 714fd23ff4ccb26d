"""The JSON Schema of a type, by pydantic: models, dataclasses, TypedDicts, unions, containers.

Objects with known members are closed (`additionalProperties: false`) unless the type says
otherwise: providers that hold a model to a schema insist on it, and a model has no business adding
members. Source: https://docs.pydantic.dev/latest/concepts/json_schema/
"""

from __future__ import annotations

import types
import typing
from typing import Any

from ..errors import ConfigError
from ..tools.check import subschemas
from ..tools.schema import pydantic_errors, untitled
from ..tools.show import escaped, shown


def is_type(value: object) -> bool:
    """Whether `value` is a class or what `typing` makes of classes, and no object of one."""
    return isinstance(value, type | types.UnionType) or typing.get_origin(value) is not None


def described(kind: Any) -> dict[str, Any]:  # noqa: ANN401 -- a class, a union, an alias
    """The schema of the values of a type, as a model must write them.

    Raises:
        ConfigError: pydantic cannot describe it, or is not installed.
    """
    errors = pydantic_errors()
    from pydantic import TypeAdapter

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        schema = adapter.json_schema(schema_generator=untitled())
    except errors as error:
        reason = escaped(str(error).partition("\n")[0], 200)
        raise ConfigError(
            f"response_format is {shown(kind)}, which has no JSON Schema: {reason}"
        ) from None
    for place in subschemas(schema):
        if "properties" in place:
            place.setdefault("additionalProperties", False)
    return schema
