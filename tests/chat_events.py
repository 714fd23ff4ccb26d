"""Chat completion chunks made by hand, and what the decoder makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cascadeflow.errors import ProviderError
from cascadeflow.providers.catalog import CATALOG, Server
from cascadeflow.providers.openai_chat import Decoder
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.types import Delta, Stop, TextDelta, Usage

OPENAI = CATALOG["openai"]
ELEVEN = {"prompt_tokens": 11, "completion_tokens": 42, "total_tokens": 53}
USAGE = Usage(input_tokens=11, output_tokens=42)
STOP = Stop("stop", raw_reason="stop")


def chunk(delta: object = None, finish: object = None, **fields: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
    if delta is not None:
        choice["delta"] = delta
    for name in ("logprobs", "error"):
        if name in fields:
            choice[name] = fields.pop(name)
    return {"object": "chat.completion.chunk", "choices": [choice], **fields}


def said(text: object, **fields: Any) -> dict[str, Any]:
    return chunk({"content": text}, **fields)


def encoded(*events: object) -> bytes:
    """Events as bytes: objects as JSON, bytes as they are."""
    payloads = [e if isinstance(e, bytes) else json.dumps(e).encode() for e in events]
    return b"".join(b"data: " + payload + b"\n\n" for payload in payloads)


def decode(*events: object, server: Server = OPENAI) -> tuple[list[Delta], Stop]:
    decoder, out = Decoder(server), list[Delta]()
    for event in SSEDecoder().feed(encoded(*events)):
        decoder.feed(event, out)
    return out, decoder.end()


def text(*events: object) -> str:
    return "".join(delta.text for delta in decode(*events)[0] if isinstance(delta, TextDelta))


def fails(*events: object) -> tuple[list[Delta], ProviderError]:
    decoder, out = Decoder(OPENAI), list[Delta]()

    def run() -> None:
        for event in SSEDecoder().feed(encoded(*events)):
            decoder.feed(event, out)

    with pytest.raises(ProviderError) as caught:
        run()
    return out, caught.value


def call(*calls: object) -> dict[str, Any]:
    return chunk({"content": None, "tool_calls": list(calls)})
