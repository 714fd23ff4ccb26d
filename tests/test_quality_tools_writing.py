"""What can be written in several ways is judged alike in all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cascadeflow.quality import default_estimator
from cascadeflow.types import Message, Request, Stop, TextDelta, ToolCallDelta

QUERY = "Book a 'sea view' room in Oslo for 3 nights, at most $12,000. Is breakfast included?"
BOOK: dict[str, Any] = {
    "name": "book_room",
    "description": "Book a room of a hotel.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where the hotel is."},
            "nights": {"type": "integer"},
            "price": {"type": "number", "description": "At most so much."},
            "wish": {"type": "string"},
            "smoking": {"type": "boolean", "default": False},
        },
        "required": ["city", "nights"],
    },
}
DRIVE = {"name": "drive", "parameters": {"properties": {"to": {"type": "string"}}}}
GIVEN = {"city": "Oslo", "nights": 3, "price": 12000, "wish": "sea view"}


def judged(
    query: str | list[Message] = QUERY,
    schema: str = json.dumps(BOOK),
    given: dict[str, Any] = GIVEN,
    name: str = "book_room",
) -> float:
    alone: list[Message] = [{"role": "user", "content": query}]
    messages = alone if isinstance(query, str) else query
    tools = (json.loads(schema) | {"name": name}, DRIVE)
    observer = default_estimator().observe(Request(messages=tuple(messages), tools=tools))
    observer.feed(ToolCallDelta(0, "id", name, json.dumps(given)))
    observer.feed(Stop("tool_calls"))
    return observer.estimate().p_good


@pytest.mark.parametrize(
    "query",
    [
        QUERY.replace(" ", "  "),
        QUERY.replace(" ", "\u00a0"),
        QUERY.replace(". ", ".\r\n"),
        QUERY.replace("'", '"'),
        QUERY.replace("'sea view'", "\u2018sea view\u2019"),
        QUERY.replace("'sea view'", "„sea view“"),
        QUERY.replace("Oslo", "**Oslo**"),
        QUERY.replace("12,000", "12\u202f000"),
        QUERY.replace("12,000", "12000"),
        QUERY.replace("$12,000", "USD 12,000"),
        f"Hello! {QUERY} Thanks!",
        f"Could you please help me with this? {QUERY}",
        "1. " + QUERY.replace(". Is", ".\n2. Is"),
    ],
)
def test_the_writing_of_the_query_changes_nothing(query: str) -> None:
    assert judged(query) == pytest.approx(judged(), abs=0.01)


def test_a_query_in_several_messages_is_one() -> None:
    first, second = QUERY.split(". ")
    parts: list[Message] = [
        {"role": "user", "content": f"{first}."},
        {"role": "user", "content": second},
    ]
    assert judged(parts) == judged()
    greeted: list[Message] = [
        {"role": "user", "content": "Hi!"},
        {"role": "assistant", "content": "How can I help?"},
        *parts,
    ]
    assert judged(greeted) == judged()


@pytest.mark.parametrize(
    "renamed",
    [
        {"string": "STRING", "integer": "INTEGER", "object": "OBJECT"},
        {"string": "str", "integer": "int", "number": "float", "boolean": "bool"},
    ],
)
def test_types_may_have_other_names(renamed: dict[str, str]) -> None:
    schema = json.dumps(BOOK)
    for name, other in renamed.items():
        schema = schema.replace(f'"type": "{name}"', f'"type": "{other}"')
    assert judged(schema=schema) == judged()
    wrong = GIVEN | {"nights": "a few"}
    assert judged(schema=schema, given=wrong) == judged(given=wrong) < judged()


@pytest.mark.parametrize("date", ["March 5, 2024", "Mar 5, 2024", "2024-03-05", "5 March 2024"])
def test_a_date_may_be_written_in_several_ways(date: str) -> None:
    query = f"Book a hotel room in Oslo from {date} on, for 3 nights."
    given = {"city": "Oslo", "nights": 3, "wish": "2024-03-05"}
    assert judged(query, given=given) == pytest.approx(
        judged(query.replace(date, "2024-03-05"), given=given), abs=0.01
    )


def test_in_a_strict_schema_null_stands_for_what_is_left_out() -> None:
    strict = json.loads(json.dumps(BOOK))
    inside = strict["parameters"]["properties"]
    for name in inside.keys() - set(BOOK["parameters"]["required"]):
        inside[name]["type"] = [inside[name]["type"], "null"]
    strict["parameters"]["required"] = list(inside)
    assert judged(schema=json.dumps(strict), given=GIVEN | {"smoking": None}) == judged()


def test_a_default_may_be_given() -> None:
    assert judged(given=GIVEN | {"smoking": False}) == judged()


@pytest.mark.parametrize("name", ["bookRoom", "book-room", "mcp__hotels__book_room"])
def test_the_writing_of_a_name_changes_nothing(name: str) -> None:
    assert judged(name=name) == judged()


@pytest.mark.parametrize("said", ["book_room", "bookRoom", "book.room"])
def test_a_call_that_is_only_written_is_found_in_any_writing(said: str) -> None:
    request = Request(messages=({"role": "user", "content": QUERY},), tools=(BOOK, DRIVE))
    observer = default_estimator().observe(request)
    observer.feed(TextDelta(f"I use {said}(city='Oslo')."))
    observer.feed(Stop("stop"))
    assert observer.estimate().evidence["call_in_text"] == 1.0
