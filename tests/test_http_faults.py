"""The HTTP provider against the fault server, in both dialects."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator

import pytest

from cascadeflow.errors import ErrorKind
from cascadeflow.types import Request, Started, TextDelta

from .asking import ANSWER, ASK, Told, connect, run, tell
from .faultserver import ThreadedFaultServer


@pytest.fixture(scope="module", name="server")
def fault_server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


def ask_fault(server: ThreadedFaultServer, fault: str, name: str = "openai") -> Told:
    told: list[Told] = []

    async def body() -> None:
        told.append(await tell(connect(server.url, name), f"fault:{fault}"))

    run(body())
    return told[0]


both = pytest.mark.parametrize("name", ["openai", "anthropic"])


@both
@pytest.mark.parametrize(
    "fault",
    ["ok", "no-done", "http10", "gzip", "deflate", "deflate?raw=1", "json-instead-of-sse", "crlf",
     "cr", "bom", "bom?split=1", "no-space", "multiline-data", "comments", "empty-data",
     "unknown-events", "inject-header", "length-short", "disconnect-before-done",
     "wrong-content-type", "wrong-content-type?ctype=text/plain",
     "wrong-content-type?ctype=application/json", "wrong-content-type?ctype="],
)  # fmt: skip
def test_a_whole_answer_is_read_however_it_is_wrapped(
    server: ThreadedFaultServer, fault: str, name: str
) -> None:
    told = ask_fault(server, fault, name)
    assert told.text.startswith(ANSWER)
    assert told.text.endswith("universities.")
    assert told.stop.reason == "stop"
    assert told.stop.usage is not None
    assert (told.stop.usage.input_tokens, told.stop.usage.output_tokens) == (11, 42)
    assert not told.stop.damaged


@both
def test_the_first_batch_says_that_the_server_accepted(
    server: ThreadedFaultServer, name: str
) -> None:
    first = ask_fault(server, "ok", name).batches[0]
    assert len(first) == 1
    assert isinstance(first[0], Started)
    assert (first[0].request_id or "").startswith("req_fault_")


@both
@pytest.mark.parametrize("size", [1, 3, 7])
def test_bytes_may_be_cut_anywhere(server: ThreadedFaultServer, size: int, name: str) -> None:
    told = ask_fault(server, f"split-bytes?size={size}", name)
    assert told.text.startswith("Grüße 漢字 😀")
    assert told.stop.reason == "stop"


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        ("disconnect-before-done", "connection was lost"),
        ("wrong-content-type", "application/octet-stream"),
        ("ok", None),
    ],
)
def test_what_was_odd_becomes_a_warning(
    server: ThreadedFaultServer, fault: str, warning: str | None
) -> None:
    warnings = ask_fault(server, fault).stop.warnings
    assert warning in str(warnings) if warning else warnings == ()


@both
@pytest.mark.parametrize(
    ("fault", "kind", "retryable", "heard"),
    [
        ("disconnect-before-head", "incomplete", True, 0),
        ("rst-before-head", "incomplete", True, 0),
        ("disconnect-after-head", "incomplete", True, 0),
        ("disconnect-after-3", "incomplete", True, 3),
        ("rst-after-3", "incomplete", True, 3),
        ("disconnect-mid-event", "incomplete", True, 3),
        ("empty-stream", "empty", True, 0),
        ("only-done", "empty", True, 0),
        ("status-204", "empty", True, 0),
        ("400", "bad_request", False, 0),
        ("401", "auth", False, 0),
        ("403?body=html", "auth", False, 0),
        ("404?body=empty", "not_found", False, 0),
        ("408", "timeout.server", True, 0),
        ("409?body=nested", "conflict", True, 0),
        ("413", "bad_request", False, 0),
        ("429", "rate_limit", True, 0),
        ("429?quota=1", "quota", False, 0),
        ("500?should-retry=false", "server", False, 0),
        ("400?should-retry=true", "bad_request", True, 0),
        ("502?body=text", "server", True, 0),
        ("503", "overloaded", True, 0),
        ("529", "overloaded", True, 0),
        ("redirect", "protocol", False, 0),
        ("redirect-loop", "protocol", False, 0),
        ("head-garbage", "protocol", True, 0),
        ("gzip-corrupt", "decode", True, 0),
        ("gzip-unannounced", "decode", True, 0),
        ("html-200", "protocol", False, 0),
        ("json-error-200", "server", True, 0),
        ("error-first", "overloaded", True, 0),
        ("error-in-stream?style=string", "overloaded", True, 2),
        ("error-in-stream?style=vllm", "bad_request", False, 2),
        ("error-in-stream?style=code429", "rate_limit", True, 2),
    ],
)
def test_a_fault_has_a_kind_and_what_was_said_before_is_heard(
    server: ThreadedFaultServer, fault: str, kind: ErrorKind, retryable: bool, heard: int, name: str
) -> None:
    told = ask_fault(server, fault, name)
    error = told.failure
    assert (error.kind, error.retryable) == (kind, retryable)
    assert (error.provider, error.model) == (name, f"fault:{fault}")
    assert len(str(error).encode()) <= 2300
    texts = [d for batch in told.batches for d in batch if isinstance(d, TextDelta)]
    assert len(texts) == heard


@both
def test_a_broken_chunk_is_a_protocol_error_and_never_a_hang(
    server: ThreadedFaultServer, name: str
) -> None:
    error = ask_fault(server, "bad-chunk-size", name).failure
    assert (error.kind, error.retryable) == ("protocol", True)


@both
@pytest.mark.parametrize(
    "fault", ["no-finish", "truncated-clean-3", "disconnect-after-3?framing=close"]
)
def test_an_answer_without_a_finish_has_a_stop_without_a_reason(
    server: ThreadedFaultServer, fault: str, name: str
) -> None:
    assert ask_fault(server, fault, name).stop.reason is None


def test_a_malformed_event_damages_the_answer(server: ThreadedFaultServer) -> None:
    stop = ask_fault(server, "bad-json-event").stop
    assert stop.damaged
    assert stop.warnings


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        ("429?retry-after=1", 1, 1),
        ("429?retry-after-ms=300", 0.3, 0.3),
        ("429?retry-after-date=2", 1, 2),
    ],
)
def test_the_wish_to_be_left_alone_is_told(
    server: ThreadedFaultServer, fault: str, least: float, most: float
) -> None:
    wait = ask_fault(server, fault).failure.retry_after
    assert wait is not None
    assert least <= wait <= most


@both
def test_a_key_that_the_server_echoes_is_taken_out(server: ThreadedFaultServer, name: str) -> None:
    error = ask_fault(server, "401?body=leak", name).failure
    assert "Incorrect API key provided" in str(error)
    assert "[redacted]" in str(error)
    assert (error.request_id or "").startswith("req_fault_")


@both
@pytest.mark.parametrize("fault", ["ok-slow", "stall-after-3", "drip?delay=0.01"])
def test_closing_the_stream_closes_the_socket(
    server: ThreadedFaultServer, fault: str, name: str
) -> None:
    async def body() -> None:
        stream = connect(server.url, name).stream(f"fault:{fault}", Request(messages=ASK))
        for _ in range(2):
            await anext(stream)
        await stream.aclose()
        closed = time.time()
        await asyncio.sleep(0.1)
        record = server.log()[-1]
        assert record["outcome"] == "client-gone"
        assert record["t_client_gone"] - closed < 0.1

    run(body())


@pytest.mark.parametrize("fault", ["hang", "ttft-60", "stall-after-3", "503?k=x"])
def test_cancelling_leaves_no_socket_open(server: ThreadedFaultServer, fault: str) -> None:
    async def body() -> None:
        task = asyncio.create_task(tell(connect(server.url), f"fault:{fault}"))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.1)
        assert server.log()[-1]["outcome"] in ("client-gone", "complete")

    run(body())


def test_a_stream_that_is_forgotten_closes_its_socket(server: ThreadedFaultServer) -> None:
    async def body() -> None:
        stream = connect(server.url).stream("fault:ok-slow", Request(messages=ASK))
        await anext(stream)
        del stream
        gc.collect()
        await asyncio.sleep(0.1)
        assert server.log()[-1]["outcome"] == "client-gone"

    run(body())


def test_nothing_is_sent_before_the_first_batch_is_wanted(server: ThreadedFaultServer) -> None:
    async def body() -> None:
        before = len(server.log())
        stream = connect(server.url).stream("fault:ok", Request(messages=ASK))
        await stream.aclose()
        assert len(server.log()) == before

    run(body())


def test_a_connection_is_used_again_after_answers_and_errors(server: ThreadedFaultServer) -> None:
    async def body() -> None:
        provider, before = connect(server.url), len(server.log())
        for fault in ("ok", "503", "json-instead-of-sse", "404?body=html", "ok"):
            await tell(provider, f"fault:{fault}")
            await asyncio.sleep(0.01)
        assert len({record["conn"] for record in server.log()[before:]}) == 1

    run(body())
