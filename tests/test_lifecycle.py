"""Drafts given up, a consumer who waits, many streams of one agent, connections used again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import StreamEvent

from .faultserver import ThreadedFaultServer


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


def test_a_connection_is_used_again(server: ThreadedFaultServer) -> None:
    async def body() -> set[object]:
        async with agent(server, "fault:ok") as cascade:
            for _ in range(10):
                await cascade.run("Go")
            return {row["conn"] for row in server.log()}

    # The next query may come before the last bytes of the answer before it, and not wait for them.
    assert len(asyncio.run(body())) < 5
