"""Tool calls of the simulated models: which tool, which arguments, which mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cascadeflow.providers.simulated.mistakes import TOOL_RATES
from cascadeflow.providers.simulated.model import answer
from cascadeflow.providers.simulated.wire import Reply, read


def tool(name: str, description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TEXT, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}
WEATHER = tool(
    "get_weather",
    "Get current weather for a location",
    ["location"],
    location={"type": "string", "description": "City name"},
    unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
)
TIME = tool("get_time", "Get the current time in a city", ["city"], city=TEXT)
ADD = tool("add", "Add two numbers", ["a", "b"], a=NUMBER, b=NUMBER)
CALCULATE = tool("calculate", "Evaluate a math expression", ["expression"], expression=TEXT)
SEARCH = tool("search_web", "Search the web", ["query"], query=TEXT, limit=INTEGER)
ALL = [WEATHER, TIME, ADD, CALCULATE, SEARCH]


def ask(text: str, model: str = "gpt-4o", seed: int = 0, **fields: Any) -> Reply:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "tools": ALL}
    return answer(read(json.dumps({**body, "temperature": 0, **fields}).encode()), seed)


def calls(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    return [(call.function.name, json.loads(call.function.arguments)) for call in reply.calls]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What's the weather in NYC?", [("get_weather", {"location": "NYC"})]),
        ("weather in london", [("get_weather", {"location": "london"})]),
        (
            "What's the weather in Paris and Oslo, in celsius?",
            [
                ("get_weather", {"location": "Paris", "unit": "celsius"}),
                ("get_weather", {"location": "Oslo", "unit": "celsius"}),
            ],
        ),
        (
            "What's the weather in Paris and the time in Tokyo?",
            [("get_weather", {"location": "Paris"}), ("get_time", {"city": "Tokyo"})],
        ),
        ("Add 3 and 4.5", [("add", {"a": 3, "b": 4.5})]),
        ("What is 12 * 34?", [("calculate", {"expression": "12 * 34"})]),
        (
            "Search for the history of bread",
            [("search_web", {"query": "the history of bread"})],
        ),
        ('Search for "rye bread"', [("search_web", {"query": "rye bread"})]),
    ],
)
def test_large_model_calls_the_fitting_tools(
    text: str, expected: list[tuple[str, dict[str, Any]]]
) -> None:
    reply = next(r for seed in range(5) if calls(r := ask(text, seed=seed)) == expected)
    assert reply.finish_reason == "tool_calls"
    assert reply.completion_tokens > 0
    assert len({call.id for call in reply.calls}) == len(expected)


@pytest.mark.parametrize("text", ["Tell me a joke", "What is the capital of France?", "Hello"])
def test_no_call_is_made_when_no_tool_fits(text: str) -> None:
    reply = ask(text)
    assert not reply.calls
    assert reply.text


def test_missing_argument_is_asked_for() -> None:
    reply = ask("What's the weather?")
    assert not reply.calls
    assert "location" in reply.text


def test_tool_choice_is_obeyed() -> None:
    weather = "What's the weather in Paris?"
    assert not ask(weather, tool_choice="none").calls
    assert ask("Tell me a joke", tool_choice="required").calls
    forced = {"type": "function", "function": {"name": "get_time"}}
    (call,) = ask("Tell me a joke", tool_choice=forced).calls
    assert call.function.name == "get_time"
    assert "city" in json.loads(call.function.arguments)
    both = "What's the weather in Paris and Oslo?"
    assert len(ask(both, parallel_tool_calls=False).calls) == 1


def test_small_model_spoils_calls_at_the_documented_rate_and_the_large_rarely() -> None:
    cities = ["Paris", "Oslo", "Rome", "Lima", "Cairo"]
    n = 40 * len(cities)
    for model, rate in (("gpt-4o-mini", TOOL_RATES[0]), ("gpt-4o", TOOL_RATES[1])):
        wrong = sum(
            calls(ask(f"What's the weather in {city}?", model, seed))
            != [("get_weather", {"location": city})]
            for city in cities
            for seed in range(40)
        )
        assert abs(wrong / n - rate) < 4 * (rate * (1 - rate) / n) ** 0.5


def test_results_of_tools_are_used_in_the_answer() -> None:
    made = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"location":"Paris"}'},
    }
    messages = [
        {"role": "user", "content": "What's the weather in Paris?"},
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "call_1", "content": "22 degrees and sunny"},
    ]
    reply = ask("", messages=messages)
    assert not reply.calls
    assert "Paris" in reply.text
    assert "22 degrees and sunny" in reply.text
