"""Labels and rows of several files are put together; what does not fit is told."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.dataset import Reading, Row, files, name_of, read

from .recordings import row, rows, write

BLANK: dict[str, Any] = {"draft_correct": None, "verifier_correct": None}


def told(path: Path, *, skip_damaged: bool = False, recorded: bool = False) -> list[str]:
    reading = Reading([path], skip_damaged=skip_damaged, recorded=recorded)
    list(reading)
    return reading.remarks()


def labels(found: Row) -> tuple[float | None, float | None]:
    return found.draft_correct, found.verifier_correct


def test_labels_may_stand_in_lines_of_their_own_in_any_file(tmp_path: Path) -> None:
    lines = [{"id": "sum1", "draft_correct": 0.5}, {"id": "sum0", "verifier_correct": 0}]
    first = write(tmp_path / "a.jsonl", lines)
    second = write(tmp_path / "b.jsonl", [row(0, **BLANK), row(1, **BLANK)])
    assert [labels(each) for each in read(first, second)] == [(None, 0.0), (0.5, None)]


def test_a_row_that_comes_again_counts_once_with_the_labels_of_all_copies(tmp_path: Path) -> None:
    first = write(tmp_path / "calls.jsonl", [row(0, **BLANK), row(1)])
    second = write(tmp_path / "labelled.jsonl", [row(0) | BLANK | {"draft_correct": 0.25}, row(1)])
    reading = Reading([first, second])
    found = list(reading)
    assert [(each.id, labels(each)) for each in found] == [
        ("sum0", (0.25, None)),
        ("sum1", (1.0, 1.0)),
    ]
    assert reading.remarks() == [
        "rows that came again, with the same id, query and answers, and count once: 2"
    ]


def test_rows_of_one_id_that_differ_in_query_or_models_are_not_copies(tmp_path: Path) -> None:
    lines = [row(0), row(0, query="Another?"), row(0, verifier={"model": "other"})]
    write(tmp_path / "family__a__b.jsonl", lines)
    write(tmp_path / "family__a__c.jsonl", lines)
    assert len(list(read(*files([tmp_path])))) == 6


def test_rows_without_an_id_are_all_counted(tmp_path: Path) -> None:
    assert len(list(read(write(tmp_path / "log.jsonl", [row(0, id=None)] * 3)))) == 3


def test_of_labels_and_feedback_the_one_that_is_read_last_counts(tmp_path: Path) -> None:
    lines = [
        {"id": "sum0", "draft_correct": 0.1},
        row(0, accepted=True, draft_correct=0.2),
        {"feedback": "sum0", "correct": 0.3},
    ]
    path = write(tmp_path / "log.jsonl", lines)
    assert next(read(path)).draft_correct == 0.3
    later = write(tmp_path / "later.jsonl", [{"id": "sum0", "draft_correct": 0.4}])
    assert next(read(path, later)).draft_correct == 0.4
    assert next(read(later, path)).draft_correct == 0.3


@pytest.mark.parametrize(
    ("given", "label"),
    [("1", 1.0), (" 0.5 ", 0.5), ("", None), (" ", None), ("TRUE", 1.0), ("False", 0.0),
     (math.nan, None), ("nan", None)],
)  # fmt: skip
def test_labels_of_a_spreadsheet_are_taken(
    given: object, label: float | None, tmp_path: Path
) -> None:
    path = write(tmp_path / "log.jsonl", [row(0, draft_correct=given)])
    assert next(read(path)).draft_correct == label


@pytest.mark.parametrize("given", ["yes", "1,0", "2", [1], -0.5])
def test_what_is_no_label_is_named_as_it_stands(given: object, tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [row(0), {"id": "sum0", "draft_correct": given}])
    with pytest.raises(ConfigError, match=re.escape(f"log.jsonl:2: draft_correct is {given!r}")):
        list(read(path))


def test_labels_that_match_no_row_are_told_with_their_ids(tmp_path: Path) -> None:
    lost = [{"feedback": f"gone{each}", "correct": 1} for each in range(20)]
    blank = {"id": "gone", "draft_correct": "", "verifier_correct": ""}
    (remark,) = told(write(tmp_path / "log.jsonl", [row(0), *lost, blank]))
    assert remark.startswith("ids whose labels match no row: 20 (gone0, gone1, ")
    assert remark.endswith(", and 8 more)")


def test_rows_of_another_system_are_explained_by_their_keys(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [{"prompt": "a", "response": "b", "label": 1}] * 3)
    with pytest.raises(ConfigError, match=r"none of 3 rows has `draft`.*prompt, response, label"):
        list(read(path))


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_json_array_is_told_to_be_one(end: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps([row(0)]) + end)
    with pytest.raises(ConfigError, match=r"log\.jsonl:1: the line begins a list.*one object a l"):
        list(read(path))


def test_a_damaged_line_is_named_by_line_and_column_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"id": "secret\tid"}\n')
    with pytest.raises(ConfigError) as caught:
        list(read(path))
    assert str(caught.value).endswith(
        "log.jsonl:1: not a JSON object of a row: Invalid control character at column 15"
    )


def test_damaged_lines_are_skipped_and_counted_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    bad = ['{"id": "a', json.dumps(row(1, draft={"cost": -1})), json.dumps(row(2, draft_correct=7))]
    path.write_text("\n".join([*bad, json.dumps(row(0)), '{"feedback": "sum0", "cor']))
    reading = Reading([path], skip_damaged=True)
    assert [each.id for each in reading] == ["sum0"]
    cut, damaged = reading.remarks()
    assert cut == f"{path}:5: the last line was cut off, and passed over"
    assert damaged.startswith(f"damaged lines passed over: 3; the first is {path}:1: not a JSON")


@pytest.mark.parametrize("field", ["draft", "verifier"])
def test_a_negative_cost_is_refused(field: str, tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [row(0) | {field: {"content": "a", "cost": -0.5}}])
    with pytest.raises(ConfigError, match=rf"log\.jsonl:1: .*>= 0.*{field}\.cost"):
        list(read(path))


def test_rows_without_a_recorded_score_are_counted_where_it_is_wanted(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [row(0, p_good=0.4), row(1), row(2)])
    assert told(path, recorded=True) == ["rows passed over for lack of a recorded p_good: 2"]
    bare = write(tmp_path / "bare.jsonl", rows(3))
    with pytest.raises(ConfigError, match="none of 3 rows has the p_good of a recording"):
        told(bare, recorded=True)


def test_what_was_set_aside_is_read_in_order_as_one_recording(tmp_path: Path) -> None:
    for name in ("calls.jsonl", "calls.10.jsonl", "calls.9.jsonl.gz", "a__b-3.jsonl"):
        write(tmp_path / name, [])
    write(tmp_path / "a__b-3.1.jsonl", [])
    assert [(each.name, name_of(each)) for each in files([tmp_path])] == [
        ("a__b-3.1.jsonl", "a__b-3.1"),
        ("a__b-3.jsonl", "a__b-3"),
        ("calls.9.jsonl.gz", "calls"),
        ("calls.10.jsonl", "calls"),
        ("calls.jsonl", "calls"),
    ]


def test_rows_that_are_recorded_while_they_are_read_are_no_copies(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", rows(2))
    reading = Reading([path])
    found = iter(reading)
    next(found)
    with path.open("a") as file:
        file.write(json.dumps(row(7)) + "\n")
    assert [each.id for each in found] == ["sum1", "sum7"]
    assert reading.remarks() == []
