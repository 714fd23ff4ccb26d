"""Tool streams for tests: scripts with calls, agents that play them, the grammar of the events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.providers.scripted import Answers, Script, Scripted
from cascadeflow.request import Query
from cascadeflow.streaming import ToolStreamEvent, ToolStreamManager
from cascadeflow.tools import ToolConfig
from cascadeflow.types import Delta, Stop, TextDelta, ToolCallDelta, Usage

from .play import Marked

PARIS = '{"location": "Paris"}'
OSLO = '{"location": "Oslo"}'
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "Current weather of a place",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
}
ASK = "What is the weather in Paris?"

# --- scripts --------------------------------------------------------------------------------------


def call(
    arguments: str = PARIS,
    *,
    id: str = "c1",
    name: str = "get_weather",
    index: int = 0,
    cut: int = 7,
) -> list[Delta]:
    """A call as a server streams it: its name, then its arguments in pieces of `cut` characters."""
    pieces = [arguments[at : at + cut] for at in range(0, len(arguments), cut)]
    return [
        ToolCallDelta(index, id=id, name=name),
        *(ToolCallDelta(index, arguments=piece) for piece in pieces),
    ]


def ends(reason: str = "tool_calls") -> Delta:
    """The end of an answer of ten tokens to a prompt of five."""
    usage = Usage(input_tokens=5, output_tokens=10)
    return Stop("tool_calls" if reason == "tool_calls" else "stop", usage=usage, raw_reason=reason)


def says(text: str) -> list[Delta]:
    """A whole answer in words. "bad" in it makes `Marked` reject it."""
    return [TextDelta(text), ends("stop")]


def calls(arguments: str = PARIS, **given: Any) -> list[Delta]:
    """A whole answer that makes one call."""
    return [*call(arguments, **given), ends()]


def ladder(*scripts: Script | Answers, **settings: Any) -> tuple[CascadeAgent, Scripted]:
    """An agent whose models m0, m1, ... play these scripts; a dollar for a thousand tokens."""
    scripted = Scripted({f"m{at}": script for at, script in enumerate(scripts)})
    models = [ModelConfig(f"m{at}", scripted, 1.0) for at in range(len(scripts))]
    settings.setdefault("estimator", Marked())
    return CascadeAgent(models, **settings), scripted


def tools_of(
    agent: CascadeAgent, query: Query = ASK, **options: Any
) -> AsyncGenerator[ToolStreamEvent, None]:
    """The stream of the tool manager, for any number of models."""
    return ToolStreamManager(agent.cascade).stream(query, **options)


# --- tools ---------------------------------------------------------------------------------------

Function: TypeAlias = Callable[..., object]


class Counted:
    """A tool that notes its calls."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def __call__(self, location: str) -> str:
        self.ran.append(location)
        return f"22 C in {location}"


def weather(function: Function) -> ToolConfig:
    """The tool, run by this function."""
    return ToolConfig("get_weather", "Current weather", WEATHER["parameters"], function)


async def converse(
    agent: CascadeAgent, function: Function | None = None, **options: Any
) -> list[ToolStreamEvent]:
    """All events of a conversation in which this function is the tool."""
    options.setdefault("tools", [weather(Counted() if function is None else function)])
    return await read(tools_of(agent, **options))


# --- reading --------------------------------------------------------------------------------------


async def read(stream: AsyncIterable[ToolStreamEvent]) -> list[ToolStreamEvent]:
    """Every event, checked."""
    told: list[ToolStreamEvent] = []
    async for event in stream:
        if event.tool_call is not None:
            assert event.data["tool_call"] is event.tool_call
        told.append(event)
    check(told)
    return told


def run(body: Coroutine[Any, Any, None]) -> None:
    """Run in a loop of its own, which must have no task left."""

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await body
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left or not (await asyncio.wait(left, timeout=1))[1], left

    asyncio.run(bounded())


def of(told: Sequence[ToolStreamEvent], *types: str) -> list[ToolStreamEvent]:
    """The events of these types."""
    return [event for event in told if event.type in types]


def result(told: Sequence[ToolStreamEvent]) -> dict[str, Any]:
    """What COMPLETE says."""
    assert told[-1].type == "complete", told[-1]
    found: dict[str, Any] = told[-1].data["result"]
    return found


# --- the grammar ----------------------------------------------------------------------------------

SAID = r"(?:(?:chunk|reasoning|tool_call_start|tool_call_delta) )"
READY = r"(?:tool_call_complete )"
REJECTED = rf"(?:draft_start {SAID}*draft_decision- switch )"
ACCEPTED = rf"(?:draft_start {SAID}*draft_decision\+ {READY}*)"
LAST = rf"(?:{SAID}|{READY})*"
TURN = rf"(?:routing {REJECTED}*(?:{ACCEPTED}|{LAST}))"
EXECUTED = r"(?:(?:tool_executing (?:tool_result|tool_error)|tool_error) )+"
"""An invalid call gives a TOOL_ERROR without a TOOL_EXECUTING: nothing was started."""
WHOLE = re.compile(rf"{TURN}(?:{EXECUTED}{TURN})*complete ")
PART = rf"routing {REJECTED}*(?:draft_start {SAID}*(?:draft_decision[+-] )?{READY}*|{LAST})"
BROKEN = re.compile(rf"(?:(?:{TURN}{EXECUTED})*{PART}|(?:{TURN}{EXECUTED})+)error ")


def names(told: Sequence[ToolStreamEvent]) -> str:
    """Every name, a decision with its sign."""
    return "".join(_name(event) + " " for event in told)


def brief(told: Sequence[ToolStreamEvent]) -> str:
    """The names, runs of one name as one."""
    return re.sub(r"(?<!\S)(\S+ )\1+", r"\1", names(told)).strip()


def _name(event: ToolStreamEvent) -> str:
    if event.type != "draft_decision":
        return str(event.type)
    return "draft_decision+" if event.data["accepted"] else "draft_decision-"


def check(told: Sequence[ToolStreamEvent]) -> None:
    """What holds of every tool stream that was read to its end."""
    grammar = BROKEN if told[-1].type == "error" else WHOLE
    assert grammar.fullmatch(names(told)), names(told)
    void = {event.data["attempt"] for event in of(told, "switch")}
    ready = of(told, "tool_call_complete")
    assert not void & {event.data["attempt"] for event in ready}
    announced = {(e.data["turn"], e.data["tool_call"]["id"]) for e in ready}
    for event in of(told, "tool_executing"):
        assert (event.data["turn"], event.data["tool_call"]["id"]) in announced
    for event in ready:
        assert event.tool_call is not None
        assert event.tool_call.keys() == {"id", "name", "arguments"}
        assert isinstance(event.tool_call["arguments"], dict)
    assert all(event.content for event in of(told, "chunk"))
    rows = told[-1].data["result"]["attempts"]
    assert abs(told[-1].data["result"]["total_cost"] - sum(row["usd"] for row in rows)) < 1e-9
