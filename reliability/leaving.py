"""The ways in which a consumer leaves a stream."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from cascadeflow import CascadeAgent
from cascadeflow.streaming import StreamEvent

Leave: TypeAlias = Callable[[CascadeAgent], Awaitable[float]]
"""Begins a stream, leaves it after its third chunk, returns when that was (time.time)."""
CHUNKS = 3


async def _begun(agent: CascadeAgent) -> AsyncGenerator[StreamEvent, None]:
    """A stream after its third chunk."""
    stream = agent.stream_events("Go")
    seen = 0
    while seen < CHUNKS:
        seen += (await anext(stream)).type == "chunk"
    return stream


async def by_break(agent: CascadeAgent) -> float:
    """Leaves the loop; the event loop closes the generator."""

    async def consume() -> None:
        seen = 0
        async for event in agent.stream_events("Go"):
            seen += event.type == "chunk"
            if seen == CHUNKS:
                break

    await consume()
    return time.time()


async def by_aclose(agent: CascadeAgent) -> float:
    """Closes the stream, which then has nothing more to say."""
    stream = await _begun(agent)
    await stream.aclose()
    if [event async for event in stream]:
        raise AssertionError("an event came after aclose()")
    return time.time()


async def by_cancel(agent: CascadeAgent) -> float:
    """The task that reads is cancelled while it waits."""
    begun = asyncio.Event()

    async def consume() -> None:
        async for event in agent.stream_events("Go"):
            if event.type == "chunk":
                begun.set()

    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return time.time()


async def by_timeout(agent: CascadeAgent) -> float:
    """The caller's own deadline passes, 0.1 s after the first chunk, however late that came."""
    clock = asyncio.get_running_loop().time
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as deadline:
            async for event in agent.stream_events("Go"):
                if event.type == "chunk" and deadline.when() is None:
                    deadline.reschedule(clock() + 0.1)
    return time.time()


async def by_exception(agent: CascadeAgent) -> float:
    """The consumer's own code fails."""

    async def consume() -> None:
        async for event in agent.stream_events("Go"):
            if event.type == "chunk":
                raise KeyError("mine")

    with contextlib.suppress(KeyError):
        await consume()
    return time.time()


async def to_the_collector(agent: CascadeAgent) -> float:
    """The stream is forgotten."""
    await _begun(agent)
    gc.collect()
    return time.time()


WAYS: tuple[Leave, ...] = (
    by_break, by_aclose, by_cancel, by_timeout, by_exception, to_the_collector,
)  # fmt: skip
