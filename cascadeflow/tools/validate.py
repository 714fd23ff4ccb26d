"""Whether a tool call may run: a tool that was offered, arguments that are JSON and fit its schema.

Nothing is converted: the text "5" is no integer. What is wrong is told in words from which a model
can mend its call: where, what it said, what is allowed.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..core.calls import normalise_arguments
from ..providers.lenient import is_list, is_object
from ..types import ToolChoice
from .config import Offered, normalise
from .schema import compiled
from .show import escaped, shown
from .strict_json import MAX_BYTES, UnusableJSON, dumps, loads

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

MAX_PROBLEMS: Final = 8
"""Problems told of one call."""
_EVERY: Final = 4096
"""Characters of arguments up to which every problem is looked for; beyond it the first, since the
validator makes all of them before it gives one."""
_LONGEST: Final = 300
"""Characters of one problem."""


class Checked(NamedTuple):
    """What came of one call."""

    arguments: dict[str, Any] | None
    """The parsed arguments, valid or not; None if they are no JSON object."""
    problems: tuple[str, ...] = ()
    """Why it must not run, for a model to read: one line each, escaped and shortened."""


class ToolCallValidator:
    """Checks calls of the tools that were offered.

    Args:
        offered: in normal form, or any form that `normalise` takes.
        choice: which of them may be called; a server may not heed what it was told.

    Raises:
        ConfigError: a definition is wrong, or the extra `[tools]` is not installed.
    """

    def __init__(
        self, offered: Sequence[Offered | Mapping[str, Any]], choice: ToolChoice | None = None
    ) -> None:
        self._tools = {tool.name: tool for tool in normalise(offered)}
        self._choice = choice
        self._validators: dict[str, Validator] = {}

    def check(self, name: str, arguments: str | Mapping[str, Any]) -> Checked:
        """Check one call; whatever it says, nothing is raised.

        Args:
            name: of the tool.
            arguments: JSON text, at most 1 MiB, or what came of it.
        """
        barred = self._barred(name)
        try:
            text = arguments if isinstance(arguments, str) else dumps(arguments)
            if len(text) <= MAX_BYTES:
                text = normalise_arguments(text)
            value = loads(text)
        except UnusableJSON as error:
            return Checked(None, (*barred, f"arguments: {error}"))
        if not is_object(value):
            problem = f"arguments are {shown(value)}; they must be a JSON object"
            return Checked(None, (*barred, problem))
        if barred:
            return Checked(value, barred)
        if name not in self._validators:
            self._validators[name] = compiled(dumps(self._tools[name].parameters))
        return Checked(value, problems(self._validators[name], value, len(text), "arguments"))

    def _barred(self, name: str) -> tuple[str, ...]:
        """Why a tool of this name may not be called, whatever the arguments."""
        if name not in self._tools:
            near = difflib.get_close_matches(name[:128], self._tools, n=3)
            names = ", ".join(near or list(self._tools)[:16]) or "none"
            told = "the nearest offered" if near else "offered"
            return (f"no tool is named {shown(name)}; {told}: {names}",)
        if self._choice == "none":
            return ("tool_choice is 'none': no tool may be called",)
        if isinstance(self._choice, Mapping) and name != self._choice["name"]:
            return (f"tool_choice asks for {self._choice['name']}; {name} may not be called now",)
        return ()


def problems(validator: Validator, value: object, size: int, name: str) -> tuple[str, ...]:
    """What is wrong with a value, at most `MAX_PROBLEMS` lines; nothing if it fits.

    Args:
        validator: of the schema it must fit.
        value: in JSON types.
        size: characters of its text.
        name: what the value as a whole is called.
    """
    if validator.is_valid(value):
        return ()
    if size <= _EVERY:
        errors = islice(validator.iter_errors(value), MAX_PROBLEMS)
        return tuple(_problem(value, error, name) for error in errors)
    from jsonschema_rs import ValidationError

    try:
        validator.validate(value)
    except ValidationError as error:
        return (_problem(value, error, name),)
    return ()


def _problem(whole: object, error: ValidationError, name: str) -> str:
    # Not `error.instance`: that is a copy, of the whole value for a problem at its root.
    value: Any = whole
    path = ""
    for part in error.instance_path:
        value = value[part]
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    place = escaped(path.removeprefix(".")) or name
    said = f"{place}:" if isinstance(value, dict | list) else f"{place} is {shown(value)}:"
    problem = f"{said} {error.message}"
    alternatives: object = error.kind.value
    if error.kind.name in ("anyOf", "oneOf") and is_list(alternatives):
        reasons = dict.fromkeys(str(each[0].message) for each in alternatives if each)
        problem += f" ({'; or '.join(reasons)})" if reasons else ""
    return escaped(problem, _LONGEST)
