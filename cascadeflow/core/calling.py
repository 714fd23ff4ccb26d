"""Finished tool calls and the check they must pass before anyone may act on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from ..types import ToolCall

CheckCall: TypeAlias = Callable[[str, str], tuple[dict[str, Any] | None, tuple[str, ...]]]
"""Name and JSON text of the arguments in; the arguments (None if they cannot be read) and what is
wrong with the call out, nothing if it may be executed."""


class FinishedCall(msgspec.Struct, frozen=True):
    """A call to which nothing will be added, checked."""

    call: ToolCall
    arguments: dict[str, Any] | None
    """None if they are not a JSON object."""
    problems: tuple[str, ...] = ()
    """What is wrong with it, told so that a model can repair it."""

    @property
    def valid(self) -> bool:
        """It may be executed."""
        return self.arguments is not None and not self.problems

    def to_dict(self) -> dict[str, Any]:
        """`id`, `name` and `arguments`: parsed, or the text if they cannot be."""
        arguments = self.call.arguments if self.arguments is None else self.arguments
        return {"id": self.call.id, "name": self.call.name, "arguments": arguments}


def check_object(name: str, text: str) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The least a call must satisfy where no tools were offered: its arguments are an object."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any]), ()
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        return None, (f"{name[:64]!r}: the arguments are not a JSON object: {error}",)
