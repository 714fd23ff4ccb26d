"""Requests of the Responses API: messages of every shape, and conversations that go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.errors import ConfigError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.responses import encode
from cascadeflow.types import Request

from .asking import ASK
from .loopback import CHUNKED, Peer, serving
from .responses_events import added, call, closing, done, message, more, thought

SERVER = CATALOG["openai-responses"]
KNOWN = TypeAdapter[Any](ResponseCreateParamsStreaming)
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SEALED = thought(encrypted_content="gAAA")


def sent(model: str = "gpt-4o", **fields: Any) -> dict[str, Any]:
    return encode(model, msgspec.structs.replace(Request(messages=ASK), **fields), SERVER)


def items(*messages: Mapping[str, Any]) -> list[Any]:
    body = sent(messages=messages)
    KNOWN.validate_python(body)
    return [*body["input"]]


def calling(**fields: Any) -> dict[str, Any]:
    function = {"name": "weather", "arguments": "{}"}
    tool_call = {"id": "call_1", "type": "function", "function": function, **fields}
    return {"role": "assistant", "content": None, "tool_calls": [tool_call]}


# --- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "made"),
    [
        ("Hi", {"type": "input_text", "text": "Hi"}),
        ({"type": "text", "text": "Hi"}, {"type": "input_text", "text": "Hi"}),
        ({"type": "input_text", "text": "Hi"}, {"type": "input_text", "text": "Hi"}),
        ({"type": "refusal", "refusal": "No."}, {"type": "input_text", "text": "No."}),
        (
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
            {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        ),
        (
            {"type": "file", "file": {"file_data": PIXEL, "filename": "a.pdf"}},
            {"type": "input_file", "file_data": PIXEL, "filename": "a.pdf"},
        ),
    ],
)
def test_a_part_has_the_shape_of_this_api(part: object, made: object) -> None:
    result = {"role": "tool", "tool_call_id": "call_1", "content": [part]}
    assert items({"role": "user", "content": [part]}) == [{"role": "user", "content": [made]}]
    assert items(calling(), result)[1]["output"] == [made]


def test_a_part_that_is_neither_text_nor_a_mapping_is_refused_by_its_type() -> None:
    with pytest.raises(ConfigError, match="a part of a content is a int"):
        sent(messages=({"role": "user", "content": [5]},))


@pytest.mark.parametrize(
    ("tool_call", "arguments"),
    [
        (calling(), "{}"),
        (calling(function={"name": "weather"}), "{}"),
        (calling(function={"name": "weather", "arguments": {"city": "Rome"}}), '{"city":"Rome"}'),
        (calling(function=None, name="weather", arguments='{"a": 1}'), '{"a": 1}'),
    ],
)
def test_a_call_is_an_item_whatever_its_form(tool_call: dict[str, Any], arguments: str) -> None:
    assert items(*ASK, tool_call)[1] == call(arguments)


def test_an_empty_result_of_a_tool_is_an_empty_text() -> None:
    empties: tuple[object, ...] = ("", None, [])
    for content in empties:
        result = {"role": "tool", "tool_call_id": "call_1", "content": content}
        assert items(calling(), result)[1]["output"] == ""


def test_words_of_an_assistant_are_one_text_and_its_phase_is_kept() -> None:
    parts = ["I ", {"type": "text", "text": "look"}, {"type": "refusal", "refusal": "."}]
    told = {"role": "assistant", "content": parts, "phase": "commentary"}
    assert items(told, *ASK)[0] == {
        "role": "assistant", "content": "I look.", "phase": "commentary",
    }  # fmt: skip


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"reasoning_content": "Hm."},
        {"id": "call_1", "extra_content": {"google": {}}},
        "Hm.",
    ],
)
def test_thoughts_in_the_form_of_another_api_stay_behind(block: object) -> None:
    told = {"role": "assistant", "content": "Hi.", "thinking_blocks": [block]}
    assert items(told, *ASK) == [{"role": "assistant", "content": "Hi."}, *ASK]


def test_a_thought_goes_back_without_null_and_never_alone() -> None:
    told = {"role": "assistant", "content": "Hi.", "thinking_blocks": [{**SEALED, "status": None}]}
    assert items(told, *ASK)[0] == SEALED
    assert items({**told, "content": ""}, *ASK) == [*ASK]


# --- fields of the caller ------------------------------------------------------------------------


def test_what_the_caller_adds_to_text_include_and_tools_stands_beside_ours() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    tool = {"name": "weather", "parameters": {"type": "object"}}
    search = {"type": "web_search"}
    sources = "web_search_call.action.sources"
    extra = {"text": {"verbosity": "low"}, "include": [sources], "tools": [search]}
    body = sent("gpt-5.1", response_format=form, tools=(tool,), extra=extra)
    KNOWN.validate_python(body)
    named = {"type": "json_schema", "name": "a", "schema": {"type": "object"}}
    assert body["text"] == {"format": named, "verbosity": "low"}
    assert body["include"] == ["reasoning.encrypted_content", sources]
    assert body["tools"] == [{"type": "function", "strict": False, **tool}, search]
    own: dict[str, Any] = {"text": {"format": {"type": "text"}}, "include": [], "input": []}
    assert sent("gpt-5.1", response_format=form, extra=own).items() >= own.items()


def test_models_that_think_are_asked_for_log_probabilities_only_on_demand() -> None:
    wish = "message.output_text.logprobs"
    assert wish not in sent("openai/gpt-oss-20b")["include"]
    assert wish in sent("openai/gpt-oss-20b", logprobs=True)["include"]


# --- conversations -------------------------------------------------------------------------------

CALLS = (
    added(0, thought()), done(0, SEALED), more("I look. ", 1), done(1, message("I look. ")),
    added(2, call("")), added(3, call("", call_id="call_2")),
    done(3, call('{"city": "Oslo"}', call_id="call_2")), done(2, call()), closing(),
)  # fmt: skip
QUERY = "What is the weather in Rome, and in Oslo?"
ANSWER = (more("Sun in both."), closing(message("Sun in both.")))
CHAT = (
    b'data: {"id": "c", "choices": [{"delta": {"content": "Sun in both."}, "index": 0}]}\n\n',
    b'data: {"id": "c", "choices": [{"delta": {}, "index": 0, "finish_reason": "stop"}]}\n\n',
    b"data: [DONE]\n\n",
)


def weather(city: str) -> str:
    """Weather of a city."""
    return f"Sun in {city}"


def test_a_conversation_with_calls_goes_on_with_the_same_model_and_with_a_chat_model() -> None:
    answers = [CALLS, ANSWER, ANSWER, CHAT]
    asked: list[Any] = []

    async def answer(peer: Peer) -> None:
        while True:
            head, body = await peer.request()
            if not head:
                return
            asked.append(json.loads(body))
            parts = (*answers[len(asked) - 1], b"")
            await peer.send(CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts))

    async def ask(url: str, provider: str, name: str, messages: list[Any]) -> list[Any]:
        models = [
            ModelConfig(each, provider, cost, api_key="sk-made-up", base_url=f"{url}/v1")
            for each, cost in (("spare", 1.0), (name, 9.0))
        ]
        async with CascadeAgent(models, tools=[weather]) as agent:
            manager = agent.tool_streaming_manager
            assert manager is not None
            stream = manager.stream(QUERY, messages=messages, force_direct=True)
            told = [each async for each in stream]
        result = told[-1].data["result"]
        assert result["content"] == "Sun in both."
        return [*result["messages"]]

    async def body() -> None:
        async with serving(answer) as url:
            messages = await ask(url, "openai-responses", "gpt-5.1", [])
            await ask(url, "openai-responses", "gpt-5.1", messages)
            await ask(url, "openai", "gpt-4o", messages)

    asyncio.run(body())
    _, second, third, chat = asked
    went = second["input"][1:]
    assert went == [
        SEALED, {"role": "assistant", "content": "I look. "}, call(),
        call('{"city": "Oslo"}', call_id="call_2"),
        {"type": "function_call_output", "call_id": "call_1", "output": "Sun in Rome"},
        {"type": "function_call_output", "call_id": "call_2", "output": "Sun in Oslo"},
    ]  # fmt: skip
    assert third["input"][1:-2] == went
    assert not any("thinking" in key for said in chat["messages"] for key in said)


def test_an_answer_in_a_form_comes_whole_with_a_verbosity_beside_it() -> None:
    asked: list[Any] = []

    async def answer(peer: Peer) -> None:
        asked.append(json.loads((await peer.request())[1]))
        parts = (more('{"city": "Ro'), more('me"}'), closing(message('{"city": "Rome"}')), b"")
        await peer.send(CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts))

    async def body() -> None:
        async with serving(answer) as url:
            model = ModelConfig(
                "gpt-5.1", "openai-responses", 1.0, api_key="sk-made-up", base_url=f"{url}/v1"
            )
            schema = {"type": "object", "properties": {"city": {"type": "string"}}}
            async with CascadeAgent([model]) as agent:
                result = await agent.run(
                    "Where?", response_format=schema, text={"verbosity": "low"}
                )
        assert result.parsed == {"city": "Rome"}
        assert asked[0]["text"]["verbosity"] == "low"
        assert asked[0]["text"]["format"]["type"] == "json_schema"
        assert asked[0]["text"]["format"]["schema"] == schema

    asyncio.run(body())
