from __future__ import annotations

from typing import Any

import pytest

from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.openai_chat import encode
from cascadeflow.types import (
    Request,
    ToolChoice,
)

from .chat_events import (
    OPENAI,
)

# ---- requests -----------------------------------------------------------------------------------

HELLO = ({"role": "user", "content": "Hi"},)


def body(name: str = "gpt-4o-mini", server: str = "openai", **fields: Any) -> dict[str, Any]:
    return encode(name, Request(messages=HELLO, **fields), CATALOG[server])


def test_a_bare_request_sends_only_what_is_needed() -> None:
    assert body() == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
    }
    assert body(server="mistral").keys() == {"model", "messages", "stream"}


def test_messages_travel_as_they_are() -> None:
    messages = (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}], "extra": 1},
        {"role": "tool", "tool_call_id": "a", "content": "4"},
    )
    assert encode("m", Request(messages=messages), OPENAI)["messages"] == list(messages)


def test_every_given_setting_is_sent() -> None:
    sent = body(
        temperature=0,
        max_tokens=5,
        stop=("a", "b"),
        seed=0,
        response_format={"type": "json_object"},
    )
    assert (sent["temperature"], sent["max_tokens"], sent["seed"]) == (0, 5, 0)
    assert sent["stop"] == ["a", "b"]
    assert sent["response_format"] == {"type": "json_object"}


def test_fields_of_the_caller_win_unchanged() -> None:
    sent = body(temperature=0.5, extra={"temperature": 0.9, "top_k": 3, "logprobs": None})
    assert (sent["temperature"], sent["top_k"], sent["logprobs"]) == (0.9, 3, None)


@pytest.mark.parametrize("name", ["o1", "openai/o3-mini", "o4-mini", "gpt-5-mini"])
def test_openais_thinking_models_get_only_what_they_accept(name: str) -> None:
    sent = body(name, temperature=0.0, max_tokens=9, logprobs=True, stop=("x",))
    assert sent["max_completion_tokens"] == 9
    assert sent.keys().isdisjoint({"temperature", "max_tokens", "logprobs", "stop"})


def test_what_a_server_lacks_or_names_otherwise_is_data() -> None:
    sent = body("mistral-small", "mistral", temperature=1.9, seed=4)
    assert (sent["temperature"], sent["random_seed"]) == (1.5, 4)
    assert sent.keys().isdisjoint({"seed", "stream_options", "logprobs"})
    assert body("sonar", "perplexity", stop=("x",), seed=1).keys() == {
        "model",
        "messages",
        "stream",
    }
    assert body("llama", "together")["logprobs"] == 1
    assert "max_tokens" in body("deepseek-reasoner", "deepseek", max_tokens=5)


@pytest.mark.parametrize(
    ("server", "wish", "sent"),
    [("openai", None, True), ("openai", False, False), ("groq", None, False), ("groq", True, True)],
)
def test_log_probabilities_are_asked_for_where_they_are_known_or_wished(
    server: str, wish: bool | None, sent: bool
) -> None:
    assert body("llama-3.1-8b", server, logprobs=wish).get("logprobs", False) is sent


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", "auto"),
        ("required", "required"),
        ("none", "none"),
        ({"name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_tools_are_wrapped_and_their_choice_translated(
    choice: ToolChoice | None, sent: object
) -> None:
    tool = {"name": "f", "description": "d", "parameters": {"type": "object"}}
    with_tools = body(tools=(tool,), tool_choice=choice)
    assert with_tools["tools"] == [{"type": "function", "function": tool}]
    assert with_tools.get("tool_choice") == sent
    assert "logprobs" not in with_tools
    assert "tool_choice" not in body(tool_choice=choice)
