"""Text streams as a consumer sees them: the events, their data, their order, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from itertools import groupby
from typing import Any

import pytest

from cascadeflow import CascadeAgent, CascadeError, ConfigError, ModelConfig, collect
from cascadeflow.providers.scripted import Answers, Script, Scripted
from cascadeflow.streaming import (
    StreamEvent,
    StreamEventType,
    StreamManager,
    ToolStreamEvent,
    ToolStreamEventType,
)
from cascadeflow.types import ReasoningDelta, Stop, TextDelta

from .play import Marked
from .tool_streams import WEATHER, ladder, says

SPEAKER = {"model", "provider", "attempt", "phase", "turn"}
DATA = {
    "routing": {"strategy", "complexity", "models", "reason", "turn"},
    "draft_start": SPEAKER | {"strategy"},
    "chunk": SPEAKER,
    "reasoning": SPEAKER,
    "draft_decision": SPEAKER
    | {"accepted", "confidence", "score", "threshold", "reason", "detail", "evidence", "stage"},
    "switch": SPEAKER
    | {"from_model", "to_model", "reason", "discard_chars", "discarded_tool_calls"},
    "complete": {"result"},
    "error": {"error", "kind", "partial_text", "draft", "result"},
}
REJECTED = "routing draft_start chunk draft_decision switch chunk complete"
RESULT = (
    "id content parsed model_used draft_accepted cascaded degraded total_cost draft_cost "
    "verifier_cost cost_saved cost_source latency_ms first_token_ms draft_latency_ms "
    "verifier_latency_ms hedge_ms confidence threshold reason complexity strategy finish_reason "
    "truncated tool_calls messages usage attempts warnings"
)


def manager(agent: CascadeAgent) -> StreamManager:
    assert agent.text_streaming_manager is not None
    return agent.text_streaming_manager


def read(stream: AsyncIterable[StreamEvent]) -> list[StreamEvent]:
    """Every event; the data of each has the documented keys and no others."""

    async def body() -> list[StreamEvent]:
        async with asyncio.timeout(20):
            return [event async for event in stream]

    told = asyncio.run(body())
    for event in told:
        assert event.data.keys() == DATA[event.type]
        assert bool(event.content) == (event.type in ("chunk", "reasoning", "error"))
    return told


def brief(told: list[StreamEvent]) -> str:
    return " ".join(name for name, _ in groupby(str(event.type) for event in told))


def of(told: list[StreamEvent], name: str) -> list[StreamEvent]:
    return [event for event in told if event.type == name]


# --- the events -----------------------------------------------------------------------------------


def test_an_accepted_draft_is_told_as_documented() -> None:
    agent, _ = ladder([TextDelta("Pa"), TextDelta("ris."), *says("")[1:]], says("never"))
    told = read(manager(agent).stream("Capital of France?"))
    assert brief(told) == "routing draft_start chunk draft_decision complete"
    routing, start = told[0].data, told[1].data
    assert routing["strategy"] == start["strategy"] == "cascade"
    assert routing["models"] == ["m0", "m1"]
    assert (start["model"], start["phase"], start["attempt"], start["turn"]) == (
        "m0",
        "draft",
        1,
        1,
    )
    decision = of(told, "draft_decision")[0].data
    assert decision["accepted"] is True
    assert decision["confidence"] == decision["score"] == 0.9
    assert decision["threshold"] <= 0.9
    assert decision["evidence"] == {"length": 6.0}
    assert (decision["reason"], decision["stage"]) == ("quality_passed", "after")
    result = told[-1].data["result"]
    assert " ".join(result) == RESULT
    assert (result["content"], result["model_used"], result["draft_accepted"]) == (
        "Paris.",
        "m0",
        True,
    )


def test_a_rejected_draft_is_told_as_documented() -> None:
    agent, _ = ladder(says("bad 🌊"), says("Paris."))
    told = read(manager(agent).stream("Capital of France?"))
    assert brief(told) == REJECTED
    assert of(told, "draft_decision")[0].data["accepted"] is False
    switch = of(told, "switch")[0].data
    assert (switch["from_model"], switch["to_model"]) == ("m0", "m1")
    assert switch["reason"] == of(told, "draft_decision")[0].data["reason"]
    assert (switch["discard_chars"], switch["discarded_tool_calls"]) == (5, [])
    assert [chunk.data["phase"] for chunk in of(told, "chunk")] == ["draft", "verifier"]
    assert [chunk.data["attempt"] for chunk in of(told, "chunk")] == [1, 2]
    assert switch["attempt"] == 1
    assert told[-1].data["result"]["content"] == "Paris."


def test_the_simulated_models_tell_the_same_kinds_of_events() -> None:
    models = [ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    told = read(manager(CascadeAgent(models)).stream("Convert 32 minutes to seconds."))
    assert brief(told) == REJECTED
    assert "1920" in told[-1].data["result"]["content"]


def test_thinking_is_told_only_when_asked_for_and_is_never_text() -> None:
    script: Script = [ReasoningDelta("Let me see."), *says("Paris.")]
    agent, _ = ladder(script, says("never"))
    told = read(manager(agent).stream("hi", reasoning=True))
    assert brief(told) == "routing draft_start reasoning chunk draft_decision complete"
    assert of(told, "reasoning")[0].content == "Let me see."
    assert told[-1].data["result"]["content"] == "Paris."
    assert "reasoning" not in brief(read(manager(agent).stream("hi")))


def test_an_error_tells_message_exception_partial_text_and_cost() -> None:
    agent, _ = ladder(says("bad"), [TextDelta("Par"), Stop(None)])
    told = read(manager(agent).stream("hi"))
    assert brief(told) == "routing draft_start chunk draft_decision switch chunk error"
    error = told[-1]
    assert isinstance(error.data["error"], CascadeError)
    assert error.content == str(error.data["error"])
    assert "m1" in error.content
    assert (error.data["kind"], error.data["partial_text"]) == ("incomplete", "Par")
    assert error.data["result"]["total_cost"] > 0
    assert len(error.data["result"]["attempts"]) == 2


def test_all_chunks_of_an_attempt_share_one_mapping() -> None:
    agent, _ = ladder([TextDelta("bad"), TextDelta(" one"), *says(" end")], says("Paris."))
    told = of(read(manager(agent).stream("hi")), "chunk")
    assert [event.data is told[0].data for event in told] == [True, True, True, False]


def test_the_manager_is_the_agents_stream_is_one_made_from_the_ladder() -> None:
    def told(how: str) -> list[tuple[str, str]]:
        agent, _ = ladder(says("bad"), says("Paris."))
        streams: dict[str, AsyncGenerator[StreamEvent, None]] = {
            "manager": manager(agent).stream("hi"),
            "agent": agent.stream_events("hi"),
            "ladder": StreamManager(agent.cascade).stream("hi"),
        }
        return [(str(event.type), event.content) for event in read(streams[how])]

    assert told("manager") == told("agent") == told("ladder")


# --- arguments ------------------------------------------------------------------------------------


def test_direct_routing_asks_the_last_model_alone() -> None:
    agent, models = ladder(says("never"), says("Paris."))
    told = read(manager(agent).stream("hi", routing_strategy="direct"))
    assert brief(told) == "routing chunk complete"
    assert (told[0].data["strategy"], told[0].data["models"]) == ("direct", ["m1"])
    assert told[1].data["phase"] == "direct"
    assert told[-1].data["result"]["draft_accepted"] is None
    assert [model for model, _ in models.calls] == ["m1"]


@pytest.mark.parametrize("hint", ["simple", "moderate", "complex"])
def test_a_complexity_hint_is_taken(hint: str) -> None:
    agent, _ = ladder(says("Paris."), says("never"))
    told = read(manager(agent).stream("hi", complexity=hint))
    assert told[0].data["complexity"] == told[-1].data["result"]["complexity"] == hint


def test_documented_defaults_reach_the_models() -> None:
    agent, models = ladder(says("Paris."), says("never"))
    read(manager(agent).stream("hi"))
    read(manager(agent).stream("hi", 7, 0.1))
    sent = [(request.max_tokens, request.temperature) for _, request in models.calls]
    assert sent == [(100, 0.7), (7, 0.1)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tools": [WEATHER]}, "tool_streaming_manager"),
        ({"tool_choice": "auto"}, "no tools are offered"),
        ({"routing_strategy": "both"}, "'cascade', 'direct'"),
        ({"complexity": "hard"}, "'simple', 'moderate', 'complex'"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"temperature": 3}, "between 0 and 2"),
        ({"max_token": 5}, "did you mean 'max_tokens'"),
    ],
)
def test_a_wrong_argument_is_an_error_before_anything_is_sent(
    given: dict[str, Any], said: str
) -> None:
    agent, models = ladder(says("Paris."), says("never"))
    with pytest.raises(ConfigError, match=said):
        manager(agent).stream("hi", **given)
    assert models.calls == []


def test_no_tools_are_no_tools() -> None:
    offering = CascadeAgent(
        [ModelConfig(name, Scripted({name: says("Paris.")}), 1.0) for name in ("a", "b")],
        estimator=Marked(),
        tools=[WEATHER],
    )
    empty: Any = []
    assert brief(read(manager(offering).stream("hi", tools=empty))).endswith("complete")


# --- the types ------------------------------------------------------------------------------------


def test_members_of_the_two_enums_with_one_value_are_equal() -> None:
    for member in StreamEventType:
        other: object = ToolStreamEventType[member.name]
        assert member == other
        assert other == member.value
        assert hash(member) == hash(other)


def test_text_chunk_is_another_name_of_chunk() -> None:
    members = ToolStreamEventType.__members__
    assert members["TEXT_CHUNK"] is members["CHUNK"]
    assert members["TEXT_CHUNK"].value == StreamEventType.CHUNK.value


def test_events_are_made_by_position_and_compared_by_value() -> None:
    event = StreamEvent(StreamEventType.CHUNK, "Hi", {"model": "m"})
    assert event == StreamEvent(type=StreamEventType.CHUNK, content="Hi", data={"model": "m"})
    assert event != StreamEvent(StreamEventType.CHUNK, "Ho", {"model": "m"})
    assert StreamEvent(StreamEventType.ROUTING) == StreamEvent(StreamEventType.ROUTING, "", {})
    made = ToolStreamEvent(ToolStreamEventType.TOOL_CALL_DELTA, "", '{"', {"turn": 1}, {"id": "a"})
    assert (made.delta, made.data, made.tool_call) == ('{"', {"turn": 1}, {"id": "a"})
    assert (made.tool_result, made.error) == (None, None)


def test_events_made_without_data_do_not_share_it() -> None:
    first, second = StreamEvent(StreamEventType.CHUNK), StreamEvent(StreamEventType.CHUNK)
    first.data["x"] = 1
    assert second.data == {}


def test_a_match_statement_reads_a_stream() -> None:
    agent, _ = ladder(Answers(says("bad")), says("Paris."))
    seen: list[str] = []
    for event in read(manager(agent).stream("hi")):
        match event.type:
            case StreamEventType.SWITCH:
                seen.append(event.data["to_model"])
            case StreamEventType.CHUNK:
                seen.append(event.content)
            case _:
                pass
    assert seen == ["bad", "m1", "Paris."]


def test_collect_folds_the_stream_into_its_result() -> None:
    agent, _ = ladder(says("bad"), says("Paris."))
    result = asyncio.run(collect(manager(agent).stream("hi")))
    assert (result.content, result.cascaded) == ("Paris.", True)
