"""The answers of the benchmark's server, encoded once, in the dialects of OpenAI and Anthropic.

A script is named by the first part of a URL's path, so every client can ask for any of them:
`http://127.0.0.1:PORT/20000-text-0/v1/chat/completions`. Seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["text", "logprobs", "hopeless", "tool"]
"""Text, text with log-probabilities, a text that refuses, or the arguments of one tool call."""

_Encode: TypeAlias = Callable[[str], bytes]

WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa")
REFUSAL = ("I'm", "sorry,", "but", "I", "cannot", "help", "with", "that", "request.")
FRAGMENT = 16
"""Characters of tool arguments in one chunk."""


class Script(NamedTuple):
    """What the server sends."""

    chunks: int
    """Chunks with content: words, or fragments of arguments."""
    kind: Kind = "text"
    pause: float = 0.0
    """Seconds between two chunks; 0: all at once."""

    @property
    def path(self) -> str:
        return f"/{self.chunks}-{self.kind}-{self.pause:g}"

    @classmethod
    def of(cls, path: str) -> Script:
        """The script that a path names."""
        chunks, kind, pause = path.split("/")[1].split("-", 2)
        return cls(int(chunks), _kind(kind), float(pause))


def _kind(name: str) -> Kind:
    match name:
        case "text" | "logprobs" | "hopeless" | "tool":
            return name
        case _:
            raise ValueError(f"the kind of a script is {name!r}; it must be text, logprobs, ...")


@lru_cache(maxsize=32)
def encoded(script: Script, *, anthropic: bool) -> tuple[bytes, ...]:
    """The events: first those before the first chunk with it, and last those after the last."""
    before, chunk, after = _anthropic(script) if anthropic else _openai(script)
    chunks = [chunk(piece) for piece in pieces(script)]
    return (before + chunks[0], *chunks[1:], after)


def pieces(script: Script) -> Iterator[str]:
    """The content of each chunk."""
    for number in range(script.chunks):
        if script.kind == "tool":
            yield _fragment(number, script.chunks)
        elif script.kind == "hopeless" and number < len(REFUSAL):
            yield (" " if number else "") + REFUSAL[number]
        else:
            end = "." if number == script.chunks - 1 else ""
            yield f" {WORDS[number * 7 % 10]}{number}{end}"


def _fragment(number: int, chunks: int) -> str:
    """One of the fragments of `{"text": "..."}`, each of `FRAGMENT` characters."""
    start = '{"text": "' if number == 0 else ""
    end = '"}' if number == chunks - 1 else ""
    return start + "the quick brown "[: FRAGMENT - len(start) - len(end)] + end


def _event(fields: dict[str, object], name: str = "") -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + json.dumps(fields).encode() + b"\n\n"


def _openai(script: Script) -> tuple[bytes, _Encode, bytes]:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
    probable: dict[str, object] = {}
    if script.kind == "logprobs":
        token = {"token": " word", "logprob": -0.1, "bytes": [32, 119], "top_logprobs": []}
        probable = {"logprobs": {"content": [token]}}

    def event(delta: dict[str, object], finish: str | None = None) -> bytes:
        more = probable if "content" in delta else {}
        choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
        return _event({**base, "choices": [choice]})

    def call(arguments: str, **more: object) -> bytes:
        function = {"arguments": arguments, **({"name": "write"} if more else {})}
        return event({"tool_calls": [{"index": 0, "function": function, **more}]})

    tool = script.kind == "tool"
    first = event({"role": "assistant", "content": None if tool else ""})
    usage = {"prompt_tokens": 9, "completion_tokens": script.chunks}
    last = event({}, "tool_calls" if tool else "stop")
    last += _event({**base, "choices": [], "usage": {**usage, "total_tokens": script.chunks + 9}})
    last += b"data: [DONE]\n\n"
    if tool:
        return first + call("", id="call_1", type="function"), call, last
    return first, lambda text: event({"content": text}), last


def _anthropic(script: Script) -> tuple[bytes, _Encode, bytes]:
    def event(name: str, **fields: object) -> bytes:
        return _event({"type": name, **fields}, name)

    message: dict[str, object] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "bench", "content": [],
        "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }  # fmt: skip
    first = event("message_start", message=message)
    first += event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    last = event("content_block_stop", index=0)
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    last += event("message_delta", delta=stop, usage={"output_tokens": script.chunks})

    def chunk(text: str) -> bytes:
        return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    return first, chunk, last + event("message_stop")
