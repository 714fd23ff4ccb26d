"""Sessions and connections of the transport, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref

import aiohttp
import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.providers.transport import LINGER, Transport

from .faultserver import ThreadedFaultServer
from .loopback import HEAD, OK, Peer, serving
from .posting import KEY, answer_ok, error_of, fault_body, fetch, post, run, whole


def test_the_request_arrives_as_it_was_given() -> None:
    async def body() -> None:
        seen: list[tuple[bytes, bytes]] = []

        async def answer(peer: Peer) -> None:
            seen.append(await peer.request())
            await peer.send(OK)

        async with serving(answer) as url:
            assert await fetch(Transport(), f"{url}/v1?a=b%20c", b'{"x":1}') == b"ok"
        head, sent = seen[0]
        assert head.startswith(b"POST /v1?a=b%20c HTTP/1.1\r\n")
        assert f"authorization: Bearer {KEY}".encode() in head
        assert b"cookie" not in head.lower()
        assert sent == b'{"x":1}'

    run(body())


def test_a_large_body_is_sent_with_its_length_and_without_a_warning() -> None:
    async def body() -> None:
        async def answer(peer: Peer) -> None:
            head, sent = await peer.request()
            assert b"chunked" not in head
            assert sent == bytes(3_000_000)
            await peer.send(OK)

        async with serving(answer) as url:
            assert await fetch(Transport(), url, bytes(3_000_000)) == b"ok"

    run(body())


def test_a_connection_is_used_again_when_the_body_has_ended() -> None:
    async def body() -> None:
        transport = Transport()
        for _ in range(3):
            assert await fetch(transport, f"{server.url}/v1/chat/completions", fault_body("ok"))

    with ThreadedFaultServer() as server:
        run(body())
        assert {record["conn"] for record in server.log()} == {1}


def test_a_released_response_keeps_its_connection_if_it_ends_soon() -> None:
    async def body() -> None:
        connections = 0

        async def answer(peer: Peer) -> None:
            nonlocal connections
            connections += 1
            while (await peer.request())[0]:
                await peer.send(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
                await asyncio.sleep(0.05)
                await peer.send(b"0\r\n\r\n")

        async with serving(answer) as url:
            transport = Transport()
            for _ in range(2):
                response = await transport.post(url, headers={}, body=b"")
                assert await response.read() == b"ok"
                response.release()
                response.close()
                await asyncio.sleep(0.15)
            await transport.aclose()
        assert connections == 1

    run(body())


def test_a_released_response_that_does_not_end_is_closed() -> None:
    async def body() -> None:
        closed = asyncio.Event()

        async def answer(peer: Peer) -> None:
            await peer.request()
            await peer.send(HEAD + b"\r\nok")
            await peer.gone()
            closed.set()

        async with serving(answer) as url:
            transport = Transport()
            response = await transport.post(url, headers={}, body=b"")
            await response.read()
            response.release()
            response.close()
            start = asyncio.get_running_loop().time()
            await closed.wait()
            assert LINGER - 0.05 <= asyncio.get_running_loop().time() - start < LINGER + 1

            closed.clear()
            response = await transport.post(url, headers={}, body=b"")
            await response.read()
            response.release()
            await transport.aclose()
            async with asyncio.timeout(0.1):
                await closed.wait()

    run(body())


@pytest.mark.parametrize("fault", ["ok-slow", "stall-after-3", "hang", "slow-head"])
def test_closing_and_cancelling_close_the_socket_at_once(fault: str) -> None:
    async def body() -> None:
        transport = Transport()
        task = asyncio.create_task(post(transport, server.url, fault))
        await asyncio.sleep(0.15)
        if task.done():
            (await task).close()
        else:
            task.cancel()
        await asyncio.sleep(0.1)
        assert server.log()[0]["outcome"] == "client-gone"

    with ThreadedFaultServer() as server:
        run(body())


def test_cancelling_a_request_that_nobody_reads_closes_its_socket() -> None:
    async def body() -> None:
        stop, closed = asyncio.Event(), asyncio.Event()

        async def answer(peer: Peer) -> None:
            await stop.wait()
            await peer.gone()
            closed.set()

        async with serving(answer) as url:
            sending = Transport().post(url, headers={}, body=bytes(30_000_000))
            task = asyncio.create_task(sending)
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            stop.set()
            async with asyncio.timeout(2):
                await closed.wait()

    run(body())


def test_one_transport_serves_several_loops_and_keeps_none_alive() -> None:
    transport = Transport()
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def body() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await whole(await post(transport, server.url))
        (await post(transport, server.url, "ok-slow")).release()

    with ThreadedFaultServer() as server:
        for _ in range(3):
            run(body())
    gc.collect()
    assert [loop() for loop in loops] == [None, None, None]


def test_one_transport_serves_several_threads() -> None:
    transport = Transport()
    answers: list[bytes] = []

    async def body() -> None:
        answers.append(await whole(await post(transport, server.url)))

    def thread() -> None:
        for _ in range(3):
            asyncio.run(body())

    with ThreadedFaultServer() as server:
        threads = [threading.Thread(target=thread) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(answers) == 12


def test_a_transport_that_is_forgotten_closes_its_connections() -> None:
    async def body() -> None:
        closed = asyncio.Event()

        async def answer(peer: Peer) -> None:
            await peer.request()
            await peer.send(OK)
            await peer.gone()
            closed.set()

        async with serving(answer) as url:
            for in_a_cycle in (False, True):
                transport: Transport | None = Transport()
                holder = [transport]
                if in_a_cycle:
                    holder.append(holder)  # type: ignore[arg-type]  # the point of it
                assert transport is not None
                await fetch(transport, url)
                transport = None
                del holder
                gc.collect()
                async with asyncio.timeout(1):
                    await closed.wait()
                closed.clear()
            await asyncio.sleep(0.01)

    run(body())


def test_a_closed_transport_can_be_used_again() -> None:
    async def body() -> None:
        async with serving(answer_ok) as url:
            transport = Transport()
            await transport.aclose()
            for _ in range(2):
                assert await fetch(transport, url) == b"ok"
                await transport.aclose()

    run(body())


def test_a_session_of_the_caller_is_used_and_never_closed() -> None:
    async def body() -> None:
        async with serving(answer_ok) as url, aiohttp.ClientSession() as session:
            transport = Transport(session)
            assert await fetch(transport, url) == b"ok"
            await transport.aclose()
            assert not session.closed
            assert await fetch(transport, url) == b"ok"
        with pytest.raises(ConfigError, match="Session is closed"):
            await fetch(transport, url)

    run(body())


def test_a_session_of_another_loop_is_a_clear_error() -> None:
    reports: list[object] = []

    async def body(session: aiohttp.ClientSession) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: reports.append(told))
        with pytest.raises(ConfigError, match="session belongs to another event loop"):
            await fetch(Transport(session), "http://127.0.0.1:9")

    async def outer() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: reports.append(told))
        async with aiohttp.ClientSession() as session:
            await asyncio.to_thread(asyncio.run, body(session))

    run(outer())
    assert not reports


async def refuse_reuse(peer: Peer) -> None:
    """Answer one request; at the next, close without a word."""
    await peer.request()
    await peer.send(OK)
    await peer.request()


def test_a_kept_connection_that_was_closed_is_replaced_once() -> None:
    async def body() -> None:
        async with serving(refuse_reuse) as url:
            transport = Transport()
            for _ in range(4):
                assert await fetch(transport, url) == b"ok"

    run(body())


def test_a_new_connection_that_is_closed_is_an_error() -> None:
    async def body() -> None:
        count = 0

        async def answer(peer: Peer) -> None:
            nonlocal count
            count += 1
            await peer.request()

        async with serving(answer) as url:
            error = await error_of(fetch(Transport(), url))
        assert (error.kind, error.retryable, count) == ("incomplete", True, 1)

    run(body())


def test_importing_the_transport_does_not_load_aiohttp() -> None:
    code = (
        "import sys, cascadeflow.providers.http, cascadeflow.providers.transport as t;"
        "t.Transport(); sys.exit('aiohttp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
