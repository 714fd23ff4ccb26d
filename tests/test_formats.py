"""How each server is asked for an answer in a form."""

from __future__ import annotations

from typing import Any

import pytest

from cascadeflow.providers.anthropic_schema import reduced
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.formats import form, prompted
from cascadeflow.providers.traits import traits

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
WANTED = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
ANY = {"type": "json_object"}
USER = {"role": "user", "content": "hi"}


def properties(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def closed(**members: Any) -> dict[str, Any]:
    return {**properties(**members), "additionalProperties": False}


@pytest.mark.parametrize(
    ("asked", "known", "sent", "words"),
    [
        (None, (), None, ""),
        (WANTED, ("json_schema", "json_object"), WANTED, ""),
        (WANTED, ("json_object",), ANY, '"properties"'),
        (WANTED, (), None, '"properties"'),
        (ANY, ("json_object",), ANY, ""),
        (ANY, ("json_schema",), None, "JSON object"),
        (ANY, (), None, "JSON object"),
        ({"type": "grammar"}, (), {"type": "grammar"}, ""),
    ],
)
def test_a_server_is_sent_the_nearest_it_knows(
    asked: dict[str, Any] | None, known: tuple[str, ...], sent: object, words: str
) -> None:
    made = form(asked, known)
    assert made.sent == sent
    assert words in made.words
    assert (made.words == "") == (words == "")


def test_words_join_the_system_prompt_or_become_one() -> None:
    assert prompted([USER], "") == (USER,)
    assert prompted([USER], "W") == ({"role": "system", "content": "W"}, USER)
    system = {"role": "system", "content": "S", "name": "n"}
    assert prompted([system, USER], "W") == ({**system, "content": "S\n\nW"}, USER)
    parts = {"role": "system", "content": [{"type": "text", "text": "S"}]}
    assert prompted([parts, USER], "W") == ({"role": "system", "content": "W"}, parts, USER)
    assert system["content"] == "S"


def test_every_server_of_the_catalogue_knows_a_form() -> None:
    assert all(server.formats for server in CATALOG.values())


@pytest.mark.parametrize(
    ("model", "schema", "any_object"),
    [
        ("gpt-4o-mini", True, True),
        ("gpt-4o-2024-05-13", False, True),
        ("gpt-4.1", True, True),
        ("gpt-4-turbo", False, True),
        ("gpt-4-0613", False, False),
        ("gpt-3.5-turbo", False, True),
        ("claude-3-5-sonnet-latest", False, False),
        ("claude-sonnet-4-20250514", False, False),
        ("claude-sonnet-4-0", False, False),
        ("claude-opus-4-1-20250805", True, True),
        ("claude-haiku-4-5", True, True),
        ("some-other-model", True, True),
    ],
)
def test_models_older_than_a_form_do_not_know_it(
    model: str, schema: bool, any_object: bool
) -> None:
    known = traits(model).formats
    assert ("json_schema" in known, "json_object" in known) == (schema, any_object)


# --- schemas for the Messages API -----------------------------------------------------------------


def test_objects_are_closed_and_what_the_api_lacks_is_told_in_the_description() -> None:
    given = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **properties(
            age={"type": "integer", "minimum": 0, "description": "Years."},
            mail={"type": "string", "format": "email", "maxLength": 9},
            kind={"enum": ["a", "b"]},
            path={"type": "string", "format": "uri-reference"},
        ),
        "required": ["age"],
    }
    assert reduced(given) == {
        **closed(
            age={"type": "integer", "description": 'Years.\n\n{"minimum":0}'},
            mail={"type": "string", "format": "email", "description": '{"maxLength":9}'},
            kind={"enum": ["a", "b"]},
            path={"type": "string", "description": '{"format":"uri-reference"}'},
        ),
        "required": ["age"],
    }


def test_schemas_inside_schemas_are_reduced_too() -> None:
    inner = properties(a={"type": "number", "maximum": 1})
    made = closed(a={"type": "number", "description": '{"maximum":1}'})
    assert reduced({"type": "array", "items": inner, "minItems": 1}) == {
        "type": "array",
        "items": made,
        "minItems": 1,
    }
    assert reduced({"oneOf": [inner, {"type": "null"}]}) == {"anyOf": [made, {"type": "null"}]}
    ref = {"$ref": "#/$defs/I"}
    assert reduced({"$defs": {"I": inner}, **properties(i=ref)}) == {
        "$defs": {"I": made},
        **closed(i=ref),
    }


def test_words_of_a_schema_that_nobody_checked_are_told_as_they_are() -> None:
    odd = properties(a={"type": "string", "description": 5, "format": []})
    made = closed(a={"type": "string", "description": '5\n\n{"format":[]}'})
    assert reduced(odd) == made


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        properties(counts={"type": "object", "additionalProperties": {"type": "integer"}}),
        properties(anything=True),
        {"allOf": [properties(a={}), properties(b={})]},
        properties(child={"$ref": "#"}),
        {
            "$defs": {
                "A": properties(b={"$ref": "#/$defs/B"}),
                "B": properties(a={"$ref": "#/$defs/A"}),
            },
            "$ref": "#/$defs/A",
        },
    ],
)
def test_what_closing_would_change_or_what_recurs_is_left_to_the_prompt(
    schema: dict[str, Any],
) -> None:
    assert reduced(schema) is None
