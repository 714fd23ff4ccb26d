"""The JSON Schema of a function's arguments, from its annotations and docstring.

pydantic reads the annotations (https://docs.pydantic.dev/latest/concepts/json_schema/),
docstring-parser the docstring (Google, NumPy and reST styles). Both belong to the extra `[tools]`
and are imported at the first function.

Arguments are given by name, so every parameter must have one a model can know: no `*args`, no
`**kwargs`, nothing positional-only. What a `functools.partial` has bound by keyword is the
caller's affair and is not offered.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from ..errors import ConfigError
from .schema import missing
from .show import escaped, shown

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.json_schema import GenerateJsonSchema

Function: TypeAlias = Callable[..., Any]

NAMELESS: Final = {
    inspect.Parameter.VAR_POSITIONAL: "collects arguments (*)",
    inspect.Parameter.VAR_KEYWORD: "collects arguments (**)",
    inspect.Parameter.POSITIONAL_ONLY: "is positional-only",
}


def underlying(function: Function) -> FunctionType | BuiltinFunctionType:
    """The function with name, docstring and globals behind a method, partial or callable object.

    Raises:
        ConfigError: there is none.
    """
    bare = _bare(function)
    target: object = bare if _is_function(bare) else type(bare).__call__
    if isinstance(target, MethodType):
        target = target.__func__
    if isinstance(target, FunctionType | BuiltinFunctionType):
        return target
    raise ConfigError(f"{shown(function)} is no function whose parameters can be known")


def name_of(function: Function) -> str:
    """The name of a function, or of the class of a callable object.

    Raises:
        ConfigError: as `underlying`.
    """
    bare, found = _bare(function), underlying(function)
    return found.__name__ if _is_function(bare) else type(bare).__name__


def _bare(function: Function) -> Function:
    while isinstance(function, functools.partial):
        function = function.func
    if _is_function(function) or isinstance(function, type):
        return function
    wrapped = inspect.unwrap(function)  # of `functools.cache` and the like
    return wrapped if _is_function(wrapped) else function


def _is_function(value: object) -> bool:
    return isinstance(value, FunctionType | BuiltinFunctionType | MethodType)


_DESCRIBED: Final[WeakKeyDictionary[FunctionType, tuple[str, Mapping[str, Any]]]] = (
    WeakKeyDictionary()
)
"""Plain functions that were described before: pydantic takes about a millisecond for one."""


def describe(function: Function) -> tuple[str, Mapping[str, Any]]:
    """The description in the docstring, empty without one, and the schema of the parameters.

    Raises:
        ConfigError: naming the parameter a model could not give.
    """
    if isinstance(function, FunctionType) and (known := _DESCRIBED.get(function)):
        return known
    who = f"tool {name_of(function)!r}"
    parameters = open_parameters(function, who)
    for parameter in parameters:
        _check_parameter(parameter, who)
    hints = resolved(function, parameters, who)
    description, notes = _docstring(function)
    schema = _schema(parameters, hints, who)
    for name, property_ in schema["properties"].items():
        if name in notes:
            property_.setdefault("description", notes[name])
    found = description, schema
    if isinstance(function, FunctionType):
        _DESCRIBED[function] = found
    return found


def open_parameters(function: Function, who: str) -> list[inspect.Parameter]:
    """The parameters that no `functools.partial` has bound by keyword.

    Raises:
        ConfigError: the function does not tell.
    """
    target: object = function
    bound = target.keywords if isinstance(target, functools.partial) else {}
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{who}: its parameters cannot be known: {error}") from None
    return [each for each in signature.parameters.values() if each.name not in bound]


def _check_parameter(parameter: inspect.Parameter, who: str) -> None:
    name = parameter.name
    if parameter.kind in NAMELESS:
        raise ConfigError(
            f"{who}: parameter {name!r} {NAMELESS[parameter.kind]}; a model gives each argument "
            "by its name"
        )
    if parameter.annotation is parameter.empty and parameter.default is parameter.empty:
        raise ConfigError(
            f"{who}: parameter {name!r} has no annotation; annotate it, as in {name}: str, or give "
            "the schema yourself with ToolConfig(name, description, parameters, function)"
        )


def resolved(function: Function, parameters: list[inspect.Parameter], who: str) -> dict[str, Any]:
    """The annotations of some parameters; that of the result does not matter.

    Raises:
        ConfigError: one names something that its module does not define.
    """
    given = {each.name: each.annotation for each in parameters if each.annotation is not each.empty}
    home = inspect.unwrap(underlying(function))
    names = home.__globals__ if isinstance(home, FunctionType) else {}
    try:
        return typing.get_type_hints(
            SimpleNamespace(__annotations__=given), globalns=names, include_extras=True
        )
    except (AttributeError, NameError, SyntaxError, TypeError) as error:
        raise ConfigError(
            f"{who}: an annotation cannot be resolved: {escaped(str(error), 200)}; annotations may "
            "use what the function's module defines at run time"
        ) from None


def _schema(
    parameters: list[inspect.Parameter], hints: Mapping[str, Any], who: str
) -> dict[str, Any]:
    try:
        with describing(who):
            schema = model(parameters, hints).model_json_schema(schema_generator=untitled())
    except ConfigError:
        for each in parameters:  # which one it is
            with describing(f"{who}: parameter {each.name!r}"):
                model([each], hints).model_json_schema(schema_generator=untitled())
        raise
    if schema.get("properties", {}).keys() != {each.name for each in parameters}:
        raise ConfigError(f"{who}: a parameter has an alias; arguments go by the parameters' names")
    schema.pop("title", None)
    schema.pop("description", None)
    return {"type": "object", "properties": {}, **schema, "additionalProperties": False}


@contextmanager
def describing(what: str) -> Generator[None]:
    """Around the use of pydantic on types that come from the caller.

    Raises:
        ConfigError: pydantic cannot use them, or is not installed.
    """
    try:
        from pydantic.errors import PydanticUserError
    except ImportError as error:
        raise missing("pydantic") from error
    try:
        yield
    except (PydanticUserError, NameError, TypeError, ValueError) as error:
        reason = escaped(str(error).partition("\n")[0], 200)
        raise ConfigError(f"{what} has no JSON Schema: {reason}") from None


def model(parameters: list[inspect.Parameter], hints: Mapping[str, Any]) -> type[BaseModel]:
    """A model whose fields are the parameters, in their order.

    pydantic reserves some names for itself, so the fields have numbers and the names are aliases.
    """
    from pydantic import Field, create_model

    fields: dict[str, Any] = {}
    for number, each in enumerate(parameters):
        hint: Any = typing.Annotated[hints.get(each.name, Any), Field(alias=each.name)]
        fields[f"p{number}"] = (hint, ... if each.default is each.empty else each.default)
    return create_model("Arguments", **fields)


@functools.cache
def untitled() -> type[GenerateJsonSchema]:
    """pydantic's maker of schemas, without what only repeats names."""
    from pydantic.json_schema import GenerateJsonSchema

    class Untitled(GenerateJsonSchema):
        """Without titles that only repeat names; a default JSON has no word for is left out."""

        def field_title_should_be_set(self, schema: object) -> bool:
            """No field has a title but one of its own."""
            return False

        def emit_warning(self, kind: object, detail: str) -> None:
            """Say nothing."""

    return Untitled


def _docstring(function: Function) -> tuple[str, dict[str, str]]:
    """The description of the function, and those of its parameters."""
    try:
        import docstring_parser
    except ImportError as error:
        raise missing("docstring-parser") from error
    bare = _bare(function)
    own = "" if _is_function(bare) else type(bare).__doc__
    text = inspect.cleandoc(underlying(function).__doc__ or own or "")
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return text.partition("\n\n")[0], {}
    notes = {each.arg_name: each.description for each in parsed.params if each.description}
    return (parsed.description or "").strip(), notes
