"""What the transport says of requests that fail, over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from cascadeflow.errors import ConfigError, ErrorKind
from cascadeflow.providers.transport import Transport

from .faultserver import ThreadedFaultServer, blackhole_port, closed_port
from .loopback import CHUNKED, HEAD, Peer, serving
from .posting import HEADERS, KEY, answer_ok, error_of, fetch, run, whole


@pytest.mark.parametrize(
    ("url", "kind", "retryable"),
    [
        ("http://127.0.0.1:{closed}/v1", "connect", True),
        ("https://127.0.0.1:{closed}/v1", "connect", True),
        ("http://no-such-host.invalid/v1", "dns", True),
        ("http://{long}.invalid/v1", "dns", False),
        ("https://127.0.0.1:{plain}/v1", "tls", False),
        ("http://127.0.0.1:{hole}/v1", "timeout.connect", False),
        ("https://127.0.0.1:{hole}/v1", "timeout.connect", False),
    ],
)
def test_a_connection_that_fails_says_how(url: str, kind: ErrorKind, retryable: bool) -> None:
    async def body(at: str) -> None:
        error = await error_of(Transport().post(at, headers=HEADERS, body=b"", connect_timeout=0.3))
        assert (error.kind, error.retryable) == (kind, retryable)
        assert at.removesuffix("/v1") in str(error)

    with ThreadedFaultServer() as server, blackhole_port() as hole:
        places = {"closed": closed_port(), "plain": server.port, "hole": hole, "long": "a" * 70}
        run(body(url.format(**places)))


@pytest.mark.parametrize("timeout", [None, float("inf"), 5.0])
def test_no_connect_timeout_is_no_timeout(timeout: float | None) -> None:
    async def body() -> None:
        async with serving(answer_ok) as url:
            transport = Transport()
            response = await transport.post(url, headers={}, body=b"", connect_timeout=timeout)
            assert await whole(response) == b"ok"

    run(body())


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("first", "then", "kind"),
    [
        (CHUNKED + b"5\r\nhello\r\n", b"", "incomplete"),
        (CHUNKED + b"5\r\nhello\r\n", b"zz\r\nmore\r\n", "protocol"),
        (CHUNKED + b"9\r\nhello", b"", "incomplete"),
        (HEAD + b"content-length: 99\r\n\r\nhello", b"", "incomplete"),
    ],
)
def test_what_arrived_before_a_broken_body_is_given_out_first(
    first: bytes, then: bytes, kind: ErrorKind, slow: bool
) -> None:
    async def body() -> None:
        async def answer(peer: Peer) -> None:
            await peer.request()
            await peer.send(first)
            await asyncio.sleep(0.05)
            await peer.send(then)
            if then:
                await peer.gone()

        async with serving(answer) as url:
            transport = Transport()
            response = await transport.post(url, headers=HEADERS, body=b"")
            await asyncio.sleep(0.15 if slow else 0)
            assert await response.read() == b"hello"
            for _ in range(2):
                error = await error_of(response.read())
                assert (error.kind, error.retryable) == (kind, True)
            response.close()

    run(body())


@pytest.mark.parametrize(
    ("head", "retryable"),
    [
        (b"\x16\x03\x01 BANANA/9.9 maybe\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 100_000 + b"\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: banana\r\n\r\n", True),
    ],
)
def test_a_head_that_is_not_http_is_a_protocol_error(head: bytes, retryable: bool) -> None:
    async def body() -> None:
        async def answer(peer: Peer) -> None:
            await peer.request()
            await peer.send(head)

        async with serving(answer) as url:
            error = await error_of(fetch(Transport(), url))
        assert (error.kind, error.retryable) == ("protocol", retryable)
        assert len(str(error)) < 400

    run(body())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304])
def test_a_redirect_is_never_followed(status: int) -> None:
    async def body() -> None:
        reached = asyncio.Event()

        async def target(peer: Peer) -> None:
            await peer.request()
            reached.set()

        async with serving(target) as there:

            async def answer(peer: Peer) -> None:
                await peer.request()
                line = f"HTTP/1.1 {status} Moved\r\nlocation: {there}/x?token=1\r\n"
                await peer.send(f"{line}content-length: 0\r\n\r\n".encode())
                await peer.gone()

            async with serving(answer) as url:
                error = await error_of(fetch(Transport(), url))
        assert (error.kind, error.status, error.retryable) == ("protocol", status, False)
        assert there in str(error)
        assert "token" not in str(error)
        assert not reached.is_set()

    run(body())


@pytest.mark.parametrize("url", ["ftp://x/y", "/v1", "http://u:p@127.0.0.1:1/"])
def test_a_url_that_cannot_be_used_is_a_config_error(url: str) -> None:
    async def body() -> None:
        with pytest.raises(ConfigError):
            await fetch(Transport(), url)

    run(body())


def test_a_header_that_cannot_be_sent_is_a_config_error() -> None:
    async def body() -> None:
        async with serving(answer_ok) as url:
            with pytest.raises(ConfigError, match="cannot be sent") as caught:
                await Transport().post(url, headers={"x": "a\r\nb: " + KEY}, body=b"")
        assert KEY not in str(caught.value)

    run(body())
