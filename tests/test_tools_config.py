from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.tools import ToolConfig, tool
from cascadeflow.tools.choice import normalise_choice
from cascadeflow.tools.config import Offered, normalise

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"location": {"type": "string"}},
    "required": ["location"],
}
UNIVERSAL: dict[str, Any] = {
    "name": "get_weather",
    "description": "Get weather",
    "parameters": SCHEMA,
}


def get_weather(location: str) -> str:
    """Get weather"""
    return location


@tool
def plain_tool(location: str) -> str:
    """Get weather"""
    return location


@tool(name="renamed", description="Something else.")
def named_tool(location: str) -> str:
    """Get weather"""
    return location


class Station:
    """Measures."""

    @tool(name="measure")
    def measure_it(self, place: str) -> str:
        """Measure."""
        return f"{place} by {type(self).__name__}"

    def __call__(self, place: str) -> str:
        return place


@pytest.mark.parametrize(
    "given",
    [
        UNIVERSAL,
        {"type": "function", "function": UNIVERSAL},
        {"type": "function", **UNIVERSAL},
        {"name": "get_weather", "description": "Get weather", "input_schema": SCHEMA},
        {"type": "custom", "name": "get_weather", "description": "Get weather",
         "input_schema": SCHEMA},
        ToolConfig("get_weather", "Get weather", SCHEMA),
        Offered("get_weather", "Get weather", SCHEMA),
    ],
)  # fmt: skip
def test_every_shape_of_a_definition_comes_to_one_form(given: object) -> None:
    (offered,) = normalise([given])
    assert offered.definition == UNIVERSAL
    assert offered.function is None


def test_functions_come_to_the_same_form_and_keep_their_code() -> None:
    (offered,) = normalise([get_weather])
    assert offered.definition == {
        **UNIVERSAL,
        "parameters": {**SCHEMA, "additionalProperties": False},
    }
    assert offered.function is get_weather


def test_a_function_may_come_with_a_schema_written_by_hand() -> None:
    config, universal = normalise(
        [ToolConfig("a", "", SCHEMA, get_weather), {**UNIVERSAL, "function": get_weather}]
    )
    assert config.function is get_weather
    assert universal.function is get_weather
    assert "function" not in universal.definition


def test_strict_goes_on_to_the_provider() -> None:
    (offered,) = normalise([{"type": "function", "function": {**UNIVERSAL, "strict": True}}])
    assert offered.definition == {**UNIVERSAL, "strict": True}


CACHE = {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    "given",
    [
        {**UNIVERSAL, **CACHE},
        {"type": "function", "function": UNIVERSAL, **CACHE},
        {"type": "function", "function": {**UNIVERSAL, **CACHE}},
        {"name": "get_weather", "description": "Get weather", "input_schema": SCHEMA, **CACHE},
    ],
)
def test_cache_control_is_accepted_in_every_form_and_goes_on_to_the_provider(given: object) -> None:
    (offered,) = normalise([given])
    assert offered.definition == {**UNIVERSAL, **CACHE}


def test_decorated_functions_stay_themselves_and_keep_name_and_words() -> None:
    assert plain_tool("Paris") == "Paris"
    assert named_tool("Paris") == "Paris"
    first, second = normalise([plain_tool, named_tool])
    assert (first.name, first.description) == ("plain_tool", "Get weather")
    assert (second.name, second.description) == ("renamed", "Something else.")


def test_methods_partials_and_callable_objects_are_tools() -> None:
    station = Station()

    def scaled(value: int, factor: int, api_key: str = "none") -> int:
        """Scale."""
        return value * factor

    partial = functools.partial(scaled, factor=3, api_key="sk-secret")
    method, object_, bound = normalise([station.measure_it, station, partial])
    assert (method.name, list(method.parameters["properties"])) == ("measure", ["place"])
    assert (object_.name, object_.description) == ("Station", "Measures.")
    assert (bound.name, list(bound.parameters["properties"])) == ("scaled", ["value"])
    assert "sk-secret" not in str(bound.definition)


def test_from_function_takes_a_name_and_a_description() -> None:
    config = ToolConfig.from_function(get_weather, name="weather", description="The weather.")
    assert (config.name, config.description) == ("weather", "The weather.")
    assert config.function is get_weather
    assert config.parameters == {**SCHEMA, "additionalProperties": False}


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"properties": {}}])
def test_a_tool_without_arguments_has_an_empty_object_schema(
    parameters: Mapping[str, Any] | None,
) -> None:
    (offered,) = normalise([{"name": "now", "parameters": parameters}])
    assert offered.definition == {
        "name": "now",
        "description": "",
        "parameters": {"type": "object", "properties": {}},
    }


def test_the_schema_is_a_copy_that_later_changes_do_not_reach() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ("a",)}
    (offered,) = normalise([{"name": "f", "parameters": schema}])
    schema["properties"] = {}
    assert offered.parameters["properties"] == {"a": {"type": "string"}}
    assert offered.parameters["required"] == ["a"]


@pytest.mark.parametrize(
    "name", ["", "get weather", "get.weather", "a" * 65, "wetter_für", "f\n", None, 3, "\x1b[31m"]
)
def test_a_name_that_some_provider_refuses_is_an_error(name: object) -> None:
    with pytest.raises(ConfigError, match="OpenAI") as error:
        normalise([{**UNIVERSAL, "name": name}])
    assert "\x1b" not in str(error.value)


def test_two_tools_of_one_name_are_an_error() -> None:
    with pytest.raises(ConfigError, match="tools 0 and 2 are both named 'get_weather'"):
        normalise([UNIVERSAL, plain_tool, get_weather])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("get_weather", "tool 0 is 'get_weather'; accepted are"),
        (3, "tool 0 is 3"),
        (Station, "tool 0 is <class"),
        ({}, "has no name"),
        ({**UNIVERSAL, "parametres": {}}, "did you mean 'parameters'"),
        ({"type": "function", "function": UNIVERSAL, "extra": 1}, "unknown key 'extra'"),
        ({"type": "web_search_20250305", "name": "web_search"}, "web_search_20250305"),
        ({**UNIVERSAL, "input_schema": SCHEMA}, "both parameters and input_schema"),
        ({**UNIVERSAL, "description": 3}, "description is 3"),
        ({**UNIVERSAL, "strict": "yes"}, "strict is 'yes'"),
        ({**UNIVERSAL, "cache_control": "5m"}, "cache_control is '5m'; it must be a mapping"),
        ({**UNIVERSAL, "function": 3}, "function is 3"),
        ({**UNIVERSAL, "function": {"name": "x"}}, "function is {'name': 'x'}"),
    ],
)
def test_anything_else_is_an_error_that_says_what_is_accepted(given: object, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        normalise([given])
    assert told in str(error.value)


@pytest.mark.parametrize("tools", ["abc", UNIVERSAL, get_weather, ToolConfig("a"), 3])
def test_tools_that_are_no_list_are_an_error(tools: list[object]) -> None:
    with pytest.raises(ConfigError, match="must be a list of tools"):
        normalise(tools)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"type": "string"}, "type is 'string'; it must be 'object'"),
        ({"type": ["object", "null"]}, "must be 'object'"),
        ({"anyOf": []}, "type is None"),
        ([], "is a list"),
        ("object", "is a str"),
        (True, "is a bool"),
        ({"type": "object", "properties": [1]}, "properties is [1]"),
        ({"type": "object", "properties": {"a": {"type": "objekt"}}}, "objekt"),
        ({"type": "object", "properties": {"a": {"pattern": "(("}}}, "regex"),
        ({"type": "object", "properties": {"a": {"minLength": -1}}}, "-1"),
        ({"type": "object", "required": "a"}, "required"),
        ({"type": "object", "properties": {...}}, "not JSON"),
        ({"type": "object", "properties": {"a": {"default": float("nan")}}}, "not JSON"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}, "$defs/none"),
        ({"type": "object", "properties": {"a": {"$ref": "#none"}}}, "none"),
        ({"type": "object", "$schema": "http://127.0.0.1:9/own"}, "127.0.0.1"),
    ],
)
def test_a_schema_that_is_none_of_an_object_is_an_error_naming_the_tool(
    parameters: object, told: str
) -> None:
    with pytest.raises(ConfigError) as error:
        normalise([{"name": "broken", "parameters": parameters}])
    assert "tool 'broken'" in str(error.value)
    assert told in str(error.value)
    assert "allowed is a JSON Schema of an object" in str(error.value)


def test_a_schema_inside_itself_or_endlessly_deep_is_an_error() -> None:
    own: dict[str, Any] = {"type": "object"}
    own["properties"] = {"a": own}
    deep: dict[str, Any] = {}
    for _ in range(50_000):
        deep = {"properties": {"a": deep}}
    for schema in (own, deep):
        with pytest.raises(ConfigError, match="tool 'f'"):
            normalise([{"name": "f", "parameters": schema}])


def test_local_references_and_properties_named_like_keywords_are_fine() -> None:
    schema = {
        "type": "object",
        "$defs": {"place": {"type": "string"}},
        "properties": {
            "a": {"$ref": "#/$defs/place"},
            "$ref": {"type": "string"},
            "enum": {"enum": [{"$ref": "http://127.0.0.1:9/"}]},
            "default": {"default": {"$ref": "file:///etc/hostname"}},
        },
    }
    (offered,) = normalise([{"name": "f", "parameters": schema}])
    assert offered.parameters == schema


@pytest.mark.parametrize(
    "reference",
    ["http://127.0.0.1:9/s.json", "file:///etc/hostname", "other.json", "/etc/hostname", "//h/s",
     "urn:a:b", "http://json-schema.org/draft-07/schema#"],
)  # fmt: skip
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_a_reference_out_of_the_schema_is_an_error(reference: str, keyword: str) -> None:
    for place in (
        {"properties": {"enum": {keyword: reference}}},
        {"$defs": {"unused": {"items": {keyword: reference}}}},
        {"properties": {}, "if": {"allOf": [{keyword: reference}]}},
    ):
        with pytest.raises(ConfigError, match="leads out of the schema"):
            normalise([{"name": "f", "parameters": {"type": "object", **place}}])


@pytest.mark.parametrize("target", [3, Station, functools.partial])
def test_decorating_no_function_is_an_error(target: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError):
        normalise([tool(target)])


def test_a_wrong_name_is_found_where_it_is_written() -> None:
    with pytest.raises(ConfigError, match="the name of a tool"):
        tool(name="no good")
    with pytest.raises(ConfigError, match="the name of a tool"):
        ToolConfig("no good")
    with pytest.raises(ConfigError, match="function is 3"):
        ToolConfig("good", function=3)  # type: ignore[arg-type] # what is tested


def test_nothing_of_the_extra_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, cascadeflow, cascadeflow.tools; from cascadeflow.tools import ToolConfig, "
        "tool; tool(lambda: 0); ToolConfig('a', 'b', {})\n"
        "assert not {'pydantic', 'jsonschema_rs', 'docstring_parser'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("package", ["jsonschema_rs", "pydantic", "docstring_parser"])
def test_a_missing_extra_says_how_to_install_it(package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from cascadeflow.errors import ConfigError\n"
        "from cascadeflow.tools.config import normalise\n"
        "def f(a: int) -> int: return a\n"
        "try: normalise([f])\n"
        "except ConfigError as error: assert 'pip install \".[tools]\"' in str(error), error\n"
        "else: raise SystemExit('no error')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


OFFERED = normalise([UNIVERSAL])


@pytest.mark.parametrize(
    ("choice", "normal"),
    [
        (None, None),
        ("auto", "auto"),
        ("required", "required"),
        ("any", "required"),
        ("none", "none"),
        ({"type": "auto"}, "auto"),
        ({"type": "required"}, "required"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "function", "function": {"name": "get_weather"}}, {"name": "get_weather"}),
        ({"type": "function", "name": "get_weather"}, {"name": "get_weather"}),
        ({"type": "tool", "name": "get_weather"}, {"name": "get_weather"}),
    ],
)
def test_every_shape_of_a_tool_choice_comes_to_one_form(choice: object, normal: object) -> None:
    assert normalise_choice(choice, OFFERED) == normal


@pytest.mark.parametrize(
    "choice",
    ["Auto", "", "get_weather", 3, True, [], {}, {"type": "sometimes"}, {"type": 3},
     {"type": "function"}, {"type": "function", "function": "get_weather"},
     {"type": "function", "function": {"name": 3}}, {"type": "tool"}, {"name": "get_weather"},
     {"type": "auto", "name": "get_weather"}, {"type": ["auto"]},
     {"type": "function", "function": {"name": "get_weather"}, "name": "get_weather"}],
)  # fmt: skip
def test_any_other_tool_choice_is_an_error_that_says_what_is_allowed(choice: object) -> None:
    with pytest.raises(ConfigError, match='allowed are None, "auto"') as error:
        normalise_choice(choice, OFFERED)
    assert repr(choice)[:40] in str(error.value)


def test_a_tool_choice_must_be_offered() -> None:
    with pytest.raises(ConfigError, match="names 'get_time'; the offered tools are: 'get_weather'"):
        normalise_choice({"type": "tool", "name": "get_time"}, OFFERED)
    with pytest.raises(ConfigError, match="no tools are offered"):
        normalise_choice("required", ())
