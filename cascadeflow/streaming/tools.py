"""Tool streams: the event types, the event, and the manager that renders a cascade into them."""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..core import events
from ..providers.lenient import is_object
from ..request import DEFAULT_TEMPERATURE, Choice, Options, Query, check_extra, check_type
from ..request import options as make_options
from . import base
from .utils import ProgressiveJSONParser

if TYPE_CHECKING:
    from ..ladder import Ladder
    from ..tools import ToolExecutor, ToolResult
else:  # `help` and `inspect.signature` evaluate the fields of a struct; tools load when used
    ToolResult = Any


class ToolStreamEventType(enum.StrEnum):
    """What a `ToolStreamEvent` tells. `docs/events.md` lists the data of each.

    Members equal those of `StreamEventType` with the same value.
    """

    ROUTING = "routing"
    DRAFT_START = "draft_start"
    CHUNK = "chunk"
    TEXT_CHUNK = "chunk"
    REASONING = "reasoning"
    TOOL_CALL_START = "tool_call_start"
    TOOL_CALL_DELTA = "tool_call_delta"
    TOOL_CALL_COMPLETE = "tool_call_complete"
    DRAFT_DECISION = "draft_decision"
    SWITCH = "switch"
    TOOL_EXECUTING = "tool_executing"
    TOOL_RESULT = "tool_result"
    TOOL_ERROR = "tool_error"
    COMPLETE = "complete"
    ERROR = "error"


class ToolStreamEvent(msgspec.Struct):
    """One event of a tool stream.

    `data` of chunks is one mapping for each attempt, shared by all its chunks: read it, do not
    change it. `tool_call`, `tool_result` and `error` always equal the values in `data`.
    """

    type: ToolStreamEventType
    content: str = ""
    """The text of a CHUNK or REASONING, the message of an ERROR or TOOL_ERROR, else empty."""
    delta: str = ""
    """The raw JSON fragment of a TOOL_CALL_DELTA."""
    data: dict[str, Any] = {}
    tool_call: dict[str, Any] | None = None
    """`index`, `id`, `name`, and `arguments` as far as they are known."""
    tool_result: ToolResult | None = None
    error: Any = None
    """The exception of an ERROR; what is wrong with the call, as text, for a TOOL_ERROR."""


COPIED = 1024
"""Characters of arguments up to which each TOOL_CALL_DELTA has partial arguments of its own. Those
of longer ones are one object that goes on growing: copying it each time would be quadratic."""


class ToolRendering:
    """Turns the core events of one query into `ToolStreamEvent`s.

    It keeps the arguments of the calls that are forming, parsed as far as they have arrived.
    """

    def __init__(self) -> None:
        self._forming: dict[tuple[int, int], tuple[dict[str, Any], ProgressiveJSONParser]] = {}

    def render(self, event: events.Event) -> ToolStreamEvent:
        """The public form of a core event."""
        kind = ToolStreamEventType
        match event:
            case events.CallStarted(index, id, name, speaker):
                call: dict[str, Any] = {"index": index, "id": id, "name": name}
                self._forming[speaker.attempt, index] = call, ProgressiveJSONParser()
                return _of_call(kind.TOOL_CALL_START, speaker.data, {**call})
            case events.CallArguments(index, fragment, speaker):
                call = _grown(*self._forming[speaker.attempt, index], fragment)
                return _of_call(kind.TOOL_CALL_DELTA, speaker.data, call, delta=fragment)
            case events.CallReady(index, finished, speaker):
                self._forming.pop((speaker.attempt, index), None)
                return _of_call(kind.TOOL_CALL_COMPLETE, speaker.data, finished.to_dict())
            case events.ToolExecuting(finished, turn):
                return _of_call(kind.TOOL_EXECUTING, {"turn": turn}, finished.to_dict())
            case events.ToolReturned(finished, result, turn):
                where, call = {"turn": turn}, finished.to_dict()
                return _of_call(kind.TOOL_RESULT, where, call, tool_result=result)
            case events.ToolFailed(finished, result, error, turn):
                where, call = {"turn": turn}, finished.to_dict()
                return _of_call(kind.TOOL_ERROR, where, call, error=error, tool_result=result)
            case _:
                told = base.render(event)
                cause = told.data["error"] if type(event) is events.Errored else None
                return ToolStreamEvent(kind(told.type), told.content, data=told.data, error=cause)


def _grown(call: dict[str, Any], parser: ProgressiveJSONParser, fragment: str) -> dict[str, Any]:
    """The call with its arguments as far as they can be read; {} before that."""
    read = parser.feed(fragment)
    known: object = read.value if is_object(read.value) else {}
    return {**call, "arguments": msgspec.to_builtins(known) if read.position <= COPIED else known}


def _of_call(
    type: ToolStreamEventType, where: Mapping[str, Any], call: dict[str, Any], **told: Any
) -> ToolStreamEvent:
    """An event about a call; its fields repeat the entries of its data."""
    content = told.get("error", "")
    return ToolStreamEvent(
        type, content, data={**where, "tool_call": call, **told}, tool_call=call, **told
    )


async def rendered(
    batches: AsyncGenerator[list[events.Event], None],
) -> AsyncGenerator[ToolStreamEvent, None]:
    """Core events in batches in, public events one by one out; closes `batches` when it ends."""
    render = ToolRendering().render
    chunk, chunk_type = events.Chunk, ToolStreamEventType.CHUNK
    try:
        async for batch in batches:
            for event in batch:
                if type(event) is chunk:
                    yield ToolStreamEvent(chunk_type, event.text, data=event.speaker.data)
                else:
                    yield render(event)
    finally:
        await batches.aclose()


class ToolStreamManager:
    """Streams answers with tool calls, and runs the tools: `agent.tool_streaming_manager`."""

    def __init__(self, cascade: Ladder) -> None:
        self._ladder = base.checked(cascade)

    def stream(
        self,
        query: Query,
        tools: Sequence[Any] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = DEFAULT_TEMPERATURE,
        tool_choice: Choice | None = None,
        execute_tools: bool = True,
        max_turns: int = 5,
        tool_executor: ToolExecutor | None = None,
        **options: Any,
    ) -> AsyncGenerator[ToolStreamEvent, None]:
        """Stream the answer to `query`, running the tools it calls.

        A tool runs if its function is known: `ToolConfig(function=…)`, a plain function, or one of
        `tool_executor` (here or of the agent). If a called tool has none, the stream ends after the
        calls with `finish_reason="tool_calls"`, for you to run it.

        Args:
            query: a text or a list of messages.
            tools: what is offered; None: the agent's tools.
            max_tokens: limit of generated tokens, for each turn.
            temperature: in [0, 2].
            tool_choice: "auto", "required", "none", or {"type": "function", "function": {"name":
                …}}. It holds for the first turn; after that the model is free.
            execute_tools: False ends the stream after the calls.
            max_turns: model calls at most, at least 1.
            tool_executor: runs the tools, with its own limits.
            **options: further arguments of `CascadeAgent.stream_events`.

        Raises:
            ConfigError: an argument is wrong. Nothing was sent.
        """
        unknown = {name: options[name] for name in options.keys() - set(Options.__struct_fields__)}
        check_extra(unknown, ("max_turns", "execute_tools", "tool_executor"))
        check_type("execute_tools", execute_tools, bool, "True or False")
        given: dict[str, Any] = {"tools": tools, "tool_choice": tool_choice, **options}
        given |= {"max_tokens": max_tokens, "temperature": temperature}
        ladder = self._ladder
        ask = ladder.prepare(query, make_options(given))
        if not execute_tools:
            return rendered(ladder.answer(ask))
        return rendered(ladder.converse(ask, tool_executor, max_turns))
