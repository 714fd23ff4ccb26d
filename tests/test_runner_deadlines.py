from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence

import pytest

from cascadeflow.config import Timeouts
from cascadeflow.core import events
from cascadeflow.providers.scripted import Pause
from cascadeflow.types import Delta, TextDelta

from .driving import FOR_EVER, GOOD, QUICK, Own, Query, lasting, playing, run
from .play import make_rules, text

# --- deadlines ------------------------------------------------------------------------------------


def test_the_watchdog_ends_a_wait_for_the_first_token() -> None:
    async def body() -> None:
        begun = time.monotonic()
        query = await Query(playing(FOR_EVER), playing(*GOOD), timeouts=QUICK).read()
        assert query.outcomes[0] == ("m0", "failed", "timeout.first_token")
        assert query.text == "Paris."
        assert 0.07 < time.monotonic() - begun < 1

    run(body)


def test_the_watchdog_ends_a_silence_in_mid_stream() -> None:
    async def body() -> None:
        steps = (*text("a"), Pause(0.04), *text("b"), Pause(0.04), *text("c"), FOR_EVER)
        query = await Query(playing(*steps), timeouts=QUICK).read()
        assert query.outcomes == [("m0", "failed", "timeout.idle")]
        assert query.brief == "ROUTING CHUNK ERROR"

    run(body)


def test_the_watchdog_ends_an_endless_drip() -> None:
    async def drip() -> AsyncGenerator[list[Delta], None]:
        while True:
            yield [TextDelta("a")]
            await asyncio.sleep(0.02)

    async def body() -> None:
        begun = time.monotonic()
        query = await Query(Own(drip), rules=make_rules(total=0.15)).read()
        assert query.outcomes == [("m0", "failed", "timeout.total")]
        assert 0.14 < time.monotonic() - begun < 1

    run(body)


def test_a_provider_that_never_lets_the_loop_run_still_meets_the_deadline() -> None:
    async def flood() -> AsyncGenerator[list[Delta], None]:
        while True:
            yield [TextDelta("a")]

    async def body() -> None:
        query = await Query(Own(flood), rules=make_rules(total=0.05)).read()
        assert query.outcomes == [("m0", "failed", "timeout.total")]

    run(body)


def test_time_is_that_of_the_clock_given() -> None:
    async def body() -> None:
        # An hour passes at each look: the only deadline that cannot be missed is none.
        hours = iter(range(0, 10**9, 3600))
        never = Timeouts(connect=None, first_token=None, idle=None, total=None)
        query = Query(playing(*text("a"), *GOOD), timeouts=never, clock=lambda: next(hours))
        assert (await query.read()).text == "aParis."
        hours = iter(range(0, 10**9, 3600))
        impatient = Timeouts(first_token=10, total=None)
        query = Query(playing(FOR_EVER), timeouts=impatient, clock=lambda: next(hours))
        await query.read()
        assert query.outcomes[0][2] == "timeout.first_token"

    run(body)


def test_a_clock_that_stands_still_misses_no_deadline() -> None:
    async def body() -> None:
        slow = playing(Pause(0.15), *GOOD)
        assert (await Query(slow, timeouts=QUICK, clock=lambda: 7.0).read()).text == "Paris."

    run(body)


def test_deadlines_stand_still_while_the_consumer_holds_the_stream() -> None:
    async def body() -> None:
        steps = (*text("a"), Pause(0.01), *text("b"), Pause(0.01), *GOOD)
        query = Query(playing(*steps), timeouts=QUICK, rules=make_rules(total=0.5))
        async for batch in query.stream:
            query.told += batch
            await asyncio.sleep(0.15)
        assert query.text == "abParis."
        last = query.told[-1]
        assert isinstance(last, events.Completed)
        assert last.result.latency_ms < 500

    run(body)


def test_a_cancellation_at_the_moment_of_a_deadline_is_not_lost() -> None:
    async def body() -> None:
        for early in (-0.002, -0.001, 0.0, 0.001, 0.002):
            query = Query(playing(FOR_EVER), timeouts=Timeouts(first_token=0.03))
            task = asyncio.create_task(query.read())
            asyncio.get_running_loop().call_later(0.03 + early, task.cancel)
            done, _ = await asyncio.wait([task])
            if not done.pop().cancelled():
                assert query.outcomes == [("m0", "failed", "timeout.first_token")]

    run(body)


def test_both_in_the_same_turn_of_the_loop_is_a_cancellation() -> None:
    async def body() -> None:
        query = Query(playing(FOR_EVER), timeouts=Timeouts(first_token=0.02))
        task = asyncio.create_task(query.read())
        await asyncio.sleep(0.005)
        # Both timers are overdue when the loop looks again, ours first.
        asyncio.get_running_loop().call_later(0.02, task.cancel)
        time.sleep(0.05)  # noqa: ASYNC251 - the loop is to be late
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    run(body)


def test_a_timeout_of_the_consumer_around_a_timeout_of_ours_works() -> None:
    async def body() -> None:
        async with asyncio.timeout(5) as outer:
            query = await Query(playing(FOR_EVER), playing(*GOOD), timeouts=QUICK).read()
        assert not outer.expired()
        assert query.text == "Paris."
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(body)


def test_each_event_may_be_awaited_in_a_task_of_its_own() -> None:
    async def body() -> None:
        provider = playing(*text("a"), Pause(0.01), *text("b"), FOR_EVER)
        query = Query(provider, playing(*GOOD), timeouts=QUICK)
        with contextlib.suppress(StopAsyncIteration):
            while True:
                query.told += await asyncio.create_task(_next(query))
        assert query.outcomes[0] == ("m0", "failed", "timeout.idle")
        assert query.text == "Paris."

    run(body)


async def _next(query: Query) -> Sequence[events.Event]:
    return await asyncio.wait_for(anext(query.stream), 5)


def test_a_timeout_on_one_event_ends_the_query_and_closes_the_stream() -> None:
    async def body() -> None:
        provider = lasting()
        query = Query(provider)
        await anext(query.stream)
        await anext(query.stream)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(query.stream), 0.02)
        assert provider.closed == 1
        assert query.outcomes == [("m0", "cancelled", None)]

    run(body)
