"""Conversations in Anthropic's form, and what OpenAI alone has, on the way to every dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.errors import ConfigError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.http import DIALECTS
from cascadeflow.types import Message, Request

from .anthropic_events import END, OPEN
from .anthropic_events import text as said
from .loopback import HEAD, Peer, serving

CHAT_MESSAGE = TypeAdapter[Any](ChatCompletionMessageParam)
RESPONSES_BODY = TypeAdapter[Any](ResponseCreateParamsStreaming)
USER: Message = {"role": "user", "content": "Hi"}
CACHED = {"cache_control": {"type": "ephemeral"}}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
PNG_URL = "data:image/png;base64,iVBORw0KGgo="
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
PDF_FILE = {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
WEB = {"type": "url", "url": "https://example.org/a"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def body(server: str, *messages: Message, **fields: Any) -> dict[str, Any]:
    line = CATALOG[server]
    return {**DIALECTS[line.dialect].encode("m", Request(messages=messages, **fields), line)}


def chat(*messages: Message, server: str = "openai") -> list[Any]:
    made: list[Any] = body(server, *messages)["messages"]
    for message in made:
        CHAT_MESSAGE.validate_python(message)
    return made


def responses(*messages: Message) -> list[Any]:
    made = body("openai-responses", *messages)
    RESPONSES_BODY.validate_python(made)
    return [*made["input"]]


@pytest.mark.parametrize(
    ("block", "in_chat", "in_responses"),
    [
        (
            {"type": "image", "source": PNG},
            [{"type": "image_url", "image_url": {"url": PNG_URL}}],
            [{"type": "input_image", "detail": "auto", "image_url": PNG_URL}],
        ),
        (
            {"type": "image", "source": WEB, **CACHED},
            [{"type": "image_url", "image_url": {"url": WEB["url"]}}],
            [{"type": "input_image", "detail": "auto", "image_url": WEB["url"]}],
        ),
        (
            {"type": "document", "source": PDF, "citations": {"enabled": True}},
            [{"type": "file", "file": PDF_FILE}],
            [{"type": "input_file", **PDF_FILE}],
        ),
        (
            {"type": "document", "title": "Will", "context": "Of 1616", "source": PDF, **CACHED},
            [text("Will"), text("Of 1616"), {"type": "file", "file": PDF_FILE}],
            [
                {"type": "input_text", "text": "Will"},
                {"type": "input_text", "text": "Of 1616"},
                {"type": "input_file", **PDF_FILE},
            ],
        ),
        (
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "To be"},
            },
            [text("To be")],
            [{"type": "input_text", "text": "To be"}],
        ),
        (
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": ["To be", text("or not"), {"type": "image", "source": PNG}],
                },
                **CACHED,
            },
            [text("To be"), text("or not"), {"type": "image_url", "image_url": {"url": PNG_URL}}],
            [
                {"type": "input_text", "text": "To be"},
                {"type": "input_text", "text": "or not"},
                {"type": "input_image", "detail": "auto", "image_url": PNG_URL},
            ],
        ),
        (
            text("Hi", citations=None, **CACHED),
            [text("Hi")],
            [{"type": "input_text", "text": "Hi"}],
        ),
    ],
)
def test_a_block_of_anthropics_form_becomes_a_part_of_openais_dialects(
    block: Mapping[str, Any], in_chat: object, in_responses: object
) -> None:
    message = {"role": "user", "content": [block]}
    assert chat(message) == [{"role": "user", "content": in_chat}]
    assert responses(message) == [{"role": "user", "content": in_responses}]
    assert body("anthropic", message)["messages"] == [message]


CALL = {"type": "tool_use", "id": "toolu_9", "name": "weather", "input": {"city": "Oslo"}}
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "s"}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_9", "content": [text("3 C"), text("rain")]}
CALLED = {
    "id": "toolu_9",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
}


def test_a_history_of_calls_in_anthropics_form_goes_on_in_openais_dialects() -> None:
    history = (
        USER,
        {"role": "assistant", "content": [THOUGHT, text("I look"), text(" up."), CALL]},
        {"role": "user", "content": [RESULT, text("And?")]},
    )
    assert chat(*history) == [
        USER,
        {"role": "assistant", "content": "I look up.", "tool_calls": [CALLED]},
        {"role": "tool", "tool_call_id": "toolu_9", "content": "3 C\nrain"},
        {"role": "user", "content": [text("And?")]},
    ]
    assert responses(*history)[1:4] == [
        {"role": "assistant", "content": "I look up."},
        {
            "type": "function_call",
            "call_id": "toolu_9",
            "name": "weather",
            "arguments": '{"city":"Oslo"}',
        },
        {"type": "function_call_output", "call_id": "toolu_9", "output": "3 C\nrain"},
    ]


def test_ids_of_calls_in_anthropics_form_are_brought_to_what_the_server_takes() -> None:
    history = ({"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]})
    said, result = chat(*history, server="mistral")
    assert said["content"] is None
    assert len(said["tool_calls"][0]["id"]) == 9
    assert result["tool_call_id"] == said["tool_calls"][0]["id"]


def test_a_message_of_thoughts_or_of_nothing_is_empty_text() -> None:
    assert chat({"role": "assistant", "content": [THOUGHT]}, USER)[0]["content"] == ""
    assert chat({"role": "assistant", "content": []}, USER)[0]["content"] == ""


def test_a_result_with_an_image_goes_to_the_responses_api_alone() -> None:
    result = {**RESULT, "content": [text("see"), {"type": "image", "source": PNG}]}
    message = {"role": "user", "content": [result]}
    assert responses(message)[0]["output"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "detail": "auto", "image_url": PNG_URL},
    ]
    with pytest.raises(ConfigError, match="openai: a tool_result with more than text"):
        chat(message)


def test_a_document_by_its_url_goes_to_the_responses_api_alone() -> None:
    message = {"role": "user", "content": [{"type": "document", "source": WEB}]}
    assert responses(message)[0]["content"] == [{"type": "input_file", "file_url": WEB["url"]}]
    with pytest.raises(ConfigError, match="openai: a document by its URL"):
        chat(message)


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "'image'.*'file'"),
        ({"type": "document", "source": {"type": "file", "file_id": "f"}}, "'document'.*'file'"),
        ({"type": "image", "source": {"type": "base64", "data": None}}, "'image'.*'base64'"),
        ({"type": "search_result", "source": "s", "title": "t", "content": []}, "search_result"),
        ({"type": "web_search_tool_result", "content": []}, "web_search_tool_result"),
        ({"type": "server_tool_use", "name": "web_search"}, "server_tool_use"),
        ({"type": "container_upload", "file_id": "f"}, "container_upload"),
    ],
)
@pytest.mark.parametrize("server", ["openai", "openai-responses"])
def test_what_another_dialect_cannot_say_is_refused_by_its_name(
    server: str, block: Mapping[str, Any], named: str
) -> None:
    for content in ([block], [{**RESULT, "content": [block]}]):
        with pytest.raises(ConfigError, match=f"{server}: .*{named}.*allowed are"):
            body(server, {"role": "user", "content": content})


def test_parts_of_a_kind_that_is_nobodys_block_stay_as_they_are() -> None:
    parts = [{"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, "Hi", 5]
    assert body("vllm", {"role": "user", "content": parts})["messages"][0]["content"] == parts


def test_what_a_draft_cannot_be_asked_the_next_model_answers_and_nothing_is_sent() -> None:
    asked: list[bytes] = []

    async def answer(peer: Peer) -> None:
        asked.append((await peer.request())[0])
        await peer.send(HEAD + b"\r\n" + OPEN + said("A will.") + END)

    async def run() -> None:
        async with serving(answer) as url:
            models = [
                ModelConfig("small", "openai", 0, api_key="k", base_url=f"{url}/v1"),
                ModelConfig("claude", "anthropic", 0, api_key="k", base_url=url),
            ]
            block = {"type": "document", "source": WEB}
            async with CascadeAgent(models) as agent:
                result = await agent.run([{"role": "user", "content": [block, text("Sum up")]}])
        assert (result.model_used, result.reason) == ("claude", "draft_error:bad_request")
        assert "a document by its URL" in result.attempts[0]["message"]

    asyncio.run(run())
    assert [head.split()[1] for head in asked] == [b"/v1/messages"]


# --- caching -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "kept"),
    [("openai", False), ("openai-responses", False), ("vllm", False), ("anthropic", True),
     ("openrouter", True), ("litellm", True)],
)  # fmt: skip
def test_cache_control_of_parts_goes_where_it_is_known(server: str, kept: bool) -> None:
    part, image = text("Long", **CACHED), {"type": "image", "source": PNG, **CACHED}
    made = body(
        server,
        {"role": "system", "content": [part]},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [{**RESULT, **CACHED}, part, image]},
    )
    assert str(made).count("cache_control") == (4 if kept else 0)


@pytest.mark.parametrize("server", ["openai", "openai-responses", "litellm", "anthropic"])
def test_cache_control_of_a_tool_goes_to_the_messages_api_alone(server: str) -> None:
    tool = {"name": "f", "description": "d", "parameters": {"type": "object"}, **CACHED}
    assert ("cache_control" in str(body(server, USER, tools=(tool,)))) == (server == "anthropic")


# --- what OpenAI alone has -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "role"),
    [("openai", "developer"), ("azure", "developer"), ("openai-responses", "developer"),
     ("mistral", "system"), ("vllm", "system"), ("openrouter", "system")],
)  # fmt: skip
def test_the_role_developer_is_system_where_it_is_not_known(server: str, role: str) -> None:
    made = body(server, {"role": "developer", "content": "Be brief."}, USER)
    assert (made.get("messages") or made["input"])[0]["role"] == role


def test_a_refusal_is_the_text_where_the_field_is_not_known() -> None:
    refused = {"role": "assistant", "content": None, "refusal": "No."}
    plain = {"role": "assistant", "content": "No."}
    assert chat(USER, refused, USER)[1] == refused
    assert chat(USER, refused, USER, server="mistral")[1] == plain
    assert chat(USER, {**plain, "refusal": None}, USER, server="mistral")[1] == plain
    assert responses(USER, refused, USER)[1] == plain
    assert body("anthropic", USER, refused, USER)["messages"][1] == plain
