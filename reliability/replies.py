"""What a simulated server does with one request: an answer, and perhaps a fault, from a seed.

Units: seconds, bytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import pairwise
from random import Random
from typing import Literal, NamedTuple

from cascadeflow.errors import ErrorKind

from . import answers
from .answers import Event, Said

UNREACHED: Mapping[str, ErrorKind] = {
    "refused": "connect",
    "no-host": "dns",
    "no-tls": "tls",
    "slow-connect": "timeout.connect",
    "lost-before-head": "incomplete",
}
"""Faults before the head of the answer, and how the transport tells them."""
IN_BODY = (
    "cut", "framing", "eof", "stall", "pings", "corrupt", "drip", "error-event", "garbage-event",
    "html", "empty", "only-end", "no-finish", "no-end", "odd-type", "gzip-unannounced", "refusal",
    "length", "whitespace", "json", "json-error", "comments", "carriage-returns",
)  # fmt: skip
FAULTS = (*UNREACHED, "hang", "redirect", "status", "status", "status", *IN_BODY)
HARMLESS = ("drip", "no-end", "odd-type", "json", "comments", "carriage-returns", "length")
"""Faults after which the answer is whole all the same."""
STATUSES = (204, 400, 401, 403, 404, 408, 409, 413, 422, 429, 429, 429, 500, 502, 503, 529)


class Read(NamedTuple):
    """One read of a body."""

    delay: float
    data: bytes
    plain: int
    """Bytes of the uncompressed body that have come with it, at most."""


@dataclass(slots=True)
class Reply:
    """One request's fate."""

    fault: str
    said: Said
    head_delay: float = 0.0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    wait: float | None = None
    """Seconds it asks to wait, where that can be understood."""
    reads: list[Read] = field(default_factory=list[Read])
    end: Literal["eof", "cut", "framing", "stall", "pings"] = "eof"
    intact: bool = True
    """What comes of the body is what was said."""
    content_at: list[int] = field(default_factory=list[int])
    """Where pieces of content end in the uncompressed body."""
    finish_at: int | None = None
    """Where the event ends that says why the model ended; None: there is none."""
    largest: int = 0
    """Bytes of the largest event."""


def reply(
    chance: Random, label: str, dialect: str, key: str, *, calling: bool, weather: float
) -> Reply:
    """What comes of a request.

    Args:
        chance: of this request alone.
        label: of its words.
        dialect: "chat" or "messages".
        key: that of the request, to be echoed by a careless server.
        calling: tools are offered.
        weather: probability of a fault.
    """
    what = answers.said(chance, label, calling=calling)
    fault = chance.choice(FAULTS) if chance.random() < weather else "none"
    made = Reply(fault, what, head_delay=chance.choice((0.0, 0.01, 0.3, 2.0)))
    made.headers = {"content-type": "text/event-stream", "x-request-id": f"req-{label}"}
    if fault in UNREACHED or fault in ("hang", "redirect"):
        return made
    if fault == "status":
        _refuse(chance, made, key)
    else:
        _answer(chance, made, dialect, key)
    return made


def _refuse(chance: Random, made: Reply, key: str) -> None:
    """A status other than success, with every kind of body and of `Retry-After`."""
    made.status = chance.choice(STATUSES)
    if made.status == 429 or (made.status >= 400 and chance.random() < 0.3):
        _ask_to_wait(chance, made)
    if chance.random() < 0.15:
        made.headers["x-should-retry"] = chance.choice(("true", "false"))
    told = {
        "message": f"no, not with {key}",
        "type": chance.choice(("overloaded_error", "x", None)),
    }
    if chance.random() < 0.15:
        told["code"] = "insufficient_quota"
    body = chance.choice(
        (json.dumps({"error": told}), json.dumps(told), f"<html><p>{key}</p></html>", "", key)
    )
    made.end = chance.choice(("eof", "eof", "cut", "stall"))
    made.reads = _reads(chance, body.encode())


def _ask_to_wait(chance: Random, made: Reply) -> None:
    seconds = chance.choice((0, 1, 2, 5, 90, 3600))
    match chance.randrange(4):
        case 0:
            made.headers["retry-after"] = str(seconds)
            made.wait = seconds
        case 1:
            made.headers["retry-after-ms"] = str(seconds * 100)
            made.wait = seconds / 10
        case 2:
            now = 1_700_000_000.0 + chance.randrange(10**6)
            made.headers["date"] = formatdate(now, usegmt=True)
            made.headers["retry-after"] = formatdate(now + seconds, usegmt=True)
            made.wait = seconds
        case _:
            made.headers["retry-after"] = chance.choice(("banana", "-1", "nan", ""))


def _answer(chance: Random, made: Reply, dialect: str, key: str) -> None:
    """A body, whole or broken."""
    _restrict(made)
    make: Callable[[Random, Said], list[Event]]
    make = answers.chat if dialect == "chat" else answers.messages
    events = _marred(chance, made, make(chance, made.said), dialect, key)
    if made.fault == "comments":
        at = chance.randrange(len(events) + 1)
        events.insert(at, Event(b": ping\n\nid: 7\nretry: 10\nodd: field\n\n"))
    if made.fault == "carriage-returns":
        eol = chance.choice((b"\r\n", b"\r"))
        events = [each._replace(data=each.data.replace(b"\n", eol)) for each in events]
    place = 0
    for event in events:
        place += len(event.data)
        made.largest = max(made.largest, len(event.data))
        if event.content:
            made.content_at.append(place)
        if event.finish:
            made.finish_at = place
    made.reads = _encoded(chance, made, _reads(chance, b"".join(each.data for each in events)))
    _break(chance, made)


def _restrict(made: Reply) -> None:
    """Faults of the model rather than of the network."""
    what = made.said
    if made.fault in ("refusal", "length"):
        made.said = what._replace(finish=made.fault)
    elif made.fault == "whitespace":
        made.said = what._replace(texts=(" ", "\n"), calls=(), finish="stop")
    elif made.fault == "json":
        made.said = what._replace(
            calls=(), thoughts=(), finish="stop", texts=what.texts or ("yes",)
        )


def _marred(
    chance: Random, made: Reply, events: list[Event], dialect: str, key: str
) -> list[Event]:
    """The events of the body, with faults that are whole events."""
    at = chance.randrange(len(events))
    ends = next(place for place, event in enumerate(events) if event.finish)
    match made.fault:
        case "error-event":
            return [*events[:at], answers.failure(dialect, f"too busy for {key}"), *events[at:]]
        case "garbage-event":
            made.intact = False
            bad = Event(chance.choice((b'data: {"choices": [\n\n', b"data: [1, 2\n\n")))
            return [*events[:at], bad, *events[at + chance.randrange(2) :]]
        case "html":
            made.headers["content-type"] = chance.choice(("text/html", "text/event-stream"))
            return [Event(f"<!doctype html><p>{key}</p>".encode())]
        case "json":
            made.headers["content-type"] = "application/json"
            return [answers.whole(dialect, made.said)]
        case "json-error":
            made.headers["content-type"] = "application/json"
            return [Event(json.dumps({"error": {"message": f"bad {key}", "type": "x"}}).encode())]
        case "empty":
            return [Event(b"")]
        case "only-end":
            return events[-1:]
        case "no-finish":
            return [event for event in events if not event.finish]
        case "no-end":
            return events[: max(ends + 1, chance.choice((len(events) - 1, ends + 1)))]
        case "odd-type":
            made.headers["content-type"] = chance.choice(("text/plain", "", "application/json"))
        case _:
            pass
    return events


def _reads(chance: Random, body: bytes) -> list[Read]:
    """The body, cut anywhere."""
    most = chance.choice((1, 2, 5, 40)) if len(body) < 20_000 else 40
    cuts = sorted(chance.randrange(len(body) + 1) for _ in range(most)) if body else []
    edges = [0, *cuts, len(body)]
    return [
        Read(chance.choice((0.0, 0.0, 0.001, 0.05)), body[a:b], b)
        for a, b in pairwise(edges)
        if b > a
    ]


def _encoded(chance: Random, made: Reply, reads: list[Read]) -> list[Read]:
    """The same, compressed now and then; what each read brings is flushed."""
    if made.fault != "gzip-unannounced":
        if chance.random() > 0.12:
            return reads
        made.headers["content-encoding"] = "gzip"
    press = zlib.compressobj(wbits=31)
    out = [
        read._replace(data=press.compress(read.data) + press.flush(zlib.Z_SYNC_FLUSH))
        for read in reads
    ]
    return [*out, Read(0.0, press.flush(), out[-1].plain if out else 0)]


def _break(chance: Random, made: Reply) -> None:
    """Faults of the bytes on their way."""
    reads = made.reads
    match made.fault:
        case "cut" | "framing" | "stall" | "pings" | "eof" as how:
            made.end = how
            at = chance.randrange(len(reads))
            read = reads[at]
            kept = chance.randrange(len(read.data) + 1)
            # Of compressed bytes nobody knows how much of the text is in them.
            lost = 0 if "content-encoding" in made.headers else len(read.data) - kept
            last = Read(read.delay, read.data[:kept], read.plain - lost)
            made.reads = [*reads[:at], last] if kept else reads[:at]
        case "corrupt":
            made.intact = False
            # Within compressed text a byte may stand for any other text, so there the head suffers.
            packed = "content-encoding" in made.headers
            at = 0 if packed else chance.randrange(len(reads))
            data = bytearray(reads[at].data)
            place = 0 if packed else chance.randrange(len(data))
            # Nothing that would make one digit another: no reader could see that.
            data[place] = chance.choice((0, 0xFF, data[place] ^ 0x80, 10, 34, 32, 123, 125))
            reads[at] = reads[at]._replace(data=bytes(data))
        case "drip":
            made.reads = [read._replace(delay=chance.choice((0.2, 1.0, 4.0))) for read in reads]
        case _:
            pass
