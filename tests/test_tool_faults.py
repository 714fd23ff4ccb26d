"""Whole tool streams against a server whose calls are odd, broken or hostile, in both dialects."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.errors import CascadeError
from cascadeflow.providers.scripted import Answers
from cascadeflow.streaming import ToolStreamEvent

from .faultserver import ThreadedFaultServer
from .play import Marked
from .tool_streams import ASK, WEATHER, brief, calls, ladder, of, read, result, run, says, tools_of

OSLO = {"location": "Oslo"}
PARIS = {"location": "Paris"}
CELSIUS = {"location": "Paris", "unit": "celsius"}
VALID: dict[str, list[dict[str, str]]] = {
    "tool-ok": [CELSIUS],
    "tool-one-delta": [CELSIUS],
    "tool-text-then-call": [CELSIUS],
    "tool-finish-stop": [CELSIUS],
    "tool-legacy": [CELSIUS],
    "tool-parallel": [PARIS, OSLO],
    "tool-no-index": [PARIS, OSLO],
    "tool-same-index": [PARIS, OSLO],
    "tool-name-split": [CELSIUS],
    "tool-no-id": [CELSIUS],
    "tool-args-object": [PARIS],
    "tool-args-fenced": [CELSIUS],
}
"""T01 to T06: oddly cut, but what the model meant is certain."""
INVALID = {
    "tool-args-trailing": "Extra data",
    "tool-args-invalid": "not valid JSON",
    "tool-args-array": "must be a JSON object",
    "tool-args-null": "must be a JSON object",
    "tool-args-empty": "required",
    "tool-args-nan": "NaN is not JSON",
    "tool-args-dupkeys": "comes twice",
    "tool-args-depth": "nested too deep",
    "tool-args-surrogate": "surrogate",
    "tool-args-schema": "location",
    "tool-unknown-name": "no tool is named 'delete_everything'",
    "tool-name-empty": "no tool is named ''",
}
"""T06, T07, T09, T10: nothing that may be executed."""
OPENAI_ONLY = {"tool-legacy", "tool-no-index", "tool-same-index", "tool-name-split", "tool-no-id"}
"""Shapes that only OpenAI's dialect can take."""
SHAPES = [("openai", fault) for fault in VALID] + [
    ("anthropic", fault) for fault in VALID if fault not in OPENAI_ONLY
]


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


@pytest.fixture(params=["openai", "anthropic"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Weather:
    """The tool, and what it was called with."""

    def __init__(self) -> None:
        self.ran: list[dict[str, str]] = []

    def __call__(self, location: str, unit: str | None = None) -> str:
        self.ran.append({"location": location} | ({"unit": unit} if unit else {}))
        return f"22 C in {location}"

    @property
    def offered(self) -> dict[str, Any]:
        properties = {"location": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}}
        return {
            **WEATHER,
            "parameters": {**WEATHER["parameters"], "properties": properties},
            "function": self,
        }


def agent(server: ThreadedFaultServer, dialect: str, *faults: str) -> CascadeAgent:
    models = [
        ModelConfig(
            f"fault:{each}", dialect, 1.0, api_key="sk-made-up", base_url=f"{server.url}/v1"
        )
        for each in faults
    ]
    return CascadeAgent(models, estimator=Marked())


def converse(
    server: ThreadedFaultServer, dialect: str, *faults: str, **options: Any
) -> tuple[list[ToolStreamEvent], list[dict[str, str]]]:
    """All events of a conversation with models of these faults, and the executions."""
    weather = Weather()
    told: list[ToolStreamEvent] = []

    async def body() -> None:
        async with agent(server, dialect, *faults) as asked:
            told.extend(await read(tools_of(asked, tools=[weather.offered], **options)))

    run(body())
    assert "sk-made-up" not in repr(told[-1])
    return told, weather.ran


def on_draft(server: ThreadedFaultServer, dialect: str, fault: str) -> list[ToolStreamEvent]:
    """The draft has the fault in every turn; the calls of the healthy verifier are executed."""
    told, ran = converse(server, dialect, fault, "tool-ok")
    assert ran == [CELSIUS]
    assert result(told)["content"] == "It is 22 C in Paris."
    return told


def calls_of(told: list[ToolStreamEvent], turn: int = 1) -> list[dict[str, Any]]:
    ready = [e.tool_call for e in of(told, "tool_call_complete") if e.data["turn"] == turn]
    return [call for call in ready if call is not None]


@pytest.mark.parametrize(("dialect", "fault"), SHAPES)
def test_an_odd_call_is_put_together_and_executed_once(
    server: ThreadedFaultServer, dialect: str, fault: str
) -> None:
    for faults in ((fault,), (fault, "ok")):
        told, ran = converse(server, dialect, *faults, max_turns=2)
        expected = VALID[fault]
        found = calls_of(told)
        assert [call["arguments"] for call in found] == expected == ran
        assert {call["name"] for call in found} == {"get_weather"}
        ids = [call["id"] for call in found]
        assert len(set(ids)) == len(ids)
        assert all(ids)
        starts = [e.tool_call for e in of(told, "tool_call_start") if e.data["turn"] == 1]
        assert [start and start["id"] for start in starts] == ids
        deltas = [e for e in of(told, "tool_call_delta") if e.data["turn"] == 1]
        for index, arguments in enumerate(expected):
            own = [e for e in deltas if e.data["tool_call"]["index"] == index]
            assert own[-1].data["tool_call"]["arguments"] == arguments or "fenced" in fault
            assert arguments["location"] in "".join(e.delta for e in own)


@pytest.mark.parametrize("fault", INVALID)
def test_an_invalid_call_of_the_last_model_is_told_back_to_it_once(
    server: ThreadedFaultServer, dialect: str, fault: str
) -> None:
    server.reset()
    told, ran = converse(server, dialect, fault)
    assert ran == []
    assert brief(told).count("routing") == 2
    (error,) = of(told, "tool_error")
    assert INVALID[fault] in error.content
    assert error.content == error.error == error.data["error"]
    assert result(told)["finish_reason"] == "invalid_tool_call"
    assert result(told)["tool_calls"] == []
    assert len(result(told)["warnings"]) == 2
    assert len(server.log()) == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("tool-args-big?mb=5", "protocol"), ("tool-many", "protocol"), ("tool-cut", "incomplete")],
)
def test_calls_beyond_every_bound_or_cut_off_end_the_attempt(
    server: ThreadedFaultServer, dialect: str, fault: str, kind: str
) -> None:
    told = on_draft(server, dialect, fault)
    reasons = {event.data["reason"] for event in of(told, "draft_decision")}
    assert reasons == {f"draft_error:{kind}"}
    told, ran = converse(server, dialect, fault)
    assert told[-1].data["kind"] == kind
    assert isinstance(told[-1].error, CascadeError)
    assert told[-1].error is told[-1].data["error"]
    assert ran == []
    assert len(of(told, "tool_call_start")) <= 128


@pytest.mark.parametrize("fault", ["tool-args-big?mb=5", "tool-args-depth?depth=100000"])
def test_hostile_arguments_cost_little(
    server: ThreadedFaultServer, dialect: str, fault: str
) -> None:
    """Generous: the server in the same process, two turns and two thousand events are counted."""
    before = time.process_time()
    converse(server, dialect, fault)
    assert time.process_time() - before < 3


@pytest.mark.parametrize("name", ["\x1b[2Jrm", "a\nb", "ü" * 300, "get_weather\r"])
def test_a_hostile_name_is_told_escaped_and_goes_back_in_allowed_characters(
    server: ThreadedFaultServer, dialect: str, name: str
) -> None:
    told, ran = converse(server, dialect, f"tool-loop?name={quote(name)}|ok?k={len(name)}{dialect}")
    assert ran == []
    (error,) = of(told, "tool_error")
    assert error.content.isprintable()
    assert len(error.content) < 400
    assert all(warning.isprintable() for warning in result(told)["warnings"])
    (called,) = [m for m in result(told)["messages"] if m.get("tool_calls")]
    sent = called["tool_calls"][0]["function"]["name"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", sent)


@pytest.mark.parametrize("wrong", ['{"location":', "[1]", "[" * 200_000, '"' + "x" * 900_000])
def test_unreadable_arguments_go_back_quoted_and_cut(wrong: str) -> None:
    agent, models = ladder(Answers(calls(wrong, cut=100_000), says("Ok.")))

    async def body() -> None:
        assert result(await read(tools_of(agent, tools=[Weather().offered])))["content"] == "Ok."

    run(body())
    sent = models.calls[1][1].messages[1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {"INVALID_JSON": wrong[:2000]}


def test_nothing_offered_is_nothing_executed(server: ThreadedFaultServer, dialect: str) -> None:
    async def body() -> None:
        async with agent(server, dialect, "tool-ok") as asked:
            told = await read(tools_of(asked, ASK, tools=[]))
        assert brief(told).endswith("complete")
        assert result(told)["finish_reason"] == "tool_calls"

    run(body())
