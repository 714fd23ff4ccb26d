"""Chunks of a shape that no typed decoder takes, brought into the types of `chat_chunk.py`.

So only one code, the `Decoder`, acts on chunks. Known oddities: parts instead of a string,
arguments as an object, numbers as floats, an object where a list is due, a whole message instead
of a delta, log-probabilities in older forms, and errors in many shapes.
Sources: the API references of the servers in `catalog.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from . import chat_chunk as typed
from .lenient import as_arguments, is_list, is_object

Json: TypeAlias = dict[str, Any]

LEAST_LOGPROB = -9999.0
"""OpenAI's number for a token of no probability; others send -Infinity."""

_OWN = {"thinking": "thinking", "summary": "thinking", "refusal": "refusal"}
"""What the fields of a part of a content hold. Databricks has the `summary`."""


def is_error(body: Json) -> bool:
    """True if the object says, in any of the usual shapes, that something went wrong."""
    if body.get("error"):
        return True
    if "choices" in body or str(body.get("object")).startswith("chat.completion"):
        return False
    if body.get("object") == "error" or body.get("type") == "error":
        return True
    return any(body.get(key) for key in ("message", "detail", "errors", "error_message"))


def read_chunk(body: Json, *, whole: bool) -> typed.Chunk:
    """The chunk in `body`, as far as it can be made out.

    Args:
        body: a decoded JSON object.
        whole: a `message` without `delta` is the answer, not a repetition of it.

    Raises:
        ValueError: text of the answer is in a form that is not known.
    """
    own = body.get("x_groq")
    return typed.Chunk(
        id=_text(body.get("id")),
        choices=[_choice(choice, whole) for choice in _objects(body.get("choices"))],
        usage=_usage(body.get("usage")),
        x_groq=typed.Groq(_usage(own.get("usage")), own.get("error")) if is_object(own) else None,
        error=body.get("error"),
    )


def _choice(choice: Json, whole: bool) -> typed.Choice:
    delta, message = choice.get("delta"), choice.get("message")
    if delta and not is_object(delta):
        raise ValueError(f"delta is a {type(delta).__name__}")
    if not is_object(delta) and is_object(message):
        if whole:
            calls = list(_objects(message.get("tool_calls")))
            numbered = [{"index": n} | call for n, call in enumerate(calls)]
            delta = message | {"tool_calls": numbered}
        elif message.get("content") and not choice.get("finish_reason"):
            raise ValueError("the answer comes in several messages")
    return typed.Choice(
        index=_index(choice.get("index")),
        delta=_delta(delta) if is_object(delta) else None,
        logprobs=_logprobs(choice.get("logprobs")),
        finish_reason=_text(choice.get("finish_reason")),
        usage=_usage(choice.get("usage")),
        error=choice.get("error"),
    )


def _delta(delta: Json) -> typed.ChunkDelta:
    text, thoughts, refusal = _content(delta.get("content"))
    legacy, details = delta.get("function_call"), delta.get("reasoning_details")
    return typed.ChunkDelta(
        content=text,
        tool_calls=[_call(call) for call in _objects(delta.get("tool_calls"))],
        reasoning=thoughts or _text(delta.get("reasoning")),
        reasoning_content=_text(delta.get("reasoning_content")),
        reasoning_details=[
            typed.Detail(text=_text(detail.get("text")), summary=_text(detail.get("summary")))
            for detail in _readable(details)
        ],
        refusal=refusal or _text(delta.get("refusal")),
        function_call=_function(legacy) if is_object(legacy) else None,
    )


def _content(content: object) -> tuple[str | None, str, str]:
    """Text, thinking and refusal in `content`: a string, or parts as Mistral sends them."""
    if content is None or isinstance(content, str):
        return content, "", ""
    if not (is_list(content) or is_object(content)):
        raise ValueError(f"content is a {type(content).__name__}")
    parts: list[object] = content if is_list(content) else [content]
    pairs = [pair for part in parts for pair in _part(part)]
    text, thinking, refusal = (
        "".join(text for kind, text in pairs if kind == wanted)
        for wanted in ("text", "thinking", "refusal")
    )
    return text, thinking, refusal


def _part(part: object) -> Iterator[tuple[str, str]]:
    """Pairs of kind and text; an image or a reference has none."""
    if isinstance(part, str):
        yield "text", part
    if not is_object(part):
        return
    kind = "thinking" if part.get("type") in ("thinking", "reasoning") else "text"
    for key, own in (_OWN | {"text": kind}).items():
        value: object = part.get(key)
        pieces: list[object] = value if is_list(value) else [value]
        for piece in pieces:
            text: object = piece.get("text", piece.get("value")) if is_object(piece) else piece
            if isinstance(text, str):
                yield own, text
            elif text or (piece and own == "text"):
                raise ValueError(f"the {key} of a part is a {type(piece).__name__}")


def _call(call: Json) -> typed.Call:
    function, extra = call.get("function"), call.get("extra_content")
    id = call.get("id")
    return typed.Call(
        index=_index(call.get("index")),
        id=None if id is None else str(id),
        function=_function(function if is_object(function) else call),
        extra_content=extra if is_object(extra) else None,
    )


def _function(function: Json) -> typed.Function:
    return typed.Function(
        name=_text(function.get("name")), arguments=as_arguments(function.get("arguments"))
    )


def _logprobs(found: object) -> typed.Logprobs:
    """Tokens as objects, or bare numbers: a list, or one alone."""
    if is_object(found) and is_list(found.get("content")):
        found = [token.get("logprob") for token in _readable(found["content"])]
    elif is_object(found):
        found = found.get("token_logprobs")
    values: list[object] = found if is_list(found) else [found]
    # Neither Infinity nor NaN is less than one.
    numbers = [value for value in values if isinstance(value, int | float) and value < 1]
    return typed.Logprobs(token_logprobs=[max(number, LEAST_LOGPROB) for number in numbers])


def _usage(usage: object) -> typed.WireUsage | None:
    if usage is None:
        return None
    if not is_object(usage):
        return typed.WireUsage(prompt_tokens=-1)
    *counts, inner, outer = typed.WireUsage.__struct_fields__
    made: Json = {key: _count(usage.get(key)) for key in counts}
    for place in (inner, outer):
        if is_object(details := usage.get(place)):
            parts = typed.TokenDetails.__struct_fields__
            made[place] = {key: _count(details.get(key)) for key in parts}
    return msgspec.convert(made, typed.WireUsage)


def _count(value: object) -> int | None:
    """A whole number; -1 for what is there but is none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return -1


def _index(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    number = _count(value)
    return None if number == -1 else number


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _readable(values: object) -> Iterator[Json]:
    """The objects in a list; whatever else is there is of no importance."""
    if is_list(values):
        yield from filter(is_object, values)


def _objects(value: object) -> Iterator[Json]:
    """The objects in a list, or the one that came without the list; empty values are none.

    Raises:
        ValueError: something else is there, that may have been a piece of the answer.
    """
    values: list[object] = value if is_list(value) else [value]
    for each in values:
        if is_object(each):
            yield each
        elif each:
            raise ValueError(f"there is a {type(each).__name__} where an object is due")
