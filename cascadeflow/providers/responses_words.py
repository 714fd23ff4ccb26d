"""The words of the Responses API, and of the servers that speak it in their own way. Pure.

Sources: https://platform.openai.com/docs/api-reference/responses-streaming and, for its own names,
https://openrouter.ai/docs/api/reference/responses/basic-usage.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from .chat_chunk import WireUsage, says_nothing
from .chat_odd import is_error, read_chunk
from .lenient import is_list, is_object, loads

Json: TypeAlias = dict[str, Any]

TEXTS = {
    "response.output_text": ("text", "text"),
    "response.content_part": ("text", "text"),
    "response.text": ("text", "text"),
    "response.refusal": ("refusal", "refusal"),
    "response.reasoning_summary_text": ("summary", "text"),
    "response.summary_text": ("summary", "text"),
    "response.reasoning_text": ("reasoning", "text"),
    "response.reasoning": ("reasoning", "text"),
    "response.function_call_arguments": ("arguments", "arguments"),
}
"""By the name of its events, or of a part of an item, what a text is and the field of the whole."""
HOLDERS = {
    "text": "message", "refusal": "message", "summary": "reasoning", "reasoning": "reasoning",
    "arguments": "function_call",
}  # fmt: skip
"""By what a text is, the type of its item."""


def texts(item: Json) -> dict[str, str]:
    """By what they are, the texts of a message or of a thought."""
    texts: dict[str, str] = {}
    content = "reasoning" if item.get("type") == "reasoning" else "text"
    for field, usual in (("summary", "summary"), ("content", content)):
        value = item.get(field)
        parts: list[object] = value if is_list(value) else [value]
        for part in parts:
            name, text = usual, part
            if is_object(part):
                kind, inner = TEXTS.get(f"response.{part.get('type')}", ("", ""))
                name, text = usual if kind == "text" else kind, part.get(inner)
            texts[name] = texts.get(name, "") + string(text)
    return {name: text for name, text in texts.items() if name and text}


def objects(value: object) -> list[Json]:
    """The objects in a list."""
    return [each for each in value if is_object(each)] if is_list(value) else []


def string(value: object) -> str:
    """A text; empty if it is something else."""
    return value if isinstance(value, str) else ""


def how_ended(response: Json, step: str) -> tuple[str, str]:
    """How the response ended, by the word that tells most, its own or that of the event; and why.

    vLLM says `response.completed` of any end.
    """
    details = response.get("incomplete_details")
    cause = string(details.get("reason") if is_object(details) else details)
    status = string(response.get("status"))
    for word in (status, step):
        if word in ("incomplete", "failed", "cancelled"):
            return word, cause
    return "completed" if step or response.get("status") is None else status, cause


def counts(usage: object) -> WireUsage | None:
    """The token counts; None if there are none."""
    if not is_object(usage):
        return None
    told = {
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }
    parts = {name: details for name, details in told.items() if details}
    wire = read_chunk({"usage": {**usage, **parts}}, whole=False).usage
    return None if wire is None or says_nothing(wire) else wire


def is_failure(kind: str, body: Json) -> bool:
    """True for an event that is an error; tools of the server may fail without harm."""
    if kind.startswith("response.") and kind != "response.error":
        return False
    bare = kind in ("", "message") and is_error(body)
    return bare or kind.endswith("error") or bool(body.get("error"))


def canonical(arguments: str) -> str:
    """Arguments that say the same, written in the same way; what is no JSON as it is."""
    try:
        return json.dumps(loads(arguments.encode()), sort_keys=True)
    except ValueError:
        return arguments


def read_index(value: object) -> int | None:
    """A place as servers write it: also as text, or with a decimal point."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None
