from __future__ import annotations

import json
from typing import Any

import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.tools import ToolCall, ToolCallFormat, ToolResult

OPENAI = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": '{"a": "Zürich", "b": [1, null]}'},
}
ANTHROPIC = {
    "type": "tool_use",
    "id": "toolu_1",
    "name": "f",
    "input": {"a": "Zürich", "b": [1, None]},
}
ARGUMENTS = {"a": "Zürich", "b": [1, None]}


def test_a_call_is_read_from_and_written_to_openais_shape() -> None:
    call = ToolCall.from_openai(OPENAI)
    assert call == ToolCall("call_1", "f", ARGUMENTS, ToolCallFormat.OPENAI)
    written = call.to_openai()
    assert json.loads(written["function"].pop("arguments")) == ARGUMENTS
    assert written == {"id": "call_1", "type": "function", "function": {"name": "f"}}


def test_a_call_is_read_from_and_written_to_anthropics_shape() -> None:
    call = ToolCall.from_anthropic(ANTHROPIC)
    assert call == ToolCall("toolu_1", "f", ARGUMENTS, ToolCallFormat.ANTHROPIC)
    assert call.to_anthropic() == ANTHROPIC
    assert ToolCall.from_openai(call.to_openai()).arguments == ARGUMENTS


@pytest.mark.parametrize("text", ["", " ", "{}", "```json\n{}\n```"])
def test_no_arguments_are_an_empty_object(text: str) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": text}}
    assert ToolCall.from_openai(call).arguments == {}


def test_arguments_that_are_an_object_already_are_taken() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}
    assert ToolCall.from_openai(call).arguments == {"a": 1}


@pytest.mark.parametrize(
    "call",
    [{}, {"id": 1, "function": {"name": "f", "arguments": "{}"}}, {"id": "c"},
     {"id": "c", "function": {"name": "f"}}, {"id": "c", "function": "f"}, ANTHROPIC, [], None],
)  # fmt: skip
def test_another_shape_than_openais_is_an_error(call: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not of OpenAI's shape"):
        ToolCall.from_openai(call)


@pytest.mark.parametrize(
    "block", [{}, OPENAI, {**ANTHROPIC, "type": "text"}, {**ANTHROPIC, "id": None}, [], None]
)
def test_another_shape_than_anthropics_is_an_error(block: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not of Anthropic's shape"):
        ToolCall.from_anthropic(block)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1} {"a": 2}', "Extra data"),
        ('{"a": 1, "a": 2}', "comes twice"),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('{"a": ', "not valid JSON"),
        (None, "must be a JSON object"),
        ({"a": {1, 2}}, "not JSON"),
    ],
)
def test_arguments_that_are_no_json_object_are_an_error(arguments: object, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ToolCall.from_openai({"id": "c", "function": {"name": "f", "arguments": arguments}})
    if not isinstance(arguments, str):
        with pytest.raises(ConfigError, match=told):
            ToolCall.from_anthropic({**ANTHROPIC, "input": arguments})


def test_a_call_checks_its_fields() -> None:
    wrong: list[list[Any]] = [[1, "f", {}], ["c", None, {}], ["c", "f", "{}"], ["c", "f", None]]
    for fields in wrong:
        with pytest.raises(ConfigError):
            ToolCall(*fields)


def test_arguments_without_a_word_in_json_cannot_be_written() -> None:
    with pytest.raises(ConfigError, match="not JSON"):
        ToolCall("c", "f", {"a": object()}).to_openai()


@pytest.mark.parametrize(
    ("result", "content"),
    [
        ("22 °C, sunny", "22 °C, sunny"),
        ("", ""),
        ({"temp": 22, "unit": "°C"}, '{"temp": 22, "unit": "°C"}'),
        ([1, 2.5, True, None], "[1, 2.5, true, null]"),
        (None, "null"),
        (False, "false"),
    ],
)
def test_a_result_becomes_text_strings_as_they_are_the_rest_as_json(
    result: object, content: str
) -> None:
    done = ToolResult("c", "f", result)
    assert done.success
    assert done.to_message() == {"role": "tool", "tool_call_id": "c", "content": content}
    assert done.to_anthropic() == {
        "type": "tool_result",
        "tool_use_id": "c",
        "content": content,
        "is_error": False,
    }


def test_an_error_becomes_text_too() -> None:
    failed = ToolResult("c", "f", error="timed out after 30 s", duration_ms=30_000.0)
    assert not failed.success
    assert failed.to_message()["content"] == "Error: timed out after 30 s"
    assert failed.to_anthropic()["is_error"] is True


def test_a_result_without_a_word_in_json_has_no_message() -> None:
    with pytest.raises(ConfigError, match="tool 'f': not JSON"):
        ToolResult("c", "f", object()).to_message()
