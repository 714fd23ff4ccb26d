"""The JSON of a chat completion chunk: the fields we need, typed.

`decode_plain` takes the usual chunk, text and nothing else: the fields that would have to be looked
at are null by their type. What it refuses, `decode_chunk` reads, and what departs from its types
too, `chat_odd.py`.
Sources: https://platform.openai.com/docs/api-reference/chat-streaming and the references of the
servers in `catalog.py`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType


class Function(msgspec.Struct, gc=False):
    """Name and arguments of a call, or fragments of them."""

    name: str | None = None
    arguments: str | None = None


class Call(msgspec.Struct, gc=False):
    """A fragment of a tool call."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    name: str | None = None
    """Here, and `arguments` too, if the server leaves out `function`."""
    arguments: str | None = None


class Detail(msgspec.Struct, gc=False):
    """OpenRouter's form of a thought."""

    text: str | None = None
    summary: str | None = None


class ChunkDelta(msgspec.Struct, gc=False):
    """What a chunk adds to the message."""

    content: str | None = None
    tool_calls: list[Call] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Detail] | None = None
    refusal: str | None = None
    function_call: Function | None = None


class Token(msgspec.Struct, gc=False):
    """A sampled token."""

    logprob: float | None = None


class Logprobs(msgspec.Struct, gc=False):
    """Log-probabilities, in OpenAI's or in the older form."""

    content: list[Token] | None = None
    token_logprobs: list[float | None] | None = None


class PromptDetails(msgspec.Struct, gc=False):
    """Parts of the prompt tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """Parts of the completion tokens."""

    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct, gc=False):
    """Token counts as sent; a negative number stands for one that was no count."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: OutputDetails | None = None


class Groq(msgspec.Struct, gc=False):
    """Groq's extension."""

    usage: WireUsage | None = None
    error: Any = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers; only the one with index 0 is ours."""

    index: int | None = None
    delta: ChunkDelta | None = None
    logprobs: Logprobs | None = None
    finish_reason: str | None = None
    usage: WireUsage | None = None
    message: Any = None
    error: Any = None


class Chunk(msgspec.Struct, gc=False):
    """One event of the stream."""

    choices: list[Choice] | UnsetType | None = UNSET
    usage: WireUsage | None = None
    x_groq: Groq | None = None
    error: Any = None


class PlainDelta(msgspec.Struct, gc=False):
    """Text alone."""

    content: str
    tool_calls: None = None
    reasoning: None = None
    reasoning_content: None = None
    reasoning_details: None = None
    refusal: None = None
    function_call: None = None


class PlainChoice(msgspec.Struct, gc=False):
    """Text of the answer that goes on."""

    delta: PlainDelta
    index: Literal[0, None] = None
    logprobs: Logprobs | None = None
    finish_reason: None = None
    usage: None = None
    error: None = None


class Plain(msgspec.Struct, gc=False):
    """The usual event."""

    choices: tuple[PlainChoice]
    usage: None = None
    x_groq: None = None
    error: None = None


decode_plain = msgspec.json.Decoder(Plain).decode
"""Decode bytes. Raises as `decode_chunk` does."""
decode_chunk = msgspec.json.Decoder(Chunk).decode
"""Decode bytes. Raises `msgspec.DecodeError`, `UnicodeDecodeError` or `RecursionError`."""
