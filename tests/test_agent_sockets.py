from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from cascadeflow.agent import CascadeAgent
from cascadeflow.config import ModelConfig, RetryPolicy
from cascadeflow.errors import CascadeError

from .faultserver import ThreadedFaultServer
from .loopback import Peer, serving

# --- over real sockets ----------------------------------------------------------------------------


def at(server: ThreadedFaultServer, fault: str, **more: Any) -> ModelConfig:
    return ModelConfig(
        f"fault:{fault}", "openai", cost=1, base_url=f"{server.url}/v1", api_key="sk-1", **more
    )


def test_two_models_of_one_provider_keep_their_own_addresses() -> None:
    with ThreadedFaultServer() as one, ThreadedFaultServer() as two:
        models = [at(one, "503"), at(two, "ok?tag=V")]
        agent = CascadeAgent(models, retry=RetryPolicy(attempts=1))
        assert agent.run_sync("hi").content.startswith("V")
        assert len(one.log()) == len(two.log()) == 1


def test_two_models_of_one_provider_keep_their_own_keys_and_headers() -> None:
    heads: list[bytes] = []

    async def refuse(peer: Peer) -> None:
        heads.append((await peer.request())[0].lower())
        await peer.send(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")

    async def body() -> None:
        async with serving(refuse) as url:
            models = [
                ModelConfig(
                    f"m{i}",
                    "openai",
                    cost=1,
                    base_url=f"{url}/v{i}",
                    api_key=f"sk-{i}",
                    headers={"x-team": f"t{i}"},
                )
                for i in range(2)
            ]
            async with CascadeAgent(models) as agent:
                with pytest.raises(CascadeError):
                    await agent.run("hi")

    asyncio.run(body())
    for i, head in enumerate(heads):
        assert head.startswith(b"post /v%d/chat/completions " % i)
        assert b"authorization: bearer sk-%d\r\n" % i in head
        assert b"x-team: t%d\r\n" % i in head
    assert len(heads) == 2


@pytest.mark.parametrize("way", ["break", "return", "raise", "aclose", "cancel"])
def test_leaving_a_real_stream_closes_its_socket_at_once(way: str) -> None:
    complaints: list[str] = []

    async def read(agent: CascadeAgent) -> None:
        stream = agent.stream_events("hi")
        async for event in stream:
            if event.type == "chunk":
                match way:
                    case "break":
                        break
                    case "return":
                        return
                    case "raise":
                        raise ZeroDivisionError
                    case "aclose":
                        await stream.aclose()
                    case _:
                        await asyncio.sleep(60)

    async def main(agent: CascadeAgent) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: complaints.append(str(told)))
        task = asyncio.create_task(read(agent))
        await asyncio.wait([task], timeout=0.3 if way == "cancel" else 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with ThreadedFaultServer() as server:
        agent = CascadeAgent([at(server, "ok-slow?n=400&delay=0.01")])
        asyncio.run(main(agent))
        gc.collect()
        assert complaints == []
        assert agent.spent > 0
        for _ in range(100):
            if server.log() and server.log()[0]["outcome"] == "client-gone":
                break
            threading.Event().wait(0.01)
        assert [record["outcome"] for record in server.log()] == ["client-gone"]


def test_one_agent_works_in_one_loop_after_the_other() -> None:
    with ThreadedFaultServer() as server:
        agent = CascadeAgent([at(server, "ok")])
        assert agent.run_sync("hi").content == agent.run_sync("hi").content != ""

        async def body() -> None:
            async with agent:
                await agent.run("hi")

        asyncio.run(body())
        assert len(server.log()) == 3
    gc.collect()
