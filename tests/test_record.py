"""What is recorded of the wire, and that a replay of it is the same query once more."""

from __future__ import annotations

import asyncio
import gzip
import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cascadeflow import (
    CascadeAgent,
    CascadeError,
    CascadeResult,
    ConfigError,
    ModelConfig,
    RetryPolicy,
    Timeouts,
)
from cascadeflow.providers.record import Recording
from cascadeflow.providers.replay import Replay
from cascadeflow.providers.wire import Wire

from .asking import KEY
from .faultserver import ThreadedFaultServer, closed_port
from .loopback import HEAD, Peer, serving

QUICK = RetryPolicy(base=0.0, cap=0.0)
NOWHERE = "http://nowhere.invalid"


@pytest.fixture(scope="module", name="server")
def fault_server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


def ask(
    url: str,
    wire: Callable[[Wire], Wire],
    *faults: str,
    provider: str = "openai",
    first_token: float = 10,
) -> CascadeResult:
    models = [
        ModelConfig(f"fault:{fault}", provider, cost=1, api_key=KEY, base_url=url)
        for fault in faults
    ]
    times = Timeouts(first_token=first_token)
    agent = CascadeAgent(models, wire=wire, retry=QUICK, timeouts=times)
    try:
        return agent.run_sync("Why is the sky blue?")
    except CascadeError as error:
        return error.result


def told(result: CascadeResult) -> tuple[Any, ...]:
    rows = [(row["model"], row["outcome"], row["error"], row["usd"]) for row in result.attempts]
    return result.content, result.total_cost, result.finish_reason, rows


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "faults",
    [
        ("ok?delay=0",),
        ("split-bytes?size=1&delay=0",),
        ("gzip?delay=0",),
        ("utf8-invalid",),
        ("json-instead-of-sse",),
        ("429|503|ok?delay=0&k=retry",),
        ("rst-after-3", "ok?tag=V&delay=0"),
        ("no-finish", "ok?tag=V&delay=0"),
        ("error-in-stream?after=2", "401"),
        ("html-200", "redirect"),
    ],
)
def test_a_replay_is_the_same_query_once_more(
    server: ThreadedFaultServer, tmp_path: Path, provider: str, faults: tuple[str, ...]
) -> None:
    path = tmp_path / "calls.jsonl"
    unique = [f"{fault}{'&' if '?' in fault else '?'}d={provider}" for fault in faults]
    first = ask(server.url, Recording(path), *unique, provider=provider)
    replay = Replay(path)
    again = ask(NOWHERE, replay, *unique, provider=provider)
    assert told(again) == told(first)
    assert replay.unplayed == 0
    assert KEY not in path.read_text("utf-8")


def test_failures_to_connect_and_deadlines_are_replayed_too(
    server: ThreadedFaultServer, tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{closed_port()}"
    for place, (url, fault) in enumerate(((nobody, "ok"), (server.url, "hang"))):
        path = tmp_path / f"{place}.jsonl"
        first = ask(url, Recording(path), fault, first_token=0.5)
        again = ask(NOWHERE, Replay(path, timing=True), fault, first_token=0.5)
        assert told(again) == told(first)


def test_a_silence_is_not_waited_for_without_timing(
    server: ThreadedFaultServer, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"
    first = ask(server.url, Recording(path), "hang", first_token=0.5)
    assert first.attempts[0]["error"] == "timeout.first_token"
    result = ask(NOWHERE, Replay(path), "hang")
    assert result.attempts[0]["error"] == "incomplete"


def test_timing_is_kept_on_demand(server: ThreadedFaultServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    ask(server.url, Recording(path), "ok?n=4&delay=0.1")
    seconds: list[float] = []
    for timing in (True, False):
        began = time.monotonic()
        ask(NOWHERE, Replay(path, timing=timing), "ok?n=4&delay=0.1")
        seconds.append(time.monotonic() - began)
    assert seconds[0] >= 0.3 > seconds[1]


def test_the_bytes_and_the_reads_are_those_of_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    parts = [b'data: {"choices":[{"delta":{"content":"\xc3', b'\xa9"}}]}\n\n', b"data: [DO"]

    async def body() -> None:
        async def answer(peer: Peer) -> None:
            await peer.request()
            await peer.send(HEAD + b"set-cookie: CANARY\r\nx-request-id: r1\r\n\r\n")
            for part in parts:
                await peer.send(part)
                await asyncio.sleep(0.05)

        async with serving(answer) as url:
            await asyncio.to_thread(ask, url, Recording(path), "m")

    asyncio.run(body())
    (row,) = lines(path)
    assert [text.encode("latin-1") for _, text in row["reads"]] == parts
    times = [row["head"], *(at for at, _ in row["reads"])]
    assert times == sorted(times)
    assert row["headers"] == {"content-type": "text/event-stream", "x-request-id": "r1"}
    assert "sky" not in path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize("pieces", [1, 7])
def test_an_echoed_key_becomes_asterisks_wherever_the_reads_cut_it(
    tmp_path: Path, coding: str, pieces: int
) -> None:
    path = tmp_path / "calls.jsonl"
    said = f'{{"error": {{"message": "bad key {KEY}, sent as {KEY[3:20]}"}}}}'.encode()
    data = gzip.compress(said) if coding else said

    async def body() -> None:
        async def answer(peer: Peer) -> None:
            await peer.request()
            head = f"HTTP/1.1 401 No\r\ncontent-length: {len(data)}\r\n"
            await peer.send(head.encode())
            await peer.send(b"content-encoding: gzip\r\n\r\n" if coding else b"\r\n")
            step = len(data) // pieces + 1
            for at in range(0, len(data), step):
                await peer.send(data[at : at + step])
                await asyncio.sleep(0.02)

        async with serving(answer) as url:
            await asyncio.to_thread(ask, url, Recording(path), "m")

    asyncio.run(body())
    (row,) = lines(path)
    text = "".join(text for _, text in row["reads"])
    assert not any(KEY[at : at + 8] in text for at in range(len(KEY) - 7))
    assert text.count("*") == len(KEY) + 17
    assert len(text) == len(said)
    assert ask(NOWHERE, Replay(path), "m").attempts[0]["error"] == "auth"


def test_another_request_is_refused_and_told_why(
    server: ThreadedFaultServer, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"
    ask(server.url, Recording(path), "ok?delay=0")
    with pytest.raises(CascadeError, match="holds no further answer to this request") as caught:
        CascadeAgent(
            [ModelConfig("fault:ok?delay=0", "openai", api_key="k", cost=0)], wire=Replay(path)
        ).run_sync("Something else")
    assert "1 of its answers are left" in str(caught.value)
    agent = CascadeAgent(
        [ModelConfig("fault:ok?delay=0", "openai", api_key="k", cost=0)],
        wire=Replay(path, exact=False),
    )
    assert agent.run_sync("Something else").content.startswith("Paris")
    with pytest.raises(CascadeError, match="0 of its answers are left"):
        agent.run_sync("Something else")


def test_a_line_that_was_cut_off_is_passed_over(
    server: ThreadedFaultServer, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"
    ask(server.url, Recording(path), "ok?delay=0")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:100])
    assert Replay(path).unplayed == 1
    ask(server.url, Recording(path), "ok?delay=0")
    assert Replay(path).unplayed == 2


@pytest.mark.parametrize("content", ["{}\n", "no json\n", '{"model":"m","digest":1}\n'])
def test_what_is_no_recording_is_a_config_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "calls.jsonl"
    with pytest.raises(ConfigError, match="cannot be read"):
        Replay(path)
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError, match="line 1"):
        Replay(path)


def test_a_wire_may_be_any_function_of_wires(server: ThreadedFaultServer) -> None:
    seen: list[Wire] = []

    def same(wire: Wire) -> Wire:
        seen.append(wire)
        return wire

    assert ask(server.url, same, "ok?delay=0").content
    assert len(seen) == 1
    with pytest.raises(ConfigError, match="wire is 'calls"):
        ask(server.url, "calls.jsonl", "ok")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] -- a mistake


def test_a_file_that_cannot_be_written_costs_no_answer_and_is_told_once(
    server: ThreadedFaultServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "calls.jsonl"
    recording = Recording(path)
    path.unlink()
    path.mkdir()
    for _ in range(2):
        assert ask(server.url, recording, "ok?delay=0").content
    recording.close()
    assert [record.message.split(" in ")[0] for record in caplog.records] == ["not recorded"]
