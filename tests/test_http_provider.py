"""The HTTP provider: forms of answers, batches, codings, what it sends, secrets."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cascadeflow.errors import ConfigError, ErrorKind, ProtocolError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.decompress import FREE
from cascadeflow.providers.http import Dialect, Form, HTTPProvider, form_of
from cascadeflow.providers.sse import SSE
from cascadeflow.providers.transport import Transport
from cascadeflow.types import Delta, Request, Stop, TextDelta

from .asking import ASK, KEY, Told, connect, run, tell
from .faultserver import ThreadedFaultServer
from .loopback import HEAD, Peer, serving


@pytest.fixture(scope="module", name="server")
def fault_server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


@asynccontextmanager
async def replying(
    *parts: bytes, then: float = 0, hold: bool = False
) -> AsyncGenerator[HTTPProvider, None]:
    """A provider whose server sends `parts`, `then` seconds apart, and closes unless it holds."""

    async def answer(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)
            await asyncio.sleep(then)
        if hold:
            await peer.gone()

    transport = Transport()
    async with serving(answer) as url:
        yield connect(url, transport=transport)
        await transport.aclose()


def chunk(**choice: object) -> bytes:
    event = {"object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


HELLO = chunk(delta={"content": "Hello"})
FINISH = chunk(delta={}, finish_reason="stop")
DONE = b"data: [DONE]\n\n"


def reply(*parts: bytes, then: float = 0, hold: bool = False) -> Told:
    told: list[Told] = []

    async def body() -> None:
        async with replying(*parts, then=then, hold=hold) as provider:
            told.append(await tell(provider, "m"))

    run(body())
    return told[0]


def test_the_end_marker_ends_the_answer_though_the_server_goes_on() -> None:
    start = time.monotonic()
    told = reply(HEAD + b"\r\n" + HELLO, FINISH + DONE + HELLO, hold=True)
    assert (told.text, told.stop.reason) == ("Hello", "stop")
    assert time.monotonic() - start < 2


def test_each_read_is_a_batch_of_its_own() -> None:
    told = reply(
        HEAD + b"\r\n", HELLO * 3, HELLO + HELLO[:20], HELLO[20:] + FINISH + DONE, then=0.05
    )
    assert [sum(isinstance(d, TextDelta) for d in batch) for batch in told.batches] == [0, 3, 1, 1]


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"content-type: text/event-stream\r\n\r\n", b"\n" * 3000 + HELLO + FINISH + DONE, "Hello"),
        (
            b"content-type: TEXT/Event-Stream;charset=utf-8\r\n\r\n",
            b": hi\n\n" + HELLO + FINISH,
            "Hello",
        ),
        (b"\r\n", b"event: x\n" + HELLO + FINISH, "Hello"),
        (b"content-type: text/plain\r\n\r\n", b"\xef\xbb\xbf" + HELLO + FINISH, "Hello"),
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_events_are_known_by_how_they_begin(
    head: bytes, body: bytes, text: str, slow: bool
) -> None:
    parts = [body[at : at + 1] for at in range(12)] + [body[12:]] if slow else [body]
    told = reply(b"HTTP/1.1 200 OK\r\n" + head, *parts, then=0.002 if slow else 0)
    assert (told.text, told.stop.reason) == (text, "stop")


@pytest.mark.parametrize(
    ("declared", "body", "kind"),
    [
        (b"text/event-stream", b"<html><title>Bad gateway</title>", "protocol"),
        (b"text/html", b"Sorry", "protocol"),
        (b"text/plain", b"upstream connect error", "protocol"),
        (b"text/plain", b"dat", "protocol"),
        (b"application/json", b"oops", "protocol"),
        (b"text/plain", b"", "empty"),
        (b"application/json", b"", "empty"),
        (b"text/event-stream", b"\n\n", "empty"),
        (b"text/event-stream", b": ping\n\n", "empty"),
        (b"application/json", b'{"error":{"message":"x","type":"overloaded_error"}}', "overloaded"),
        (b"text/event-stream", b'{"error":{"message":"x","code":429}}', "rate_limit"),
    ],
)
def test_what_is_no_answer_is_an_error(declared: bytes, body: bytes, kind: ErrorKind) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: " + declared + b"\r\nconnection: close\r\n\r\n"
    assert reply(head + body).failure.kind == kind


def test_events_of_which_none_makes_sense_are_a_protocol_error() -> None:
    error = reply(HEAD + b"\r\ndata: {broken\n\n").failure
    assert isinstance(error, ProtocolError)
    assert (error.kind, error.retryable) == ("protocol", True)


def test_text_is_heard_before_the_error_in_the_same_read() -> None:
    told = reply(HEAD + b"\r\n" + HELLO + b'data: {"error":{"message":"x"}}\n\n' + HELLO)
    assert told.text == "Hello"
    assert told.failure.kind == "server"


@pytest.mark.parametrize("slow", [False, True])
def test_a_slow_consumer_loses_nothing_that_came_before_a_cut(slow: bool) -> None:
    async def body() -> None:
        lost = HEAD + b"content-length: 9999\r\n\r\n" + HELLO + FINISH
        async with replying(lost) as provider:
            batches: list[list[Delta]] = []
            async for batch in provider.stream("m", Request(messages=ASK)):
                batches.append(batch)
                await asyncio.sleep(0.1 if slow else 0)
            told = Told(batches, None)
            assert (told.text, told.stop.reason) == ("Hello", "stop")
            assert told.stop.warnings

    run(body())


def test_compressed_text_flows_and_a_cut_after_the_finish_is_forgiven() -> None:
    stream = zlib.compressobj(wbits=31)
    parts = [stream.compress(x) + stream.flush(zlib.Z_SYNC_FLUSH) for x in (HELLO, HELLO, FINISH)]
    told = reply(HEAD + b"content-encoding: gzip\r\n\r\n", *parts, then=0.03)
    assert [sum(isinstance(d, TextDelta) for d in batch) for batch in told.batches] == [0, 1, 1, 0]
    assert "too early" in str(told.stop.warnings)


def test_silence_after_the_finish_costs_no_answer() -> None:
    told = reply(HEAD + b"\r\n", HELLO, FINISH, hold=True)
    assert (told.text, told.stop.reason) == ("Hello", "stop")
    assert told.stop.warnings == ("after the end of the answer: no end marker within 1 s",)


def test_a_json_answer_may_begin_with_a_byte_order_mark() -> None:
    message = {"role": "assistant", "content": "Hello"}
    answer = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    told = reply(HEAD + b"\r\n", b"\xef\xbb\xbf" + answer)
    assert (told.text, told.stop.reason) == ("Hello", "stop")


def test_a_compressed_answer_that_is_cut_is_incomplete() -> None:
    data = gzip.compress(HELLO * 50 + FINISH)
    told = reply(HEAD + b"content-encoding: gzip\r\n\r\n" + data[:-40])
    assert told.failure.kind == "incomplete"


def test_a_bomb_is_a_protocol_error_that_is_not_tried_again() -> None:
    bomb = gzip.compress(HELLO + b":" * 30 * FREE)
    error = reply(HEAD + b"content-encoding: gzip\r\n\r\n" + bomb).failure
    assert (error.kind, error.retryable) == ("protocol", False)


def test_a_bomb_after_the_finish_is_an_error_all_the_same() -> None:
    stream = zlib.compressobj(wbits=31)
    first = stream.compress(FINISH) + stream.flush(zlib.Z_SYNC_FLUSH)
    bomb = stream.compress(b":" * 30 * FREE) + stream.flush()
    told = reply(HEAD + b"content-encoding: gzip\r\n\r\n" + first, bomb, then=0.05)
    assert told.failure.kind == "protocol"


def test_an_unknown_coding_is_a_decode_error() -> None:
    assert reply(HEAD + b"content-encoding: br\r\n\r\nxyz").failure.kind == "decode"


def test_a_status_counts_though_its_body_never_comes() -> None:
    start = time.monotonic()
    head = b"HTTP/1.1 503 No\r\ncontent-length: 99\r\nretry-after: 7\r\n\r\n{"
    error = reply(head, hold=True).failure
    assert (error.kind, error.status, error.retry_after) == ("overloaded", 503, 7)
    assert time.monotonic() - start < 5


def test_the_body_of_an_error_may_be_compressed_and_broken() -> None:
    good = gzip.compress(b'{"error":{"message":"too many"}}')
    head = b"HTTP/1.1 429 No\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n"
    assert "too many" in str(reply(head + good).failure)
    assert reply(head + b"junk").failure.kind == "rate_limit"
    assert reply(head.replace(b"gzip", b"br") + b"junk").failure.kind == "rate_limit"


async def request_of(send: Callable[[HTTPProvider], Coroutine[Any, Any, Told]]) -> tuple[str, Any]:
    """Head and JSON body of the request that `send` makes."""
    seen: list[tuple[bytes, bytes]] = []

    async def answer(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(HEAD + b"\r\n" + HELLO + FINISH + DONE)

    async with serving(answer) as url:
        transport = Transport()
        await send(connect(url, transport=transport))
        await transport.aclose()
    return seen[0][0].decode().lower(), json.loads(seen[0][1])


def test_headers_of_the_call_win_and_each_is_sent_once() -> None:
    async def body() -> None:
        request = Request(
            messages=ASK, headers={"X-Mine": "1", "User-Agent": "me", "ACCEPT": "a/b"}
        )
        head, sent = await request_of(lambda provider: tell(provider, "m", request))
        assert f"authorization: bearer {KEY}" in head
        assert "accept-encoding: identity\r\n" in head
        assert "content-type: application/json\r\n" in head
        assert "x-mine: 1\r\n" in head
        assert head.count("user-agent:") == head.count("accept:") == 1
        assert "user-agent: me\r\n" in head
        assert sent["model"] == "m"
        assert sent["stream"] is True

    run(body())


def test_half_a_character_in_the_prompt_does_not_stop_the_request() -> None:
    async def body() -> None:
        request = Request(messages=({"role": "user", "content": "a\ud83d"},))
        _, sent = await request_of(lambda provider: tell(provider, "m", request))
        assert sent["messages"][0]["content"] == "a\ufffd"

    run(body())


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (Request(messages=ASK, extra={"my_field": object()}), "my_field"),
        (Request(messages=ASK, headers={"x-mine": "a\r\nb"}), "x-mine"),
    ],
)
def test_what_cannot_be_sent_is_a_config_error(
    server: ThreadedFaultServer, request_: Request, named: str
) -> None:
    async def body() -> None:
        with pytest.raises(ConfigError, match=named):
            await tell(connect(server.url), "fault:ok", request_)

    run(body())


def test_a_key_with_a_line_break_is_refused_unseen() -> None:
    with pytest.raises(ConfigError, match="authorization") as caught:
        HTTPProvider(
            CATALOG["openai"], url="http://x", headers={"authorization": f"{KEY}\n"},
            transport=Transport(),
        )  # fmt: skip
    assert KEY not in str(caught.value)


def test_neither_the_provider_nor_its_headers_show_the_key() -> None:
    provider = connect("http://x")
    assert KEY not in repr(provider) + repr(vars(provider))


def test_a_credential_in_the_url_is_taken_out_of_errors() -> None:
    async def body() -> None:
        async def answer(peer: Peer) -> None:
            head, _ = await peer.request()
            told = head.split(b"\r\n")[0]
            size = f"HTTP/1.1 403 No\r\ncontent-length: {len(told)}\r\n\r\n"
            await peer.send(size.encode() + told)

        async with serving(answer) as url:
            provider = HTTPProvider(
                CATALOG["gemini"], url=f"{url}/v1?key={KEY}&version=2044-10-21", headers={},
                transport=Transport(),
            )  # fmt: skip
            message = str((await tell(provider, "m")).failure)
        assert "2044-10-21" in message

    run(body())


class Shouting:
    """A decoder of our own: every event is text."""

    def __init__(self, server: object) -> None:
        self.finished = self.passing = self.done = False

    def feed(self, events: SSE, out: list[Delta]) -> None:
        self.finished = self.done = events.data[-1] == b"over"
        out += [TextDelta(data.decode().upper()) for data in events.data if data != b"over"]

    def end(self) -> Stop:
        return Stop("stop" if self.finished else None)

    def whole(self, body: bytes, out: list[Delta]) -> None:
        raise ProtocolError("never")


def say(model: str, request: Request, server: object) -> Mapping[str, Any]:
    return {"say": model}


def test_a_dialect_of_ones_own_can_be_given() -> None:
    async def body() -> None:
        async def answer(peer: Peer) -> None:
            assert (await peer.request())[1] == b'{"say":"m"}'
            await peer.send(HEAD + b"\r\ndata: hi\n\ndata: over\n\n")
            await peer.gone()

        async with serving(answer) as url:
            transport = Transport()
            dialect = Dialect(say, Shouting)
            provider = HTTPProvider(
                CATALOG["openai"], url=url, headers={}, transport=transport, dialect=dialect
            )
            told = await tell(provider, "m")
            await transport.aclose()
        assert (told.text, told.stop.reason) == ("HI", "stop")

    run(body())


@pytest.mark.parametrize(
    ("head", "declared", "whole", "form"),
    [
        (b"d", "text/plain", False, None),
        (b"\xef\xbb", "text/plain", False, None),
        (b"  ", "text/plain", False, None),
        (b"  ", "text/plain", True, "events"),
        (b"data:", "", False, "events"),
        (b" [1]", "text/plain", False, "json"),
        (b"\xef\xbb\xbf{", "text/event-stream", False, "json"),
        (b"nonsense\n", "text/event-stream", False, "events"),
        (b"nonsense\n", "application/problem+json", False, "json"),
        (b"nonsense\n", "", False, "unknown"),
    ],
)
def test_a_body_is_known_by_its_first_bytes(
    head: bytes, declared: str, whole: bool, form: Form | None
) -> None:
    assert form_of(head, declared, whole=whole) == form
