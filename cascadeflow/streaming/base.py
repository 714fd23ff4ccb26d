"""Text streams: the event types, the event, and the manager that renders a cascade into them."""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, SupportsFloat, assert_never

import msgspec

from ..core import events
from ..errors import CascadeError, ConfigError
from ..request import DEFAULT_TEMPERATURE, Query, check_choice, check_type
from ..request import options as make_options

if TYPE_CHECKING:
    from ..ladder import Batches, Ladder


class StreamEventType(enum.StrEnum):
    """What a `StreamEvent` tells. `docs/events.md` lists the data of each."""

    ROUTING = "routing"
    DRAFT_START = "draft_start"
    CHUNK = "chunk"
    REASONING = "reasoning"
    DRAFT_DECISION = "draft_decision"
    SWITCH = "switch"
    COMPLETE = "complete"
    ERROR = "error"


class StreamEvent(msgspec.Struct):
    """One event of a text stream.

    `data` of chunks is one mapping for each attempt, shared by all its chunks: read it, do not
    change it.
    """

    type: StreamEventType
    content: str = ""
    """The text of a CHUNK or REASONING, the message of an ERROR, else empty."""
    data: dict[str, Any] = {}


def render(event: events.AnswerEvent) -> StreamEvent:
    """The public form of what text and tool streams both tell."""
    kind = StreamEventType
    match event:
        case events.Chunk(text, speaker):
            return StreamEvent(kind.CHUNK, text, speaker.data)
        case events.Reasoned(text, speaker):
            return StreamEvent(kind.REASONING, text, speaker.data)
        case events.Routed():
            return StreamEvent(kind.ROUTING, data=_routed(event))
        case events.DraftStarted(speaker, strategy):
            return StreamEvent(kind.DRAFT_START, data={**speaker.data, "strategy": strategy})
        case events.Decided():
            return StreamEvent(kind.DRAFT_DECISION, data=_decided(event))
        case events.Switched():
            return StreamEvent(kind.SWITCH, data=_switched(event))
        case events.Completed(result):
            return StreamEvent(kind.COMPLETE, data={"result": result.to_dict()})
        case events.Errored(error):
            return StreamEvent(kind.ERROR, str(error), _errored(error))
        case _:
            assert_never(event)


def _routed(event: events.Routed) -> dict[str, Any]:
    return {
        "strategy": event.strategy,
        "complexity": event.complexity,
        "models": list(event.models),
        "reason": event.reason,
        "turn": event.turn,
    }


def _decided(event: events.Decided) -> dict[str, Any]:
    ruling = event.ruling
    return {
        **event.speaker.data,
        "accepted": ruling.accepted,
        "confidence": ruling.estimate.p_good,
        "score": ruling.estimate.p_good,
        "threshold": ruling.threshold,
        "reason": ruling.reason,
        "detail": event.detail,
        "evidence": {name: _plain(each) for name, each in ruling.estimate.evidence.items()},
        "stage": ruling.stage,
    }


def _plain(value: object) -> object:
    """A number as JSON has it, numpy's too; whatever else an estimator tells stays as it is."""
    if type(value) is float:
        return value
    return float(value) if isinstance(value, SupportsFloat) else value


def _switched(event: events.Switched) -> dict[str, Any]:
    return {
        **event.speaker.data,  # `attempt` is the one to erase
        "from_model": event.from_model,
        "to_model": event.to_model,
        "reason": event.reason,
        "discard_chars": event.discard_chars,
        "discarded_tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in event.discarded_calls
        ],
    }


def _errored(error: CascadeError) -> dict[str, Any]:
    return {
        "error": error,
        "kind": error.kind,
        "partial_text": error.result.content,
        "draft": error.draft,
        "result": error.result.to_dict(),
    }


async def rendered(batches: Batches) -> AsyncGenerator[StreamEvent, None]:
    """Core events in batches in, public events one by one out; closes `batches` when it ends.

    Tool calls have a stream of their own.
    """
    chunk, chunk_type = events.Chunk, StreamEventType.CHUNK
    try:
        async for batch in batches:
            for event in batch:
                if type(event) is chunk:
                    yield StreamEvent(chunk_type, event.text, event.speaker.data)
                elif not isinstance(event, events.CallEvent):
                    yield render(event)
    finally:
        await batches.aclose()


def checked(cascade: Ladder) -> Ladder:
    """What a manager wraps.

    Raises:
        ConfigError: it is no ladder; often it is the agent itself.
    """
    from ..ladder import Ladder

    check_type("cascade", cascade, Ladder, "agent.cascade, as in StreamManager(agent.cascade)")
    return cascade


class StreamManager:
    """Streams text answers of a ladder of models: `agent.text_streaming_manager`."""

    def __init__(self, cascade: Ladder) -> None:
        self._ladder = checked(cascade)

    def stream(
        self,
        query: Query,
        max_tokens: int | None = None,
        temperature: float | None = DEFAULT_TEMPERATURE,
        complexity: str | None = None,
        routing_strategy: str = "cascade",
        tools: None = None,
        **options: Any,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Stream the answer to `query`.

        Args:
            query: a text or a list of messages.
            max_tokens: limit of generated tokens.
            temperature: in [0, 2].
            complexity: a hint, the `complexity_hint` of `stream_events`.
            routing_strategy: "cascade", or "direct" for the last model alone.
            tools: None; tools have a manager of their own.
            **options: further arguments of `CascadeAgent.stream_events`.

        Raises:
            ConfigError: an argument is wrong. Nothing was sent.
        """
        if tools:
            raise ConfigError("tools need agent.tool_streaming_manager, or agent.stream_events")
        check_choice("routing_strategy", routing_strategy, ("cascade", "direct"))
        given = {"max_tokens": max_tokens, "temperature": temperature, **options}
        if complexity is not None:
            given["complexity_hint"] = complexity
        if routing_strategy == "direct":
            given["force_direct"] = True
        given["tools"] = ()
        ladder = self._ladder
        return rendered(ladder.answer(ladder.prepare(query, make_options(given))))
