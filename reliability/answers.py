"""What a simulated model says, and its bytes in the two dialects.

Every word names the request it answers and its place in the answer, `q1a02w017` (query 1, its
second request, word 17), so that two answers glued together, or one told twice, can be seen.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any, NamedTuple

WORD = re.compile(r"(q\da\d\d)w(\d{3})")
"""A word of an answer: of which request, at which place."""
TOOL: dict[str, Any] = {
    "type": "object",
    "properties": {"ref": {"type": "string"}},
    "required": ["ref"],
    "additionalProperties": False,
}
"""Parameters of the one tool that is offered."""
DECORATIONS = ("", "", "", "é", "漢字", "😀", "\ud83d|\ude00", "\ud83d", "\n", '"quoted"', "data: ")
"""What may follow a word; at `|` it is cut, within a pair of surrogates."""


class Said(NamedTuple):
    """One answer, before it is put into a dialect."""

    label: str
    thoughts: tuple[str, ...]
    texts: tuple[str, ...]
    calls: tuple[tuple[str, str, str], ...]
    """Id, name and arguments as JSON text."""
    finish: str
    """stop, tool_calls, length, refusal."""
    usage: tuple[int, int] | None
    """Tokens of input and output; None: they are not told, or not in a way to be believed."""
    usage_form: str

    @property
    def text(self) -> str:
        """All of it: pairs joined, lone halves replaced."""
        return "".join(self.texts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Event(NamedTuple):
    """One event of a stream."""

    data: bytes
    content: bool = False
    """It brings something of the answer: text, thinking or a call."""
    finish: bool = False
    """It says why the model ended."""


def said(chance: Random, label: str, *, calling: bool) -> Said:
    """An answer; `calling`: it may call the tool."""
    texts: list[str] = []
    calls: list[tuple[str, str, str]] = []
    if calling and chance.random() < 0.6:
        calls = [_call(chance, label, at) for at in range(chance.choice((1, 1, 2, 3)))]
    for place in range(chance.randrange(1, 30) if not calls or chance.random() < 0.3 else 0):
        word = f"{label}w{place:03d} {chance.choice(DECORATIONS)}"
        texts += word.split("|")
    if texts and chance.random() < 0.45:
        at = chance.randrange(len(texts) + 1)
        texts.insert(at, chance.choice((" bad ", " bad ", " hopeless ")))
    form = chance.choice(("last", "last", "last", "finish", "twice", "none", "null", "negative"))
    known = form not in ("none", "null", "negative")
    return Said(
        label,
        tuple("hm " * n for n in range(1, 4)) if chance.random() < 0.2 else (),
        tuple(text for text in texts if text),
        tuple(calls),
        "tool_calls" if calls else "stop",
        (chance.randrange(5, 60), chance.randrange(1, 90)) if known else None,
        form,
    )


def _call(chance: Random, label: str, at: int) -> tuple[str, str, str]:
    ref = f"{label}w{at:03d}"
    arguments = json.dumps({"ref": ref})
    match chance.randrange(10):
        case 0:
            arguments = json.dumps({"ref": ref, "more": 1})
        case 1:
            arguments = arguments[:-1]
        case _:
            pass
    return f"call_{ref}", "look" if chance.random() < 0.95 else "unknown", arguments


def chat(chance: Random, what: Said) -> list[Event]:
    """The answer as chat completion chunks."""
    out = [_chunk({"role": "assistant", "content": ""})]
    out += [_chunk({"reasoning_content": piece}, content=True) for piece in what.thoughts]
    out += [_chunk({"content": piece}, content=True) for piece in what.texts]
    for index, (ident, name, arguments) in enumerate(what.calls):
        head = {"index": index, "id": ident, "type": "function"}
        call = {**head, "function": {"name": name, "arguments": ""}}
        out.append(_chunk({"tool_calls": [call]}, content=True))
        for piece in _pieces(chance, arguments):
            more = {"index": index, "function": {"arguments": piece}}
            out.append(_chunk({"tool_calls": [more]}, content=True))
    usage = _chat_usage(what)
    word = "content_filter" if what.finish == "refusal" else what.finish
    if what.usage_form in ("finish", "twice"):
        out.append(_chunk({}, finish=word, usage=usage))
    else:
        out.append(_chunk({}, finish=word))
    if what.usage_form not in ("finish", "none"):
        out.append(_chunk(None, usage=usage))
    return [*out, Event(b"data: [DONE]\n\n")]


def _chat_usage(what: Said) -> object:
    if what.usage is None:
        return None if what.usage_form == "null" else {"prompt_tokens": -5, "completion_tokens": 3}
    read, written = what.usage
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _chunk(
    delta: object, *, finish: str | None = None, content: bool = False, **more: object
) -> Event:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"object": "chat.completion.chunk", "choices": choices, **more}
    return Event(f"data: {json.dumps(body)}\n\n".encode(), content, finish is not None)


def messages(chance: Random, what: Said) -> list[Event]:
    """The answer as events of the Messages API."""
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if what.thoughts:
        parts = [{"type": "thinking_delta", "thinking": piece} for piece in what.thoughts]
        blocks.append(({"type": "thinking", "thinking": ""}, parts))
    if what.texts:
        parts = [{"type": "text_delta", "text": piece} for piece in what.texts]
        blocks.append(({"type": "text", "text": ""}, parts))
    for ident, name, arguments in what.calls:
        parts = [
            {"type": "input_json_delta", "partial_json": piece}
            for piece in _pieces(chance, arguments)
        ]
        blocks.append(({"type": "tool_use", "id": ident, "name": name, "input": {}}, parts))
    first, last = _messages_usage(what)
    out = [_named("message_start", message={"id": what.label, "content": [], **first})]
    for index, (block, parts) in enumerate(blocks):
        calls = block["type"] == "tool_use"
        out.append(_named("content_block_start", index=index, content_block=block, content=calls))
        out += [_named("content_block_delta", index=index, delta=p, content=True) for p in parts]
        out.append(_named("content_block_stop", index=index))
    words = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}
    reason = words.get(what.finish, what.finish)
    out.append(_named("message_delta", delta={"stop_reason": reason}, finish=True, **last))
    return [*out, _named("message_stop")]


def _messages_usage(what: Said) -> tuple[dict[str, Any], dict[str, Any]]:
    if what.usage is None:
        wrong = {"usage": {"input_tokens": -1, "output_tokens": -7}}
        return ({}, wrong) if what.usage_form == "negative" else ({}, {})
    read, written = what.usage
    return (
        {"usage": {"input_tokens": read, "output_tokens": 1}},
        {"usage": {"output_tokens": written}},
    )


def _named(kind: str, *, content: bool = False, finish: bool = False, **fields: object) -> Event:
    body = json.dumps({"type": kind, **fields})
    return Event(f"event: {kind}\ndata: {body}\n\n".encode(), content, finish)


def whole(dialect: str, what: Said) -> Event:
    """The answer as one JSON object in place of a stream; without calls and thoughts."""
    body: dict[str, Any]
    if dialect == "chat":
        choice = {"index": 0, "message": {"role": "assistant", "content": what.text}}
        body = {"choices": [{**choice, "finish_reason": "stop"}]}
        usage = None if what.usage is None else _chat_usage(what)
    else:
        body = {"type": "message", "role": "assistant", "stop_reason": "end_turn"}
        body["content"] = [{"type": "text", "text": what.text}]
        usage = what.usage and {"input_tokens": what.usage[0], "output_tokens": what.usage[1]}
    body |= {"usage": usage} if usage else {}
    return Event(json.dumps(body).encode(), content=True, finish=True)


def failure(dialect: str, message: str) -> Event:
    """An error in the stream."""
    error = {"type": "overloaded_error", "message": message}
    if dialect == "chat":
        return Event(f"data: {json.dumps({'error': error})}\n\n".encode())
    return _named("error", error=error)


def _pieces(chance: Random, text: str) -> list[str]:
    size = chance.randrange(1, 12)
    return [text[at : at + size] for at in range(0, len(text), size)]
