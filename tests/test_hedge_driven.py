"""Hedges driven for real: two streams at once, closed whatever happens, also over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from cascadeflow import CascadeAgent, Estimate, ModelConfig, ThresholdPolicy, Timeouts
from cascadeflow.core import events
from cascadeflow.core.tier import Rules
from cascadeflow.providers.scripted import Pause, Scripted
from cascadeflow.providers.simulated import SimulatedServer, Timing
from cascadeflow.types import Delta, Request, Stop, TextDelta

from .driving import FOR_EVER, GOOD, Own, Query, lasting, playing, run, settled
from .play import make_rules, text

LONG = TextDelta("word " * 10)
POOR = [LONG, Pause(0.03), *text("bad"), Stop("stop")]
KEPT = [LONG, Pause(0.03), *text("good"), Stop("stop")]


def rules(**settings: Any) -> Rules:
    return make_rules(policy=ThresholdPolicy(hedge_below=0.95), **settings)


def asked(draft: list[Any], *ahead: Any, timeouts: Timeouts | None = None) -> Query:
    provider = Scripted({"m0": draft, "m1": ahead})
    return Query(provider, provider, rules=rules(), timeouts=timeouts)


def test_what_was_said_ahead_is_told_at_once_and_the_rest_as_it_comes() -> None:
    async def body() -> None:
        query = asked(POOR, *text("It ", "is "), Pause(0.1), *text("Paris."), Stop("stop"))
        await query.read()
        assert query.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK COMPLETE"
        assert query.text == "It is Paris."
        assert query.outcomes == [("m0", "rejected", None), ("m1", "answered", None)]

    run(body)


def test_a_hedge_that_nobody_needs_is_closed_before_the_end_is_told() -> None:
    async def body() -> None:
        ahead = lasting()
        query = Query(playing(*KEPT), ahead, rules=rules())
        async for batch in query.stream:
            query.told += batch
            if isinstance(batch[-1], events.Completed):
                assert (ahead.opened, ahead.closed) == (1, 1)
                await settled()
        assert query.outcomes == [("m0", "accepted", None), ("m1", "cancelled", None)]

    run(body)


def test_a_draft_goes_on_while_its_hedge_is_given_up() -> None:
    async def silent() -> AsyncGenerator[list[Delta], None]:
        await asyncio.sleep(3600)
        yield []

    async def body() -> None:
        ahead = Own(silent)
        slow = Scripted({"m0": [LONG, Pause(0.1), *text("good"), Pause(0.07), Stop("stop")]})
        query = Query(slow, ahead, rules=rules(), timeouts=Timeouts(first_token=0.05))
        closed: list[int] = []
        async for batch in query.stream:
            query.told += batch
            closed.append(ahead.closed)
        assert closed == [0, 0, 1, 1]
        assert query.outcomes == [("m0", "accepted", None), ("m1", "failed", "timeout.first_token")]

    run(body)


@pytest.mark.parametrize("moment", [0.0, 0.001, 0.01, 0.05])
def test_leaving_closes_both_streams(moment: float) -> None:
    async def draft() -> AsyncGenerator[list[Delta], None]:
        yield [LONG]
        await asyncio.sleep(3600)

    async def body() -> None:
        one, ahead = Own(draft), lasting()
        query = Query(one, ahead, rules=rules())
        reader = asyncio.create_task(query.read())
        await asyncio.sleep(moment)
        reader.cancel()
        await asyncio.wait([reader])
        assert (one.closed, ahead.closed) == (one.opened, ahead.opened)
        assert {outcome for _, outcome, _ in query.outcomes} <= {"cancelled"}

    run(body)


def test_a_consumer_that_closes_the_stream_closes_both() -> None:
    async def body() -> None:
        ahead = lasting()
        query = Query(playing(LONG, Pause(0.01), LONG, FOR_EVER), ahead, rules=rules())
        for _ in range(3):
            await anext(query.stream)
        await query.stream.aclose()
        assert (ahead.opened, ahead.closed) == (1, 1)
        assert [outcome for _, outcome, _ in query.outcomes] == ["cancelled", "cancelled"]

    run(body)


def test_a_hedge_speaks_while_the_consumer_holds_the_draft() -> None:
    async def body() -> None:
        query = asked(POOR, *text("It "), Pause(0.02), *text("is."), Stop("stop"))
        async for batch in query.stream:
            query.told += batch
            if batch and isinstance(batch[0], events.Chunk):
                await asyncio.sleep(0.05)
        assert query.text == "It is."
        assert query.cascade.ledger.rows[1].outcome == "answered"

    run(body)


def test_a_hedge_that_fails_leaves_the_draft_alone() -> None:
    async def body() -> None:
        query = await asked(KEPT, ValueError("secret")).read()
        assert query.outcomes == [("m0", "accepted", None), ("m1", "failed", "protocol")]
        query = await asked([LONG, FOR_EVER], *GOOD, timeouts=Timeouts(idle=0.05)).read()
        assert query.outcomes == [("m0", "failed", "timeout.idle"), ("m1", "answered", None)]

    run(body)


# --- over sockets ---------------------------------------------------------------------------------


class Suspicious:
    """Doubts every draft while it streams, and is sure of its verdict at the end."""

    def __init__(self, p_good: float) -> None:
        self.p_good = p_good

    def observe(self, request: Request) -> Suspicious:
        return Suspicious(self.p_good)

    def feed(self, delta: Delta) -> None:
        pass

    def estimate(self) -> Estimate:
        return Estimate(self.p_good)


@pytest.mark.parametrize("p_good", [0.5, 0.7])
def test_both_sockets_are_open_at_once_and_closed_as_the_draft_is_decided(p_good: float) -> None:
    async def main() -> None:
        timing = Timing(first_token=0.01, per_token=0.003)
        async with SimulatedServer(timing=timing) as server:
            models = [
                ModelConfig(name, "vllm", 1.0, base_url=server.url, api_key="none")
                for name in ("simulated-small", "simulated-large")
            ]
            policy = ThresholdPolicy(hedge_below=0.9)
            async with CascadeAgent(models, estimator=Suspicious(p_good), policy=policy) as agent:
                result = await agent.run("Convert 15 kilograms to pounds.", max_tokens=120)
            draft, ahead = server.requests
            rows = result.attempts
            assert result.hedge_ms is not None
            assert 0 < result.hedge_ms < result.latency_ms
            assert result.total_cost == pytest.approx(sum(row["usd"] for row in rows))
            assert draft.finished
            if p_good == 0.5:
                assert ahead.finished
                assert [row["outcome"] for row in rows] == ["rejected", "answered"]
                assert result.model_used == "simulated-large"
            else:
                assert [row["outcome"] for row in rows] == ["accepted", "cancelled"]
                assert rows[1]["source"] == "estimated"
                assert rows[1]["usd"] > 0
                async with asyncio.timeout(1):
                    while ahead.closed_at is None:
                        await asyncio.sleep(0.005)
                assert not ahead.finished

    asyncio.run(main())
