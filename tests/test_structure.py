"""Answers that must be JSON of a schema: forms of the wish, fences, problems early and late."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from cascadeflow.errors import ConfigError
from cascadeflow.structured import Wanted, wanted
from cascadeflow.structured.reader import LONGEST, JSONReader

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "people": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"enum": ["old", "big"]}, "maxItems": 2},
    },
    "required": ["name"],
    "additionalProperties": False,
}
GOOD = '{"name": "Paris", "people": 2100000, "tags": ["old"]}'


class City(BaseModel):
    """A city."""

    name: str
    people: int


class Node(BaseModel):
    label: str
    children: list[Node] = []


@dataclass
class Point:
    x: float
    y: float = 0.0


class Pair(TypedDict):
    left: str
    right: str


def want(form: object) -> Wanted:
    made = wanted(form)
    assert made is not None
    return made


def schema_of(form: object) -> dict[str, Any]:
    schema: dict[str, Any] = want(form).format["json_schema"]["schema"]
    return schema


def read(form: object, pieces: Iterable[str]) -> tuple[Any, str]:
    """The value of an answer and what is wrong with it."""
    reader = want(form).structure()
    for piece in pieces:
        reader.feed(piece)
    problem = reader.finish()
    return reader.value, problem


def seen_after(form: object, text: str) -> int | None:
    """How many characters it took to see that `text` cannot become what was asked for."""
    reader = want(form).structure()
    for count, char in enumerate(text, 1):
        if reader.feed(char):
            return count
    return None


# --- forms ----------------------------------------------------------------------------------------


def test_a_schema_gets_openais_form_and_a_name() -> None:
    made = want({"title": "My city!", **CITY}).format
    assert made["type"] == "json_schema"
    assert made["json_schema"]["name"] == "My_city"
    assert made["json_schema"]["schema"] == {"title": "My city!", **CITY}
    assert want(CITY).format["json_schema"]["name"] == "response"


def test_openais_own_form_stays_as_it_is() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": CITY, "strict": True}}
    assert want(form).format == form
    assert want({"type": "json_object"}).format == {"type": "json_object"}
    assert wanted({"type": "text"}) is None


def test_the_callers_schema_is_copied() -> None:
    given = json.loads(json.dumps(CITY))
    made = want(given)
    given["properties"].clear()
    assert made.format["json_schema"]["schema"] == CITY


@pytest.mark.parametrize("kind", [City, Point, Pair, list[City], City | None, Literal["a", "b"]])
def test_a_type_is_described_by_pydantic(kind: object) -> None:
    assert want(kind).format["type"] == "json_schema"


def test_objects_of_a_type_are_closed_unless_it_says_otherwise() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        counts: dict[str, int]

    assert schema_of(City)["additionalProperties"] is False
    assert schema_of(Point)["additionalProperties"] is False
    assert schema_of(list[City])["$defs"]["City"]["additionalProperties"] is False
    assert schema_of(Open)["additionalProperties"] is True
    assert schema_of(Open)["properties"]["counts"]["additionalProperties"] == {"type": "integer"}


def test_strict_is_asked_for_where_the_strict_mode_takes_the_schema() -> None:
    class Bounded(BaseModel):
        name: Annotated[str, Field(max_length=3)]

    def strict(form: object) -> object:
        return want(form).format["json_schema"]["strict"]

    assert strict(City) is True
    assert strict({**CITY, "required": ["name", "people", "tags"]}) is True
    assert strict(CITY) is False  # not every member is required
    assert strict(Point) is False
    assert strict(Bounded) is False
    assert strict(list[City]) is False
    loose = {"type": "json_schema", "json_schema": {"name": "c", "schema": CITY}}
    assert "strict" not in want(loose).format["json_schema"]


WRONG: list[tuple[object, tuple[str, ...]]] = [
    ("json", ("'json'", "of type str", '"json_object"')),
    (5, ("5", "of type int")),
    (City(name="a", people=1), ("City", "of type City", "a pydantic model")),
    ({}, ("{}", "no keyword")),
    ({"name": "city"}, ("'name'", "no keyword")),
    ({"type": "xml"}, ("'xml'", "not a valid JSON Schema")),
    ({"type": "object", "properties": {"a": {"type": "strin"}}}, ("'strin'", "properties/a/type")),
    ({"type": "json_schema"}, ("json_schema", "no schema")),
    ({"type": "json_schema", "json_schema": {"name": "c"}}, ("no schema",)),
    ({"type": "json_schema", "schema": CITY}, ("no schema under json_schema",)),
    ({"type": "json_schema", "json_schema": {"name": "a b", "schema": CITY}}, ("'a b'",)),
    ({"type": "json_schema", "json_schema": {"schema": CITY, "strict": 1}}, ("strict is 1",)),
    ({"type": "json_schema", "json_schema": {"schema": CITY, "shema": 1}}, ("'shema'",)),
    ({"$ref": "https://example.org/s.json"}, ("example.org", "out of the schema")),
    ({"$ref": "file:///etc/passwd"}, ("file:", "out of the schema")),
    ({"type": "object", "properties": {"a": {"$ref": "other.json"}}}, ("other.json",)),
    ({"$ref": "#/$defs/none"}, ("none",)),
    ({"enum": {1, 2}}, ("not JSON", "set")),
    (type("Plain", (), {}), ("Plain", "no JSON Schema")),
]


@pytest.mark.parametrize(("form", "said"), WRONG, ids=lambda part: str(part)[:40])
def test_anything_else_is_an_error_that_names_it(form: object, said: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        wanted(form)
    told = str(caught.value)
    assert told.startswith("response_format is ")
    assert all(part in told for part in said), told


# --- whole texts ----------------------------------------------------------------------------------


FENCED = [
    GOOD,
    f" \n{GOOD}\n ",
    f"```json\n{GOOD}\n```",
    f"```JSON\r\n{GOOD}\r\n```\r\n",
    f"```\n{GOOD}\n```",
    f"``` json\n{GOOD}```",
    f"```json{GOOD}```",
    f"```{GOOD}```",
    f"````json\n{GOOD}\n````",
    f"```json\n{GOOD}",
    f"```json\n{GOOD}\n``",
    f"\n\n```jsonc\n\n{GOOD}\n\n```\n\n",
]


@pytest.mark.parametrize("text", FENCED)
def test_a_fence_around_the_json_does_not_matter(text: str) -> None:
    assert read(CITY, [text]) == (json.loads(GOOD), "")


def test_backticks_in_strings_do_not_end_the_json() -> None:
    value = {"name": "```` ` ``` \n```"}
    text = json.dumps(value)
    for answer in (text, f"```json\n{text}\n```"):
        assert read(CITY, answer) == (value, "")


BROKEN: list[tuple[str, str]] = [
    ("", "no JSON"),
    (" \n", "no JSON"),
    ("```", "not JSON"),
    ("```json\n", "no JSON"),
    ("Paris has 2.1 million people.", "character 0: unexpected 'P'"),
    (f"Sure! {GOOD}", "unexpected 'S'"),
    (f"{GOOD} I hope this helps", "unexpected 'I'"),
    (f"```json\n{GOOD}\n```\nI hope this helps", "text follows"),
    (f"```json\n{GOOD}\n`` x", "text follows"),
    (f"`{GOOD}`", "unexpected '`'"),
    (GOOD[:-1], "ends too early"),
    ('{"name": "Par', "ends too early"),
    ('{"name": "a", "name": "b"}', "'name' comes twice"),
    ('{"name": "\\ud800"}', "surrogate"),
    ("{'name': 'Paris'}", "unexpected"),
    ('{"name": NaN}', "unexpected"),
    ('{"name": 5}', "name is 5"),
    ('{"people": 5}', '"name" is a required property'),
    ('{"name": "a", "people": -1}', "people is -1"),
    ('{"name": "a", "tags": ["old", "odd"]}', "tags[1] is 'odd'"),
    ('{"name": "a", "mayor": "b"}', "mayor"),
    ("[]", "object"),
    ("null", "object"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_what_is_wrong_is_told_in_one_short_line(text: str, said: str) -> None:
    value, problem = read(CITY, [text])
    assert said in problem, problem
    assert "\n" not in problem
    assert len(problem) <= LONGEST
    assert value is None


def test_a_problem_stays_short_however_long_the_answer() -> None:
    _, problem = read(CITY, [json.dumps({"name": ["x" * 50_000]})])
    assert "name" in problem
    assert len(problem) <= LONGEST


@pytest.mark.parametrize("text", ["5", '"a"', "[1]", "null", "true", "-1.5e3"])
def test_json_object_means_any_object(text: str) -> None:
    assert read({"type": "json_object"}, ['{"a": [1, {}]}']) == ({"a": [1, {}]}, "")
    assert "must be a JSON object" in read({"type": "json_object"}, [text])[1]


def test_what_is_no_object_may_be_asked_for() -> None:
    assert read(list[int], "[1, 2]") == ([1, 2], "")
    assert read(int, "-12") == (-12, "")
    assert read(float | None, "null") == (None, "")
    assert read(int, "1.5e1")[1] == ""


# --- early sight ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("Paris is", 1),
        ("  # Paris", 3),
        ("[", 1),
        ('"P', 1),
        ("{'", 2),
        ("```python\nprint", 11),
        ("```json\nSure", 9),
    ],
)
def test_a_wrong_beginning_is_seen_at_once(text: str, characters: int) -> None:
    assert seen_after(CITY, text) == characters


@pytest.mark.parametrize(
    "text",
    [
        '{"mayor": "somebody", "name": "Paris, ' + "a city " * 10,
        '{"name": ["Paris"], "people": 2100000, "tags": ["old"], "more": "' + "x" * 50,
        '{"tags": ["old", "big", "old"], "name": "' + "a" * 50,
    ],
)
def test_a_member_that_cannot_be_mended_is_seen_before_the_end(text: str) -> None:
    seen = seen_after(CITY, text)
    assert seen is not None
    assert seen < len(text)


def test_members_of_a_recursive_type_are_seen_too() -> None:
    text = '{"label": 5, "children": [{"label": "' + "a" * 60
    assert seen_after(Node, text) is not None
    assert read(Node, '{"label": "a", "children": [{"label": "b"}]}')[1] == ""


def test_what_may_still_come_is_waited_for() -> None:
    half = '{"people": 3, "tags": ["old"'
    assert seen_after(CITY, half) is None
    assert read(CITY, half + '], "name": "a"}')[1] == ""
    # A number that is not whole is no problem, whatever it is so far.
    assert seen_after({"type": "integer", "minimum": 10}, "12") is None
    assert seen_after({"anyOf": [{"type": "string"}, CITY]}, '{"mayor": 1, "name": "aaaaaa') is None


# --- however it is cut ----------------------------------------------------------------------------

SCHEMAS: list[dict[str, Any]] = [
    CITY,
    schema_of(Node),
    schema_of(list[City]),
    {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
    {"properties": {"a": {"not": {"$ref": "#"}}}, "required": ["b"], "type": "object"},
    {"type": "object", "patternProperties": {"^a": {"type": "null"}}, "minProperties": 2},
    {"anyOf": [{"type": "integer"}, CITY]},
    {"type": "object", "dependentRequired": {"a": ["b"]}, "propertyNames": {"maxLength": 6}},
]
NAMES = st.sampled_from(["name", "people", "tags", "label", "children", "a", "b", "ab"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["old", "big", "`", "```"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


def spoiled(text: str, at: int, junk: str) -> str:
    return text[: at % (len(text) + 1)] + junk + text[at % (len(text) + 1) :]


TEXTS = st.one_of(
    VALUES.map(json.dumps),
    st.builds("```json\n{}\n```".format, VALUES.map(json.dumps)),
    st.builds(spoiled, VALUES.map(json.dumps), st.integers(0, 200), st.sampled_from("`,}x\n ")),
    st.text('`json{}[]:,"a1 \n', max_size=30),
)


@given(TEXTS, st.lists(st.integers(0, 200), max_size=8), st.sampled_from(SCHEMAS))
def test_the_verdict_does_not_depend_on_cuts_nor_on_early_sight(
    text: str, cuts: list[int], schema: dict[str, Any]
) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    made = want(schema)
    blind = JSONReader(made.whole, None)
    blind.feed(text)
    expected = blind.finish()
    for cut in (pieces, text):
        value, problem = read(schema, cut)
        assert (problem == "") == (expected == "")
        assert value == blind.value


@given(VALUES, st.sampled_from(SCHEMAS))
def test_what_fits_is_never_thought_hopeless(value: object, schema: dict[str, Any]) -> None:
    made = want(schema)
    assert made.whole is not None
    fits = made.whole.is_valid(value)
    text = json.dumps(value, indent=1)
    if fits:
        assert seen_after(schema, text) is None
    assert read(schema, text) == ((value, "") if fits else (None, read(schema, text)[1]))
    assert (read(schema, text)[1] == "") == fits
