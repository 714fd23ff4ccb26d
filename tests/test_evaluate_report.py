from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.charts import MOST_POINTS, picture
from cascadeflow.evaluate.dataset import read
from cascadeflow.evaluate.replay import Abandoned, Replayed, estimator, replay
from cascadeflow.evaluate.report import export, page
from cascadeflow.evaluate.summary import summarise
from cascadeflow.evaluate.tables import file_tables, text_of
from cascadeflow.evaluate.workload import COLUMNS, MOST_MISTAKES, SHORT, Workload
from cascadeflow.types import Estimate

from .recordings import row, rows, write

JUDGE = estimator("shipped")


def workload(
    tmp_path: Path, made: Iterable[dict[str, Any]], name: str = "sums__a__b", **options: Any
) -> Workload:
    found = Workload(name, **options)
    streamed = found.rate is not None
    for each in read(write(tmp_path / f"{name}.jsonl", list(made))):
        found.add(each, replay(each, JUDGE, streamed=streamed))
    return found


def replayed(p_good: float, **more: Any) -> Replayed:
    """A judgement made by hand, accepted at 0.5."""
    made: dict[str, Any] = {
        "form": "text",
        "before": 0.6,
        "estimate": Estimate(p_good),
        "asked": True,
        "accepted": p_good >= 0.5,
        "tokens": 100,
        **more,
    }
    return Replayed(**made)


def judged(tmp_path: Path, judgements: list[tuple[Replayed, bool]], **options: Any) -> Workload:
    found = Workload("log", **options)
    made = [row(number, right=right) for number, (_, right) in enumerate(judgements)]
    for each, (judgement, _) in zip(
        read(write(tmp_path / "log.jsonl", made)), judgements, strict=True
    ):
        found.add(each, judgement)
    return found


def test_sums_are_told_right_from_wrong(tmp_path: Path) -> None:
    found = summarise(workload(tmp_path, rows(120)), 50)
    assert (found.rows, found.judged, found.paired, found.family) == (120, 120, 120, "sums")
    assert found.auroc.value > 0.8
    assert found.apgr.low <= found.apgr.value <= found.apgr.high
    assert found.apgr.value > found.baselines["query_length"].apgr
    assert found.baselines["oracle"].apgr >= found.apgr.value
    assert found.strong == 1.0
    assert found.point is not None
    assert found.point.strong_dollars == pytest.approx(1.2)
    assert sum(found.forms.values()) == 120


def test_the_operating_point_counts_what_was_paid(tmp_path: Path) -> None:
    kept, rejected = replayed(0.9), replayed(0.1)
    direct = replayed(0.9, asked=False)
    gone = replayed(0.1, abandoned=Abandoned(0.1, 25))
    found = summarise(
        judged(tmp_path, [(kept, True), (rejected, False), (direct, True), (gone, False)]), 10
    )
    assert found.point is not None
    assert found.point.dollars == pytest.approx(0.001 * (1 + 1 + 0 + 0.25) + 3 * 0.01)
    assert found.point.escalated == 0.75
    assert found.point.false_reject == 0.5


def test_abandoned_drafts_are_counted_with_what_they_save_and_cost(tmp_path: Path) -> None:
    made = [
        (replayed(0.9), True),
        (replayed(0.3), False),
        (replayed(0.1, abandoned=Abandoned(0.1, 20)), False),
        (replayed(0.8, abandoned=Abandoned(0.1, 40)), True),
    ]
    told = summarise(judged(tmp_path, made, rate=50.0), 10).streaming
    assert told is not None
    assert told.rejected == 3
    assert told.abandoned == pytest.approx(2 / 3)
    assert told.used_median == 0.4
    assert told.saved_median == pytest.approx(0.7)
    assert (told.tokens_saved, told.seconds_saved) == (140, 2.8)
    assert told.wrongly == 0.5
    assert told.apgr_lost > 0


def test_a_draft_that_is_not_asked_for_is_rejected_unread_and_its_loss_counts(
    tmp_path: Path,
) -> None:
    made = [
        (replayed(0.9, asked=False, before=0.1), True),
        (replayed(0.3), False),
        (replayed(0.2, abandoned=Abandoned(0.1, 40)), False),
        (replayed(0.8), True),
    ]
    told = summarise(judged(tmp_path, made, rate=50.0), 10).streaming
    assert told is not None
    assert (told.rejected, told.used_median, told.tokens_saved) == (3, 0.4, 60)
    assert told.direct == told.abandoned == pytest.approx(1 / 3)
    assert told.apgr_lost > 0


def test_rows_without_the_verifiers_label_still_give_auroc(tmp_path: Path) -> None:
    made = [{**each, "verifier": None, "verifier_correct": None} for each in rows(60)]
    found = summarise(workload(tmp_path, made), 20)
    assert (found.judged, found.paired, found.point) == (60, 0, None)
    assert found.auroc.value > 0.8
    assert any("no row has both labels" in line for line in text_of(file_tables([found])))


def test_rows_without_labels_are_refused_with_what_to_do(tmp_path: Path) -> None:
    blank = [{**each, "draft_correct": None, "verifier_correct": None} for each in rows(3)]
    with pytest.raises(ConfigError, match="draft_correct"):
        summarise(workload(tmp_path, blank), 10)


def test_a_raw_signal_is_compared_on_the_rows_that_have_it(tmp_path: Path) -> None:
    made = rows(80)
    for each in made[:50]:
        each["draft"]["self_verify_logp"] = -0.01 if each["draft_correct"] else -3.0
    length, found = summarise(workload(tmp_path, made), 50).comparisons
    assert (length.signal, length.rows) == ("query_length", 80)
    assert (found.signal, found.rows) == ("self_check", 50)
    assert found.difference.low <= found.difference.high
    assert found.raw.auroc == 1.0


def test_impossible_tokens_are_ranked_last_and_make_no_noise(tmp_path: Path) -> None:
    made = rows(40)
    for place, each in enumerate(made):
        each["draft"]["logprobs"] = [-0.1, float("-inf") if place % 2 else -0.5, float("nan")]
    found = summarise(workload(tmp_path, made), 20).comparisons[-1]
    assert (found.signal, found.rows) == ("min_logprob", 40)


def test_nothing_of_the_rows_is_kept_but_numbers_and_the_worst_mistakes(tmp_path: Path) -> None:
    long = "word " * 500
    made = [
        {**each, "draft": {**each["draft"], "content": each["draft"]["content"] + long}}
        for each in rows(200)
    ]
    found = workload(tmp_path, made)
    assert all(len(found.column(name)) == 200 for name in COLUMNS)
    for kind in ("kept_wrong", "escalated_in_vain"):
        mistakes = found.mistakes(kind)
        assert len(mistakes) <= MOST_MISTAKES
        assert all(len(each.draft) <= SHORT for each in mistakes)
    spec = picture(found).to_dict()
    drawn = spec["datasets"][spec["hconcat"][0]["layer"][0]["data"]["name"]]
    assert len(drawn) <= 3 * MOST_POINTS + 2


def test_mistakes_are_those_that_cost_most(tmp_path: Path) -> None:
    made = [(replayed(0.5 + place / 40), False) for place in range(15)]
    made += [(replayed(0.2), True), (replayed(0.1), False), (replayed(0.9), True)]
    found = judged(tmp_path, made)
    kept = found.mistakes("kept_wrong")
    assert [each.p_good for each in kept] == [0.5 + place / 40 for place in range(14, 4, -1)]
    assert [each.id for each in found.mistakes("escalated_in_vain")] == ["sum15"]


def test_the_page_is_whole_and_escapes_what_models_said(tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    made = rows(40)
    for each in made:
        each["query"] = f"{evil} {each['query']}"
    made[0] = row(0, draft_correct=0.0, query=f"{evil} {made[0]['query']}")
    found = workload(tmp_path, made, "we<ird")
    told = summarise(found, 10)
    text = page([found], [told])
    assert "<img" not in text.partition("<h1>")[2]
    assert "&lt;img src=x" in text
    assert "we<ird" not in text.partition("<h1>")[2]
    assert text.rstrip().endswith("</html>")
    assert 'id="picture0"' in text


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    found = workload(tmp_path, rows(30))
    text = page([found], [summarise(found, 10)])
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?https?:", text)
    assert "default-src 'none'" in text


def test_pictures_are_written_as_png_and_svg(tmp_path: Path) -> None:
    found = workload(tmp_path, rows(30))
    png, svg = export([found], tmp_path / "pictures")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text("utf-8")


def test_a_signal_that_is_scaled_anew_in_each_fold_is_not_below_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", rows(120))
    apart: dict[bool, float] = {}
    for held_out in (False, True):
        found = Workload("log", held_out=held_out)
        for each in read(path):
            # As long as the query, but on a scale of the fold.
            found.add(each, replayed(0.9 - (each.fold + 1) * len(each.asked) / 1000))
        told = summarise(found, 20).comparisons[0]
        apart[held_out] = told.judge.apgr - told.raw.apgr
    assert apart[True] == 0
    assert apart[False] != 0
