from __future__ import annotations

import json
import math
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadeflow.errors import ConfigError
from cascadeflow.streaming.utils import ProgressiveJSONParser
from cascadeflow.tools.config import Offered, normalise
from cascadeflow.tools.schema import compiled
from cascadeflow.tools.strict_json import MAX_BYTES, MAX_DEPTH, UnusableJSON, loads
from cascadeflow.tools.validate import MAX_PROBLEMS, ToolCallValidator

WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "minLength": 2},
            "days": {"type": "integer", "minimum": 1, "maximum": 7},
            "unit": {"enum": ["celsius", "kelvin"]},
            "when": {"type": "string", "format": "date"},
            "place": {
                "type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"],
            },
            "tags": {"type": "array", "items": {"type": "string"}},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["location"],
        "additionalProperties": False,
    },
}  # fmt: skip
ANYTHING: dict[str, Any] = {"name": "anything", "description": "", "parameters": {"type": "object"}}
VALIDATOR = ToolCallValidator([WEATHER, ANYTHING])


def problems(arguments: object, name: str = "get_weather") -> tuple[str, ...]:
    checked = VALIDATOR.check(name, json.dumps(arguments))
    return checked.problems


def test_a_good_call_comes_back_parsed() -> None:
    checked = VALIDATOR.check("get_weather", '{"location": "Zürich", "days": 3, "either": null}')
    assert not checked.problems
    assert checked.arguments == {"location": "Zürich", "days": 3, "either": None}


def test_arguments_that_are_parsed_already_are_checked_alike() -> None:
    assert not VALIDATOR.check("get_weather", {"location": "Rome"}).problems
    assert VALIDATOR.check("get_weather", {"location": 3}).problems


@pytest.mark.parametrize("text", ["", "  ", "```json\n{}\n```"])
def test_nothing_at_all_is_an_empty_object(text: str) -> None:
    assert VALIDATOR.check("anything", text).arguments == {}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"location": "Rome", "days": "5"}, "days is '5': it is not of type \"integer\""),
        ({"location": "Rome", "days": 9}, "days is 9: it is greater than the maximum of 7"),
        ({"location": "Rome", "unit": "f"},
         "unit is 'f': it is not one of \"celsius\" or \"kelvin\""),
        ({"location": "Rome", "when": "soon"}, "when is 'soon': it is not a \"date\""),
        ({"location": "Rome", "place": {}}, 'place: "lat" is a required property'),
        ({"location": "Rome", "place": {"lat": "x"}},
         "place.lat is 'x': it is not of type \"number\""),
        ({"location": "Rome", "tags": ["a", 2]}, "tags[1] is 2: it is not of type \"string\""),
        ({"location": "Rome", "city": 1},
         "arguments: Additional properties are not allowed ('city' was unexpected)"),
        ({}, 'arguments: "location" is a required property'),
        ({"location": "Rome", "either": 3},
         "either is 3: it is not valid under any of the schemas listed in the 'anyOf' keyword "
         "(it is not of type \"string\"; or it is not of type \"null\")"),
    ],
)  # fmt: skip
def test_a_problem_says_where_what_and_what_is_allowed(arguments: object, problem: str) -> None:
    assert problems(arguments) == (problem,)


def test_several_problems_are_told_up_to_a_bound() -> None:
    found = problems({"location": 3, "days": 0, "unit": "f"})
    assert len(found) == 3
    assert len(problems({"location": "Rome", "tags": [1] * 100})) == MAX_PROBLEMS


def test_values_and_keys_are_shortened_and_escaped() -> None:
    (long,) = problems({"location": "Rome", "days": "x" * 3000})
    assert len(long) < 200
    (steering,) = problems({"location": "Rome", "\x1b[31m\u202e" * 200: 1})
    assert steering.isprintable()
    assert len(steering) <= 300


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": [Infinity]}', "Infinity is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ('{"a": 1e400}', "beyond the range of a float"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' comes twice"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"\\udc00": 1}', "surrogate"),
        ('{"a": "\ud800"}', "surrogate"),
        ('{"a": 1} and so on', "Extra data"),
        ('{"a": 1}{"a": 2}', "Extra data"),
        ('{"a": 1,}', "not valid JSON"),
        ("{'a': 1}", "not valid JSON"),
        ('{"a": 01}', "not valid JSON"),
        ('{"a": "\t"}', "not valid JSON"),
        ('\ufeff{"a": 1}', "not valid JSON"),
        ('{"a": tru', "not valid JSON"),
        ("[1]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ("3", "must be a JSON object"),
        ('{"a": ' + "9" * 5000 + "}", "too many digits"),
    ],
)
def test_what_is_no_json_object_is_a_problem(text: str, told: str) -> None:
    checked = VALIDATOR.check("anything", text)
    assert checked.problems
    assert checked.arguments is None
    assert told in checked.problems[0]
    assert all(problem.isprintable() for problem in checked.problems)


def test_escaped_pairs_of_surrogates_are_characters() -> None:
    assert VALIDATOR.check("anything", '{"a": "\\ud83d\\ude00"}').arguments == {"a": "😀"}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return '{"a":' + opening * depth + "1" + closing * depth + "}"

    assert not VALIDATOR.check("anything", nested(MAX_DEPTH - 1)).problems
    for depth in (MAX_DEPTH, 500, 2000, 100_000):
        checked = VALIDATOR.check("anything", nested(depth))
        assert checked.problems
        assert "nested too deep" in checked.problems[0]


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert not VALIDATOR.check("anything", '{"a":[' + "[]," * 1000 + '"[[[["]}').problems


def test_size_is_bounded_in_bytes() -> None:
    def sized(letter: str, count: int) -> str:
        return '{"a":"' + letter * count + '"}'

    assert not VALIDATOR.check("anything", sized("x", MAX_BYTES - 8)).problems
    for text in (sized("x", MAX_BYTES - 7), sized("ü", MAX_BYTES // 2), sized("x", 5_000_000)):
        checked = VALIDATOR.check("anything", text)
        assert f"at most {MAX_BYTES} are allowed" in checked.problems[0]


@pytest.mark.parametrize(
    "text", ['{"a":"' + "x" * 5_000_000 + '"}', "[" * 100_000, '{"a":' * 100_000]
)
def test_hostile_arguments_are_refused_at_little_cost(text: str) -> None:
    """The bound is 50 ms of CPU, the measured time 5; quadratic time would be minutes."""
    began = time.process_time()
    checked = VALIDATOR.check("get_weather", text)
    assert time.process_time() - began < 0.5
    assert checked.problems


def test_of_large_arguments_the_first_problem_is_told() -> None:
    text = json.dumps({"location": "Rome", "tags": [1] * 100_000})
    checked = VALIDATOR.check("get_weather", text)
    assert checked.problems == ('tags[0] is 1: it is not of type "string"',)


def test_arguments_without_a_word_in_json_are_a_problem() -> None:
    own: dict[str, Any] = {}
    own["a"] = own
    deep: Any = 1
    for _ in range(50_000):
        deep = [deep]
    odd_key: dict[Any, Any] = {(1,): 2}
    wrong: list[dict[str, Any]] = [{"a": math.nan}, {"a": {1}}, own, {"a": deep}, odd_key]
    for value in (*wrong, {"a": "\ud800"}):
        checked = VALIDATOR.check("anything", value)
        assert checked.problems
        assert checked.arguments is None


def test_an_unknown_tool_is_named_escaped_with_the_nearest_offered() -> None:
    checked = VALIDATOR.check("get_wether", "{}")
    assert checked.problems == ("no tool is named 'get_wether'; the nearest offered: get_weather",)
    assert checked.arguments == {}
    for name in ("", "\x1b]0;title\x07", "x" * 10_000, "\ud800", "a\nb"):
        (problem,) = VALIDATOR.check(name, "{}").problems
        assert problem.isprintable()
        assert len(problem) < 250
        assert "offered: get_weather, anything" in problem
    assert ToolCallValidator([]).check("f", "{}").problems == (
        "no tool is named 'f'; offered: none",
    )


def test_an_unknown_tool_with_unusable_arguments_has_both_problems() -> None:
    assert len(VALIDATOR.check("nothing", "{").problems) == 2


def test_every_form_of_a_definition_can_be_checked() -> None:
    wrapped = {"type": "function", "function": WEATHER}
    for offered in (wrapped, normalise([WEATHER])[0]):
        assert ToolCallValidator([offered]).check("get_weather", "{}").problems


def test_references_inside_the_schema_are_followed() -> None:
    tree = {
        "type": "object",
        "properties": {"node": {"$ref": "#/$defs/node"}},
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"child": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}},
            }
        },
    }
    validator = ToolCallValidator([{"name": "f", "parameters": tree}])
    assert not validator.check("f", '{"node": {"child": {"child": {"n": 1}}}}').problems
    (problem,) = validator.check("f", '{"node": {"child": {"child": {"n": "1"}}}}').problems
    assert problem.startswith("node.child.child.n is '1'")


def test_equal_schemas_are_compiled_once() -> None:
    schema = json.dumps(WEATHER["parameters"])
    assert compiled(schema) is compiled(schema)


def test_no_socket_is_opened_for_a_reference() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        for keyword in ("$ref", "$dynamicRef", "$schema"):
            schema = {"type": "object", "properties": {"a": {keyword: url}}, keyword: url}
            with pytest.raises(ConfigError):
                ToolCallValidator([{"name": "f", "parameters": schema}])
            # Past the first gate, the second holds: offered in normal form, unchecked so far.
            validator = ToolCallValidator([Offered("f", "", schema)])
            with pytest.raises(UnusableJSON):
                validator.check("f", '{"a": 1}')
        with pytest.raises(BlockingIOError):
            server.accept()


def test_no_file_is_opened_for_a_reference(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"type": "integer"}')
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)  # opening it would wait for a writer that never comes
    for path in (file, pipe):
        for reference in (path.as_uri(), str(path)):
            schema = {"type": "object", "properties": {"a": {"$ref": reference}}}
            with pytest.raises(ConfigError):
                normalise([{"name": "f", "parameters": schema}])


def test_the_validator_itself_refuses_to_retrieve(tmp_path: Path) -> None:
    """A reference that only the library sees, through the base URI of the schema."""
    file = tmp_path / "schema.json"
    file.write_text('{"$defs": {"n": {"type": "integer"}}}')
    schema = {
        "type": "object",
        "properties": {"a": {"$id": file.as_uri() + "x", "$ref": "#/$defs/n"}},
    }
    with pytest.raises(ConfigError):
        normalise([{"name": "f", "parameters": schema}])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(json_values, st.booleans())
@settings(max_examples=150)
def test_what_json_can_say_is_read_back_the_same(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert loads(text) == value


@given(
    st.text(alphabet='{}[]",:0123456789.eE+-\\u d8abcftrunlNI"', max_size=24)
    | st.sampled_from(['{"a":1,"a":2}', '["\\ud800"]', "1e999", "-", "[1,]", "01", "1.", '"\\x"'])
)
@settings(max_examples=400)
def test_it_agrees_with_the_incremental_parser(text: str) -> None:
    said = ProgressiveJSONParser().parse(text)
    good = said.complete and not said.duplicates and not said.lone_surrogates
    try:
        value = loads(text)
    except UnusableJSON:
        assert not good
    else:
        assert good
        assert value == said.value
