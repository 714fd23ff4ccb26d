"""A tool call that is whole, and what came of it, in our form and in those of the providers.

https://platform.openai.com/docs/guides/function-calling
https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from ..core.calls import normalise_arguments
from ..errors import ConfigError
from ..providers.lenient import is_object
from .show import shown
from .strict_json import UnusableJSON, dumps, loads


class ToolCallFormat(StrEnum):
    """The API in whose form a call came."""

    OPENAI = "openai"
    """Chat completions, and every server that speaks like it."""
    ANTHROPIC = "anthropic"


class ToolCall(msgspec.Struct, frozen=True):
    """A call a model has made.

    Raises:
        ConfigError: id or name is no text, the arguments are no dict, or the format is unknown.
    """

    id: str
    """Unique in its message, and among the calls of its conversation at most servers."""
    name: str
    arguments: dict[str, Any]
    provider_format: ToolCallFormat = ToolCallFormat.OPENAI

    def __post_init__(self) -> None:
        for field, value in (("id", self.id), ("name", self.name)):
            if not isinstance(value, str):
                raise ConfigError(f"ToolCall: {field} is {shown(value)}; it must be a text")
        if self.provider_format not in tuple(ToolCallFormat):
            raise ConfigError(
                f"ToolCall {self.name!r}: provider_format is {shown(self.provider_format)}; it is "
                f"one of {', '.join(map(repr, map(str, ToolCallFormat)))}"
            )
        if not isinstance(self.arguments, dict):
            raise ConfigError(
                f"ToolCall {self.name!r}: arguments is {shown(self.arguments)}; it must be a dict. "
                "JSON text is read by ToolCall.from_openai"
            )

    @classmethod
    def from_openai(cls, call: Mapping[str, Any]) -> ToolCall:
        """Read `{"id", "type": "function", "function": {"name", "arguments": <JSON text>}}`.

        Raises:
            ConfigError: it is not of this shape, or the arguments are not a JSON object.
        """
        match call:
            case {"id": str(id_), "function": {"name": str(name), "arguments": arguments}}:
                return cls(id_, name, _object(name, arguments), ToolCallFormat.OPENAI)
            case _:
                raise ConfigError(
                    f"tool call {shown(call)} is not of OpenAI's shape: "
                    '{"id", "type": "function", "function": {"name", "arguments"}}'
                )

    @classmethod
    def from_anthropic(cls, block: Mapping[str, Any]) -> ToolCall:
        """Read `{"type": "tool_use", "id", "name", "input": {...}}`.

        Raises:
            ConfigError: it is not of this shape.
        """
        match block:
            case {"type": "tool_use", "id": str(id_), "name": str(name), "input": arguments}:
                return cls(id_, name, _object(name, arguments), ToolCallFormat.ANTHROPIC)
            case _:
                raise ConfigError(
                    f"block {shown(block)} is not of Anthropic's shape: "
                    '{"type": "tool_use", "id", "name", "input"}'
                )

    def to_openai(self) -> dict[str, Any]:
        """One element of `tool_calls` of an assistant message.

        Raises:
            ConfigError: the arguments hold what JSON has no word for.
        """
        function = {"name": self.name, "arguments": _text(self.name, self.arguments)}
        return {"id": self.id, "type": "function", "function": function}

    def to_anthropic(self) -> dict[str, Any]:
        """A `tool_use` block of an assistant message."""
        return {"type": "tool_use", "id": self.id, "name": self.name, "input": self.arguments}


class ToolResult(msgspec.Struct, frozen=True):
    """What came of a call: a result, or the reason why there is none."""

    call_id: str
    name: str
    result: Any = None
    """JSON types."""
    error: str | None = None
    """In words for the model; None: the tool has returned."""
    duration_ms: float = 0.0
    """Milliseconds from the start of the execution, the wait for a free thread included."""

    @property
    def success(self) -> bool:
        """True if the tool has returned."""
        return self.error is None

    def to_message(self) -> dict[str, Any]:
        """A message of role `tool`, as OpenAI's API and this library take it.

        Raises:
            ConfigError: the result holds what JSON has no word for.
        """
        return {"role": "tool", "tool_call_id": self.call_id, "content": self._content()}

    def to_anthropic(self) -> dict[str, Any]:
        """A `tool_result` block of a user message.

        Raises:
            ConfigError: the result holds what JSON has no word for.
        """
        return {
            "type": "tool_result",
            "tool_use_id": self.call_id,
            "content": self._content(),
            "is_error": not self.success,
        }

    def _content(self) -> str:
        if self.error is not None:
            return f"Error: {self.error}"
        return self.result if isinstance(self.result, str) else _text(self.name, self.result)


def _object(name: str, arguments: object) -> dict[str, Any]:
    try:
        text = arguments if isinstance(arguments, str) else dumps(arguments)
        found = loads(normalise_arguments(text))
    except UnusableJSON as error:
        raise ConfigError(f"tool call {shown(name)}: arguments: {error}") from None
    if is_object(found):
        return found
    raise ConfigError(
        f"tool call {shown(name)}: arguments are {shown(found)}; they must be a JSON object"
    )


def _text(name: str, value: object) -> str:
    try:
        return dumps(value)
    except UnusableJSON as error:
        raise ConfigError(f"tool {shown(name)}: {error}") from None
