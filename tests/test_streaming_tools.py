"""Tool streams as a consumer sees them: calls forming, complete, void; what servers are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from cascadeflow import VisibleText
from cascadeflow.errors import ProviderError
from cascadeflow.providers.scripted import Answers, Pause, Script, Step
from cascadeflow.streaming import ToolStreamEvent
from cascadeflow.types import Stop, TextDelta, ToolCallDelta

from .tool_streams import (
    ASK,
    OSLO,
    PARIS,
    WEATHER,
    brief,
    call,
    calls,
    ends,
    ladder,
    names,
    of,
    read,
    result,
    run,
    says,
    tools_of,
)

START, DELTA, READY = "tool_call_start", "tool_call_delta", "tool_call_complete"
BOTH: list[Step] = [*call(), *call(OSLO, id="c2", index=1), ends()]
MIXED: Script = [TextDelta("Let me "), TextDelta("look."), *calls()]
DRAFT = "routing draft_start"
LAST = f"{START} {DELTA} {READY}"


def told_by(
    *scripts: Script | Answers, tools: Sequence[object] = (WEATHER,), **options: Any
) -> list[ToolStreamEvent]:
    """The events of a stream that executes nothing."""
    agent, _ = ladder(*scripts)
    found: list[ToolStreamEvent] = []

    async def body() -> None:
        found.extend(await read(agent.stream_events(ASK, tools=tools, **options)))

    run(body())
    return found


# --- the order ------------------------------------------------------------------------------------

ORDERS: dict[str, tuple[tuple[Script, ...], dict[str, Any], str]] = {
    "a draft of text is kept": (
        (says("None needed."), says("never")),
        {},
        f"{DRAFT} chunk draft_decision+ complete",
    ),
    "a draft with a call is kept": (
        (calls(), says("never")),
        {},
        f"{DRAFT} {START} {DELTA} draft_decision+ {READY} complete",
    ),
    "text, then a call": (
        (MIXED, says("never")),
        {},
        f"{DRAFT} chunk {START} {DELTA} draft_decision+ {READY} complete",
    ),
    "calls of a draft complete after the decision": (
        (BOTH, says("never")),
        {},
        f"{DRAFT} {START} {DELTA} {START} {DELTA} draft_decision+ {READY} complete",
    ),
    "calls of the last model complete one by one": (
        (says("bad"), BOTH),
        {},
        f"{DRAFT} chunk draft_decision- switch {LAST} {LAST} complete",
    ),
    "a rejected draft with a call": (
        ([TextDelta("bad"), *calls()], calls(OSLO)),
        {},
        f"{DRAFT} chunk {START} {DELTA} draft_decision- switch {LAST} complete",
    ),
    "an invalid call": (
        (calls("{}"), calls()),
        {},
        f"{DRAFT} {START} {DELTA} draft_decision- switch {LAST} complete",
    ),
    "held back and kept": (
        (MIXED, says("never")),
        {"reveal": "held"},
        f"{DRAFT} chunk {START} {DELTA} draft_decision+ {READY} complete",
    ),
    "held back and void": (
        ([TextDelta("bad"), *calls()], calls(OSLO)),
        {"reveal": "held"},
        f"{DRAFT} draft_decision- switch {LAST} complete",
    ),
    "direct": ((says("never"), MIXED), {"force_direct": True}, f"routing chunk {LAST} complete"),
    "one model": ((MIXED,), {}, f"routing chunk {LAST} complete"),
    "a draft that breaks in a call": (
        ([*call(), ProviderError("reset", kind="incomplete")], calls()),
        {},
        f"{DRAFT} {START} {DELTA} draft_decision- switch {LAST} complete",
    ),
    "an error in a call": (
        (says("bad"), [*call(), ProviderError("reset", kind="incomplete")]),
        {},
        f"{DRAFT} chunk draft_decision- switch {START} {DELTA} error",
    ),
    "only an invalid call on the last model": (
        (calls("{}"),),
        {},
        f"routing {START} {DELTA} complete",
    ),
}


@pytest.mark.parametrize("case", ORDERS)
def test_events_come_in_the_documented_order(case: str) -> None:
    scripts, options, expected = ORDERS[case]
    assert brief(told_by(*scripts, **options)) == expected


def test_the_last_models_call_is_complete_before_its_answer_ends() -> None:
    async def body() -> None:
        agent, _ = ladder([*call(), *call(OSLO, id="c2", index=1), Pause(0.2), ends()])
        seen: list[str] = []
        async with asyncio.timeout(0.15):
            async for event in agent.stream_events(ASK, tools=[WEATHER]):
                seen.append(event.type)
                if seen.count(START) == 2:
                    break
        assert seen.count(READY) == 1

    run(body())


def test_a_call_that_another_answer_may_still_replace_is_complete_only_at_the_end() -> None:
    broken = [*BOTH[:-1], ProviderError("reset", kind="incomplete")]
    agent, _ = ladder(says("bad"), broken, on_verifier_error="draft")

    async def body() -> None:
        told = [event async for event in agent.stream_events(ASK, tools=[WEATHER])]
        assert of(told, READY) == []
        assert told[-1].data["result"]["degraded"] is True
        assert told[-1].data["result"]["tool_calls"] == []

    run(body())


def test_white_space_after_a_complete_call_changes_nothing() -> None:
    late = ToolCallDelta(0, arguments=" \n")
    told = told_by([*call(), *call(OSLO, id="c2", index=1), late, ends()])
    assert brief(told) == f"routing {LAST} {LAST} complete"
    assert [each["arguments"] for each in result(told)["tool_calls"]] == [
        {"location": "Paris"},
        {"location": "Oslo"},
    ]


def test_more_arguments_after_a_complete_call_are_an_error() -> None:
    late = ToolCallDelta(0, arguments="{}")
    told = told_by([*call(), *call(OSLO, id="c2", index=1), late, ends()])
    assert brief(told) == f"routing {LAST} {START} {DELTA} error"
    assert told[-1].data["kind"] == "protocol"


# --- calls ----------------------------------------------------------------------------------------


def test_a_call_is_seen_forming() -> None:
    agent, _ = ladder(calls('{"location": "Paris"}', cut=6))
    partial: list[dict[str, Any]] = []

    async def body() -> None:
        async for event in agent.stream_events(ASK, tools=[WEATHER]):
            if event.tool_call is not None:
                assert event.tool_call == event.data["tool_call"]
            if event.type == START:
                assert event.tool_call == {"index": 0, "id": "c1", "name": "get_weather"}
            if event.type == DELTA:
                assert event.tool_call is not None
                assert event.delta == event.data["delta"]
                partial.append(json.loads(json.dumps(event.tool_call["arguments"])))
            if event.type == READY:
                assert event.tool_call == {
                    "id": "c1",
                    "name": "get_weather",
                    "arguments": {"location": "Paris"},
                }

    run(body())
    assert partial[0] == {}
    assert {"location": "Pari"} in partial
    assert partial[-1] == {"location": "Paris"}


def test_events_that_are_kept_show_what_was_known_at_their_time() -> None:
    places = '{"location": "Paris", "days": [1, 2], "at": {"lat": 48.9}}'
    schema = {"type": "object"}
    kept = of(told_by(calls(places, cut=5), tools=[{**WEATHER, "parameters": schema}]), DELTA)
    seen = [event.data["tool_call"]["arguments"] for event in kept]
    assert seen[0] == {}
    assert seen[-1] == json.loads(places)
    sizes = [len(json.dumps(each)) for each in seen]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 5


def test_long_arguments_are_one_growing_object() -> None:
    kept = of(told_by(calls(json.dumps({"location": "x" * 3000}), cut=500)), DELTA)
    seen = [event.data["tool_call"]["arguments"] for event in kept]
    assert seen[-2] is seen[-1]
    assert seen[0] is not seen[1]


def test_deltas_put_together_are_the_arguments_as_they_came() -> None:
    told = told_by(BOTH)
    for index, arguments in enumerate((PARIS, OSLO)):
        own = [e.delta for e in of(told, DELTA) if e.data["tool_call"]["index"] == index]
        assert "".join(own) == arguments


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_cut_of_the_network_does_not_matter(size: int) -> None:
    told = told_by([call(cut=size), [ends()]])
    assert result(told)["tool_calls"][0]["arguments"] == {"location": "Paris"}


def test_switch_lists_what_to_take_back() -> None:
    told = told_by([TextDelta("bad 🌊 "), *BOTH], calls(OSLO, id="x"))
    (switch,) = of(told, "switch")
    assert switch.data["discard_chars"] == 6
    assert switch.data["discarded_tool_calls"] == [
        {"id": "c1", "name": "get_weather", "arguments": PARIS},
        {"id": "c2", "name": "get_weather", "arguments": OSLO},
    ]
    assert [event.tool_call and event.tool_call["id"] for event in of(told, READY)] == ["x"]


def test_the_phase_tells_provisional_calls() -> None:
    told = told_by([TextDelta("bad"), *calls()], calls(OSLO))
    assert [event.data["phase"] for event in of(told, START)] == ["draft", "verifier"]
    assert [event.data["phase"] for event in of(told, READY)] == ["verifier"]


def test_text_and_calls_in_one_answer_are_both_in_the_result() -> None:
    told = told_by(MIXED, says("never"))
    end = result(told)
    assert end["content"] == "Let me look."
    assert end["finish_reason"] == "tool_calls"
    assert end["draft_accepted"] is True
    assert end["tool_calls"] == [
        {"id": "c1", "name": "get_weather", "arguments": {"location": "Paris"}}
    ]
    function = {"name": "get_weather", "arguments": PARIS}
    assert end["messages"][-1] == {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    visible = VisibleText()
    for event in told:
        visible.feed(event)
    assert visible.text == "Let me look."


@pytest.mark.parametrize(
    ("script", "reason", "count"),
    [
        ([*call(), ends("stop")], "tool_calls", 1),
        ([*call("{}"), ends()], "invalid_tool_call", 0),
        ([*call("{}"), *call(OSLO, id="c2", index=1), ends()], "tool_calls", 1),
        ([*call(), Stop("length", raw_reason="length")], "length", 1),
        (says("No."), "stop", 0),
    ],
)
def test_the_finish_reason_says_what_there_is_to_do(
    script: Script, reason: str, count: int
) -> None:
    end = result(told_by(script))
    assert (end["finish_reason"], len(end["tool_calls"])) == (reason, count)


def test_stream_events_and_run_never_execute() -> None:
    ran: list[str] = []

    def get_weather(location: str) -> str:
        """Current weather."""
        ran.append(location)
        return "22 C"

    async def body() -> None:
        agent, models = ladder(calls(), says("never"), tools=[get_weather])
        told = await read(agent.stream_events(ASK, tools=[get_weather]))
        assert result(told)["finish_reason"] == "tool_calls"
        assert (await agent.run(ASK)).tool_calls[0]["name"] == "get_weather"
        assert (await agent.run(ASK, tools=[get_weather])).finish_reason == "tool_calls"
        told = await read(tools_of(agent, tools=[get_weather], execute_tools=False))
        assert of(told, "tool_executing") == []
        assert len(models.calls) == 4

    run(body())
    assert ran == []


def test_the_same_stream_gives_the_same_events() -> None:
    def told() -> list[tuple[str, str, Any]]:
        found = told_by([TextDelta("bad"), *calls()], BOTH)
        return [(str(e.type), e.content + e.delta, e.tool_call) for e in found]

    assert told() == told()


def test_names_of_a_long_stream_are_in_order() -> None:
    many = [delta for at in range(20) for delta in call(OSLO, id=f"c{at}", index=at)]
    told = told_by([*many, ends()])
    assert len(of(told, READY)) == 20
    assert names(told).count(f"{READY} {START} ") == 19
