"""Offering tools: every form of definition and choice, and what each server is sent of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable, Sequence
from typing import Any

import pytest

from cascadeflow import CascadeAgent, ConfigError, ModelConfig, collect
from cascadeflow.request import Query
from cascadeflow.streaming import StreamEvent, ToolStreamEvent
from cascadeflow.tools import ToolConfig, tool
from cascadeflow.types import Message

from . import anthropic_events as anthropic
from . import chat_events as chat
from .loopback import CHUNKED, Peer, serving
from .tool_streams import ASK, PARIS, WEATHER, calls, ladder, read, run, says, tools_of

# --- offering -------------------------------------------------------------------------------------


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def typed(location: str) -> str:
    """Current weather of a place."""
    return location


FORMS: list[Any] = [
    WEATHER,
    {"type": "function", "function": WEATHER},
    {
        "name": WEATHER["name"],
        "description": WEATHER["description"],
        "input_schema": WEATHER["parameters"],
    },
    ToolConfig("get_weather", WEATHER["description"], WEATHER["parameters"]),
]


@pytest.mark.parametrize("form", FORMS, ids=["universal", "openai", "anthropic", "ToolConfig"])
def test_every_form_of_a_definition_arrives_in_one(form: object) -> None:
    agent, models = ladder(calls())
    run(reading(agent, tools=[form]))
    assert list(models.calls[0][1].tools) == [WEATHER]


async def reading(agent: CascadeAgent, tools: Sequence[object], **options: Any) -> None:
    await read(tools_of(agent, tools=tools, **options))


@pytest.mark.parametrize("function", [add, typed])
def test_a_function_is_a_definition(function: Callable[..., object]) -> None:
    agent, models = ladder(says("Ok."))
    run(reading(agent, tools=[function]))
    (offered,) = models.calls[0][1].tools
    assert offered["name"] == function.__name__
    assert offered["description"] == function.__doc__


def test_offering_decides_the_class_of_the_events_not_the_answer() -> None:
    async def body() -> None:
        agent, models = ladder(says("Ok."), says("never"), tools=[WEATHER])
        assert await kind(agent.stream_events("hi")) is ToolStreamEvent
        assert await kind(agent.stream_events("hi", tools=[])) is StreamEvent
        assert await kind(agent.stream_events("hi", tools=[add])) is ToolStreamEvent
        offered = [[each["name"] for each in request.tools] for _, request in models.calls]
        assert offered == [["get_weather"], [], ["add"]]

    async def kind(stream: AsyncIterable[object]) -> type:
        (found,) = {type(event) async for event in stream}
        return found

    run(body())


def test_limits_are_larger_with_tools() -> None:
    agent, models = ladder(says("Ok."))
    run(reading(agent, tools=[WEATHER]))
    run(reading(agent, tools=[WEATHER], max_tokens=7, temperature=0.1))
    sent = [(request.max_tokens, request.temperature) for _, request in models.calls]
    assert sent == [(1000, 0.7), (7, 0.1)]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tools": "get_weather"}, "must be a list of tools"),
    ({"tools": [WEATHER, WEATHER]}, "both named 'get_weather'"),
    ({"tools": [{"description": "?"}]}, "has no name"),
    ({"tools": [{**WEATHER, "name": "get weather"}]}, "name of a tool is"),
    ({"tools": [{**WEATHER, "paramters": {}}]}, "did you mean 'parameters'"),
    ({"tools": [{**WEATHER, "parameters": {"type": "strin"}}]}, "get_weather"),
    ({"tools": [], "tool_choice": "required"}, "no tools are offered"),
    ({"tools": [WEATHER], "tool_choice": "get_weather"}, "tool_choice is"),
    (
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "x"}}},
        "offered tools are: 'get_weather'",
    ),
    ({"tools": [WEATHER], "tool_choise": "auto"}, "did you mean 'tool_choice'"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_a_wrong_definition_or_choice_is_an_error_before_anything_is_sent(
    options: dict[str, Any], said: str
) -> None:
    agent, models = ladder(says("Ok."), says("never"))
    with pytest.raises(ConfigError, match=said):
        agent.stream_events(ASK, **options)
    with pytest.raises(ConfigError, match=said):
        tools_of(agent, **options)
    assert models.calls == []


@pytest.mark.parametrize("wrong", [0, -1, None, True, 2.0])
def test_max_turns_is_a_positive_integer(wrong: object) -> None:
    agent, models = ladder(says("Ok."))
    with pytest.raises(ConfigError, match="max_turns is"):
        tools_of(agent, tools=[WEATHER], max_turns=wrong)
    assert models.calls == []


def test_an_executor_is_a_tool_executor() -> None:
    agent, _ = ladder(says("Ok."))
    with pytest.raises(ConfigError, match="tool_executor"):
        tools_of(agent, tools=[WEATHER], tool_executor=print)


# --- what servers are sent ------------------------------------------------------------------------

Sent = list[dict[str, Any]]
CHAT = chat.encoded(chat.said("Ok."), chat.chunk({}, "stop"), b"[DONE]")
MESSAGES = anthropic.OPEN + anthropic.text("Ok.") + anthropic.END
ANSWERS = {"openai": CHAT, "anthropic": MESSAGES}


def sent_to(dialect: str, query: Query = ASK, **options: Any) -> dict[str, Any]:
    """The body of the one request that a query makes."""
    bodies: Sent = []

    async def answer(peer: Peer) -> None:
        _, body = await peer.request()
        bodies.append(json.loads(body))
        told = ANSWERS[dialect]
        await peer.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(told), told))

    async def body() -> None:
        async with serving(answer) as url:
            model = ModelConfig("m", dialect, 1.0, api_key="k", base_url=f"{url}/v1")
            async with CascadeAgent([model]) as agent:
                end = await collect(tools_of(agent, query, **options))
        assert end.content == "Ok."

    run(body())
    (sent,) = bodies
    return sent


NAMED = {"type": "function", "function": {"name": "get_weather"}}
CHOICES: list[tuple[Any, Any, Any]] = [
    (None, None, None),
    ("auto", "auto", {"type": "auto"}),
    ({"type": "auto"}, "auto", {"type": "auto"}),
    ("required", "required", {"type": "any"}),
    ({"type": "required"}, "required", {"type": "any"}),
    ({"type": "any"}, "required", {"type": "any"}),
    ("none", "none", {"type": "none"}),
    ({"type": "none"}, "none", {"type": "none"}),
    (NAMED, NAMED, {"type": "tool", "name": "get_weather"}),
    ({"type": "tool", "name": "get_weather"}, NAMED, {"type": "tool", "name": "get_weather"}),
]


@pytest.mark.parametrize(("given", "openai", "messages"), CHOICES)
def test_a_tool_choice_is_translated_for_each_server(
    given: object, openai: object, messages: object
) -> None:
    assert sent_to("openai", tools=[WEATHER], tool_choice=given).get("tool_choice") == openai
    assert sent_to("anthropic", tools=[WEATHER], tool_choice=given).get("tool_choice") == messages


def test_definitions_are_translated_for_each_server() -> None:
    (openai,) = sent_to("openai", tools=[WEATHER])["tools"]
    assert openai == {"type": "function", "function": WEATHER}
    (messages,) = sent_to("anthropic", tools=[WEATHER])["tools"]
    assert messages == {
        "name": "get_weather",
        "description": WEATHER["description"],
        "input_schema": WEATHER["parameters"],
    }


def test_a_history_with_calls_and_thinking_is_translated_for_each_server() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    asked = {
        "id": "c1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": PARIS},
    }
    history: list[Message] = [
        {"role": "user", "content": ASK},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [asked],
            "thinking_blocks": [block],
            "thinking_model": "m",
        },
        {"role": "tool", "tool_call_id": "c1", "content": "22 C"},
    ]
    openai = sent_to("openai", history, tools=[WEATHER])["messages"]
    assert openai[1]["tool_calls"] == [asked]
    assert openai[2] == history[2]
    assert "thinking_model" not in json.dumps(openai)
    messages = sent_to("anthropic", history, tools=[WEATHER])["messages"]
    assert messages == [
        {"role": "user", "content": ASK},
        {
            "role": "assistant",
            "content": [
                block,
                {"type": "tool_use", "id": "c1", "name": "get_weather", "input": json.loads(PARIS)},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "22 C"}],
        },
    ]
