"""Bodies over connections that share the memory they read into."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from cascadeflow.providers.connections import new_session
from cascadeflow.providers.transport import Transport

from .faultserver import blackhole_port
from .loopback import CHUNKED, HEAD, OK, Peer, serving
from .posting import error_of, fetch, post, run, whole
from .test_transport_tls import tls_server

LONG = 3_000_000
"""Bytes, many times what one read takes and what aiohttp keeps before it stops reading."""


def said(number: int) -> bytes:
    """A body that no other is like."""
    return hashlib.shake_128(str(number).encode()).digest(LONG)


async def answer_long(peer: Peer) -> None:
    """The path ends in the number of the body; an odd one is sent in small chunks."""
    head, _ = await peer.request()
    number = int(head.split(b" ", 2)[1].rpartition(b"/")[2])
    body = said(number)
    if number % 2:
        pieces = (body[at : at + 1000] for at in range(0, LONG, 1000))
        await peer.send(CHUNKED + b"".join(b"3e8\r\n%s\r\n" % each for each in pieces))
        await peer.send(b"0\r\n\r\n")
    else:
        await peer.send(HEAD + b"content-length: %d\r\n\r\n" % LONG + body)


@pytest.mark.parametrize("secure", [False, True])
def test_bodies_read_at_once_are_not_mixed(tmp_path: Path, secure: bool) -> None:
    tls, bundle = tls_server(tmp_path) if secure else (None, "")

    async def body(tls: ssl.SSLContext | None) -> None:
        transport = Transport(environ={"SSL_CERT_FILE": str(bundle)})
        async with serving(answer_long, tls) as url:
            bodies = await asyncio.gather(*(fetch(transport, f"{url}/{n}") for n in range(6)))
        assert [bodies.index(said(number)) for number in range(6)] == list(range(6))

    run(body(tls))


def test_a_reader_that_takes_its_time_holds_the_server_up_and_misses_nothing() -> None:
    async def body() -> None:
        sent = asyncio.Event()

        async def answer(peer: Peer) -> None:
            await peer.request()
            await peer.send(HEAD + b"content-length: %d\r\n\r\n" % (20 * LONG))
            for number in range(20):
                await peer.send(said(number))
            sent.set()

        async with serving(answer) as url:
            transport = Transport()
            response = await post(transport, url)
            first = await response.read()
            await asyncio.sleep(0.3)
            assert not sent.is_set()
            rest = await whole(response)
            assert sent.is_set()
            found = hashlib.sha256(first + rest).digest()
            assert found == hashlib.sha256(b"".join(map(said, range(20)))).digest()
            response.close()
            await transport.aclose()

    run(body())


def test_connections_of_a_selector_loop_share_a_buffer_and_are_told_when_used_again() -> None:
    told: list[tuple[bool, bool]] = []

    def tell(transport: asyncio.Transport | None, used: bool) -> None:
        assert transport is not None
        told.append((isinstance(transport.get_protocol(), asyncio.BufferedProtocol), used))

    async def answer(peer: Peer) -> None:
        for _ in range(2):
            await peer.request()
            await peer.send(HEAD + b"content-length: 2\r\n\r\nhi")

    async def body() -> None:
        async with serving(answer) as url, new_session(tell) as session:
            for _ in range(2):
                async with session.post(url) as response:
                    assert await response.read() == b"hi"

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(body())
    assert told == [(True, False), (True, True)]


class Endless(AbstractResolver):
    """Finds no host, ever."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        pass


def test_the_time_to_connect_begins_when_the_callers_session_has_a_place() -> None:
    async def slow(peer: Peer) -> None:
        while (await peer.request())[0]:
            await asyncio.sleep(0.3)
            await peer.send(OK)

    async def body() -> None:
        connector = aiohttp.TCPConnector(limit=1, force_close=True)
        async with serving(slow) as url, aiohttp.ClientSession(connector=connector) as session:

            async def ask() -> bytes:
                sent = Transport(session).post(url, headers={}, body=b"", connect_timeout=0.2)
                return await whole(await sent)

            assert await asyncio.gather(*(ask() for _ in range(4))) == [b"ok"] * 4
            assert len(session.trace_configs) == 1

    run(body())


def test_a_connection_of_the_callers_session_is_waited_for_no_longer_than_that() -> None:
    async def body(hole: int) -> None:
        connector = aiohttp.TCPConnector(resolver=Endless())
        async with aiohttp.ClientSession(connector=connector) as session:
            for address in (
                f"http://127.0.0.1:{hole}",
                f"https://127.0.0.1:{hole}",
                "http://h.invalid",
            ):
                sent = Transport(session).post(address, headers={}, body=b"", connect_timeout=0.2)
                error = await error_of(sent)
                assert (error.kind, error.message) == (
                    "timeout.connect",
                    f"{address}: no connection in time",
                )

    with blackhole_port() as hole:
        run(body(hole))
