"""Answers that end, break or are damaged at byte k, for every k, through a scripted transport.

    python -m reliability.faults --bytes [--stride 1]

The bytes go through all of the package but the sockets, so that a query takes a millisecond. Of an
answer that is cut it must hold that what is shown is a beginning of the whole, and that it counts
as complete only if it is the whole. Of damaged bytes nobody can tell what they were, but the query
still ends once, in one answer, and its sums are right.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from cascadeflow import CascadeAgent, ModelConfig, RetryPolicy, ThresholdPolicy
from cascadeflow.consume import AnyEvent
from cascadeflow.errors import ProviderError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.http import HTTPProvider
from cascadeflow.providers.scripted import Scripted
from cascadeflow.providers.transport import Response, Transport
from cascadeflow.types import Delta, Stop, TextDelta, Usage
from tests.responses_events import STREAMS as STREAMS_OF_RESPONSES

from .promises import broken_by_events
from .staging import POSITIONS, Dialect, Firm, Position

Way: TypeAlias = Literal["cut", "reset", "corrupt"]
WAYS: tuple[Way, ...] = ("cut", "reset", "corrupt")
STREAMS = 10
"""Of each dialect."""
WIRE = Path(__file__).resolve().parents[2] / "shared" / "wire"
"""Streams recorded from real servers, where there are some."""
NAMES: dict[Dialect, str] = {"openai": "chat", "anthropic": "messages"}
OWN = (
    "ok?n=3", "finish-length?n=3", "reasoning?n=3", "tool-ok", "tool-text-then-call",
    "tool-parallel", "comments?n=3", "crlf?n=3", "surrogate-lone",
    "utf8-split?text=Gr%C3%BC%C3%9Fe%20%F0%9F%98%80",
)  # fmt: skip
"""Of the fault server: what is cut where nothing is recorded."""
DRAFT = "A draft."
HEALTHY: list[Delta] = [
    TextDelta(DRAFT),
    Stop("stop", usage=Usage(input_tokens=3, output_tokens=4)),
]


class Stream(NamedTuple):
    """A whole answer as bytes."""

    name: str
    server: str
    """In the catalogue of providers."""
    body: bytes


class Played(Response):
    """A response whose body is given."""

    def __init__(self, pieces: Sequence[bytes], failure: ProviderError | None) -> None:
        self.status = 200
        self.headers = {"content-type": "text/event-stream"}
        self._pieces = [piece for piece in pieces if piece]
        self._breaks = failure

    async def read(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._breaks is not None:
            raise self._breaks
        return b""

    def release(self) -> None:
        pass

    def close(self) -> None:
        pass


class Playing(Transport):
    """A transport that answers every request with the same bytes."""

    def __init__(self, body: bytes, way: Way, at: int) -> None:
        super().__init__(environ={})
        self._way = way
        whole = (
            body[:at] if way != "corrupt" else body[:at] + bytes([body[at] ^ 255]) + body[at + 1 :]
        )
        middle = at // 2
        self._pieces = (whole[:middle], whole[middle:])
        self.posts = 0

    async def post(self, url: str, **_: Any) -> Response:
        self.posts += 1
        lost = ProviderError("the connection was lost", kind="incomplete", retryable=True)
        return Played(self._pieces, lost if self._way == "reset" else None)


@dataclass
class Swept:
    """What came of many queries."""

    queries: int = 0
    ends: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])


async def sweep(stream: Stream, dialect: Dialect, way: Way, stride: int = 1) -> Swept:
    """Cut a stream at every `stride`-th byte, in both positions of a cascade."""
    swept = Swept()
    whole = (await _query(stream, dialect, "cut", len(stream.body), "verifier"))[0][-1]
    last = len(stream.body) - (way == "corrupt")
    for at in range(0, last + (way != "corrupt"), stride):
        for position in POSITIONS:
            events, transport = await _query(stream, dialect, way, at, position)
            swept.queries += 1
            swept.ends[_end(events)] += 1
            problems = broken_by_events(events)
            if not problems:
                problems = _unpaid(events, transport)
                if way != "corrupt":
                    problems += _unlike(events, whole, position)
            swept.problems += [f"{stream.name} {way} at {at}, {position}: {p}" for p in problems]
        await asyncio.sleep(0)
    return swept


async def _query(
    stream: Stream, dialect: Dialect, way: Way, at: int, position: Position
) -> tuple[list[AnyEvent], Playing]:
    transport = Playing(stream.body, way, at)
    server = CATALOG.get(stream.server, CATALOG[dialect])
    provider = HTTPProvider(server, url="http://127.0.0.1/v1", headers={}, transport=transport)
    models = [
        ModelConfig("tested", provider, 1.0),
        ModelConfig("healthy", Scripted({"healthy": HEALTHY}), 1.0),
    ]
    agent = CascadeAgent(
        models if position == "draft" else models[::-1],
        estimator=Firm(0.9 if position == "draft" else 0.3),
        policy=ThresholdPolicy(),
        retry=RetryPolicy(base=0, cap=0),
    )
    return [event async for event in agent.stream_events("Hi")], transport


def _end(events: Sequence[AnyEvent]) -> str:
    if any(
        event.type == "switch" and event.data["reason"].startswith("draft_error")
        for event in events
    ):
        return "taken over"
    return str(events[-1].type)


def _unpaid(events: Sequence[AnyEvent], transport: Playing) -> list[str]:
    rows = [row for row in events[-1].data["result"]["attempts"] if row["model"] == "tested"]
    return (
        []
        if len(rows) == transport.posts
        else [f"C8: {len(rows)} rows, {transport.posts} requests"]
    )


def _unlike(events: Sequence[AnyEvent], whole: AnyEvent, position: Position) -> list[str]:
    """How an answer that was cut differs from the beginning of the whole one."""
    full: dict[str, Any] = whole.data["result"]
    result: dict[str, Any] = events[-1].data["result"]
    shown = "".join(
        event.content
        for event in events
        if event.type == "chunk" and event.data["model"] == "tested"
    )
    told: list[str] = []
    if result["model_used"] == "tested" and events[-1].type == "complete":
        is_whole = whole.type == "complete" and _said(result) == _said(full)
        told += [] if is_whole else [f"C3: complete with {_said(result)!r:.160}"]
    # The retries before the first text show nothing, so that what is shown is of one attempt.
    if not full["content"].startswith(shown):
        told.append(f"C2: {shown[-80:]!r} was shown, of {full['content'][:80]!r}")
    return told


def _said(result: dict[str, Any]) -> list[object]:
    """All that an answer says; made-up ids of calls differ."""
    calls = [(call["name"], call["arguments"]) for call in result["tool_calls"]]
    return [result["content"], result["finish_reason"], calls]


def responses() -> list[Stream]:
    """Whole answers of the Responses API."""
    return [Stream(name, "openai-responses", body) for name, body in STREAMS_OF_RESPONSES.items()]


def streams(url: str, dialect: Dialect) -> list[Stream]:
    """Ten whole answers: recorded ones if there are some, else those of a fault server at `url`."""
    index = WIRE / "INDEX.jsonl"
    return _recorded(index, dialect) if index.exists() else own_streams(url, dialect)


def own_streams(url: str, dialect: Dialect) -> list[Stream]:
    """Whole answers of a fault server."""
    path = "chat/completions" if dialect == "openai" else "messages"
    found: list[Stream] = []
    for fault in OWN:
        body = json.dumps({"model": f"fault:{fault}", "stream": True, "messages": []}).encode()
        request = urllib.request.Request(f"{url}/v1/{path}", body)
        with urllib.request.urlopen(request) as answer:
            found.append(Stream(fault, dialect, answer.read()))
    return found


def _recorded(index: Path, dialect: Dialect) -> list[Stream]:
    """The ten that together have the most features, short ones first."""
    lines = index.read_text("utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    rest = [row for row in rows if row["dialect"] == NAMES[dialect] and row["kind"] == "sse"]
    rest.sort(key=lambda row: row["bytes"])
    seen: set[str] = set()
    found: list[Stream] = []
    while rest and len(found) < STREAMS:
        best = max(rest, key=lambda row: len({*row["features"], row["provider"]} - seen))
        rest.remove(best)
        seen |= {*best["features"], best["provider"]}
        body = (index.parent / best["file"]).read_bytes()
        found.append(Stream(best["file"], best["provider"], body))
    return found
