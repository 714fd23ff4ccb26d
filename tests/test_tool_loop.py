"""Several turns: tools run between them, exactly once, and whatever they do disturbs nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from cascadeflow import CascadeAgent, ModelConfig, collect
from cascadeflow.providers.scripted import Answers
from cascadeflow.streaming import ToolStreamEvent
from cascadeflow.tools import ToolConfig, ToolExecutor
from cascadeflow.types import ReasoningDelta, Stop, TextDelta

from .faultserver import ThreadedFaultServer
from .tool_streams import (
    ASK,
    OSLO,
    PARIS,
    WEATHER,
    Counted,
    brief,
    call,
    calls,
    converse,
    ends,
    ladder,
    of,
    read,
    result,
    run,
    says,
    tools_of,
    weather,
)

USER = {"role": "user", "content": ASK}
TURN = "tool_call_start tool_call_delta tool_call_complete tool_executing tool_result"


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


# --- turns ----------------------------------------------------------------------------------------


def test_three_turns_make_one_conversation() -> None:
    tool = Counted()
    script = Answers(calls(PARIS, id="a"), calls(OSLO, id="b"), says("22 C in both."))
    agent, models = ladder(script)

    async def body() -> None:
        told = await converse(agent, tool)
        assert brief(told) == f"routing {TURN} routing {TURN} routing chunk complete"
        assert [event.data["turn"] for event in of(told, "routing")] == [1, 2, 3]
        assert [event.data["turn"] for event in of(told, "tool_result")] == [1, 2]
        assert tool.ran == ["Paris", "Oslo"]
        end = result(told)
        assert end["content"] == "22 C in both."
        assert end["finish_reason"] == "stop"
        assert len(end["attempts"]) == 3
        assert end["usage"]["output_tokens"] == 30
        assert end["total_cost"] == pytest.approx(3 * 15 / 1000)
        assert [message["role"] for message in end["messages"]] == (
            ["user", *["assistant", "tool"] * 2, "assistant"]
        )

    run(body())
    sent = [list(request.messages) for _, request in models.calls]
    asked = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": PARIS}}
    assert sent[0] == [USER]
    assert sent[1] == [
        USER,
        {"role": "assistant", "content": "", "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "a", "content": "22 C in Paris"},
    ]
    assert sent[2][:3] == sent[1]
    assert len(sent[2]) == 5


def test_the_result_continues_the_conversation() -> None:
    agent, models = ladder(Answers(calls(), says("22 C."), says("Nothing to add.")))

    async def body() -> None:
        first = result(await converse(agent))
        again = await collect(agent.stream_events("And?", messages=first["messages"]))
        assert again.content == "Nothing to add."

    run(body())
    roles = [message["role"] for message in models.calls[-1][1].messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


def test_the_same_answers_give_the_same_events() -> None:
    def told() -> list[tuple[str, str, Any, Any]]:
        script = Answers(says("bad"), [*call(), *call(OSLO, id="c2", index=1), ends()], says("Ok."))
        agent, _ = ladder(script, Answers(calls(), says("Done.")))
        found: list[ToolStreamEvent] = []

        async def body() -> None:
            found.extend(await converse(agent))

        run(body())
        return [
            (str(e.type), e.content + e.delta, e.tool_call, e.data.get("attempt")) for e in found
        ]

    assert told() == told()


def test_the_simulated_models_hold_a_conversation_with_two_tools() -> None:
    def get_weather(location: str) -> dict[str, Any]:
        """Current weather of a place."""
        return {"location": location, "celsius": 22}

    def get_time(city: str) -> str:
        """Current time in a city."""
        return f"It is 12:30 in {city}"

    async def body() -> None:
        models = [ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
        query = "What's the weather in Paris and the time in Tokyo?"
        async with CascadeAgent(models) as agent:
            told = await read(tools_of(agent, query, tools=[get_weather, get_time], temperature=0))
        assert [
            event.tool_result and event.tool_result.name for event in of(told, "tool_result")
        ] == ["get_weather", "get_time"]
        assert "22" in result(told)["content"]
        assert "12:30" in result(told)["content"]
        assert result(told)["finish_reason"] == "stop"

    run(body())


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_conversation_over_http_survives_a_draft_that_is_down(
    server: ThreadedFaultServer, dialect: str
) -> None:
    def get_weather(location: str, unit: str) -> str:
        """Current weather."""
        return f"22 {unit} in {location}"

    async def body() -> None:
        models = [
            ModelConfig(name, dialect, 1.0, api_key="sk-made-up", base_url=f"{server.url}/v1")
            for name in ("fault:401", "fault:tool-ok")
        ]
        async with CascadeAgent(models) as agent:
            told = await read(tools_of(agent, tools=[get_weather]))
        assert brief(told).count("switch") == 2
        assert result(told)["content"] == "It is 22 C in Paris."
        assert result(told)["usage"]["input_tokens"] == 22
        assert len(result(told)["attempts"]) == 4

    run(body())


# --- histories ------------------------------------------------------------------------------------


def test_thinking_goes_back_only_to_the_model_that_thought_it() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    first = [ReasoningDelta("hm", block=block), *calls()]
    agent, models = ladder(Answers(first, says("bad")), says("22 C."))

    async def body() -> None:
        told = await converse(agent)
        assert result(told)["content"] == "22 C."

    run(body())
    (_, again), (_, other) = models.calls[1:]
    assert again.messages[1]["thinking_blocks"] == [block]
    assert "thinking_blocks" not in other.messages[1]
    assert other.messages[1]["tool_calls"] == again.messages[1]["tool_calls"]


def test_text_before_the_calls_is_part_of_the_history() -> None:
    agent, models = ladder(Answers([TextDelta("Let me look."), *calls()], says("22 C.")))

    async def body() -> None:
        told = await converse(agent)
        assert brief(told).startswith("routing chunk tool_call_start")
        assert result(told)["content"] == "22 C."

    run(body())
    assert models.calls[1][1].messages[1]["content"] == "Let me look."


def test_a_forced_tool_is_forced_in_the_first_turn_alone() -> None:
    agent, models = ladder(Answers(calls(), says("22 C.")))
    run_to_end = tools_of(agent, tools=[weather(Counted())], tool_choice="required")

    async def body() -> None:
        await read(run_to_end)

    run(body())
    assert [request.tool_choice for _, request in models.calls] == ["required", None]


# --- where it ends --------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_it_ends_after_exactly_max_turns(turns: int) -> None:
    tool = Counted()
    agent, models = ladder(calls())

    async def body() -> None:
        told = await converse(agent, tool, max_turns=turns)
        assert result(told)["finish_reason"] == "max_turns_reached"
        assert result(told)["tool_calls"][0]["arguments"] == {"location": "Paris"}
        assert len(of(told, "tool_executing")) == turns - 1
        assert result(told)["total_cost"] == pytest.approx(turns * 15 / 1000)

    run(body())
    assert len(models.calls) == turns


def test_a_tool_without_a_function_ends_it_after_the_calls() -> None:
    tool = Counted()
    known = ToolConfig("known", "Known", WEATHER["parameters"], tool)
    both = [*call(), *call(name="known", id="c2", index=1), ends()]
    agent, _ = ladder(both)

    async def body() -> None:
        told = await converse(agent, tools=[WEATHER, known])
        assert brief(told).endswith("tool_call_complete complete")
        assert result(told)["finish_reason"] == "tool_calls"
        assert len(result(told)["tool_calls"]) == 2

    run(body())
    assert tool.ran == []


@pytest.mark.parametrize("place", ["agent", "call"])
def test_an_executor_runs_what_the_definitions_do_not(place: str) -> None:
    tool, own = Counted(), Counted()
    executor = ToolExecutor([weather(tool)])
    also = ToolConfig("also", "Another", WEATHER["parameters"], own)
    script = Answers([*call(), *call(name="also", id="c2", index=1), ends()], says("Ok."))
    agent, _ = ladder(script, tool_executor=executor if place == "agent" else None)

    async def body() -> None:
        given = executor if place == "call" else None
        told = await converse(agent, tools=[WEATHER, also], tool_executor=given)
        assert result(told)["finish_reason"] == "stop"

    run(body())
    assert (tool.ran, own.ran) == (["Paris"], ["Paris"])


def test_an_invalid_call_beside_a_valid_one_is_told_back_and_not_run() -> None:
    tool = Counted()
    both = [*call("{}", id="bad"), *call(OSLO, id="good", index=1), ends()]
    agent, models = ladder(Answers(both, says("Ok.")))

    async def body() -> None:
        told = await converse(agent, tool)
        assert "tool_error tool_executing tool_result routing" in brief(told)
        (error,) = of(told, "tool_error")
        assert error.tool_result is not None
        assert error.tool_result.error == f"not executed: {error.content}"

    run(body())
    assert tool.ran == ["Oslo"]
    history = models.calls[1][1].messages
    assert [each["id"] for each in history[1]["tool_calls"]] == ["bad", "good"]
    assert history[2]["content"].startswith("Error: not executed: ")
    assert history[3]["content"] == "22 C in Oslo"


def test_a_mended_call_is_executed_and_a_repeated_one_ends_it() -> None:
    async def body() -> None:
        agent, models = ladder(Answers(calls("{}"), calls(), says("22 C.")))
        assert result(await converse(agent))["content"] == "22 C."
        assert len(models.calls) == 3
        agent, models = ladder(calls("{}"))
        end = result(await converse(agent))
        assert end["finish_reason"] == "invalid_tool_call"
        assert len(models.calls) == 2

    run(body())


def test_a_truncated_answer_runs_nothing() -> None:
    tool = Counted()
    agent, _ = ladder([*call(), Stop("length", raw_reason="length")])

    async def body() -> None:
        end = result(await converse(agent, tool))
        assert (end["finish_reason"], end["truncated"]) == ("length", True)

    run(body())
    assert tool.ran == []


# --- what is executed, and how often --------------------------------------------------------------


@pytest.mark.parametrize("reveal", ["live", "held"])
def test_a_call_of_a_rejected_draft_is_never_executed(reveal: str) -> None:
    tool = Counted()
    agent, _ = ladder(Answers([TextDelta("bad"), *calls()], says("Ok.")), calls(OSLO))

    async def body() -> None:
        told = await converse(agent, tool, reveal=reveal)
        (switch,) = of(told, "switch")
        discarded = switch.data["discarded_tool_calls"]
        assert [each["id"] for each in discarded] == (["c1"] if reveal == "live" else [])
        assert switch.data["discard_chars"] == (3 if reveal == "live" else 0)

    run(body())
    assert tool.ran == ["Oslo"]


def test_a_rejected_draft_that_stands_in_runs_no_tool() -> None:
    tool = Counted()
    broken = [TextDelta("22"), *call(OSLO), *call(PARIS, id="c2", index=1), Stop(None)]
    for script in ([TextDelta("bad"), *calls()], says("bad")):
        agent, _ = ladder(script, broken, on_verifier_error="draft")

        async def body(agent: CascadeAgent = agent) -> None:
            told = [event async for event in tools_of(agent, tools=[weather(tool)])]
            assert of(told, "tool_call_complete", "tool_executing") == []
            assert [event.type for event in told][-1] in ("complete", "error")

        run(body())
    assert tool.ran == []


def test_the_same_call_again_gets_the_first_result() -> None:
    tool = Counted()
    agent, models = ladder(Answers(calls(), calls(), calls(OSLO), says("Ok.")))

    async def body() -> None:
        told = await converse(agent, tool)
        answers = [
            event.tool_result and event.tool_result.result for event in of(told, "tool_result")
        ]
        assert answers == ["22 C in Paris", "22 C in Paris", "22 C in Oslo"]

    run(body())
    assert tool.ran == ["Paris", "Oslo"]
    assert len(models.calls) == 4


def test_two_conversations_with_the_same_ids_run_their_own_tools() -> None:
    tool = Counted()
    executor = ToolExecutor([weather(tool)])
    agent, _ = ladder(Answers(calls(), says("Ok."), calls(), says("Ok.")), tool_executor=executor)

    async def body() -> None:
        for _ in range(2):
            await converse(agent, tools=[WEATHER])

    run(body())
    assert tool.ran == ["Paris", "Paris"]


def test_parallel_calls_run_side_by_side_and_are_told_in_their_order() -> None:
    both_here = asyncio.Barrier(2)

    async def slow(location: str) -> str:
        await both_here.wait()
        await asyncio.sleep(0.02 if location == "Paris" else 0)
        return location

    agent, _ = ladder(Answers([*call(), *call(OSLO, id="c2", index=1), ends()], says("Ok.")))

    async def body() -> None:
        told = await converse(agent, slow)
        assert "tool_executing tool_result tool_executing tool_result" in brief(told)
        assert [e.tool_result and e.tool_result.result for e in of(told, "tool_result")] == [
            "Paris",
            "Oslo",
        ]

    run(body())
