"""What models of the chat dialect want back of their thoughts together with the calls."""

from __future__ import annotations

from typing import Any

from cascadeflow.providers.anthropic_encode import encode as encode_messages
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.chat_encode import encode
from cascadeflow.types import ReasoningDelta, Request

from .chat_events import call, chunk, decode, said

SIGNED = {"google": {"thought_signature": "c2ln"}}
CALLS = [
    {"id": name, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    for name in ("a", "b")
]


def blocks(server: str, *events: object) -> list[Any]:
    """The signed blocks of an answer, as a history keeps them."""
    out, _ = decode(*events, server=CATALOG[server])
    thoughts = [delta for delta in out if isinstance(delta, ReasoningDelta)]
    return [thought.block for thought in thoughts if thought.block is not None]


def sent_back(server: str, kept: list[Any], calls: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "thinking_blocks": kept}
    if calls:
        message["tool_calls"] = calls
    body = encode("m", Request(messages=(message,)), CATALOG[server])
    sent: dict[str, Any] = body["messages"][0]
    return sent


def test_the_signature_of_a_call_goes_back_in_that_call() -> None:
    for fields in ({}, {"created": float("nan")}):  # the second way is that of odd chunks
        event = call(CALLS[0], CALLS[1] | {"extra_content": SIGNED}) | fields
        kept = blocks("gemini", event, chunk({}, "stop"))
        sent = sent_back("gemini", kept, CALLS)
        assert sent["tool_calls"] == [CALLS[0], CALLS[1] | {"extra_content": SIGNED}]
        assert "thinking_blocks" not in sent
    assert "extra_content" not in CALLS[1]


def test_the_signature_of_a_call_without_an_id_goes_back_in_the_first() -> None:
    kept = blocks("gemini", call(CALLS[0] | {"id": "", "extra_content": SIGNED}))
    assert sent_back("gemini", kept, CALLS)["tool_calls"][0]["extra_content"] == SIGNED
    assert sent_back("gemini", kept, []) == {"role": "assistant", "content": ""}


def test_the_thoughts_before_a_call_go_back_to_a_server_that_demands_them() -> None:
    thoughts = [chunk({"reasoning_content": piece}) for piece in ("Rome", "?")]
    kept = blocks("deepseek", *thoughts, call(CALLS[0]), chunk({}, "tool_calls"))
    assert sent_back("deepseek", kept, CALLS)["reasoning_content"] == "Rome?"
    assert blocks("deepseek", *thoughts, said("Paris."), chunk({}, "stop")) == []
    assert blocks("openai", *thoughts, call(CALLS[0]), chunk({}, "tool_calls")) == []


def test_blocks_of_others_stay_where_they_are() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert sent_back("litellm", [block], CALLS)["thinking_blocks"] == [block]


def test_items_of_the_responses_api_are_sent_to_no_other() -> None:
    item = {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA"}
    assert "thinking_blocks" not in sent_back("openai", [item], CALLS)
    message = {"role": "assistant", "content": "Paris.", "thinking_blocks": [item]}
    asked = {"role": "user", "content": "Sure?"}
    body = encode_messages("claude", Request(messages=(message, asked)), CATALOG["anthropic"])
    assert "rs_1" not in str(body["messages"])
