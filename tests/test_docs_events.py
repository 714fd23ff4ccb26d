"""What docs/events.md says is what comes: data, order, kinds of errors."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from cascadeflow import CascadeAgent, CascadeResult, Estimate, ModelConfig, RetryPolicy
from cascadeflow.core.policy import Observer
from cascadeflow.errors import ErrorKind, ProviderError
from cascadeflow.providers.failures import error_from_status
from cascadeflow.providers.scripted import Answers, Script, Scripted
from cascadeflow.streaming import (
    StreamEvent,
    StreamEventType,
    ToolStreamEvent,
    ToolStreamEventType,
)
from cascadeflow.types import Delta, ReasoningDelta, Request, Stop, TextDelta, ToolCallDelta

from .faultserver import ThreadedFaultServer

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "events.md").read_text("utf-8")
SPEAKER = frozenset(("model", "provider", "attempt", "phase", "turn"))
QUICK = RetryPolicy(base=0.0, cap=0.0)

Event = StreamEvent | ToolStreamEvent


def table(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading."""
    after = PAGE[PAGE.index(f"{heading}\n") :]
    found = re.search(r"^\|[-|]+\|\n((?:\|.*\|\n)+)", after, re.MULTILINE)
    assert found
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in found.group(1).splitlines()
    ]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def documented_keys() -> dict[str, set[str]]:
    rows = table("## Data of each event")
    return {
        name: {*code(keys), *(SPEAKER if "*speaker*" in keys else ())} for name, _, keys in rows
    }


# --- streams with everything in them --------------------------------------------------------------


class Marked:
    """An estimator by which a draft with "bad" or "wrong" in it is poor."""

    def observe(self, request: Request) -> Observer:
        return _Observer()


class _Observer:
    def __init__(self) -> None:
        self.poor = False

    def feed(self, delta: Delta) -> None:
        said = f"{delta.text if isinstance(delta, TextDelta) else delta}"
        self.poor = self.poor or "bad" in said or "wrong" in said

    def estimate(self) -> Estimate:
        return Estimate(0.3 if self.poor else 0.9, {"poor": float(self.poor)})


def text(*pieces: str) -> list[Delta]:
    return [*map(TextDelta, pieces), Stop("stop")]


def call(arguments: str, name: str = "add") -> list[Delta]:
    half = len(arguments) // 2
    return [
        ToolCallDelta(0, id="c1", name=name, arguments=arguments[:half]),
        ToolCallDelta(0, arguments=arguments[half:]),
        Stop("tool_calls"),
    ]


def broken() -> ProviderError:
    return ProviderError("broken", kind="server", retryable=True)


def add(a: int, b: int) -> int:
    """Add two numbers."""
    if b < 0:
        raise ValueError("b is negative")
    return a + b


def ladder(script: Mapping[str, Script | Answers], **settings: Any) -> CascadeAgent:
    provider = Scripted(script)
    models = [ModelConfig(name, provider, cost=0.001) for name in script]
    return CascadeAgent(models, estimator=Marked(), retry=QUICK, **settings)


def texts() -> dict[str, AsyncIterable[Event]]:
    """Streams of text, by what happens in them."""
    good, bad, down = text("Pa", "ris."), text("bad ", "answer"), [broken()]
    thinking: Script = [ReasoningDelta("Well."), *good]
    cut: Script = [TextDelta("Par"), broken()]

    def ask(script: Mapping[str, Script | Answers], **given: Any) -> AsyncIterable[Event]:
        return ladder(script, **given).stream_events("hi")

    return {
        "accepted": ask({"s": good, "l": good}),
        "thinking": ask({"s": thinking, "l": thinking}, reasoning=True),
        "held": ask({"s": bad, "l": good}, reveal="held"),
        "three tiers": ask({"s": bad, "m": cut, "l": thinking}, reasoning=True),
        "retried": ask({"s": Answers(down, good), "l": good}),
        "one model": ask({"l": good}),
        "all down": ask({"s": down, "l": cut}),
        "too dear": ask({"s": bad, "l": good}, max_cost=0.000_012),
        "stands in": ask({"s": bad, "l": cut}, on_verifier_error="draft"),
    }


def tools() -> dict[str, AsyncIterable[Event]]:
    """Streams with tools, by what happens in them."""
    right, wrong, invalid = call('{"a": 1, "b": 2}'), call('{"a": "wrong"'), call('{"a": 1}')
    failing, done = call('{"a": 1, "b": -2}'), text("Done.")

    def execute(*scripts: Script) -> AsyncIterable[Event]:
        manager = ladder({"s": Answers(*scripts), "l": done}).tool_streaming_manager
        assert manager is not None
        return manager.stream("What is 1 + 2?", [add])

    def offer(script: Mapping[str, Script | Answers]) -> AsyncIterable[Event]:
        return ladder(script).stream_events("What is 1 + 2?", tools=[add])

    return {
        "call of a draft": offer({"s": right, "l": right}),
        "call taken back": offer({"s": wrong, "l": right}),
        "invalid call": offer({"s": invalid, "l": right}),
        "text instead": offer({"s": done, "l": done}),
        "executed": execute(right, done),
        "raises": execute(failing, done),
    }


async def read(stream: AsyncIterable[Event]) -> list[Event]:
    return [event async for event in stream]


@cache
def streams() -> dict[str, list[Event]]:
    async def body() -> dict[str, list[Event]]:
        return {name: await read(stream) for name, stream in {**texts(), **tools()}.items()}

    return asyncio.run(body()) | over_http()


def over_http() -> dict[str, list[Event]]:
    """A real connection that breaks in the middle of the draft."""
    with ThreadedFaultServer() as server:
        models = [
            ModelConfig(name, "openai", 0.001, api_key="none", base_url=server.url)
            for name in ("fault:rst-after-3", "fault:ok")
        ]

        async def body() -> list[Event]:
            async with CascadeAgent(models) as agent:
                return await read(agent.stream_events("What is the capital of France?"))

        return {"over HTTP": asyncio.run(body())}


def every_event() -> list[Event]:
    return [event for told in streams().values() for event in told]


# --- data -----------------------------------------------------------------------------------------


def test_the_table_names_every_event() -> None:
    known = {member.name for member in (*StreamEventType, *ToolStreamEventType)}
    assert documented_keys().keys() == known


def test_every_event_holds_the_keys_of_the_table() -> None:
    seen: dict[str, set[frozenset[str]]] = defaultdict(set)
    for event in every_event():
        seen[event.type.name].add(frozenset(event.data))
    assert seen == {name: {frozenset(keys)} for name, keys in documented_keys().items()}


def test_the_streams_hold_the_words_of_the_page() -> None:
    phases = {event.data["phase"] for event in every_event() if "phase" in event.data}
    assert phases == {"draft", "verifier", "direct"}
    stages = {event.data["stage"] for event in every_event() if event.type == "draft_decision"}
    assert stages == {"after", "during"}


def test_confidence_and_score_are_one_number() -> None:
    for event in every_event():
        if event.type == "draft_decision":
            assert event.data["score"] == event.data["confidence"]


def test_the_form_of_a_tool_call_is_that_of_the_page() -> None:
    forms: dict[str, set[frozenset[str]]] = defaultdict(set)
    for event in every_event():
        if "tool_call" in event.data and event.type.name.startswith("TOOL_CALL"):
            forms[event.type.name].add(frozenset(event.data["tool_call"]))
    assert forms == {
        "TOOL_CALL_START": {frozenset(("index", "id", "name"))},
        "TOOL_CALL_DELTA": {frozenset(("index", "id", "name", "arguments"))},
        "TOOL_CALL_COMPLETE": {frozenset(("id", "name", "arguments"))},
    }
    voided = [
        call for event in every_event() for call in event.data.get("discarded_tool_calls", ())
    ]
    assert {frozenset(call) for call in voided} == {frozenset(("id", "name", "arguments"))}


def test_attributes_of_tool_events_equal_their_data() -> None:
    for event in every_event():
        if isinstance(event, ToolStreamEvent):
            assert event.tool_call == event.data.get("tool_call")
            assert event.tool_result == event.data.get("tool_result")
            assert event.error == event.data.get("error")
            assert event.delta == event.data.get("delta", "")


def test_the_result_has_the_keys_of_the_page() -> None:
    rows = table("## COMPLETE: the result")
    names = [name for row in rows for name in code(row[0])]
    assert sorted(names) == sorted(field.name for field in fields(CascadeResult))


# --- order ----------------------------------------------------------------------------------------


def grammar() -> re.Pattern[str]:
    """The rules of the page as one regular expression over names, each followed by a semicolon."""
    block = PAGE[PAGE.index("```\nstream ") :].split("```")[1]
    rules = dict(re.findall(r"^(\w+) += (.+)$", block, re.MULTILINE))

    def expand(rule: str) -> str:
        return re.sub(r"\w+", symbol, rule).replace(" ", "")

    def symbol(found: re.Match[str]) -> str:
        name = found.group()
        return f"(?:{expand(rules[name])})" if name in rules else f"(?:{name};)"

    return re.compile(expand(rules["stream"]))


def names(told: Sequence[Event]) -> str:
    return "".join(f"{event.type.name};" for event in told)


def test_events_come_in_the_order_of_the_page() -> None:
    order = grammar()
    unordered = {case: names(told) for case, told in streams().items()}
    assert {case: told for case, told in unordered.items() if not order.fullmatch(told)} == {}


@pytest.mark.parametrize(
    "told",
    [
        "ROUTING CHUNK",
        "ROUTING CHUNK COMPLETE ERROR",
        "ROUTING DRAFT_START CHUNK DRAFT_DECISION SWITCH SWITCH CHUNK ERROR",
        "ROUTING DRAFT_START CHUNK TOOL_CALL_COMPLETE DRAFT_DECISION COMPLETE",
        "ROUTING TOOL_EXECUTING COMPLETE",
    ],
)
def test_the_order_of_the_page_rules_out_what_must_not_be(told: str) -> None:
    assert not grammar().fullmatch(f"{told} ".replace(" ", ";"))


# --- errors ---------------------------------------------------------------------------------------


def test_the_table_names_every_kind_of_error() -> None:
    assert [kind for row in table("### Kinds of errors") for kind in code(row[0])] == [
        *get_args(ErrorKind)
    ]


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 405, 408, 409, 410, 418, 429, 500, 502, 503, 529]
)
def test_a_status_is_asked_again_as_the_table_says(status: int) -> None:
    again = {kind: row[2] for row in table("### Kinds of errors") for kind in code(row[0])}
    said = {kind: row[1] for row in table("### Kinds of errors") for kind in code(row[0])}
    error = error_from_status(status, {}, b"", now=0.0)
    assert again[error.kind] == ("yes" if error.retryable else "no")
    assert str(status) in said[error.kind] or error.kind in ("bad_request", "server")
