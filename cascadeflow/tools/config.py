"""Definitions of tools: the shapes in which they are given, and the one form they are brought to.

    {"name", "description", "parameters"}                          universal, and inside
    {"type": "function", "function": {...the above, "strict"}}     OpenAI
    {"name", "description", "input_schema"}                        Anthropic
    ToolConfig(...), @tool, a typed function                       Python

Names are 1 to 64 of a-z A-Z 0-9 _ -: what OpenAI, Anthropic (which allows 128) and Gemini (which
allows dots besides) all take, for the next tier may be of any of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeGuard, TypeVar, overload
from weakref import WeakKeyDictionary

import msgspec

from ..errors import ConfigError
from .check import checked
from .choice import normalise_choice
from .schema import describe, name_of, underlying
from .show import shown

__all__ = ["Offered", "ToolConfig", "normalise", "normalise_choice", "tool"]

Function: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=Function)

MAX_NAME: Final = 64
_NAME: Final = re.compile(rf"[a-zA-Z0-9_-]{{1,{MAX_NAME}}}")
_KEYS: Final = ("name", "description", "parameters", "input_schema", "strict", "function", "type")
_SCHEMAS: Final = ("parameters", "input_schema")
_FORMS: Final = (
    'accepted are {"name", "description", "parameters"}, '
    '{"type": "function", "function": {...}}, {"name", "description", "input_schema"}, '
    "ToolConfig and typed functions"
)


class Offered(msgspec.Struct, frozen=True):
    """A tool in normal form."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of an object, in JSON types."""
    function: Function | None = None
    """What runs it; None: only the caller knows."""
    strict: bool | None = None
    """OpenAI's `strict`, where it was given."""

    @property
    def definition(self) -> dict[str, Any]:
        """What a provider is told: `name`, `description`, `parameters`, and `strict` if given."""
        told = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
        return told if self.strict is None else {**told, "strict": self.strict}


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """A tool, and the function that runs it.

    Args:
        name: 1 to 64 of a-z A-Z 0-9 _ -.
        description: for the model: what it does, when to use it.
        parameters: JSON Schema of an object; None: it takes no arguments.
        function: sync or async; called with the arguments by name. None: it is not run here.

    Raises:
        ConfigError: name, description or function is none. The schema is checked when offered.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    function: Function | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_description(self.name, self.description)
        _check_function(self.name, self.function)

    @classmethod
    def from_function(
        cls, function: Function, *, name: str | None = None, description: str | None = None
    ) -> ToolConfig:
        """A tool made of a function: its schema from annotations, its words from the docstring.

        Args:
            function: annotated; a plain function, a bound method, a `functools.partial` (what it
                binds is not offered) or an object with `__call__`.
            name: None: the function's own.
            description: None: that of the docstring.

        Raises:
            ConfigError: a parameter cannot be given by name or has no JSON Schema, or the extra
                `[tools]` is not installed.
        """
        found = _from_function(function, _Marks(name, description))
        return cls(found.name, found.description, found.parameters, function)


class _Marks(msgspec.Struct, frozen=True):
    """What `@tool(...)` said."""

    name: str | None = None
    description: str | None = None


_MARKED: Final[WeakKeyDictionary[Function, _Marks]] = WeakKeyDictionary()
"""By function: a decorated function stays itself, to be called and typed as before."""


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(*, name: str | None = None, description: str | None = None) -> Callable[[F], F]: ...
def tool(
    function: F | None = None, /, *, name: str | None = None, description: str | None = None
) -> F | Callable[[F], F]:
    """Mark a function as a tool, with or without a name and a description of its own.

    The function is returned as it is; its schema is made when it is first offered.

    Raises:
        ConfigError: the name is none a tool can have, or it decorates no function.
    """
    if name is not None:
        _check_name(name)

    def mark(target: F) -> F:
        try:
            _MARKED[underlying(target)] = _Marks(name, description)
        except TypeError:
            raise ConfigError(f"@tool decorates {shown(target)}; it must be a function") from None
        return target

    return mark if function is None else mark(function)


def normalise(tools: Iterable[object]) -> tuple[Offered, ...]:
    """Tools in normal form, in the order given.

    Raises:
        ConfigError: one is no definition of a tool, its name or schema is none that every
            provider takes, two have one name, or the extra `[tools]` is not installed.
    """
    _check_list(tools)
    found: dict[str, Offered] = {}
    for position, each in enumerate(tools):
        offered = _offered(each, position)
        if offered.name in found:
            place = list(found).index(offered.name)
            raise ConfigError(
                f"tools {place} and {position} are both named {offered.name!r}; names must differ"
            )
        found[offered.name] = offered
    return tuple(found.values())


def _check_list(tools: object) -> None:
    if isinstance(tools, str | bytes) or _is_mapping(tools) or not _is_iterable(tools):
        raise ConfigError(f"tools is {shown(tools)}; it must be a list of tools; {_FORMS}")


def _offered(given: object, position: int) -> Offered:
    if isinstance(given, Offered):
        return given
    if isinstance(given, ToolConfig):
        parameters = checked(given.name, given.parameters)
        return Offered(given.name, given.description, parameters, given.function)
    if _is_mapping(given):
        return _from_mapping(given, position)
    if callable(given) and not isinstance(given, type):
        return _from_function(given, _MARKED.get(underlying(given), _Marks()))
    raise ConfigError(f"tool {position} is {shown(given)}; {_FORMS}")


def _from_function(function: Function, marks: _Marks) -> Offered:
    if not callable(function) or isinstance(function, type):
        raise ConfigError(f"{shown(function)} is no function that a tool can be made of")
    name = name_of(function) if marks.name is None else marks.name
    _check_name(name)
    found = describe(function)
    description = found.description if marks.description is None else marks.description
    _check_description(name, description)
    return Offered(name, description, checked(name, found.parameters), function)


def _from_mapping(given: Mapping[Any, Any], position: int) -> Offered:
    inner = given.get("function")
    if given.get("type") == "function" and _is_mapping(inner):
        _check_keys(given, ("type", "function"), position)
        return _from_mapping(inner, position)
    _check_keys(given, _KEYS, position)
    if "name" not in given:
        raise ConfigError(f"tool {position} has no name: {shown(dict(given))}; {_FORMS}")
    name, description, strict = given["name"], given.get("description"), given.get("strict")
    _check_name(name)
    if given.get("type", "function") not in ("function", "custom"):
        raise ConfigError(
            f"tool {name!r}: type is {shown(given['type'])}; tools that a provider runs itself "
            f"cannot be offered to every model; {_FORMS}"
        )
    if all(given.get(key) is not None for key in _SCHEMAS):
        raise ConfigError(f"tool {name!r} has both parameters and input_schema; give one")
    description = "" if description is None else description
    _check_description(name, description)
    _check_function(name, inner)
    if not isinstance(strict, bool | None):
        raise ConfigError(f"tool {name!r}: strict is {shown(strict)}; it must be True or False")
    schema = next((given[key] for key in _SCHEMAS if given.get(key) is not None), None)
    return Offered(name, description, checked(name, schema), inner, strict)


def _is_iterable(value: object) -> bool:
    return isinstance(value, Iterable)


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _check_keys(given: Mapping[Any, Any], known: Sequence[str], position: int) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"tool {position} ({shown(given.get('name'))}): unknown key {shown(key)}{hint} "
                f"({_FORMS})"
            )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"the name of a tool is {shown(name)}; it must be 1 to {MAX_NAME} of a-z A-Z 0-9 _ -: "
            "OpenAI takes no more than 64, and neither OpenAI nor Anthropic takes other characters"
        )


def _check_description(name: str, description: object) -> None:
    if not isinstance(description, str):
        raise ConfigError(f"tool {name!r}: description is {shown(description)}; it must be a text")


def _check_function(name: str, function: object) -> None:
    if function is not None and (not callable(function) or isinstance(function, type)):
        raise ConfigError(
            f"tool {name!r}: function is {shown(function)}; it must be a function, or None"
        )
