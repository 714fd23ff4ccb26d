"""What a newcomer may do with the public names: wrong arguments, copies, help."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import pickle
import pydoc
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from cascadeflow import (
    CascadeAgent,
    CascadeError,
    ConfigError,
    Estimate,
    ModelConfig,
    ProviderError,
    RetryPolicy,
    ThresholdPolicy,
)
from cascadeflow.providers.base import Provider
from cascadeflow.providers.scripted import Scripted
from cascadeflow.request import Options
from cascadeflow.streaming import StreamManager, ToolStreamEvent, ToolStreamManager
from cascadeflow.tools import ToolCall, ToolExecutor
from cascadeflow.types import Delta, Request, Stop, TextDelta, ToolCallDelta

PROVIDER = Scripted({"m": [TextDelta("Yes."), Stop("stop")]})
MODEL = ModelConfig("m", PROVIDER, cost=0)
TOOL: dict[str, Any] = {
    "name": "look",
    "description": "",
    "parameters": {"type": "object", "properties": {}},
}


def made(**settings: Any) -> CascadeAgent:
    return CascadeAgent([MODEL, MODEL], **settings)


def asked(**arguments: Any) -> object:
    return made().run_sync("Why?", **arguments)


def conversed(**arguments: Any) -> object:
    return ToolStreamManager(made().cascade).stream("Why?", [TOOL], **arguments)


def executed(*calls: Any) -> object:
    return asyncio.run(ToolExecutor([TOOL]).execute(*calls))


def executed_all(*calls: Any) -> object:
    return asyncio.run(ToolExecutor([TOOL]).execute_all(calls))


def nothing(wire: object) -> None:
    """Takes a wire and forgets to return one."""


def pickled(error: Exception) -> Exception:
    again: Exception = pickle.loads(pickle.dumps(error))
    return again


REMAKES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, pickled]

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "agent tools": (lambda: made(tools=[5]), "tool 0 is 5; accepted are"),
    "agent executor": (lambda: made(tool_executor=[TOOL]), "it must be a cascadeflow.tools.ToolEx"),
    "agent session": (lambda: made(session=5), "session is 5; it must be an aiohttp.ClientSession"),
    "policy class": (lambda: made(policy=ThresholdPolicy), "it must be an object with a method"),
    "estimator class": (lambda: made(estimator=Scripted), "it must be an object with `observe`"),
    "provider class": (
        lambda: CascadeAgent([ModelConfig("m", Scripted)]),  # type: ignore[arg-type] # the mistake
        "an object, not a class, with a method `stream`",
    ),
    "wire of nothing": (lambda: made(wire=nothing), "a function that returns a Wire"),
    "manager of an agent": (
        lambda: StreamManager(made()),  # type: ignore[arg-type] # the mistake
        "StreamManager(agent.cascade)",
    ),
    "call policy": (lambda: asked(policy="p.json"), "policy cannot be given here; give it"),
    "call retry": (lambda: asked(retry=RetryPolicy()), "give it to CascadeAgent"),
    "call executes": (
        lambda: asked(tools=[TOOL], execute_tools=True),
        "give it to agent.tool_streaming_manager.stream",
    ),
    "call routing": (lambda: asked(routing_strategy="direct"), "or use force_direct here"),
    "execute_tools": (lambda: conversed(execute_tools="no"), "it must be True or False"),
    "max_turns": (lambda: conversed(max_turns=0), "max_turns is 0; it must be an integer >= 1"),
    "dict for a call": (lambda: executed({"id": "1"}), "ToolCall(**event.tool_call)"),
    "dicts for calls": (lambda: executed_all({"id": "1"}), "ToolCall(**event.tool_call)"),
    "call format": (
        lambda: ToolCall("1", "look", {}, "gemini"),  # type: ignore[arg-type] # the mistake
        "it is one of 'openai', 'anthropic'",
    ),
    "estimate": (lambda: Estimate(float("nan")), "p_good is nan; it must be in [0, 1]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_a_config_error_that_says_what_is_allowed(name: str) -> None:
    wrong, told = WRONG[name]
    before = len(PROVIDER.calls)
    with pytest.raises(ConfigError, match=re.escape(told)):
        wrong()
    assert len(PROVIDER.calls) == before


@pytest.mark.parametrize(("id", "correct"), [("x", "yes"), ("x", float("nan")), (5, True)])
def test_wrong_feedback_is_a_config_error(tmp_path: Path, id: str, correct: float) -> None:
    agent = made(record=tmp_path / "answers.jsonl")
    with pytest.raises(ConfigError, match="it must be"):
        agent.feedback(id, correct=correct)
    asyncio.run(agent.aclose())


@pytest.mark.parametrize("remake", REMAKES)
def test_errors_can_be_copied_and_pickled(remake: Callable[[Any], Any]) -> None:
    lost = ProviderError("gone", kind="incomplete", model="m", status=500, retry_after=2.0)
    with pytest.raises(CascadeError) as caught:
        CascadeAgent(
            [ModelConfig("m", Scripted({"m": [TextDelta("It "), lost]}), cost=0)]
        ).run_sync("Why?")
    error, again = caught.value, remake(caught.value)
    assert (str(again), again.kind, again.result) == (str(error), error.kind, error.result)
    assert str(again.__cause__) == str(again.causes[-1]) == str(error.causes[-1])
    assert vars(remake(lost)) == vars(lost)


def test_help_and_signature_of_a_tool_event_need_no_further_import() -> None:
    assert list(inspect.signature(ToolStreamEvent).parameters)[:3] == ["type", "content", "delta"]
    assert "tool_result" in pydoc.plain(pydoc.render_doc(ToolStreamEvent))


def test_a_stream_and_a_run_take_the_same_arguments_by_name() -> None:
    streamed, run = (
        inspect.signature(method).parameters.values()
        for method in (CascadeAgent.stream_events, CascadeAgent.run)
    )
    assert [*streamed] == [*run]
    assert {each.name for each in run} == {*Options.__struct_fields__, "self", "query"}


@pytest.mark.parametrize("given", [{"top_p": 0.5}, {"extra": {"top_p": 0.5}}])
def test_fields_for_the_body_can_be_given_by_name_or_as_a_mapping(given: dict[str, Any]) -> None:
    agent = made()
    agent.run_sync("Why?", max_tokens=7, **given)
    _, request = PROVIDER.calls[-1]
    assert (request.extra, request.max_tokens) == ({"top_p": 0.5}, 7)


class Bare:
    """A provider that forgets the lists."""

    async def stream(self, model: str, request: Request) -> AsyncGenerator[Any, None]:
        yield TextDelta("Yes.")
        yield Stop("stop")


def test_a_provider_that_yields_no_lists_is_told_so() -> None:
    bare = ModelConfig("bare", Bare(), cost=0)
    told = "Bare/bare: the provider yields a TextDelta; it must yield lists of deltas"
    with pytest.raises(CascadeError, match=told) as caught:
        CascadeAgent([bare]).run_sync("Why?")
    assert caught.value.kind == "protocol"
    assert CascadeAgent([bare, MODEL]).run_sync("Why?").content == "Yes."


ODD: Any = b"eos"


async def awaited(model: str, request: Request) -> list[Delta]:
    return [TextDelta("Yes."), Stop("stop")]


def plain(model: str, request: Request) -> Iterator[list[Delta]]:
    yield [TextDelta("Yes."), Stop("stop")]


class Given:
    """A provider that yields one batch."""

    def __init__(self, *batch: Any) -> None:
        self._batch = [*batch]

    async def stream(self, model: str, request: Request) -> AsyncGenerator[Any, None]:
        yield self._batch


class Streams:
    """A provider whose method is this function."""

    def __init__(self, stream: Callable[[str, Request], Any]) -> None:
        self.stream = stream


@pytest.mark.parametrize(
    ("provider", "given", "allowed"),
    [
        (Streams(awaited), "stream is a coroutine", "must be an async generator"),
        (Streams(plain), "stream is a generator", "must be an async generator"),
        (Given("Yes."), "a list with a str in it", "must hold Started, TextDelta"),
        (Given(TextDelta(ODD)), "TextDelta .* got `bytes` - at `\\$.text`", "Expected `str`"),
        (Given(ToolCallDelta(ODD)), "ToolCallDelta .* got `bytes`", "Expected `int"),
        (Given(Stop(ODD)), "a Stop ", "one of stop, length"),
        (
            Scripted({"m": [ProviderError("no", kind=ODD)]}),
            "ProviderError of kind b'eos'",
            "one of connect, dns",
        ),
    ],
)
def test_a_provider_that_gives_what_it_must_not_is_told_so(
    provider: Provider, given: str, allowed: str
) -> None:
    wrong = ModelConfig("m", provider, cost=0)
    with pytest.raises(CascadeError, match=given) as caught:
        CascadeAgent([wrong]).run_sync("Why?")
    (cause,) = caught.value.causes
    assert (cause.kind, allowed in str(cause)) == ("protocol", True)
    assert CascadeAgent([wrong, MODEL]).run_sync("Why?").content == "Yes."


class Tuples:
    """A provider whose batches are tuples."""

    async def stream(self, model: str, request: Request) -> AsyncGenerator[Any, None]:
        yield TextDelta("Yes."), Stop("stop")


def test_a_batch_may_be_a_tuple() -> None:
    tuples = ModelConfig("tuples", Tuples(), cost=0)
    assert CascadeAgent([tuples]).run_sync("Why?").content == "Yes."


class Guess:
    """An estimator whose numbers are not Python's own."""

    def observe(self, request: Request) -> Guess:
        return self

    def feed(self, delta: Delta) -> None:
        pass

    def estimate(self) -> Estimate:
        return Estimate(Fraction(3, 4), {"guess": Fraction(1, 2), "why": "short"})  # type: ignore[arg-type, dict-item] # as numpy's


def test_what_an_estimator_of_ones_own_says_is_told_in_json_types() -> None:
    async def told() -> list[dict[str, Any]]:
        return [event.data async for event in made(estimator=Guess()).stream_events("Why?")]

    data = json.loads(json.dumps(asyncio.run(told())))
    (decision,) = (each for each in data if "evidence" in each)
    assert (decision["confidence"], decision["evidence"]) == (
        0.75,
        {"guess": 0.5, "why": "short"},
    )
    assert data[-1]["result"]["confidence"] == 0.75


@pytest.mark.parametrize(("given", "kept"), [(1.0000000002, 1.0), (-1e-12, 0.0), (1, 1.0)])
def test_a_probability_may_miss_a_bound_by_rounding(given: float, kept: float) -> None:
    assert Estimate(given).p_good == kept
