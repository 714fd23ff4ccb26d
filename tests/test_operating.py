"""What whoever runs an agent gets told: results, the health of models, warnings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from cascadeflow.agent import CascadeAgent
from cascadeflow.config import ModelConfig, RetryPolicy
from cascadeflow.consume import collect
from cascadeflow.errors import CascadeError, ConfigError, ErrorKind, ProviderError
from cascadeflow.providers.scripted import Answers, Pause, Script, Scripted, Step
from cascadeflow.result import CascadeResult
from cascadeflow.types import Delta, Estimate, Request, Stop, TextDelta

from .play import Marked, text, whole
from .tool_streams import Counted, calls, converse, says, tools_of, weather
from .tool_streams import ladder as tool_ladder

GOOD = whole("Paris.", 3)
BAD = whole("bad answer", 2)


def agent_of(
    *answers: Script | Answers, **settings: Any
) -> tuple[CascadeAgent, list[CascadeResult]]:
    """An agent whose models cost a dollar for a token, and the results it told."""
    names = [f"m{place}" for place in range(len(answers))]
    provider = Scripted(dict(zip(names, answers, strict=True)))
    told: list[CascadeResult] = []
    settings = {"estimator": Marked(), "retry": RetryPolicy(attempts=1), **settings}
    models = [ModelConfig(name, provider, cost=1000) for name in names]
    return CascadeAgent(models, on_result=told.append, **settings), told


def broken(kind: ErrorKind, words: str = "it broke", **more: Any) -> ProviderError:
    return ProviderError(words, kind=kind, **more)


# --- results --------------------------------------------------------------------------------------


def test_the_result_of_a_whole_answer_is_told_once() -> None:
    agent, told = agent_of(BAD, GOOD)
    result = agent.run_sync("hi")
    assert told == [result]


def test_the_result_of_a_failure_is_told() -> None:
    agent, told = agent_of([broken("server")], [*text("half"), broken("server")])
    with pytest.raises(CascadeError) as caught:
        agent.run_sync("hi")
    assert told == [caught.value.result]
    assert told[0].content == "half"


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_what_a_query_cost_that_its_consumer_left_is_told(how: str) -> None:
    agent, told = agent_of(BAD, [*text("It is", " Par"), Pause(30)])

    async def main() -> None:
        async def consume() -> None:
            async with aclosing(agent.stream_events("hi")) as stream:
                async for event in stream:
                    if event.content == " Par" and how == "close":
                        return

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    (result,) = told
    assert (result.content, result.finish_reason) == ("It is Par", None)
    assert [row["outcome"] for row in result.attempts] == ["rejected", "cancelled"]
    assert result.total_cost == agent.spent > 2.0
    assert result.messages == [{"role": "user", "content": "hi"}]


def test_nothing_is_told_of_a_query_that_never_began() -> None:
    agent, told = agent_of(BAD, GOOD)

    async def main() -> None:
        await agent.stream_events("hi").aclose()

    asyncio.run(main())
    assert told == []


def test_what_takes_no_result_is_refused() -> None:
    with pytest.raises(ConfigError, match="on_result is 'log'"):
        CascadeAgent([ModelConfig("m", Scripted({}))], on_result="log")  # type: ignore[arg-type] # wrong


@pytest.mark.parametrize("how", ["close", "timeout"])
def test_a_result_that_nobody_can_take_does_not_take_the_place_of_leaving(how: str) -> None:
    def take(result: CascadeResult) -> None:
        raise ValueError("metrics are down")

    provider = Scripted({"m": [*text("It is"), Pause(30)]})
    agent = CascadeAgent([ModelConfig("m", provider, cost=0)], on_result=take)
    heard: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: heard.append(str(told["exception"])))
        stream = agent.stream_events("hi")
        if how == "close":
            await anext(stream)
            await stream.aclose()
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(collect(stream), 0.05)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert heard == ["metrics are down"]


def test_a_function_that_would_have_to_be_awaited_takes_no_result() -> None:
    async def take(result: CascadeResult) -> None: ...

    with pytest.raises(ConfigError, match="must be a function, not async"):
        CascadeAgent([ModelConfig("m", Scripted({}))], on_result=take)  # type: ignore[arg-type] # wrong


# --- rows -----------------------------------------------------------------------------------------


def test_a_row_says_why_its_draft_was_not_kept() -> None:
    agent, told = agent_of([broken("auth", "status 401: no such key")], BAD, GOOD)
    agent.run_sync("hi")
    rows = [(row["error"], row["message"], row["reason"]) for row in told[0].attempts]
    assert rows == [
        ("auth", "status 401: no such key", "draft_error:auth"),
        (None, None, "quality_insufficient"),
        (None, None, ""),
    ]


def test_the_decision_on_a_draft_that_failed_tells_the_words_of_the_failure() -> None:
    agent, _ = agent_of([broken("auth", "status 401: no such key")], GOOD)

    async def main() -> list[str]:
        events = [event async for event in agent.stream_events("hi")]
        return [event.data["detail"] for event in events if event.type == "draft_decision"]

    (detail,) = asyncio.run(main())
    assert "status 401: no such key" in detail


# --- a draft in the place of the answer -----------------------------------------------------------


class Graded:
    """Estimator and observer in one: `p_good` is what the draft says."""

    def __init__(self) -> None:
        self.text = ""

    def observe(self, request: Request) -> Graded:
        return Graded()

    def feed(self, delta: Delta) -> None:
        if isinstance(delta, TextDelta):
            self.text += delta.text

    def estimate(self) -> Estimate:
        return Estimate(float(self.text or 0.5))


@pytest.mark.parametrize(("drafts", "best"), [((0.5, 0.2), "0.5"), ((0.2, 0.5), "0.5")])
def test_the_best_rejected_draft_stands_in_and_the_result_is_about_it(
    drafts: Sequence[float], best: str
) -> None:
    answers = [whole(str(p_good), 1) for p_good in drafts]
    agent, told = agent_of(
        *answers, [broken("server")], estimator=Graded(), on_verifier_error="draft"
    )
    agent.run_sync("hi")
    (result,) = told
    assert (result.content, result.degraded, result.confidence) == (best, True, float(best))
    assert result.reason == "quality_insufficient"
    assert any("(server)" in warning for warning in result.warnings)


# --- health ---------------------------------------------------------------------------------------


def test_the_health_of_each_model_is_told() -> None:
    agent, _ = agent_of([broken("server")], GOOD)
    well = {"provider": "Scripted", "state": "closed", "retry_after": None}
    assert agent.health() == [{"model": "m0", **well}, {"model": "m1", **well}]
    for _ in range(5):
        agent.run_sync("hi")
    first, second = agent.health()
    assert (first["state"], second["state"]) == ("open", "closed")
    assert 9 < first["retry_after"] <= 10


def test_a_busy_minute_leaves_no_model_out() -> None:
    agent, told = agent_of([broken("rate_limit")], GOOD)
    for _ in range(8):
        agent.run_sync("hi")
    assert agent.health()[0]["state"] == "closed"
    assert [result.attempts[0]["error"] for result in told] == ["rate_limit"] * 8


def test_a_pause_that_no_query_waits_for_holds_for_all(caplog: pytest.LogCaptureFixture) -> None:
    agent, told = agent_of([broken("rate_limit", retryable=True, retry_after=30)], GOOD)
    agent = CascadeAgent(agent.models, estimator=Marked(), on_result=told.append)
    with caplog.at_level(logging.WARNING, "cascadeflow"):
        for _ in range(2):
            agent.run_sync("hi")
    assert [result.attempts[0]["error"] for result in told] == ["rate_limit", "circuit_open"]
    assert 29 < agent.health()[0]["retry_after"] <= 30
    assert "m0 is left alone for 30 s, as its server asked" in caplog.text


def test_a_limit_of_one_credential_is_none_of_another() -> None:
    provider = Scripted(
        {"m0": Answers([broken("rate_limit", retry_after=90, retryable=True)], GOOD)}
    )
    told: list[CascadeResult] = []
    agent = CascadeAgent([ModelConfig("m0", provider, cost=0)], on_result=told.append)
    outcomes: list[str] = []
    for key in ("A", "A", "B"):
        try:
            agent.run_sync("hi", headers={"Authorization": f"Bearer {key}"})
            outcomes.append("answered")
        except CascadeError as error:
            outcomes.append(error.kind)
    assert outcomes == ["rate_limit", "circuit_open", "answered"]
    assert agent.health()[0]["state"] == "closed"


def test_a_credential_of_a_call_goes_to_one_server_only() -> None:
    first, second = Scripted({"a": GOOD}), Scripted({"b": GOOD})
    agent = CascadeAgent([ModelConfig("a", first, cost=0), ModelConfig("b", second, cost=0)])
    with pytest.raises(ConfigError, match="authorization would go to the servers of a and b"):
        agent.run_sync("hi", headers={"authorization": "Bearer secret"})
    assert agent.run_sync("hi", headers={"x-tenant": "7"}).content
    assert not any("authorization" in request.headers for _, request in first.calls)


def test_a_draft_that_fails_as_if_misconfigured_is_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    agent, _ = agent_of([broken("auth", "no such key: CANARY")], GOOD)
    with caplog.at_level(logging.WARNING, "cascadeflow"):
        for _ in range(3):
            agent.run_sync("hi")
    (record,) = caplog.records
    assert "m0: a draft failed (auth)" in record.getMessage()
    assert "CANARY" not in caplog.text


# --- an estimator and a policy of one's own -------------------------------------------------------


class Policed:
    """A policy that returns what it was given for one stage."""

    def __init__(self, stage: str, verdict: object) -> None:
        self.wrong = stage, verdict

    def decide(self, estimate: Estimate, stage: str) -> object:
        if stage == self.wrong[0]:
            return self.wrong[1]
        return ("accept", "fine") if stage == "after" else ("continue", "")


@pytest.mark.parametrize(
    ("stage", "verdict"),
    [
        ("after", ("Accept", "fine")),
        ("after", ("continue", "keep going")),
        ("after", "accept"),
        ("after", ("accept", None)),
        ("during", ("stop", "dull")),
        ("before", None),
    ],
)
def test_a_verdict_that_is_none_ends_the_query_with_what_is_allowed(
    stage: str, verdict: object
) -> None:
    draft: list[Step] = [*text(*["a word "] * 20), Stop("stop")]
    agent, _ = agent_of(draft, GOOD, policy=Policed(stage, verdict))
    with pytest.raises(ConfigError, match=rf"Policed.decide returned .* stage '{stage}'; .*accept"):
        agent.run_sync("hi")


def test_an_estimate_that_is_none_ends_the_query_by_its_name() -> None:
    class Loose:
        def observe(self, request: Request) -> Loose:
            return self

        def estimate(self) -> float:
            return 0.5

        def feed(self, delta: Delta) -> None:
            pass

    agent, _ = agent_of(BAD, GOOD, estimator=Loose())
    with pytest.raises(ConfigError, match=r"Loose.estimate returned 0.5; it must be an Estimate"):
        agent.run_sync("hi")


# --- tool loops -----------------------------------------------------------------------------------


def test_a_tool_loop_has_one_result() -> None:
    told: list[CascadeResult] = []
    agent, _ = tool_ladder(Answers(calls(), says("Mild.")), on_result=told.append)
    events = asyncio.run(converse(agent))
    assert [result.to_dict() for result in told] == [events[-1].data["result"]]
    assert [message["role"] for message in told[0].messages] == [
        "user", "assistant", "tool", "assistant",
    ]  # fmt: skip


def test_a_tool_loop_that_fails_in_its_second_turn_has_one_result() -> None:
    told: list[CascadeResult] = []
    agent, _ = tool_ladder(Answers(calls(), [broken("auth")]), on_result=told.append)
    events = asyncio.run(converse(agent))
    assert [result.to_dict() for result in told] == [events[-1].data["result"]]


@pytest.mark.parametrize("where", ["tool_executing", "tool_result", "chunk"])
def test_what_the_tools_did_is_in_the_result_of_a_loop_that_its_consumer_left(where: str) -> None:
    told: list[CascadeResult] = []
    scripts = Answers(calls(), calls(id="again"), says("Mild."))
    agent, _ = tool_ladder(scripts, on_result=told.append)

    async def main() -> None:
        async with aclosing(tools_of(agent, tools=[weather(Counted())])) as stream:
            async for event in stream:
                if event.type == where and (event.data["turn"] == 2 or where == "chunk"):
                    return

    asyncio.run(main())
    (result,) = told
    roles = [message["role"] for message in result.messages]
    assert roles == ["user", *["assistant", "tool"] * 2]
    assert ("not finished" in result.messages[-1]["content"]) == (where == "tool_executing")
    assert result.finish_reason is None
    assert result.total_cost == agent.spent > 0
