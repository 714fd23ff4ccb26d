"""What is fuzzed: everything that reads bytes of a server or text of a model.

Each target takes any bytes, checks the promises, and says in a few words what came of them. Broken
promises are `AssertionError`s, untyped errors escape as they are. The promises: only typed errors;
the same result however the bytes are cut; valid Unicode; calls with unique ids and all their text.

`mutate` makes odd streams of good ones by their grammar (events, JSON values, line ends, bytes);
`corpus` takes the good ones, and the bad ones known so far, from the fault server.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from cascadeflow.core.calling import check_object
from cascadeflow.core.calls import CallFragment, Calls, CallStarted, CallStep
from cascadeflow.errors import ProtocolError, ProviderError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.decompress import decompressor
from cascadeflow.providers.excerpt import LIMIT as EXCERPT
from cascadeflow.providers.failures import error_from_status
from cascadeflow.providers.http import DIALECTS, form_of
from cascadeflow.providers.lenient import is_list, is_object
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.streaming.utils import ParseResult, ProgressiveJSONParser
from cascadeflow.tools.strict_json import UnusableJSON, loads
from cascadeflow.types import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta
from tests import faultserver, responses_events

LINE = 64 * 1024
"""Bytes of a line or event in these checks, so that the bound is met."""
CODINGS = ("gzip", "deflate", "identity")
SMALL = "mb=0.01&kb=1&depth=140&n=4&secs=0&delay=0&count=20"
"""Parameters that keep the fault server's streams short."""

Chance: TypeAlias = random.Random
Target: TypeAlias = Callable[[bytes, Chance], str]
"""Bytes and where to cut them; what came of them."""
Cut = TypeVar("Cut", bytes, str)


def pieces(whole: Cut, chance: Chance) -> list[Cut]:
    """Bytes or text cut at a few places, or into single ones."""
    size = len(whole)
    edges: list[int] = list(range(size))
    if size >= 2_000 or chance.random() >= 0.1:
        edges = sorted(chance.randint(0, size) for _ in range(chance.randint(0, 12)))
    return [whole[a:b] for a, b in pairwise([0, *edges, size])]


# --- targets -------------------------------------------------------------------------------------


def _stream(server: str, parts: Iterable[bytes]) -> tuple[list[Delta], Stop | ProviderError]:
    line = CATALOG[server]
    lines, decoder, out = SSEDecoder(LINE), DIALECTS[line.dialect].decoder(line), list[Delta]()
    try:
        for part in parts:
            for event in lines.feed(part):
                decoder.feed(event, out)
    except ProviderError as error:
        return out, error
    return out, decoder.end()


def _answer(server: str, data: bytes, chance: Chance) -> str:
    deltas, end = _stream(server, [data])
    others, other = _stream(server, pieces(data, chance))
    assert others == deltas, "another cut of the bytes gives other deltas"
    assert _fate(other) == _fate(end), "another cut of the bytes gives another end"
    return _described(deltas, end)


def chat(data: bytes, chance: Chance) -> str:
    """A stream in the dialect of OpenAI."""
    return _answer("openai", data, chance)


def messages(data: bytes, chance: Chance) -> str:
    """A stream in the dialect of Anthropic."""
    return _answer("anthropic", data, chance)


def responses(data: bytes, chance: Chance) -> str:
    """A stream of OpenAI's Responses API."""
    return _answer("openai-responses", data, chance)


def body(data: bytes, chance: Chance) -> str:
    """An answer that came as one JSON object, or as something else altogether."""
    line = CATALOG[chance.choice(("openai", "anthropic", "openai-responses"))]
    form = form_of(data[:512], chance.choice(("", "text/html", "application/json")), whole=True)
    decoder, out = DIALECTS[line.dialect].decoder(line), list[Delta]()
    try:
        decoder.whole(data, out)
    except ProviderError as error:
        return f"{form} {_described(out, error)}"
    return f"{form} {_described(out, decoder.end())}"


def failure(data: bytes, chance: Chance) -> str:
    """The body of an error."""
    status = chance.choice((400, 401, 404, 418, 429, 500, 503, 529))
    error = error_from_status(status, {"retry-after": data[:9].decode("latin-1")}, data, now=0.0)
    assert len(error.message.encode()) <= EXCERPT + 16, "more than 2 KiB of the server's words"
    assert len(error.message.splitlines()) == 1, "more than one line of the server's words"
    assert error.retry_after is None or error.retry_after >= 0
    return f"{status} {error.kind} {error.retryable}"


def inflate(data: bytes, chance: Chance) -> str:
    """A compressed body."""
    coding = chance.choice(CODINGS)
    whole, fate = _inflated(coding, [data])
    parts, other = _inflated(coding, pieces(data, chance))
    # The bound on the ratio is checked as the bytes come: how many came at once is part of it.
    if "protocol" not in (fate, other):
        assert other == fate, "another cut of the bytes gives another error"
        assert fate or parts == whole, "another cut of the bytes gives other bytes"
    return f"{coding} {fate or 'whole'} {len(whole).bit_length()}"


def _inflated(coding: str, parts: Iterable[bytes]) -> tuple[bytes, str]:
    plain, stream = bytearray(), decompressor(coding)
    try:
        for part in parts:
            plain += stream.feed(part)
        stream.end()
    except ProtocolError as error:
        return bytes(plain), error.kind
    return bytes(plain), ""


def json_text(data: bytes, chance: Chance) -> str:
    """JSON that grows, and the arguments of a call."""
    text = data.decode("utf-8", "surrogateescape")
    result, other = ProgressiveJSONParser().parse(text), _grown(text, chance)
    assert other == result, "another cut of the text gives another result"
    json.dumps(result.value, ensure_ascii=False, allow_nan=False).encode()
    check_object("f", text)
    try:
        value = loads(text)
    except UnusableJSON as error:
        return f"{result.state} {result.error_kind} {str(error)[:12].encode()!r}"
    assert result.complete, "the strict reader took what the growing one did not"
    assert result.value == value, "the two readers differ"
    return f"{result.state} {type(value).__name__}"


def _grown(text: str, chance: Chance) -> ParseResult:
    parser = ProgressiveJSONParser()
    for piece in pieces(text, chance):
        parser.feed(piece)
    return parser.refresh()


def calls(data: bytes, chance: Chance) -> str:
    """Fragments of tool calls, addressed in every way there is."""
    deltas = [
        ToolCallDelta(
            (None, 0, 1, 2)[code & 3],
            ("", "", "a", "b")[code >> 2 & 3],
            ("", "", "get_", "now")[code >> 4 & 3],
            ("", "{", '"}', "\\")[code >> 6],
            closed=chance.random() < 0.1,
        )
        for code in data[:2_000]
    ]
    offered = chance.choice(((), ("get_now",), ("get_", "now")))
    return " ".join(map(str, _assembled(deltas, offered)))


TARGETS: Mapping[str, Target] = {
    target.__name__: target
    for target in (chat, messages, responses, body, failure, inflate, json_text, calls)
}


def _fate(end: Stop | ProviderError) -> tuple[object, ...]:
    if isinstance(end, Stop):
        return end.reason, end.usage, end.raw_reason, end.detail, end.warnings, end.damaged
    return end.kind, end.message, end.retryable


def _described(deltas: Sequence[Delta], end: Stop | ProviderError) -> str:
    """The sorts of deltas and the end; checks their text on the way."""
    for delta in deltas:
        if isinstance(delta, TextDelta | ReasoningDelta):
            delta.text.encode()
        elif isinstance(delta, ToolCallDelta):
            (delta.id + delta.name + delta.arguments).encode()
    count, fate = _assembled([d for d in deltas if isinstance(d, ToolCallDelta)], ("get_weather",))
    sorts = "".join(sorted({type(delta).__name__[0] for delta in deltas}))
    if isinstance(end, Stop):
        " ".join((end.raw_reason, end.detail, *end.warnings)).encode()
        return f"{sorts} {count}{fate} {end.reason} {end.usage is not None} {end.damaged}"
    end.message.encode()
    return f"{sorts} {count}{fate} {end.kind} {end.retryable}"


def _assembled(deltas: Sequence[ToolCallDelta], offered: Iterable[str]) -> tuple[int, str]:
    """How many calls, and what ended them."""
    built, steps = Calls(offered), list[CallStep]()
    try:
        for delta in deltas:
            steps += built.add(delta)
    except ProtocolError as error:
        return min(len(built.calls), 3), error.kind
    steps += built.finish()
    ids = [call.id for call in built.calls]
    assert len(set(ids)) == len(ids), "an id was given twice"
    assert sum(isinstance(step, CallStarted) for step in steps) == len(ids)
    told = sum(len(step.arguments) for step in steps if isinstance(step, CallFragment))
    assert told == sum(len(delta.arguments) for delta in deltas), "arguments were lost or doubled"
    return min(len(ids), 3), ""


# --- streams to begin with -----------------------------------------------------------------------


def corpus(target: str) -> list[bytes]:
    """Bytes of the kind that `target` reads."""
    streams = [*_streams("/v1/messages" if target == "messages" else "/v1/chat/completions")]
    payloads = [line[6:] for stream in streams for line in stream.split(b"\n") if line[5:6] == b" "]
    match target:
        case "chat" | "messages":
            return streams
        case "responses":
            return [*responses_events.STREAMS.values()]
        case "inflate":
            return [zlib.compress(stream, wbits=wbits) for stream in streams for wbits in (31, -15)]
        case "calls":
            return [bytes(range(start, 256, 7)) for start in range(7)]
        case _:
            return sorted(set(payloads))


def _streams(path: str) -> Iterator[bytes]:
    """The body of every fault that is a script of events."""
    asked = {"model": "m", "stream": True, "tools": [{"function": {"name": "get_weather"}}]}
    for name, fault in faultserver.FAULTS.items():
        if fault.kind != "events" or (fault.openai_only and path.endswith("messages")):
            continue
        fault, params = faultserver.resolve(f"{name}?{SMALL}")
        request = faultserver.Request("POST", path, path, {}, b"", asked)
        nowhere: Any = None
        context = faultserver.Ctx(nowhere, request, name, fault, params, {"n": 1})
        stream = b"".join(step for step in fault.fn(context) if isinstance(step, bytes))
        if len(stream) <= LINE:
            yield stream


# --- mutation ------------------------------------------------------------------------------------

_TOKENS = (
    b"data: [DONE]\n\n", b"data: ", b"event: error\n", b"\r", b"\r\n\r\n", b"\n\n", b"\xef\xbb\xbf",
    b"\\ud83d", b"\\ude00", b"\\u0000", b"\xff\xfe", b"\xed\xa0\x80", b"\xf0\x9f", b"NaN", b"1e999",
    b'"', b"\\", b"{", b"}", b"[" * 130, b"]" * 130, b":", b",", b"null", b"\x00", b"\x1b[2J",
    b"\xe2\x80\xa8", b"<html>", b"\x1f\x8b", b"9" * 400,
)  # fmt: skip
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 10**400, 1e308, 0.5, "", "stop", "error", "length", "\x00",
    "\ud83d", "\ude00", "tool_calls", "tool_use", "content_block_delta", "{}", [], [[]], {}, [None],
    {"error": {"message": "no", "type": "overloaded_error"}}, {"text": "x"}, [{"index": 1}],
)  # fmt: skip
_SEPARATORS = (b"\n\n", b"\n", b"{", b'"')


def mutate(data: bytes, chance: Chance) -> bytes:
    """`data` with one to four changes."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_CHANGES)(data, chance)
    return data[:LINE]


def _change_bytes(data: bytes, chance: Chance) -> bytes:
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((0, 0, 1, 1, 2, 8, 200)))
    new = chance.choice((b"", b"", bytes((chance.randint(0, 255),)), chance.choice(_TOKENS)))
    return data[:start] + new + data[end:]


def _change_parts(data: bytes, chance: Chance) -> bytes:
    """Drop, double, swap or repeat what stands between separators."""
    mark = chance.choice(_SEPARATORS)
    parts = data.split(mark)
    one, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    match chance.randint(0, 3):
        case 0:
            del parts[one]
        case 1:
            parts.insert(other, parts[one])
        case 2:
            parts[one], parts[other] = parts[other], parts[one]
        case _:
            parts[one:one] = [parts[one]] * chance.choice((3, 30, 300))
    return mark.join(parts)


def _change_ends(data: bytes, chance: Chance) -> bytes:
    """Other line ends, the end cut off, or a line made long."""
    match chance.randint(0, 2):
        case 0:
            return data.replace(b"\n", chance.choice((b"\r", b"\r\n", b"\n\n")))
        case 1:
            return data[: chance.randint(0, len(data))]
        case _:
            return data + data[-chance.randint(1, 50) :] * chance.choice((1, 20, 900))


def _change_value(data: bytes, chance: Chance) -> bytes:
    """Another value somewhere in the JSON of one event."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    head, brace, rest = lines[at].partition(b"{")
    try:
        value = json.loads(brace + rest)
    except (ValueError, RecursionError):
        return _change_bytes(data, chance)
    text = json.dumps(_altered(value, chance), ensure_ascii=chance.random() < 0.5)
    lines[at] = head + text.encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _altered(value: Any, chance: Chance) -> Any:  # noqa: ANN401 -- JSON
    """`value` with one of its parts replaced, removed or added."""
    if not value or not (is_object(value) or is_list(value)) or chance.random() < 0.15:
        return chance.choice(_ODD)
    key: Any = chance.choice(list(value) if is_object(value) else range(len(value)))
    if chance.random() < 0.15:
        del value[key]
    elif is_list(value) and chance.random() < 0.2:
        value.insert(key, chance.choice(value))
    else:
        value[key] = _altered(value[key], chance)
    return value


_CHANGES = (_change_bytes, _change_parts, _change_ends, _change_value, _change_value)
