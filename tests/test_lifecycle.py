"""Leaving a stream closes its socket; many streams, loops and threads share one agent."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import pytest

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import StreamEvent

from .faultserver import ThreadedFaultServer

SLOW = "fault:ok-slow?n=400&delay=0.02"
LIMIT = 0.1
"""Seconds in which a socket must be closed."""

Leave = Callable[[CascadeAgent], Awaitable[float]]
"""Begins a stream, leaves it in its own way, returns when that was."""


@pytest.fixture
def server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


def agent(server: ThreadedFaultServer, *models: str) -> CascadeAgent:
    return CascadeAgent(
        [
            ModelConfig(model, "openai", 1.0, api_key="k", base_url=f"{server.url}/v1")
            for model in models
        ]
    )


async def third_chunk(stream: AsyncGenerator[StreamEvent, None]) -> None:
    seen = 0
    while seen < 3:
        seen += (await anext(stream)).type == "chunk"


async def leave_by_break(agent: CascadeAgent) -> float:
    seen = 0
    async for event in agent.stream_events("Go"):
        seen += event.type == "chunk"
        if seen == 3:
            break
    return time.time()


async def leave_by_aclose(agent: CascadeAgent) -> float:
    stream = agent.stream_events("Go")
    await third_chunk(stream)
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    return time.time()


async def leave_by_cancel(agent: CascadeAgent) -> float:
    async def consume() -> None:
        async for _ in agent.stream_events("Go"):
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.time()


async def leave_by_timeout(agent: CascadeAgent) -> float:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            async for _ in agent.stream_events("Go"):
                pass
    return time.time()


async def leave_by_exception(agent: CascadeAgent) -> float:
    async def consume() -> None:
        async for event in agent.stream_events("Go"):
            if event.type == "chunk":
                raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await consume()
    return time.time()


async def leave_to_the_collector(agent: CascadeAgent) -> float:
    stream = agent.stream_events("Go")
    await third_chunk(stream)
    del stream
    gc.collect()
    return time.time()


@pytest.mark.parametrize(
    "leave",
    [
        leave_by_break,
        leave_by_aclose,
        leave_by_cancel,
        leave_by_timeout,
        leave_by_exception,
        leave_to_the_collector,
    ],
)
@pytest.mark.parametrize("models", [(SLOW,), (SLOW, "fault:ok")], ids=["direct", "draft"])
def test_leaving_closes_the_socket_and_pays(
    server: ThreadedFaultServer, leave: Leave, models: tuple[str, ...]
) -> None:
    async def body() -> None:
        cascade = agent(server, *models)
        left = await leave(cascade)
        deadline = time.time() + 2
        while server.log()[0]["t_client_gone"] is None and time.time() < deadline:
            await asyncio.sleep(0.005)
        assert server.log()[0]["t_client_gone"] - left < LIMIT
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert cascade.spent > 0
        assert len(server.log()) == 1

    asyncio.run(body())
    gc.collect()


def test_a_stream_that_is_never_read_sends_nothing(server: ThreadedFaultServer) -> None:
    async def body() -> None:
        stream = agent(server, SLOW).stream_events("Go")
        del stream
        await asyncio.sleep(0.05)

    asyncio.run(body())
    assert server.log() == []


def test_a_draft_given_up_closes_its_socket_while_the_next_model_answers(
    server: ThreadedFaultServer,
) -> None:
    babble = "fault:ok-slow?n=200&delay=0.01&text=" + "the%20the%20the%20the%20" * 100

    async def body() -> list[StreamEvent]:
        async with agent(server, babble, "fault:ok?tag=V") as cascade:
            return [event async for event in cascade.stream_events("What is love?")]

    told = asyncio.run(body())
    decision = next(event for event in told if event.type == "draft_decision")
    assert decision.data["stage"] == "during"
    assert told[-1].data["result"]["content"].startswith("V: Paris")
    draft = next(row for row in server.log() if "ok-slow" in row["fault"])
    assert draft["outcome"] == "client-gone"


def test_the_next_model_is_asked_while_the_consumer_sits_on_the_switch(
    server: ThreadedFaultServer,
) -> None:
    async def body() -> None:
        async with agent(server, "fault:401", "fault:ok?tag=V") as cascade:
            async for event in cascade.stream_events("Go"):
                if event.type == "switch":
                    await asyncio.sleep(0.3)
                    assert len(server.log()) == 2

    asyncio.run(body())


def test_300_streams_of_one_agent_start_at_once(server: ThreadedFaultServer) -> None:
    async def body() -> None:
        begun = asyncio.Event()
        waiting: set[int] = set()

        async def consume(number: int) -> str:
            seen = 0
            text = ""
            async for event in cascade.stream_events("Go"):
                if event.type == "chunk":
                    seen += 1
                    text += event.content
                    if seen == 1:
                        waiting.add(number)
                        if len(waiting) == 300:
                            begun.set()
                        # Nobody goes on before all have begun: a pool with a ceiling would hang.
                        await begun.wait()
            return text

        async with agent(server, "fault:ok-slow?n=4&delay=0.01") as cascade:
            async with asyncio.timeout(60):
                texts = await asyncio.gather(*(consume(number) for number in range(300)))
            assert len(set(texts)) == 1

    asyncio.run(body())


def test_one_agent_works_in_one_event_loop_after_the_other(server: ThreadedFaultServer) -> None:
    cascade = agent(server, "fault:ok", "fault:ok?tag=V")
    texts = {asyncio.run(cascade.run("Go")).content for _ in range(3)}
    assert len(texts) == 1
    assert cascade.run_sync("Go").content in texts
    gc.collect()


def test_one_agent_works_in_several_threads_at_once(server: ThreadedFaultServer) -> None:
    cascade = agent(server, "fault:ok-slow?n=10&delay=0.01", "fault:ok?tag=V")
    texts: list[str] = []

    def work() -> None:
        for _ in range(3):
            texts.append(cascade.run_sync("Go").content)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(texts) == 12
    assert len(set(texts)) == 1
    gc.collect()


def test_a_connection_is_used_again(server: ThreadedFaultServer) -> None:
    async def body() -> set[object]:
        async with agent(server, "fault:ok") as cascade:
            for _ in range(10):
                await cascade.run("Go")
            return {row["conn"] for row in server.log()}

    # The next query may come before the last bytes of the answer before it, and not wait for them.
    assert len(asyncio.run(body())) < 5
