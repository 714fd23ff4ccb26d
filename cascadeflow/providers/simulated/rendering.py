"""A reply as the bodies the API sends: one JSON object, or the events of a stream.

Each event has a weight: the tokens that pass before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from . import tokens
from .dice import dice
from .jsontypes import Json
from .model import Call, Reply
from .wire import ChatRequest, logprobs_json, usage_json

DONE = b"data: [DONE]\n\n"
PIECE = 3
"""Tokens of one fragment of a call's arguments."""


def completion_id(body: bytes) -> str:
    """The id of the answer to a request; equal requests have equal ids."""
    return f"chatcmpl-{dice('id', body.hex()).getrandbits(112):028x}"


def whole(request: ChatRequest, reply: Reply, id: str, created: int) -> bytes:
    """The body of a non-streaming answer."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.calls:
        message["content"] = None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": _function(call)} for call in reply.calls
        ]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(request, reply.tokens),
        "finish_reason": reply.finish_reason,
    }
    body = _envelope(request, id, created, "chat.completion") | {
        "choices": [choice],
        "usage": usage_json(reply.prompt_tokens, reply.completion_tokens),
    }
    return msgspec.json.encode(body)


def events(
    request: ChatRequest, reply: Reply, id: str, created: int
) -> Iterator[tuple[int, bytes]]:
    """The events of a stream in order, each with its weight in tokens; the last is `DONE`."""
    with_usage = bool(request.stream_options and request.stream_options.include_usage)
    base = _envelope(request, id, created, "chat.completion.chunk")
    if with_usage:
        base["usage"] = None

    def event(delta: Mapping[str, Any], finish: str | None = None, logprobs: Json = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return _event({**base, "choices": [choice]})

    content = None if reply.calls else ""
    yield 0, event({"role": "assistant", "content": content, "refusal": None})
    for token in reply.tokens:
        yield 1, event({"content": token.text}, logprobs=_logprobs(request, (token,)))
    for index, call in enumerate(reply.calls):
        for weight, delta in _call_deltas(index, call):
            yield weight, event({"tool_calls": [delta]})
    yield 0, event({}, finish=reply.finish_reason)
    if with_usage:
        usage = usage_json(reply.prompt_tokens, reply.completion_tokens)
        yield 0, _event({**base, "choices": [], "usage": usage})
    yield 0, DONE


def _call_deltas(index: int, call: Call) -> Iterator[tuple[int, dict[str, Any]]]:
    """Id and name first, then the arguments in fragments."""
    function = {"name": call.name, "arguments": ""}
    yield 1, {"index": index, "id": call.id, "type": "function", "function": function}
    pieces = tokens.tokens(call.arguments)
    for start in range(0, len(pieces), PIECE):
        fragment = "".join(pieces[start : start + PIECE])
        yield PIECE, {"index": index, "function": {"arguments": fragment}}


def _function(call: Call) -> dict[str, str]:
    return {"name": call.name, "arguments": call.arguments}


def _logprobs(request: ChatRequest, spoken: tuple[Any, ...]) -> Mapping[str, Any] | None:
    if not request.logprobs or not spoken:
        return None
    return logprobs_json(list(spoken), request.top_logprobs or 0)


def _envelope(request: ChatRequest, id: str, created: int, kind: str) -> dict[str, Any]:
    return {
        "id": id,
        "object": kind,
        "created": created,
        "model": request.model,
        "system_fingerprint": "fp_simulated",
    }


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"
