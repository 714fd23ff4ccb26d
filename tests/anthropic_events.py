"""Events of the Messages API for tests, and what our decoder makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cascadeflow.providers.anthropic import Decoder
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.types import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta


def sse(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def start(name: str = "msg_1", **usage: Any) -> bytes:
    usage = usage or {"input_tokens": 11, "output_tokens": 1}
    return sse("message_start", message={"id": name, "content": [], "usage": usage})


def block(index: int, kind: str, **fields: Any) -> bytes:
    return sse("content_block_start", index=index, content_block={"type": kind, **fields})


def more(index: int, kind: str, **fields: Any) -> bytes:
    return sse("content_block_delta", index=index, delta={"type": kind, **fields})


def text(piece: str, index: int = 0) -> bytes:
    return more(index, "text_delta", text=piece)


def args(index: int, piece: str) -> bytes:
    return more(index, "input_json_delta", partial_json=piece)


def shut(index: int) -> bytes:
    return sse("content_block_stop", index=index)


def finish(reason: str | None = "end_turn", **delta: Any) -> bytes:
    return sse("message_delta", delta={"stop_reason": reason, **delta}, usage={"output_tokens": 42})


OPEN = start() + block(0, "text", text="")
END = shut(0) + finish() + sse("message_stop")


def decode(*chunks: bytes) -> tuple[list[Delta], Stop]:
    out, decoder = feed(chunks)
    return out, decoder.end()


def feed(chunks: Iterable[bytes]) -> tuple[list[Delta], Decoder]:
    lines, decoder = SSEDecoder(), Decoder(CATALOG["anthropic"])
    out: list[Delta] = []
    for chunk in chunks:
        for event in lines.feed(chunk):
            decoder.feed(event, out)
    return out, decoder


def said(deltas: Iterable[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def thought(deltas: Iterable[Delta]) -> list[ReasoningDelta]:
    return [delta for delta in deltas if isinstance(delta, ReasoningDelta)]


def calls(deltas: Iterable[Delta]) -> list[ToolCallDelta]:
    return [delta for delta in deltas if isinstance(delta, ToolCallDelta)]


def whole(body: object) -> tuple[list[Delta], Stop]:
    decoder = Decoder(CATALOG["anthropic"])
    out: list[Delta] = []
    decoder.whole(json.dumps(body).encode(), out)
    return out, decoder.end()
