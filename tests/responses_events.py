"""Events of the Responses API for tests, and whole streams of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cascadeflow.types import Usage

COUNTS = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 18,
}
USED = Usage(input_tokens=11, output_tokens=7, cached_tokens=3, reasoning_tokens=2)


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def more(text: str, index: int = 0, **fields: Any) -> bytes:
    return event(
        "response.output_text.delta", delta=text, output_index=index, content_index=0, **fields
    )


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


def call(arguments: object = '{"city": "Rome"}', **fields: Any) -> dict[str, Any]:
    said = {"call_id": "call_1", "name": "weather", "arguments": arguments}
    return {"type": "function_call", **said, **fields}


def thought(**fields: Any) -> dict[str, Any]:
    words = [{"type": "summary_text", "text": "Hm."}]
    return {"type": "reasoning", "id": "rs_1", "summary": words, **fields}


def added(index: int, item: dict[str, Any]) -> bytes:
    return event("response.output_item.added", output_index=index, item=item)


def done(index: int, item: dict[str, Any]) -> bytes:
    return event("response.output_item.done", output_index=index, item=item)


def closing(
    *output: dict[str, Any], status: str = "completed", usage: object = COUNTS, **fields: Any
) -> bytes:
    told = {"id": "resp_1", "status": status, "output": output, "usage": usage, **fields}
    return event(f"response.{status}", response=told)


_CALL = "response.function_call_arguments"
_SUMMARY = "response.reasoning_summary_text"
_WHOLE = "Grüße 😀 an alle."
STREAMS: Mapping[str, bytes] = {
    "text": b"".join((
        event("response.created", response={"id": "resp_1", "status": "in_progress"}),
        added(0, {"type": "message", "content": []}),
        *map(more, ("Grü", "ße ", "😀 an ", "alle.")),
        event("response.output_text.done", output_index=0, content_index=0, text=_WHOLE),
        done(0, message(_WHOLE)),
        closing(message(_WHOLE)),
    )),
    "call": b"".join((
        added(0, thought()),
        event(f"{_SUMMARY}.delta", output_index=0, summary_index=0, delta="Hm."),
        done(0, thought(encrypted_content="gAAA")),
        added(1, call("")),
        event(f"{_CALL}.delta", output_index=1, delta='{"city": '),
        event(f"{_CALL}.delta", output_index=1, delta='"Rome"}'),
        event(f"{_CALL}.done", output_index=1, arguments='{"city": "Rome"}'),
        done(1, call()),
        closing(thought(encrypted_content="gAAA"), call()),
    )),
    "cut": more("It is")
    + closing(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    "refusal": event("response.refusal.delta", output_index=0, content_index=0, delta="I cannot.")
    + closing(),
    "failed": more("It is") + closing(status="failed", error={"code": "server_error"}),
    "error": more("It is") + event("error", code="rate_limit_exceeded", message="Slow down."),
    "search": event("response.web_search_call.searching", output_index=0)
    + more("It is.", 1)
    + closing(),
    "told-at-the-end": closing(thought(), message("It is so."), call()),
}  # fmt: skip
"""Whole answers by name."""
