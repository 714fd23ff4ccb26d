"""The single signals of tool drafts: numbers, words, schemas, grounding, JSON that breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.quality.tools.estimator import ToolObserver
from cascadeflow.quality.tools.grounding import degree, leaves
from cascadeflow.quality.tools.numbers import all_readings, numbers
from cascadeflow.quality.tools.question import Question
from cascadeflow.quality.tools.schema import Json, violations
from cascadeflow.quality.tools.words import fold, split, stem
from cascadeflow.types import Request, ToolCallDelta

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def broken(*parts: str) -> bool:
    """Whether a call with these fragments of arguments is known to be broken."""
    asked = Request(messages=({"role": "user", "content": "?"},), tools=({"name": "t"},))
    observer = ToolObserver(asked)
    observer.feed(ToolCallDelta(0, name="t"))
    for part in parts:
        observer.feed(ToolCallDelta(0, arguments=part))
        observer.estimate()
    return "arguments_broken" in observer.estimate().evidence


@given(JSON_VALUES, st.integers(0, 60), st.sampled_from([None, 2]))
def test_no_beginning_of_json_counts_as_broken(value: Json, cut: int, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert not broken(text[:cut], text[cut:])


@pytest.mark.parametrize(
    "text",
    ['{"a": 1]', "{a: 1", '{"a" 1', '{"a": 1,}', '{"a": tru!', "{'a'", '{"a":1}{', "[1 2", "}", ",",
     '{"a":,', '{"a": 01', "Sure! {", '{"a": "\\q"'],
)  # fmt: skip
def test_what_can_no_longer_become_json_is_broken_however_it_is_cut(text: str) -> None:
    for cut in range(len(text) + 1):
        assert broken(text[:cut], text[cut:])


@pytest.mark.parametrize("cut", [0, 1, 2, 9, 20])
def test_a_code_fence_around_arguments_is_not_held_against_them(cut: int) -> None:
    text = ' ```json\n{"a": 1}\n```'
    assert not broken(text[:cut], text[cut:])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234 people", 1234),
        ("1.234,5 Euro", 1234.5),
        ("5%", 0.05),
        ("3.5 percent", 0.035),
        ("2 million", 2e6),
        ("$4.5 billion", 4.5e9),
        ("twenty-five years", 25),
        ("the past decade", 10),
        ("three weeks", 3),
        ("zwölf oder drei", 3),
        ("sept jours", 7),
        ("٣ أيام", 3),
        ("[1,2,3]", 2),
        ("half", 0.5),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, value: float) -> None:
    assert any(abs(value - found) < 1e-9 for found in all_readings(numbers(text)))


def test_identifiers_and_inflections_share_stems() -> None:
    assert split("getUserName_v2 HTTPServer") == ["get", "user", "name", "v", "http", "server"]
    assert stem("calculate") == stem("calculation") == stem("calculator")
    assert stem("cities") == stem("city")
    assert stem("prices") == stem("price")
    assert fold("Münchén") == "munchen"


def question(text: str) -> Question:
    return Question(Request(messages=({"role": "user", "content": text},)))


@pytest.mark.parametrize(
    ("text", "schema", "value", "least", "most"),
    [
        ("weather in Paris", {}, "Paris", 1, 1),
        ("weather in Paris", {}, "paris", 1, 1),
        ("weather in Paris", {}, "Rome", 0, 0),
        ("weather in Houston", {}, "Houston, TX", 0.8, 0.9),
        ("f(x) = 3x^2 + 1", {}, "3x**2+1", 1, 1),
        ("on March 5, 2024", {}, "2024-03-05", 1, 1),
        ("am 5. März 2024", {}, "2024-03-05", 1, 1),
        ("on 5/3/2024", {}, "2024-03-05", 1, 1),
        ("on March 5", {}, "2021-03-05", 0.6, 0.7),
        ("200 dollars in euros", {}, "EUR", 1, 1),
        ("the stock of Apple, and Apple alone", {}, "AAPL", 0.5, 0.9),
        ("the stock of Apple", {"description": "Its ticker symbol"}, "AAPL", 0.5, 0.9),
        ("the stock of Apple", {"description": "The company"}, "AAPL", 0, 0.3),
        ("it costs $1,200", {}, 1200, 1, 1),
        ("a rate of 5%", {}, 0.05, 0.9, 1),
        ("for two hours", {}, 2, 1, 1),
        ("for two hours", {}, 7200, 0.5, 0.7),
        ("for two hours", {}, 17, 0, 0),
        ("anything", {"default": 17}, 17, 1, 1),
        ("anything", {"description": "Places to keep. Default is 2."}, 2, 1, 1),
        ("anything", {"description": "Whether to sort; 'False' by default"}, False, 0.6, 0.6),
        ("anything", {"description": "Defaults to 'Daily', or weekly"}, "daily", 1, 1),
        ("anything", {"enum": ["asc", "desc"]}, "asc", 0.6, 0.6),
        ("anything", {"description": "e.g. 'metric'"}, "metric", 0.5, 0.5),
        ("anything", {}, "metric", 0, 0),
        ("東京の天気", {}, "東京", 1, 1),
        ("погода в Москве", {}, "Москва", 1, 1),
    ],
)
def test_values_are_grounded_in_the_query_or_the_schema(
    text: str, schema: dict[str, Any], value: Json, least: float, most: float
) -> None:
    (leaf,) = leaves("argument", schema, value)
    assert least <= degree(leaf, question(text)) <= most


def test_switches_are_grounded_by_the_words_of_their_name() -> None:
    asked = question("Forecast the growth, include human impact")
    (named,) = leaves("include_human_impact", {"type": "boolean"}, True)
    (other,) = leaves("verbose", {"type": "boolean"}, True)
    assert degree(named, asked) == 1.0
    assert degree(other, asked) < 0.5


def test_several_asks_are_told_from_one() -> None:
    one = question("What is the weather in Paris?").several
    many = question("First get the weather in Paris, Rome and Oslo. Then, also…").several
    assert one == 0.0
    assert many == 1.0


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer"}, 5.0, []),
        ({"type": "integer"}, 5.5, ["loose_type"]),
        ({"type": "integer"}, "5", ["loose_type"]),
        ({"type": "integer"}, "five", ["wrong_type"]),
        ({"type": "integer"}, True, ["wrong_type"]),
        ({"type": ["string", "null"]}, None, []),
        ({"type": "string"}, None, ["wrong_type"]),
        ({"const": 1}, True, ["outside_enum"]),
        ({"enum": ["a"]}, "b", ["outside_enum"]),
        ({"minimum": 2}, 1, ["out_of_bounds"]),
        ({"exclusiveMaximum": 2}, 2, ["out_of_bounds"]),
        ({"maxLength": 2}, "abc", ["out_of_bounds"]),
        ({"minItems": 1}, [], ["out_of_bounds"]),
        ({"items": {"type": "number"}}, [1, "2"], ["loose_type"]),
        ({"properties": {"a": {"required": ["b"]}}}, {"a": {}}, ["missing_required"]),
        ({"properties": {"a": {}}}, {"c": 1}, ["unknown_argument"]),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}, {"c": "x"}, []),
        ({"additionalProperties": {"type": "string"}}, {"c": 1}, ["wrong_type"]),
        ({"type": "object"}, {"c": 1}, []),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, 3, []),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, [], ["wrong_type"]),
        ({"$ref": "#/$defs/x"}, 3, []),
        (None, 3, []),
    ],
)
def test_violations_of_the_common_keywords_are_found(
    schema: Json, value: Json, expected: list[str]
) -> None:
    assert violations(schema, value) == expected


@given(JSON_VALUES, JSON_VALUES)
def test_any_schema_may_meet_any_value(schema: Json, value: Json) -> None:
    violations({"properties": schema, "items": schema, "anyOf": schema, "enum": schema}, value)
