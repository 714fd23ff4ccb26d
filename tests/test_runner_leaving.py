from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest

from cascadeflow.errors import ProviderError
from cascadeflow.providers.scripted import Answers, Scripted
from cascadeflow.runner import drive
from cascadeflow.types import Delta, TextDelta

from .driving import GOOD, Own, Query, lasting, run, settled
from .play import brief

# --- the consumer leaves --------------------------------------------------------------------------


async def leave_by_break(query: Query) -> None:
    async for batch in query.stream:
        if "CHUNK" in brief(batch):
            break
    await query.stream.aclose()


async def leave_by_cancelling(query: Query) -> None:
    task = asyncio.create_task(query.read())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def leave_by_raising(query: Query) -> None:
    with pytest.raises(ZeroDivisionError):
        async with contextlib.aclosing(query.stream) as stream:
            async for batch in stream:
                if "CHUNK" in brief(batch):
                    raise ZeroDivisionError


async def leave_by_timeout(query: Query) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await query.read()


async def leave_by_forgetting(query: Query) -> None:
    async for batch in query.stream:
        if "CHUNK" in brief(batch):
            break
    query.stream = drive(query.cascade, [])
    gc.collect()
    await asyncio.sleep(0.01)


async def leave_by_throwing(query: Query) -> None:
    await anext(query.stream)
    await anext(query.stream)
    with pytest.raises(ZeroDivisionError):
        await query.stream.athrow(ZeroDivisionError())


LEAVING = [
    leave_by_break,
    leave_by_cancelling,
    leave_by_raising,
    leave_by_timeout,
    leave_by_forgetting,
    leave_by_throwing,
]


@pytest.mark.parametrize("leave", LEAVING, ids=lambda way: way.__name__)
def test_leaving_closes_the_stream_and_writes_the_row(
    leave: Callable[[Query], Coroutine[Any, Any, None]],
) -> None:
    async def body() -> None:
        provider = lasting()
        query = Query(provider)
        await leave(query)
        await settled()
        assert (provider.opened, provider.closed) == (1, 1)
        assert query.outcomes == [("m0", "cancelled", None)]
        assert query.cascade.ledger.total == 1
        assert query.finished == 1

    run(body)


def test_leaving_while_the_first_token_is_awaited_closes_the_stream() -> None:
    async def silent() -> AsyncGenerator[list[Delta], None]:
        await asyncio.sleep(3600)
        yield [TextDelta("never")]

    async def body() -> None:
        for leave in (leave_by_cancelling, leave_by_timeout):
            provider = Own(silent)
            query = Query(provider)
            await leave(query)
            assert (provider.opened, provider.closed) == (1, 1)
            assert query.outcomes == [("m0", "cancelled", None)]

    run(body)


def test_a_stream_that_is_never_read_sends_nothing() -> None:
    async def body() -> None:
        provider = lasting()
        closed, dropped = Query(provider), Query(provider)
        await closed.stream.aclose()
        del dropped
        gc.collect()
        await settled()
        assert provider.opened == 0
        assert list(closed.cascade.ledger.rows) == []

    run(body)


def test_leaving_right_after_the_start_sends_at_most_nothing_more() -> None:
    async def body() -> None:
        provider = lasting()
        query = Query(provider)
        await anext(query.stream)
        await query.stream.aclose()
        assert provider.opened == provider.closed
        assert query.outcomes == [("m0", "cancelled", None)]

    run(body)


def test_leaving_during_the_wait_for_a_retry_asks_nobody() -> None:
    async def body() -> None:
        lost = ProviderError("lost", kind="rate_limit", retryable=True, retry_after=30.0)
        provider = Scripted({"m0": Answers([lost], GOOD)})
        query = Query(provider)
        begun = time.monotonic()
        await leave_by_timeout(query)
        assert time.monotonic() - begun < 1
        assert len(provider.calls) == 1
        assert query.outcomes[-1] == ("m0", "cancelled", None)
        assert query.cascade.ledger.total == 0

    run(body)


def test_a_program_may_end_in_the_middle_of_a_stream() -> None:
    complaints: list[str] = []
    provider = lasting()
    query = Query(provider)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: complaints.append(str(told)))
        async for batch in query.stream:
            if "CHUNK" in brief(batch):
                return

    asyncio.run(main())
    gc.collect()
    assert complaints == []
    assert (provider.opened, provider.closed) == (1, 1)
    assert query.outcomes == [("m0", "cancelled", None)]
