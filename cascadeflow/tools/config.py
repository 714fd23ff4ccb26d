"""Definitions of tools: the shapes in which they are given, and the one form they are brought to.

    {"name", "description", "parameters"}                          universal, and inside
    {"type": "function", "function": {...the above, "strict"}}     OpenAI
    {"name", "description", "input_schema"}                        Anthropic
    "cache_control" beside the keys of each                        Anthropic, where it is sent
    ToolConfig(...), @tool, a typed function                       Python

Names are 1 to 64 of a-z A-Z 0-9 _ -: what OpenAI, Anthropic (which allows 128) and Gemini (which
allows dots besides) all take, for the next tier may be of any of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypedDict, TypeVar, overload
from weakref import WeakKeyDictionary

import msgspec

from ..config import is_number
from ..errors import ConfigError
from ..providers.lenient import is_mapping
from .choice import normalise_choice
from .schema import checked
from .show import shown
from .signature import describe, name_of, underlying

__all__ = ["Offered", "ToolConfig", "normalise", "normalise_choice", "tool"]

Function: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=Function)

MAX_NAME: Final = 64
_NAME: Final = re.compile(rf"[a-zA-Z0-9_-]{{1,{MAX_NAME}}}")
_OUTER: Final = ("type", "function", "cache_control")
_KEYS: Final = ("name", "description", "parameters", "input_schema", "strict", *_OUTER)
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
    cache_control: Mapping[str, Any] | None = None
    """Anthropic's mark of what is to be cached, where it was given."""
    timeout: float | None = None
    """Seconds for one call; None: the executor's."""

    @property
    def definition(self) -> dict[str, Any]:
        """What a provider is told: `name`, `description`, `parameters`, and the marks given."""
        told = {"name": self.name, "description": self.description, "parameters": self.parameters}
        marks = {"strict": self.strict, "cache_control": self.cache_control}
        return told | {key: mark for key, mark in marks.items() if mark is not None}


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """A tool, and the function that runs it.

    Args:
        name: 1 to 64 of a-z A-Z 0-9 _ -.
        description: for the model: what it does, when to use it.
        parameters: JSON Schema of an object; None: it takes no arguments.
        function: sync or async; called with the arguments by name. None: it is not run here.
        timeout: seconds for one call, > 0, the wait for a free thread included; None: those of
            the executor.

    Raises:
        ConfigError: name, description, function or timeout is none. The schema is checked when
            offered.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    function: Function | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_timeout(self.timeout)
        who = f"tool {self.name!r}"
        if not isinstance(self.description, str):
            raise ConfigError(f"{who}: description is {shown(self.description)}; it must be a text")
        function = self.function
        if function is not None and (not callable(function) or isinstance(function, type)):
            raise ConfigError(
                f"{who}: function is {shown(function)}; it must be a function, or None"
            )

    @classmethod
    def from_function(
        cls,
        function: Function,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
    ) -> ToolConfig:
        """A tool made of a function: its schema from annotations, its words from the docstring.

        Args:
            function: annotated; a plain function, a bound method, a `functools.partial` (what it
                binds is not offered) or an object with `__call__`.
            name: None: the function's own.
            description: None: that of the docstring.
            timeout: as of the class.

        Raises:
            ConfigError: a parameter cannot be given by name or has no JSON Schema, the timeout is
                none, or the extra `[tools]` is not installed.
        """
        own = name_of(function) if name is None else name
        words, parameters = describe(function)
        words = words if description is None else description
        return cls(own, words, checked(own, parameters), function, timeout)


class _Marks(TypedDict, total=False):
    name: str | None
    description: str | None
    timeout: float | None


_MARKED: Final[WeakKeyDictionary[Function, _Marks]] = WeakKeyDictionary()
"""What `@tool(...)` gave, by function: a decorated function stays itself."""


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, timeout: float | None = None
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
) -> F | Callable[[F], F]:
    """Mark a function as a tool, with or without a name, a description and a time of its own.

    The function is returned as it is; its schema is made when it is first offered.

    Raises:
        ConfigError: the name or the timeout is none a tool can have, or it decorates no function.
    """
    if name is not None:
        _check_name(name)
    _check_timeout(timeout)

    def mark(target: F) -> F:
        _MARKED[underlying(target)] = _Marks(name=name, description=description, timeout=timeout)
        return target

    return mark if function is None else mark(function)


def normalise(tools: Iterable[object]) -> tuple[Offered, ...]:
    """Tools in normal form, in the order given.

    Raises:
        ConfigError: one is no definition of a tool, its name or schema is none that every
            provider takes, two have one name, or the extra `[tools]` is not installed.
    """
    if isinstance(tools, str | bytes) or is_mapping(tools) or not isinstance(tools, Iterable):
        raise ConfigError(f"tools is {shown(tools)}; it must be a list of tools; {_FORMS}")
    found: dict[str, Offered] = {}
    for position, each in enumerate(tools):
        if isinstance(each, Offered):
            offered = each
        elif isinstance(each, ToolConfig):
            offered = _of(each)
        elif is_mapping(each):
            offered = _from_mapping(each, position)
        elif callable(each) and not isinstance(each, type):
            marks = _MARKED.get(underlying(each), _Marks())
            offered = _of(ToolConfig.from_function(each, **marks))
        else:
            raise ConfigError(f"tool {position} is {shown(each)}; {_FORMS}")
        if offered.name in found:
            place = list(found).index(offered.name)
            raise ConfigError(
                f"tools {place} and {position} are both named {offered.name!r}; names must differ"
            )
        found[offered.name] = offered
    return tuple(found.values())


def _of(
    tool: ToolConfig, strict: bool | None = None, cache: Mapping[str, Any] | None = None
) -> Offered:
    parameters = checked(tool.name, tool.parameters)
    return Offered(
        tool.name, tool.description, parameters, tool.function, strict, cache, tool.timeout
    )


def _from_mapping(given: Mapping[Any, Any], position: int) -> Offered:
    inner = given.get("function")
    if given.get("type") == "function" and is_mapping(inner):
        _check_keys(given, _OUTER, position)
        outside = {key: given[key] for key in given if key == "cache_control"}
        return _from_mapping({**outside, **inner}, position)
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
    schemas = [given[key] for key in ("parameters", "input_schema") if given.get(key) is not None]
    if len(schemas) > 1:
        raise ConfigError(f"tool {name!r} has both parameters and input_schema; give one")
    if not isinstance(strict, bool | None):
        raise ConfigError(f"tool {name!r}: strict is {shown(strict)}; it must be True or False")
    cache = given.get("cache_control")
    if not (cache is None or is_mapping(cache)):
        raise ConfigError(f"tool {name!r}: cache_control is {shown(cache)}; it must be a mapping")
    description = "" if description is None else description
    config = ToolConfig(name, description, schemas[0] if schemas else None, inner)
    return _of(config, strict, cache)


def _check_keys(given: Mapping[Any, Any], known: Sequence[str], position: int) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"tool {position} ({shown(given.get('name'))}): unknown key {shown(key)}{hint} "
                f"({_FORMS})"
            )


def _check_timeout(timeout: object) -> None:
    if timeout is not None and not (is_number(timeout) and timeout > 0):
        raise ConfigError(f"the timeout of a tool is {shown(timeout)}; it must be > 0 s, or None")


def _check_name(name: object) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"the name of a tool is {shown(name)}; it must be 1 to {MAX_NAME} of a-z A-Z 0-9 _ -: "
            "OpenAI takes no more than 64, and neither OpenAI nor Anthropic takes other characters"
        )
