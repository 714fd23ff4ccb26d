"""What checks of snippets have in common: what a stream, a call, an answer must be like.

A draft of the plain situation may be accepted or not, as the judge sees it; then the checks ask
that everything printed agrees with who answered. In the other situations it is certain.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from .snippet_page import Run
from .snippet_table import FOLDER

DOLLARS = r"\$\d+\.\d{6}"
WORDS = re.compile(r"[A-Za-z]{2,}( [A-Za-z']+)+")
"""Real text, of two words or more."""


def switched(run: Run) -> bool:
    """Whether the last model was asked by a ladder of two."""
    return any(body["model"] == "gpt-4o" for body in run.asked)


def completes(told: list[dict[str, Any]]) -> dict[str, Any]:
    """The result of a stream that ends as it should."""
    assert told[0]["type"] == "routing"
    assert told[-1]["type"] == "complete"
    result: dict[str, Any] = told[-1]["data"]["result"]
    return result


def has_called(told: list[dict[str, Any]], location: str | None = "Paris") -> None:
    """The stream completes, and holds one whole call of `get_weather`."""
    assert completes(told)["finish_reason"] == "tool_calls"
    (call,) = [
        event["data"]["tool_call"] for event in told if event["type"] == "tool_call_complete"
    ]
    is_call(call, location)


def is_call(call: dict[str, Any], location: str | None = "Paris") -> None:
    """A complete call of `get_weather`."""
    assert call["id"]
    assert call["name"] == "get_weather"
    if location is not None:
        assert call["arguments"]["location"] == location


def shows_the_answer(run: Run, printed: str, answer: str) -> None:
    """The minimal snippets ignore SWITCH: after one, the discarded draft stands before."""
    assert WORDS.search(answer)
    assert printed.endswith(answer)
    assert switched(run) or printed == answer


def event_completes(run: Run) -> None:
    assert run.names["event"]["type"] == "complete"
    assert run.stdout == ""
    assert run.asked


def has_declared_fields(run: Run) -> None:
    declared, real = run.names["declared"], run.names["real"]
    assert real[: len(declared)] == declared


def takes_parameters(run: Run) -> None:
    has_declared_fields_but_the_rest(run)
    for stream in ("placed", "named", "bare"):
        completes(run.names[stream])
    limit = 100 if run.snippet.startswith("m07") else 1000
    assert {body["max_tokens"] for body in run.asked} == {limit}
    assert {body["temperature"] for body in run.asked} == {0.7}


def has_declared_fields_but_the_rest(run: Run) -> None:
    """All but the last, which takes every other argument under any name."""
    declared, real = run.names["declared"], run.names["real"]
    assert declared.pop() == "kwargs"
    assert real[: len(declared)] == declared


def has_documented_data(run: Run) -> None:
    shown = examples(run.snippet)
    told = {event["type"]: event for event in run.names["told"]}
    assert "switch" not in shown or run.situation != "escalated" or "switch" in told
    for kind in shown:
        if kind in told or kind != "switch":
            is_shaped_like(told[kind]["data"], shown[kind])
    assert run.names.get("name", "get_weather") == "get_weather"


def examples(snippet: str) -> dict[str, Any]:
    """The values that a snippet assigns to `event.data`, by the comment above each."""
    text = (FOLDER / f"{snippet}.py").read_text("utf-8")
    lines = text.splitlines()
    return {
        lines[node.lineno - 2].removeprefix("# ").lower(): ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)
    }


def is_shaped_like(real: object, example: object) -> None:
    """Every key of the example is there, with a value of its type; 847 may be 846.7."""
    if isinstance(example, dict):
        assert isinstance(real, dict)
        fields: dict[str, object] = {**example}
        values: dict[str, object] = {**real}
        for key, value in fields.items():
            assert key in values, key
            is_shaped_like(values[key], value)
    elif isinstance(example, int | float) and not isinstance(example, bool):
        assert isinstance(real, int | float)
        assert not isinstance(real, bool)
    else:
        assert type(real) is type(example)
