"""The Messages API: the body of a request."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.errors import ConfigError
from cascadeflow.providers.anthropic import encode
from cascadeflow.providers.anthropic_encode import (
    DEFAULT_MAX_TOKENS,
    INVALID_JSON,
    LONG_MAX_TOKENS,
)
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.types import Message, Request, ToolChoice

MODEL = "claude-sonnet-4-5"
PNG = "iVBORw0KGgo="
USER: Message = {"role": "user", "content": "Hi"}
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def body(*messages: Message, model: str = MODEL, **fields: Any) -> dict[str, Any]:
    request = Request(messages=messages or (USER,), **fields)
    return encode(model, request, CATALOG["anthropic"])


def turns(*messages: Message) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = body(*messages)["messages"]
    return given


def call(id: str, arguments: object, name: str = "get_weather") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_a_plain_question_is_a_small_streamed_request() -> None:
    assert body() == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": LONG_MAX_TOKENS,
        "stream": True,
    }


def test_system_and_developer_messages_become_the_system_prompt() -> None:
    system, developer = ({"role": r, "content": f"As {r}."} for r in ("system", "developer"))
    made = body(system, USER, developer)
    assert made["system"] == "As system.\n\nAs developer."
    assert made["messages"] == [USER]


def test_a_system_prompt_of_blocks_keeps_its_cache_control() -> None:
    cached = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral"}}
    made = body({"role": "system", "content": [cached]}, {"role": "system", "content": "S"}, USER)
    assert made["system"] == [cached, {"type": "text", "text": "S"}]


def test_images_come_as_base64_or_by_url() -> None:
    (turn,) = turns(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                {"type": "image_url", "image_url": "HTTPS://example.org/a.png"},
                {"type": "file", "file": {"file_data": "data:application/pdf;x=y;base64,QUJD"}},
            ],
        }
    )
    assert turn["content"] == [
        {"type": "text", "text": "What?"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
        },
        {"type": "image", "source": {"type": "url", "url": "HTTPS://example.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
        },
    ]


def test_cache_control_of_an_image_part_is_kept() -> None:
    control = {"type": "ephemeral"}
    url = {"url": "https://example.org/a.png"}
    part = {"type": "image_url", "image_url": url, "cache_control": control}
    assert turns({"role": "user", "content": [part]})[0]["content"][0]["cache_control"] == control


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,",
        "data:image/png;base64,%%%",
        "data:image/png;base64,QUJ",
        "data:image/png,plain",
        "data:;base64,QUJD",
        "data:text/html;base64,QUJD",
        "data:",
        "file:///etc/passwd",
        "a.png",
        "",
        None,
        7,
    ],
)
def test_a_malformed_image_url_is_a_config_error_that_says_what_is_allowed(url: object) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    with pytest.raises(ConfigError, match="allowed"):
        body({"role": "user", "content": [part]})


def test_a_config_error_does_not_repeat_a_whole_image() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "!" * 10_000}}
    with pytest.raises(ConfigError) as caught:
        body({"role": "user", "content": [part]})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "message",
    [
        {"role": "narrator", "content": "x"},
        {"content": "x"},
        {"role": "user", "content": 5},
        {"role": "user", "content": [5]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": "x"}]},
    ],
)
def test_what_the_api_cannot_express_is_a_config_error(message: Message) -> None:
    with pytest.raises(ConfigError):
        body(message)


def test_blocks_in_the_shape_of_the_api_pass_unchanged() -> None:
    blocks = [
        {"type": "document", "source": {"type": "text", "data": "x"}, "citations": {}},
        {"type": "text", "text": "y", "cache_control": {"type": "ephemeral"}},
    ]
    assert turns({"role": "user", "content": blocks}) == [{"role": "user", "content": blocks}]


def test_tool_calls_and_results_become_blocks_and_results_share_a_turn() -> None:
    assert turns(
        USER,
        {"role": "assistant", "content": "", "tool_calls": [call("a", '{"city":"Oslo"}')]},
        {"role": "tool", "tool_call_id": "a", "content": "3 C"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "4 C"}]},
        {"role": "tool", "tool_call_id": "c", "content": "", "is_error": True},
        {"role": "user", "content": "And?"},
    ) == [
        USER,
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Oslo"}}
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "3 C"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [{"type": "text", "text": "4 C"}],
                },
                {"type": "tool_result", "tool_use_id": "c", "is_error": True},
                {"type": "text", "text": "And?"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", {}),
        (None, {}),
        ('{"a": [1]}', {"a": [1]}),
        ({"a": 1}, {"a": 1}),
        ("{a: 1}", {INVALID_JSON: "{a: 1}"}),
        ("[1]", {INVALID_JSON: "[1]"}),
        ("null", {INVALID_JSON: "null"}),
        ('{"a": NaN}', {INVALID_JSON: '{"a": NaN}'}),
        ("[" * 50_000, {INVALID_JSON: "[" * 50_000}),
    ],
)
def test_arguments_of_an_earlier_call_become_an_object(arguments: object, given: object) -> None:
    (turn,) = turns({"role": "assistant", "tool_calls": [call("a", arguments)]})
    assert turn["content"][0]["input"] == given


def test_thinking_blocks_come_first_and_blank_text_is_dropped() -> None:
    thinking = {"type": "thinking", "thinking": "Hm", "signature": "s"}
    (turn,) = turns(
        {
            "role": "assistant",
            "content": [{"type": "text", "text": " \n"}, {"type": "text", "text": "Yes"}],
            "thinking_blocks": [thinking],
            "tool_calls": [call("a", "{}")],
        }
    )
    assert [block["type"] for block in turn["content"]] == ["thinking", "text", "tool_use"]
    assert turn["content"][0] == thinking


def test_an_empty_assistant_message_disappears_and_its_neighbours_merge() -> None:
    assert turns(USER, {"role": "assistant", "content": None}, USER) == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}] * 2}
    ]


def test_tools_take_the_form_of_the_api() -> None:
    bare: dict[str, Any] = {"name": "now", "description": "", "parameters": {}}
    assert body(tools=(WEATHER, bare))["tools"] == [
        {
            "name": "get_weather",
            "description": "Weather of a city",
            "input_schema": WEATHER["parameters"],
        },
        {"name": "now", "input_schema": {"type": "object"}},
    ]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"name": "get_weather"}, {"type": "tool", "name": "get_weather"}),
    ],
)
def test_a_tool_choice_is_translated(choice: ToolChoice, sent: object) -> None:
    assert body(tools=(WEATHER,), tool_choice=choice)["tool_choice"] == sent
    assert "tool_choice" not in body(tool_choice=choice)


def test_stop_becomes_stop_sequences_and_what_the_api_lacks_is_left_out() -> None:
    made = body(stop=("END",), seed=7, logprobs=True, response_format={"type": "json_object"})
    assert made["stop_sequences"] == ["END"]
    assert not {"seed", "logprobs", "response_format", "stop", "output_config"} & set(made)


def test_a_json_schema_becomes_the_output_format_beside_the_callers_own_settings() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wish = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    sent = {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}
    assert body(response_format=wish)["output_config"] == {"format": sent}
    effort = body(response_format=wish, extra={"output_config": {"effort": "low"}})
    assert effort["output_config"] == {"format": sent, "effort": "low"}


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        (MODEL, 0.3, 0.3),
        (MODEL, 1.7, 1.0),
        (MODEL, 0.0, 0.0),
        (MODEL, None, None),
        ("claude-opus-4-7", 0.3, None),
        ("claude-opus-5", 0.3, None),
        ("claude-3-5-haiku-latest", 0.3, 0.3),
        ("some-other-model", 0.3, 0.3),
    ],
)
def test_temperature_is_clipped_and_kept_from_models_that_refuse_it(
    model: str, given: float | None, sent: float | None
) -> None:
    assert body(model=model, temperature=given).get("temperature") == sent


@pytest.mark.parametrize("thinking", ["enabled", "adaptive"])
def test_temperature_is_not_sent_while_the_model_thinks(thinking: str) -> None:
    extra = {"thinking": {"type": thinking, "budget_tokens": 1024}}
    assert "temperature" not in body(temperature=0.3, extra=extra)
    assert body(temperature=0.3, extra={"thinking": {"type": "disabled"}})["temperature"] == 0.3


@pytest.mark.parametrize(
    ("model", "asked", "budget", "sent"),
    [
        (MODEL, 100, None, 100),
        (MODEL, None, None, LONG_MAX_TOKENS),
        ("claude-3-haiku-20240307", None, None, DEFAULT_MAX_TOKENS),
        ("claude-3-7-sonnet-latest", None, None, DEFAULT_MAX_TOKENS),
        ("some-other-model", None, None, DEFAULT_MAX_TOKENS),
        (MODEL, 100, 1024, 1124),
        (MODEL, 2000, 1024, 2000),
        (MODEL, 1024, 1024, 2048),
        (MODEL, None, 60_000, 60_000 + LONG_MAX_TOKENS),
    ],
)
def test_a_limit_is_always_sent_and_leaves_room_for_thinking(
    model: str, asked: int | None, budget: int | None, sent: int
) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget else {}
    assert body(model=model, max_tokens=asked, extra=thinking)["max_tokens"] == sent


def test_extra_fields_win() -> None:
    made = body(max_tokens=5, extra={"max_tokens": 9, "metadata": {"user_id": "u"}})
    assert (made["max_tokens"], made["metadata"]) == (9, {"user_id": "u"})


def test_the_request_itself_is_not_changed() -> None:
    messages = ({"role": "user", "content": [{"type": "text", "text": "a"}]}, USER)
    extra = {"output_config": {"effort": "low"}}
    wish: dict[str, Any] = {"type": "json_schema", "json_schema": {"schema": {}}}
    body(*messages, extra=extra, response_format=wish)
    assert messages == ({"role": "user", "content": [{"type": "text", "text": "a"}]}, USER)
    assert extra == {"output_config": {"effort": "low"}}


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """A message of any role, often empty."""
    role = draw(st.sampled_from(["user", "system", "assistant", "tool"]))
    message: dict[str, Any] = {"role": role, "content": draw(st.text(max_size=3))}
    if role == "tool":
        message["tool_call_id"] = "a"
    if role == "assistant" and draw(st.booleans()):
        message["tool_calls"] = [call("a", draw(st.text(max_size=3)))]
    return message


@given(st.lists(messages(), max_size=8))
def test_roles_alternate_whatever_the_conversation(conversation: list[dict[str, Any]]) -> None:
    made = turns(*conversation, USER)
    roles = [turn["role"] for turn in made]
    assert all(a != b for a, b in pairwise(roles))
    assert all(turn["content"] for turn in made)
    assert msgspec.json.encode(made)
