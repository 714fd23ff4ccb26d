"""Whole cascades against a misbehaving server on a real socket, in both dialects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cascadeflow import (
    CascadeAgent,
    CascadeError,
    ModelConfig,
    ProviderError,
    Timeouts,
    VisibleText,
)
from cascadeflow.streaming import StreamEvent

from .faultserver import ThreadedFaultServer

ANSWER = (
    "V: Paris is the capital of France. It lies on the river Seine and has about two million "
    "inhabitants, which makes it the largest city of the country. The city is known for the "
    "Louvre, the Eiffel Tower and its universities."
)
QUESTION = "Tell me about the capital of France."


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


@pytest.fixture(params=["openai", "anthropic"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def agent(server: ThreadedFaultServer, dialect: str, *faults: str, **settings: Any) -> CascadeAgent:
    """An agent whose tiers show these faults; all prices are a dollar for a thousand tokens."""
    models = [
        ModelConfig(
            f"fault:{fault}", dialect, 1.0, api_key="sk-made-up-key", base_url=f"{server.url}/v1"
        )
        for fault in faults
    ]
    return CascadeAgent(models, **settings)


async def read(agent: CascadeAgent) -> list[StreamEvent]:
    async with agent:
        return [event async for event in agent.stream_events(QUESTION)]


def names(told: list[StreamEvent]) -> list[str]:
    """The events' names, runs of chunks as one."""
    out: list[str] = []
    for event in told:
        if not (event.type == "chunk" and out[-1:] == ["chunk"]):
            out.append(str(event.type))
    return out


def visible(told: list[StreamEvent]) -> str:
    text = VisibleText()
    for event in told:
        text.feed(event)
    return text.text


def adds_up(result: dict[str, Any]) -> bool:
    total = sum(row["usd"] for row in result["attempts"])
    return abs(result["total_cost"] - total) < 1e-9 and json.dumps(result) != ""


@pytest.mark.parametrize("fault", ["503|503|ok", "529|ok", "rst-before-head|ok", "error-first|ok"])
def test_a_failure_before_the_first_output_is_retried_without_a_trace(
    server: ThreadedFaultServer, dialect: str, fault: str
) -> None:
    told = asyncio.run(read(agent(server, dialect, f"{fault}?k={dialect}")))
    assert names(told) == ["routing", "chunk", "complete"]
    result = told[-1].data["result"]
    assert result["content"] == ANSWER[3:]
    assert len(result["attempts"]) == fault.count("|") + 1
    assert adds_up(result)


def test_the_last_tier_failing_tells_partial_text_cost_and_every_cause(
    server: ThreadedFaultServer, dialect: str
) -> None:
    told = asyncio.run(read(agent(server, dialect, "401", "rst-after-3")))
    error = told[-1]
    assert error.type == "error"
    assert error.data["kind"] == "incomplete"
    assert ANSWER[3:].startswith(error.data["partial_text"])
    assert error.data["partial_text"]
    exception = error.data["error"]
    assert isinstance(exception, CascadeError)
    causes = [cause for cause in exception.causes if isinstance(cause, ProviderError)]
    assert [cause.kind for cause in causes] == ["auth", "incomplete"]
    assert adds_up(error.data["result"])
    assert error.data["result"]["total_cost"] > 0


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("hang", "timeout.first_token"), ("stall-after-3", "timeout.idle")],
)
def test_silence_is_ended_by_a_deadline_and_taken_over(
    server: ThreadedFaultServer, dialect: str, fault: str, kind: str
) -> None:
    server.reset()
    timeouts = Timeouts(first_token=0.3, idle=0.3)
    told = asyncio.run(read(agent(server, dialect, fault, "ok?tag=V", timeouts=timeouts)))
    decision = next(event for event in told if event.type == "draft_decision")
    assert decision.data["reason"] == f"draft_error:{kind}"
    assert told[-1].data["result"]["content"] == ANSWER
    assert server.log()[0]["outcome"] == "client-gone"


def test_the_total_deadline_spans_everything(server: ThreadedFaultServer, dialect: str) -> None:
    timeouts = Timeouts(total=0.6)
    told = asyncio.run(read(agent(server, dialect, "drip?delay=0.1", "ok", timeouts=timeouts)))
    assert told[-1].type == "error"
    assert told[-1].data["kind"] == "timeout.total"
    assert told[-1].data["partial_text"]
    assert told[-1].data["result"]["attempts"][0]["source"] == "estimated"


def test_usage_is_taken_as_the_provider_reports_it(
    server: ThreadedFaultServer, dialect: str
) -> None:
    result = asyncio.run(read(agent(server, dialect, "ok")))[-1].data["result"]
    assert result["usage"]["input_tokens"] == 11
    assert result["usage"]["output_tokens"] == 42
    assert result["total_cost"] == pytest.approx(0.053)
    assert result["attempts"][0]["source"] == "reported"
    assert result["attempts"][0]["request_id"].startswith("req_fault_")


def test_three_tiers_are_all_used(server: ThreadedFaultServer, dialect: str) -> None:
    told = asyncio.run(read(agent(server, dialect, "403", "role-only", "ok?tag=V")))
    switches = [event.data for event in told if event.type == "switch"]
    assert [(s["from_model"], s["to_model"]) for s in switches] == [
        ("fault:403", "fault:role-only"),
        ("fault:role-only", "fault:ok?tag=V"),
    ]
    assert [row["tier"] for row in told[-1].data["result"]["attempts"]] == [0, 1, 2]
