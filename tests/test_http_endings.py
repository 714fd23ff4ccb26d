"""The HTTP provider after the finish of an answer, and what it takes out of what servers say."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Sequence
from typing import Any

import pytest

from cascadeflow.providers.transport import Transport
from cascadeflow.types import Started, Usage

from .asking import KEY, Told, connect, run, tell
from .loopback import HEAD, Peer, serving


def event(delta: object, finish: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice], **fields}).encode() + b"\n\n"


OPEN = HEAD + b"\r\n"
HELLO = event({"content": "Hello"})
FINISH = event({}, "stop")
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":42}}\n\n'
DONE = b"data: [DONE]\n\n"


def reply(steps: Sequence[bytes | float], name: str = "openai") -> Told:
    """What is told of a server that sends `steps`; a number is a pause in seconds."""
    told: list[Told] = []

    async def answer(peer: Peer) -> None:
        await peer.request()
        for step in steps:
            await (peer.send(step) if isinstance(step, bytes) else asyncio.sleep(step))

    async def body() -> None:
        transport = Transport()
        async with serving(answer) as url:
            told.append(await tell(connect(url, name, transport), "m"))
            await transport.aclose()

    run(body())
    return told[0]


HEARTBEATS = [b": keep-alive\n\n", event({}), b"data: \n\n"]


@pytest.mark.parametrize("alive", HEARTBEATS)
def test_what_keeps_a_connection_alive_keeps_no_finished_answer_waiting(alive: bytes) -> None:
    start = time.monotonic()
    beats: list[bytes | float] = [alive, 0.2]
    told = reply([OPEN, HELLO, FINISH, USAGE, *beats * 30])
    assert (told.text, told.stop.reason) == ("Hello", "stop")
    assert told.stop.usage == Usage(input_tokens=11, output_tokens=42)
    assert time.monotonic() - start < 4


def test_an_answer_that_is_finished_with_every_piece_may_pause_and_take_long() -> None:
    piece = event({"content": "a"}, "stop")
    pieces: list[bytes | float] = [piece, 0.3]
    told = reply([OPEN, piece, 1.2, *pieces * 5, DONE])
    assert (told.text, told.stop.reason, told.stop.warnings) == ("aaaaaa", "stop", ())


def test_an_error_after_the_finish_costs_no_answer() -> None:
    error = b'data: {"error":{"message":"telemetry failed","code":500}}\n\n'
    told = reply([OPEN, HELLO, FINISH, USAGE, error])
    assert (told.text, told.stop.reason) == ("Hello", "stop")
    assert told.stop.usage == Usage(input_tokens=11, output_tokens=42)
    assert told.stop.warnings == ("after the end of the answer: telemetry failed",)


@pytest.mark.parametrize("field", ["error", "x_groq"])
def test_an_error_beside_the_finish_is_an_error(field: str) -> None:
    said: object = {"message": "out of memory", "code": 500}
    said = {"error": said} if field == "x_groq" else said
    assert reply([OPEN, HELLO, event({}, "stop", **{field: said})]).failure.kind == "server"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n", b""])
def test_blanks_before_the_events_are_passed_over(mark: bytes, end: bytes) -> None:
    told = reply([OPEN, mark + b" " * 2048, 0.02, b" " * 99 + end, HELLO, FINISH, DONE])
    assert (told.text, told.stop.reason) == ("Hello", "stop")


@pytest.mark.parametrize("zero", ["prompt_tokens", "completion_tokens"])
def test_zeros_for_what_was_not_counted_are_no_count(zero: str) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 42, zero: 0}
    stop = reply([OPEN, HELLO, event({}, "stop", usage=usage), DONE]).stop
    assert stop.usage is None
    assert "counted no tokens" in str(stop.warnings)


def test_zeros_of_the_messages_api_are_no_count() -> None:
    def sse(**fields: Any) -> bytes:
        return b"data: " + json.dumps(fields).encode() + b"\n\n"

    nothing = {"input_tokens": 0, "output_tokens": 0}
    start = sse(type="message_start", message={"id": "m", "usage": nothing})
    text = {"type": "text_delta", "text": "Hello"}
    end = sse(type="message_delta", delta={"stop_reason": "end_turn"}, usage=nothing)
    more = sse(type="content_block_delta", index=0, delta=text)
    told = reply([OPEN, start, more, end, sse(type="message_stop")], "anthropic")
    assert (told.text, told.stop.reason, told.stop.usage) == ("Hello", "stop", None)
    assert "counted no tokens" in str(told.stop.warnings)


def test_a_key_that_a_good_answer_echoes_is_taken_out() -> None:
    head = f"HTTP/1.1 200 OK\r\nx-request-id: req-{KEY}\r\ncontent-type: text/{KEY.title()}\r\n\r\n"
    typed = head.replace(KEY.title(), KEY)
    refusal = event({"refusal": f"{KEY} may not"})
    for first in (typed, head.replace(KEY.title(), "event-stream")):
        told = reply([first.encode(), HELLO, refusal, event({}, KEY), DONE])
        started = told.batches[0][0]
        assert isinstance(started, Started)
        assert started.request_id == "req-[redacted]"
        assert told.stop.warnings
        assert KEY[3:].lower() not in f"{told.stop!r} {started!r}".lower()


@pytest.mark.parametrize("end", [b"\0" * 8, b""])
def test_a_finished_answer_outlives_what_breaks_its_compression(end: bytes) -> None:
    body = gzip.compress(HELLO + FINISH + USAGE)[:-8] + end
    told = reply([OPEN.replace(b"\r\n", b"\r\ncontent-encoding: gzip\r\n", 1) + body])
    assert (told.text, told.stop.reason) == ("Hello", "stop")
    assert "compressed response" in str(told.stop.warnings)


def test_a_broken_compression_is_told_at_once_though_the_connection_stays() -> None:
    sender = zlib.compressobj(wbits=31)
    body = sender.compress(HELLO) + sender.flush(zlib.Z_SYNC_FLUSH) + b"\xff" * 9
    start = time.monotonic()
    told = reply([OPEN.replace(b"\r\n", b"\r\ncontent-encoding: gzip\r\n", 1) + body, 3.0])
    assert (told.text, told.failure.kind) == ("Hello", "decode")
    assert time.monotonic() - start < 2.9
