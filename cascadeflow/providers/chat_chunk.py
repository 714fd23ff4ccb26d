"""The JSON of a chat completion chunk: the fields we need, typed.

`decode_plain` takes the usual chunk, text and nothing else: the fields that would have to be looked
at are null by their type. What it refuses, `decode_chunk` reads, and what departs from its types
too, `chat_odd.py`.
`read_usage` brings the token counts of the many servers to one convention: `Usage.output_tokens`
holds all generated tokens, thinking included; some servers leave it out of `completion_tokens` and
give themselves away by `total_tokens`.
Sources: https://platform.openai.com/docs/api-reference/chat-streaming and the references of the
servers in `catalog.py`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ..types import Usage


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
    extra_content: dict[str, Any] | None = None
    """Gemini's signature of the thought behind the call."""


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


class TokenDetails(msgspec.Struct, gc=False):
    """Parts of the prompt tokens, or the completion tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_creation_tokens: int | None = None
    """LiteLLM's name for the same."""
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
    cache_read_input_tokens: int | None = None
    """As in the Messages API, but part of the prompt tokens: LiteLLM."""
    cache_creation_input_tokens: int | None = None
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None


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

    id: str | None = None
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

_MOST = 10**9
"""A larger count is no count of one answer."""


def read_usage(wire: WireUsage, *, hidden_thinking: bool) -> Usage | None:
    """The counts in `wire`; None if they are not there or cannot be counts.

    Args:
        wire: as sent.
        hidden_thinking: what `total_tokens` has beyond prompt and completion is thinking, even
            where no number of thinking tokens is given.
    """
    prompt, output, total = _ends(wire)
    if prompt is None or output is None or not (0 <= prompt <= _MOST and 0 <= output <= _MOST):
        return None
    details = wire.completion_tokens_details or TokenDetails()
    thought = details.reasoning_tokens or 0
    beyond = (total or 0) - prompt - output
    if 0 < beyond <= _MOST and (hidden_thinking or beyond == thought):
        output, thought = output + beyond, beyond
    parts = wire.prompt_tokens_details or TokenDetails()
    read = parts.cached_tokens or wire.prompt_cache_hit_tokens or wire.cached_tokens
    written = parts.cache_write_tokens or parts.cache_creation_tokens
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=_part(read or wire.cache_read_input_tokens, prompt),
        cache_write_tokens=_part(written or wire.cache_creation_input_tokens, prompt),
        reasoning_tokens=_part(thought, output),
    )


def read_logprobs(logprobs: Logprobs) -> tuple[float, ...]:
    """The log-probabilities of the tokens, in either form."""
    if logprobs.content is not None:
        return tuple([t.logprob for t in logprobs.content if t.logprob is not None])
    return tuple([value for value in logprobs.token_logprobs or () if value is not None])


def says_more(chunk: Chunk) -> bool:
    """True if there is a piece of an answer in it."""
    deltas = [choice.delta for choice in chunk.choices or () if choice.delta is not None]
    return any(any(msgspec.structs.astuple(delta)) for delta in deltas)


def says_nothing(wire: WireUsage) -> bool:
    """True for an empty object, and for zeros: no request has no tokens."""
    prompt, output, _ = _ends(wire)
    return not prompt and not output


def _ends(wire: WireUsage) -> tuple[int | None, int | None, int | None]:
    prompt = wire.input_tokens if wire.prompt_tokens is None else wire.prompt_tokens
    output = wire.output_tokens if wire.completion_tokens is None else wire.completion_tokens
    total = wire.total_tokens
    if total is not None and prompt is not None and output is None:
        output = total - prompt
    return prompt, output, total


def _part(count: int | None, whole: int) -> int:
    return max(0, min(count or 0, whole))
