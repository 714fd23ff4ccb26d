"""Tools that fail, hang, block or run out of time and money disturb nobody and leave nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncGenerator

import pytest

from cascadeflow import Timeouts, collect
from cascadeflow.providers.scripted import Answers, Pause, Script
from cascadeflow.streaming import ToolStreamEvent
from cascadeflow.tools import ToolExecutor, ToolResult
from cascadeflow.types import Stop, TextDelta, Usage

from .tool_streams import (
    ASK,
    OSLO,
    PARIS,
    WEATHER,
    Counted,
    Function,
    call,
    calls,
    converse,
    ends,
    ladder,
    names,
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


# --- tools that misbehave -------------------------------------------------------------------------


def raises(location: str) -> str:
    raise ValueError(f"no such place: {location}, password=hunter2secret")


def exits(location: str) -> str:
    raise SystemExit(3)


async def exits_at_once(location: str) -> str:
    raise SystemExit(location)


async def cancels_itself(location: str) -> str:
    raise asyncio.CancelledError


def returns_ten_megabytes(location: str) -> str:
    return location * 2_000_000


def returns_no_json(location: str) -> object:
    return threading.Lock()


async def hangs(location: str) -> str:
    await asyncio.sleep(3600)
    return location


def blocks(location: str) -> str:
    time.sleep(0.5)
    return location


FAILING: list[tuple[Function, str]] = [
    (raises, "ValueError"),
    (exits, "SystemExit"),
    (exits_at_once, "SystemExit"),
    (cancels_itself, "cancelled"),
    (returns_ten_megabytes, "bytes"),
    (returns_no_json, "lock"),
    (hangs, "timed out after 0.2 s"),
    (blocks, "timed out after 0.2 s; it may still take effect"),
]


@pytest.mark.parametrize(
    ("function", "said"), FAILING, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_tool_that_fails_is_a_result_and_disturbs_no_other_stream(
    function: Function, said: str
) -> None:
    agent, models = ladder(Answers(calls(), says("Sorry.")))
    other, _ = ladder([TextDelta("a"), Pause(0.1), *says("b")])
    executor = ToolExecutor([weather(function)], timeout=0.2)

    async def body() -> None:
        ticker = asyncio.create_task(lag())
        told, beside = await asyncio.gather(
            converse(agent, tools=[WEATHER], tool_executor=executor),
            collect(other.stream_events("hi")),
        )
        ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticker
        assert max(lags) < 0.25, "the loop was held up"
        (error,) = of(told, "tool_error")
        assert said in error.content
        assert "hunter2" not in repr(told)
        assert isinstance(error.tool_result, ToolResult)
        assert error.tool_result.error == error.content == error.error
        assert result(told)["content"] == "Sorry."
        assert beside.content == "ab"

    lags = [0.0]

    async def lag() -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - due)

    run(body())
    assert models.calls[1][1].messages[2]["content"].startswith("Error: ")
    assert len(json.dumps(models.calls[1][1].messages[2])) < 2000


# --- time, money, leaving -------------------------------------------------------------------------


def test_the_total_deadline_spans_tools_and_ends_them_first() -> None:
    ended: list[str] = []

    async def sleeps(location: str) -> str:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(location)
        return location

    agent, models = ladder([TextDelta("Let me look."), *calls()])

    async def body() -> None:
        began = time.monotonic()
        told: list[ToolStreamEvent] = []
        async for event in tools_of(
            agent, tools=[weather(sleeps)], timeouts=Timeouts(total=0.3), max_turns=9
        ):
            told.append(event)
            assert event.type != "error" or ended == ["Paris"]
        assert told[-2].content == "not finished in the time there was; it may still take effect"
        assert told[-1].data["kind"] == "timeout.total"
        assert told[-1].data["partial_text"] == "Let me look."
        assert told[-1].data["result"]["total_cost"] == pytest.approx(15 / 1000)
        assert 0.25 < time.monotonic() - began < 3

    run(body())
    assert len(models.calls) == 1


@pytest.mark.parametrize("places", [(PARIS, OSLO), (OSLO, PARIS)])
def test_what_tools_did_before_the_total_deadline_is_told_and_kept(
    places: tuple[str, str],
) -> None:
    async def refunds(location: str) -> str:
        if location == "Paris":
            await asyncio.sleep(30)
        return f"refunded {location}"

    first, second = places
    agent, _ = ladder([*call(first, id=first), *call(second, id=second, index=1), ends()])

    async def body() -> None:
        told = await converse(agent, refunds, timeouts=Timeouts(total=0.2))
        error = told[-1].data["error"]
        assert error.kind == "timeout.total"
        question, asked, *answers = error.result.messages
        assert question == USER
        assert [each["id"] for each in asked["tool_calls"]] == list(places)
        said = {each["tool_call_id"]: each["content"] for each in answers}
        assert list(said) == list(places)
        assert said[OSLO] == "refunded Oslo"
        assert "it may still take effect" in said[PARIS]
        told_of = [(e.type, e.data["tool_call"]["id"]) for e in told if e.tool_result]
        kinds = {OSLO: "tool_result", PARIS: "tool_error"}
        assert told_of == [(kinds[place], place) for place in places]

    run(body())


def test_the_total_deadline_spans_turns() -> None:
    turn = [Pause(0.15), *calls()]
    agent, _ = ladder(turn)

    async def body() -> None:
        stream = tools_of(
            agent, tools=[weather(Counted())], timeouts=Timeouts(total=0.4), max_turns=20
        )
        told = await read(stream)
        assert told[-1].data["kind"] == "timeout.total"
        assert 2 <= len(of(told, "routing")) <= 3

    run(body())


def test_the_deadline_stands_still_while_the_consumer_holds_the_stream() -> None:
    agent, _ = ladder(Answers(calls(), says("Ok.")))

    async def body() -> None:
        stream = tools_of(agent, tools=[weather(Counted())], timeouts=Timeouts(total=0.4))
        last = ""
        async for event in stream:
            if event.type != last and event.type in ("tool_executing", "tool_result", "chunk"):
                await asyncio.sleep(0.2)
            last = event.type
        assert last == "complete"

    run(body())


def test_the_budget_spans_turns() -> None:
    tool = Counted()
    dear = [*call(), Stop("tool_calls", usage=Usage(input_tokens=300, output_tokens=200))]
    agent, models = ladder(dear)

    async def body() -> None:
        told = await converse(agent, tool, max_cost=1.2, max_turns=20)
        assert told[-1].data["kind"] == "budget"
        assert told[-1].data["result"]["total_cost"] <= 1.5

    run(body())
    assert len(models.calls) in (2, 3)
    assert len(tool.ran) == 1


def test_the_agent_counts_what_all_turns_have_cost() -> None:
    agent, _ = ladder(Answers(calls(), says("Ok.")))

    async def body() -> None:
        end = result(await converse(agent))
        assert agent.spent == pytest.approx(end["total_cost"])
        assert end["draft_cost"] == 0
        assert end["verifier_cost"] == end["total_cost"]

    run(body())


@pytest.mark.parametrize("how", ["break", "aclose", "cancel"])
def test_leaving_while_tools_run_cancels_them(how: str) -> None:
    ended: list[str] = []
    started = asyncio.Event()

    async def sleeps(location: str) -> str:
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(location)
        return location

    agent, models = ladder([*call(), *call(OSLO, id="c2", index=1), ends()])

    async def body() -> None:
        match how:
            case "break":
                await until_running()
            case "aclose":
                await (await until_running()).aclose()
            case _:
                reading = asyncio.create_task(read(tools_of(agent, tools=[weather(sleeps)])))
                await started.wait()
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
        async with asyncio.timeout(1):
            while len(ended) < 2:
                await asyncio.sleep(0)

    async def until_running() -> AsyncGenerator[ToolStreamEvent, None]:
        stream = tools_of(agent, tools=[weather(sleeps)])
        async for event in stream:
            if event.type == "tool_executing":
                await started.wait()
                break
        return stream

    run(body())
    assert sorted(ended) == ["Oslo", "Paris"]
    assert len(models.calls) == 1


def test_a_stream_that_is_never_read_asks_nobody_and_runs_nothing() -> None:
    agent, models = ladder(calls())

    async def body() -> None:
        stream = tools_of(agent, tools=[weather(Counted())])
        await stream.aclose()

    run(body())
    assert models.calls == []


def test_a_failure_in_a_later_turn_tells_of_all_of_them() -> None:
    broken: Script = [TextDelta("It is"), Stop(None, usage=Usage(input_tokens=5, output_tokens=2))]
    agent, _ = ladder(Answers(calls(), broken))

    async def body() -> None:
        told = await converse(agent)
        assert names(told).endswith("tool_result routing chunk error ")
        error = told[-1]
        assert error.data["kind"] == "incomplete"
        assert error.data["partial_text"] == "It is"
        assert len(error.data["result"]["attempts"]) == 2

    run(body())
