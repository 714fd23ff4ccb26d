"""TLS and proxies, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path

import pytest

from cascadeflow.providers.transport import Transport

from .faultserver import closed_port
from .loopback import CHUNKED, OK, Peer, serving
from .posting import KEY, answer_ok, error_of, fetch, run

SCHEMES = ("http", "https")
# Made for these tests: it proves nothing but that somebody has this file.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5jheOVlkq5IddqiK
wqn8beZgkIwiA/O1IRideq7DSfqhRANCAASODs+5+dfb06rViR4EzX0gIWyXU5yt
dCnZtUbhonFZ1DjdhvOuOrhnRuyE1X8vyUjlAgkXv/AY9WE1M2In0m0N
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBbjCCARWgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1sb29wYmFj
ayB0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1sb29wYmFjayB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjg7P
ufnX29Oq1YkeBM19ICFsl1OcrXQp2bVG4aJxWdQ43Ybzrjq4Z0bshNV/L8lI5QIJ
F7/wGPVhNTNiJ9JtDaNOMEwwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8G
A1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFA6sKzZRgcTKzHRnyFXu0P+Ud2C9MAoG
CCqGSM49BAMCA0cAMEQCIDdN9v3zRtwp46ZvgVP25GcSUMc0Vn6lCX1ySsmIYwRF
AiAXVlOOf8etLgORvRlcRcZz678HWZJ1VG86+wpSImvfqA==
-----END CERTIFICATE-----
"""


def tls_server(folder: Path) -> tuple[ssl.SSLContext, Path]:
    bundle = folder / "server.pem"
    bundle.write_text(CERTIFICATE)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(bundle)
    return context, bundle


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificate_authorities_come_from_the_environment(variable: str, tmp_path: Path) -> None:
    context, bundle = tls_server(tmp_path)

    async def body() -> None:
        async with serving(answer_ok, context) as url:
            transport = Transport(environ={variable: str(bundle)})
            for _ in range(2):
                assert await fetch(transport, url) == b"ok"
            await transport.aclose()

    run(body())


def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    context, _ = tls_server(tmp_path)

    async def body() -> None:
        async with serving(answer_ok, context) as url:
            error = await error_of(fetch(Transport(environ={}), url))
        assert (error.kind, error.retryable) == ("tls", False)
        assert "certificate" in str(error)

    run(body())


def test_a_stream_over_tls_is_closed_at_once(tmp_path: Path) -> None:
    context, bundle = tls_server(tmp_path)

    async def body() -> None:
        closed = asyncio.Event()

        async def answer(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + b"5\r\nhello\r\n")
            await peer.gone()
            closed.set()

        async with serving(answer, context) as url:
            transport = Transport(environ={"SSL_CERT_FILE": str(bundle)})
            response = await transport.post(url, headers={}, body=b"")
            assert await response.read() == b"hello"
            response.close()
            async with asyncio.timeout(0.1):
                await closed.wait()

    run(body())


def test_a_proxy_of_the_environment_carries_the_request() -> None:
    async def body() -> None:
        seen: list[bytes] = []

        async def proxy(peer: Peer) -> None:
            seen.append((await peer.request())[0])
            await peer.send(OK)

        async with serving(proxy) as url:
            given = url.replace("//", "//user:hunter2@")
            transport = Transport(environ={"http_proxy": given, "no_proxy": "127.0.0.1"})
            assert await fetch(transport, "http://api.invalid/v1") == b"ok"
            assert seen[0].startswith(b"POST http://api.invalid/v1 HTTP/1.1\r\n")
            credentials = base64.b64encode(b"user:hunter2")
            assert b"Proxy-Authorization: Basic " + credentials in seen[0]
            async with serving(answer_ok) as direct:
                assert await fetch(transport, direct) == b"ok"
        assert len(seen) == 1

    run(body())


def test_a_proxy_that_fails_is_a_connect_error_without_its_password() -> None:
    async def body() -> None:
        async def refuse(peer: Peer) -> None:
            head, _ = await peer.request()
            assert head.startswith(b"CONNECT api.invalid:443")
            assert KEY.encode() not in head
            await peer.send(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n")

        async with serving(refuse) as url:
            for proxy, retryable in ((url, False), (f"http://127.0.0.1:{closed_port()}", True)):
                given = proxy.replace("//", "//user:hunter2@")
                transport = Transport(environ={"https_proxy": given})
                error = await error_of(fetch(transport, "https://api.invalid/v1"))
                assert (error.kind, error.retryable) == ("connect", retryable)
                assert "proxy" in str(error)
                assert "hunter2" not in str(error)

    run(body())


def test_a_proxy_that_wants_a_password_is_told_alike_for_both_schemes() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n")

    async def body() -> None:
        async with serving(refuse) as url:
            through = Transport(environ={"all_proxy": url})
            told = [await error_of(fetch(through, f"{s}://api.invalid/v1")) for s in SCHEMES]
            assert {(error.kind, error.retryable) for error in told} == {("connect", False)}
            assert [error.message for error in told] == [
                f"{s}://api.invalid: the proxy does not connect: status 407" for s in SCHEMES
            ]

    run(body())
