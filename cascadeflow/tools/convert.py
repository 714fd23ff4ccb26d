"""Arguments on their way into a function: from JSON values to what its annotations name."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, Union

from ..errors import ConfigError
from ..providers.lenient import is_list
from .show import escaped
from .signature import NAMELESS, Function, describing, model, open_parameters, resolved

if TYPE_CHECKING:
    from pydantic import BaseModel

Convert: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]

_AS_THEY_ARE: Final = (str, int, float, bool, NoneType, None, Any, object, list, dict)
"""Annotations whose values are those that JSON has."""


class RefusedArguments(ValueError):
    """Arguments that fit the schema do not fit the annotations; `str()` says why."""


def converter(function: Function) -> Convert | None:
    """Turns JSON arguments into what the annotations name; None if they are that already.

    Only parameters whose annotation JSON has no value for are converted: models, dataclasses,
    enums, dates, sets and the like; and 5.0 becomes 5 where an integer is taken, for to JSON they
    are the same. A function whose parameters cannot be described takes its arguments as they are:
    its schema was written by hand.
    """
    try:
        parameters = open_parameters(function, "")
        hints = resolved(function, parameters, "")
        whole = partial(_whole, hints) if any(map(_takes_integers, hints.values())) else None
        parameters = [
            each
            for each in parameters
            if each.kind not in NAMELESS
            and (_is_field(each.default) or not _is_plain(hints.get(each.name, Any)))
        ]
        if not parameters:
            return whole
        with describing(""):
            made = partial(_convert, model(parameters, hints), parameters)
        return made if whole is None else lambda arguments: made(whole(arguments))
    except ConfigError:
        return None


def _takes_integers(hint: object) -> bool:
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (Union, UnionType, list):
        return float not in arguments and any(map(_takes_integers, arguments))
    return hint is int


def _whole(hints: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _as_integers(value) if _takes_integers(hints.get(name)) else value
        for name, value in arguments.items()
    }


def _as_integers(value: object) -> object:
    if is_list(value):
        return [_as_integers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_field(default: object) -> bool:
    # Nothing is a field of pydantic before pydantic is imported.
    if "pydantic" not in sys.modules:
        return False
    from pydantic.fields import FieldInfo

    return isinstance(default, FieldInfo)


def _is_plain(hint: object) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is None:
        return any(hint is each for each in _AS_THEY_ARE)
    if origin is Literal:
        return not any(isinstance(each, Enum) for each in arguments)
    return origin in (list, dict, Union, UnionType) and all(map(_is_plain, arguments))


def _convert(
    fields: type[BaseModel], parameters: list[inspect.Parameter], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    from pydantic import ValidationError

    try:
        made = fields.model_validate(arguments)
    except ValidationError as error:
        reasons = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise RefusedArguments("; ".join(escaped(each, 200) for each in reasons)) from None
    converted = {
        parameter.name: value
        for parameter, (_, value) in zip(parameters, made, strict=True)
        if parameter.name in arguments or _is_field(parameter.default)
    }
    return {**arguments, **converted}
