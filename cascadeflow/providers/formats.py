"""How a server is asked for an answer in a form. Pure.

A server is sent the nearest it has; what it lacks the system prompt asks for in words:

    asked for       server has        sent as `response_format`    in the prompt
    json_schema     json_schema       json_schema
    json_schema     json_object       json_object                  the schema
    json_schema     neither           nothing                      the schema
    json_object     json_object       json_object
    json_object     no json_object    nothing                      "a JSON object"

Sources: the servers' API references, as known in 2025.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from ..types import Message
from .lenient import is_mapping

ONLY_OBJECT = "Answer with a single JSON object and nothing else: no Markdown, no explanation."
ONLY_SCHEMA = (
    "Answer with a single JSON value that fits this JSON Schema and nothing else: no Markdown, no "
    "explanation.\n"
)


class Form(msgspec.Struct, frozen=True):
    """What one request says about the form of its answer."""

    sent: Mapping[str, Any] | None = None
    """The field `response_format`; None: not sent."""
    words: str = ""
    """What the system prompt has to say; empty: nothing."""


def form(asked: Mapping[str, Any] | None, known: Collection[str]) -> Form:
    """How to ask for `asked`, in OpenAI's form, where only the types `known` are known."""
    if asked is None or asked.get("type") in known:
        return Form(asked)
    if asked.get("type") == "json_object":
        return Form(None, ONLY_OBJECT)
    if asked.get("type") != "json_schema":
        return Form(asked)
    words = ONLY_SCHEMA + msgspec.json.encode(schema_of(asked)).decode()
    return Form({"type": "json_object"} if "json_object" in known else None, words)


def schema_of(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema in OpenAI's form; empty if there is none."""
    named = asked.get("json_schema")
    schema = named.get("schema") if is_mapping(named) else None
    return schema if is_mapping(schema) else {}


def prompted(messages: Sequence[Message], words: str) -> tuple[Message, ...]:
    """`messages` with some words at the end of the system prompt."""
    if not words:
        return tuple(messages)
    if messages and messages[0].get("role") in ("system", "developer"):
        first, *rest = messages
        content = first.get("content")
        if isinstance(content, str):
            return ({**first, "content": f"{content}\n\n{words}" if content else words}, *rest)
    return ({"role": "system", "content": words}, *messages)
