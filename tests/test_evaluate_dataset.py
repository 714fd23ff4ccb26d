from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.core.calls import Calls
from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.dataset import Answer, Row, count, deltas_of, files, read, request_of
from cascadeflow.types import Delta, Stop, TextDelta, ToolCallDelta

from .recordings import row, rows, write

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def arguments_of(deltas: list[Delta]) -> list[tuple[str, str]]:
    calls = Calls()
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls.add(delta)
    calls.finish()
    return [(call.name, call.arguments) for call in calls.calls]


@pytest.mark.parametrize("name", ["sums__a__b.jsonl", "sums__a__b.jsonl.gz"])
def test_rows_are_read_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    found = list(read(write(tmp_path / name, rows(5))))
    assert [each.id for each in found] == [f"sum{number}" for number in range(5)]
    assert found[0].file == "sums__a__b"
    assert found[0].draft.cost == 0.001
    assert found[0].labelled


def test_labels_may_be_soft_or_boolean_and_ids_may_be_numbers(tmp_path: Path) -> None:
    lines = [row(0, id=7, draft_correct=True), row(1, draft_correct=0.25, verifier_correct=None)]
    first, second = read(write(tmp_path / "log.jsonl", lines))
    assert (first.id, first.draft_correct) == ("7", 1.0)
    assert (second.draft_correct, second.verifier_correct) == (0.25, None)
    assert not second.labelled


def test_feedback_labels_the_answer_that_was_given_and_the_last_counts(tmp_path: Path) -> None:
    blank: dict[str, Any] = {"draft_correct": None, "verifier_correct": None}
    lines = [
        row(0, accepted=True, p_good=0.9, **blank),
        row(1, accepted=False, p_good=0.2, **blank),
        {"feedback": "sum0", "correct": 0.0},
        {"feedback": "sum0", "correct": True},
        {"feedback": "nobody", "correct": 1},
    ]
    later = write(tmp_path / "later.jsonl", [{"feedback": "sum1", "correct": 0.5}])
    first, second = read(write(tmp_path / "log.jsonl", lines), later)
    assert (first.draft_correct, first.verifier_correct) == (1.0, None)
    assert (second.draft_correct, second.verifier_correct) == (None, 0.5)
    assert (first.p_good, first.accepted) == (0.9, True)


def test_rows_without_a_draft_empty_lines_and_a_cut_last_line_are_passed_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.jsonl"
    whole = json.dumps(row(0))
    path.write_text(f"\n{whole}\n\n{json.dumps(row(1, draft=None))}\n{whole[:80]}")
    assert [each.id for each in read(path)] == ["sum0"]


def test_the_last_line_needs_no_line_feed(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(row(0)))
    assert [each.id for each in read(path)] == ["sum0"]
    assert count([path]) == 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "log.jsonl:2"),
        ("[1]", "log.jsonl:2"),
        ('{"id": "x", "draft": {}}', "neither query nor messages"),
        ('{"id": "x", "query": "q", "draft": {"cost": "much"}}', "cost"),
        ('{"id": "x", "query": "q", "draft": {}, "draft_correct": 2}', "from 0 (wrong) to 1"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f"{json.dumps(row(0))}\n{line}\n{json.dumps(row(1))}\n")
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        list(read(path))


def test_a_file_that_is_not_gzip_is_said_to_be_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(b"not gzip at all")
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read(path))


def test_numbers_that_json_lacks_and_lone_surrogates_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        '{"id": "a", "query": "\\ud800?", "draft": {"content": "A", "logprobs": [-Infinity]}}\n'
    )
    (found,) = read(path)
    assert found.query == "\ud800?"
    assert found.draft.logprobs == [float("-inf")]


def test_a_directory_stands_for_its_recordings_and_must_hold_one(tmp_path: Path) -> None:
    write(tmp_path / "b.jsonl", rows(1))
    write(tmp_path / "a.jsonl.gz", rows(1))
    (tmp_path / "notes.txt").write_text("no recording")
    assert [path.name for path in files([tmp_path])] == ["a.jsonl.gz", "b.jsonl"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no recording"):
        files([tmp_path / "empty"])
    with pytest.raises(ConfigError, match="no such file"):
        files([tmp_path / "nowhere.jsonl"])


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    one, two = (write(tmp_path / name, rows(1)) for name in ("a.jsonl", "b.jsonl"))
    (tmp_path / "sub").mkdir()
    again = tmp_path / "sub" / ".." / "a.jsonl"
    assert files([two, tmp_path, again, two]) == [two, one]


def make(tmp_path: Path, **fields: Any) -> Row:
    return next(iter(read(write(tmp_path / "log.jsonl", [row(0, **fields)]))))


def test_the_query_ends_the_conversation_once(tmp_path: Path) -> None:
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    after = request_of(make(tmp_path, query="And?", messages=history))
    assert [each["content"] for each in after.messages] == ["Hi", "Hello", "And?"]
    last = {"role": "user", "content": "And?"}
    inside = request_of(make(tmp_path, query="And?", messages=[*history, last]))
    assert inside.messages == after.messages
    assert len(request_of(make(tmp_path, query=None, messages=history)).messages) == 2


def universal(schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": "f", "description": "d", "parameters": schema}


def wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": universal(schema)}


def anthropic(schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": "f", "description": "d", "input_schema": schema}


@pytest.mark.parametrize("form", [universal, wrapped, anthropic])
def test_tools_of_every_form_become_the_normal_one(
    tmp_path: Path, form: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    request = request_of(make(tmp_path, tools=[form(schema)], tool_choice="required"))
    assert request.tools == (universal(schema),)
    assert request.tool_choice == "required"


@given(
    st.text(st.characters(exclude_categories=())),
    st.lists(st.floats(-9, 0), max_size=12),
    st.integers(1, 40),
)
def test_a_text_is_whole_however_it_is_cut(text: str, logprobs: list[float], pieces: int) -> None:
    deltas = deltas_of(Answer(content=text, logprobs=logprobs), pieces)
    assert text_of(deltas) == text
    assert deltas[-1] == Stop("stop")
    parts = [delta for delta in deltas if isinstance(delta, TextDelta)]
    assert all(part.text for part in parts)
    if text:
        assert [each for part in parts for each in part.logprobs] == logprobs


@pytest.mark.parametrize("pieces", [1, 3, 50])
def test_calls_of_either_form_come_whole_in_order(pieces: int) -> None:
    calls: list[dict[str, Any]] = [
        {"name": "f", "arguments": {"x": [1, {"y": "ü"}]}},
        {"id": "c7", "type": "function", "function": {"name": "g", "arguments": '{"a": 1'}},
        {"name": "f", "arguments": {}},
    ]
    deltas = deltas_of(Answer(tool_calls=calls), pieces)
    assert deltas[-1] == Stop("tool_calls")
    assert arguments_of(deltas) == [("f", '{"x": [1, {"y": "ü"}]}'), ("g", '{"a": 1'), ("f", "{}")]


def test_the_recorded_end_of_an_answer_is_kept() -> None:
    assert deltas_of(Answer(content="a", finish_reason="length"))[-1] == Stop("length")


def test_reading_holds_no_more_than_one_row(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", rows(300))
    held: list[int] = []
    for number, _ in enumerate(read(path)):
        if not number % 100:
            held.append(sum(isinstance(each, Row) for each in gc.get_objects()))
    assert len(held) == 3
    assert max(held) <= 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public recordings are not at hand")
def test_every_public_recording_can_be_read() -> None:
    for path in sorted(SHARED.glob("*.jsonl.gz")):
        for number, each in enumerate(read(path)):
            if number == 40:
                break
            assert each.labelled, path
            assert request_of(each).messages, path
            assert deltas_of(each.draft), path
