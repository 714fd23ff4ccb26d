from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from cascadeflow.agent import CascadeAgent
from cascadeflow.calibration import RECORDED, Deciding, fingerprint, load, load_policy, save
from cascadeflow.config import ModelConfig
from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.calibrate import (
    COSTS_MORE,
    NO_SAFE_THRESHOLD,
    NOT_ASKED,
    POINTS,
    Labels,
    calibrate,
    distribution,
    labels_of,
    to_file,
)
from cascadeflow.evaluate.dataset import Answer, Row, read
from cascadeflow.evaluate.metrics import Floats
from cascadeflow.providers.simulated import INSTANT, Question, generate, serve_in_thread

from .play import Marked
from .test_cli import command


def labels(rows: int = 400, seed: int = 0, **columns: Floats) -> Labels:
    """Rows whose score is the probability that the draft is right; the strong model always is."""
    chance = np.random.default_rng(seed)
    score = chance.random(rows)
    plain = Labels(
        score=score,
        keepable=np.ones(rows),
        draft=(chance.random(rows) < score).astype(np.float64),
        strong=np.ones(rows),
        draft_usd=np.full(rows, 0.001),
        strong_usd=np.full(rows, 0.02),
    )
    return msgspec.structs.replace(plain, **columns)


def row(id: str, said: str, right: float | None, **more: Any) -> Row:
    strong = Answer(content="Paris.", cost=0.02)
    draft = Answer(content=said, cost=0.001)
    settings: dict[str, Any] = {"verifier": strong, "verifier_correct": 1.0, "query": "hi", **more}
    return Row(id=id, draft=draft, draft_correct=right, **settings)


def saved(path: Path, given: Labels, estimator: str = RECORDED) -> Path:
    """The calibration on these labels, written."""
    save(to_file(calibrate(given), given, estimator=estimator), path / "calibration.json")
    return path / "calibration.json"


def ladder(url: str) -> list[ModelConfig]:
    return [ModelConfig(name, "simulated", base_url=url) for name in ("sim-mini", "sim-large")]


# --- the three ends -------------------------------------------------------------------------------


def test_the_threshold_keeps_the_promise_on_the_rows_it_was_found_on() -> None:
    found = calibrate(labels())
    assert found.advice == "cascade"
    assert found.of_strong is not None
    assert found.of_strong >= 0.95
    assert 0.5 < found.escalated < 1


def test_a_lower_target_escalates_less_and_a_higher_confidence_more() -> None:
    base = calibrate(labels()).escalated
    assert calibrate(labels(), target=0.8).escalated < base
    assert calibrate(labels(), confidence=0.99).escalated > base


def test_too_few_labels_are_refused_with_the_number_that_is_missing() -> None:
    found = calibrate(labels(20))
    assert (found.advice, found.accept_at) == ("refused", None)
    assert found.needed is not None
    assert 20 < found.needed < 200
    assert f"about {found.needed} more" in found.reason


def test_a_refusal_says_which_labels_are_lacking_in_how_many_rows() -> None:
    strong = np.where(np.arange(100) < 84, math.nan, 1.0)
    found = calibrate(labels(100, strong=strong))
    assert "100 labelled rows are too few" in found.reason
    assert "84 have no verifier_correct" in found.reason
    assert "draft_correct" not in found.reason


def test_no_labels_at_all_are_refused() -> None:
    found = calibrate(labels(0))
    assert found.advice == "refused"
    assert found.needed is not None
    assert found.needed > 20


def test_drafts_that_are_wrong_whatever_their_score_are_not_asked_for() -> None:
    found = calibrate(labels(draft=np.zeros(400), score=np.full(400, 0.9)))
    assert (found.advice, found.direct) == ("direct", NO_SAFE_THRESHOLD)
    assert "only safe choice" in found.reason


def test_a_cascade_that_costs_more_than_the_strong_model_alone_is_advised_against() -> None:
    found = calibrate(labels(draft_usd=np.full(400, 0.012)))
    assert (found.advice, found.direct) == ("direct", COSTS_MORE)
    assert found.economics is not None
    assert found.economics.of_strong == pytest.approx(0.6 + found.escalated)
    assert found.accept_at is not None


def test_rows_without_prices_say_nothing_about_cost() -> None:
    found = calibrate(labels(draft_usd=np.full(400, math.nan)))
    assert (found.advice, found.economics) == ("cascade", None)


def test_a_draft_that_no_threshold_keeps_counts_as_escalated() -> None:
    keepable = np.zeros(400)
    found = calibrate(labels(keepable=keepable, draft=np.zeros(400), score=np.zeros(400)))
    assert (found.advice, found.direct) == ("direct", NO_SAFE_THRESHOLD)


def test_labels_that_are_not_known_make_it_more_careful_never_less() -> None:
    whole = labels()
    strong = np.where(np.arange(400) % 2, whole.strong, math.nan)
    assert calibrate(labels(strong=strong)).escalated >= calibrate(whole).escalated
    assert calibrate(labels(strong=strong)).of_strong is None


@pytest.mark.parametrize("missing", ["draft", "strong"])
def test_labels_of_one_model_alone_are_refused_not_taken_for_bad_ones(missing: str) -> None:
    found = calibrate(msgspec.structs.replace(labels(), **{missing: np.full(400, math.nan)}))
    assert (found.advice, found.direct) == ("refused", "")
    assert "400 have no " in found.reason
    assert "agent.feedback" in found.reason


def test_labels_of_the_shown_answer_alone_are_too_little_to_advise_against_a_cascade() -> None:
    whole = labels()
    kept = whole.score >= 0.5
    right = (np.random.default_rng(1).random(400) < 0.6).astype(np.float64)
    draft, strong = np.where(kept, right, math.nan), np.where(kept, math.nan, 1.0)
    paid = np.full(400, 0.005)
    found = calibrate(labels(draft=draft, strong=strong, draft_usd=paid))
    assert found.advice == "refused"
    assert "have no draft_correct" in found.reason


def test_bad_drafts_are_advised_against_though_some_labels_are_missing() -> None:
    strong = np.where(np.arange(400) % 2, 1.0, math.nan)
    found = calibrate(labels(draft=np.zeros(400), strong=strong, score=np.full(400, 0.9)))
    assert (found.advice, found.direct) == ("direct", NO_SAFE_THRESHOLD)


@pytest.mark.parametrize("wrong", [{"target": 0.0}, {"target": 1.1}, {"target": math.nan},
                                   {"confidence": 0.4}, {"confidence": 1.0}])  # fmt: skip
def test_a_promise_out_of_range_is_a_config_error(wrong: Mapping[str, float]) -> None:
    with pytest.raises(ConfigError, match="it must be"):
        calibrate(labels(), **wrong)


# --- from rows to labels --------------------------------------------------------------------------


def test_rows_without_any_label_are_passed_over() -> None:
    unlabelled = row("b", "Paris.", None, verifier_correct=None)
    found = labels_of([row("a", "Paris.", 1.0), unlabelled], Marked())
    assert found.score.tolist() == [0.9]


def test_a_draft_that_would_be_given_up_is_never_kept() -> None:
    said = "hopeless " * 20
    found = labels_of([row("a", said, 1.0), row("b", "Paris.", 1.0)], Marked())
    assert found.keepable.tolist() == [0.0, 1.0]
    assert found.score[0] == 0.0


def test_a_draft_that_would_not_be_asked_for_costs_nothing() -> None:
    found = labels_of([row("a", "Paris.", 1.0)], Marked({"hi": 0.05}))
    assert (found.keepable[0], found.draft_usd[0], found.score[0]) == (0.0, 0.0, NOT_ASKED)


def test_the_recorded_score_is_taken_where_that_is_asked_for() -> None:
    rows = [row("a", "bad", 1.0, p_good=0.77), row("b", "bad", 1.0)]
    assert labels_of(rows, Marked(), recorded=True).score.tolist() == [0.77]


def test_a_distribution_is_short_and_rises_to_one() -> None:
    points = distribution(np.random.default_rng(0).random(5000))
    assert len(points) <= POINTS + 1
    assert points == tuple(sorted(points, key=lambda point: (point.score, point.share)))
    assert points[-1].share == 1.0
    assert distribution(np.zeros(0)) == ()


# --- the file -------------------------------------------------------------------------------------


def test_a_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    given = labels()
    written = to_file(calibrate(given), given, estimator=fingerprint())
    save(written, tmp_path / "calibration.json")
    assert load(tmp_path / "calibration.json") == written
    assert written.rows == 400
    assert (tmp_path / "calibration.json").stat().st_size < 8192
    policy = load_policy(tmp_path / "calibration.json")
    assert (policy.accept_at, policy.scores) == (written.accept_at, written.scores)


def test_a_refusal_is_not_written() -> None:
    given = labels(10)
    with pytest.raises(ConfigError, match="too few"):
        to_file(calibrate(given), given, estimator=RECORDED)


WRONG_FILES = {
    "not json": "is no calibration file",
    "[]": "is no calibration file",
    "{}": "missing required field",
    '{"version": 2}': "version",
}


@pytest.mark.parametrize("content", WRONG_FILES)
def test_what_is_no_calibration_file_is_a_config_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=WRONG_FILES[content]):
        load_policy(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accept_at", 1.5),
        ("target", -1),
        ("rows", -1),
        ("scores", [[0.5, 0.2], [0.4, 1.0]]),
        ("scores", [[0.4, 0.9], [0.5, 0.2]]),
        ("scores", [[0.4, 0.2], [0.4, 0.9]]),
        ("scores", [[0.4, 0.2], [7.0, 60.0]]),
    ],
)
def test_numbers_that_cannot_be_are_named(field: str, value: object, tmp_path: Path) -> None:
    path = saved(tmp_path, labels())
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(ConfigError, match=field):
        load_policy(path)


def test_a_missing_file_is_a_config_error_of_the_agent(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.json cannot be read"):
        CascadeAgent([ModelConfig("sim-mini", "simulated")], policy=tmp_path / "gone.json")


def test_another_version_of_the_estimator_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = saved(tmp_path, labels(), "0123456789abcdef")
    load_policy(path)
    assert not caplog.messages
    load_policy(path, Deciding())
    assert "another version of the estimator" in caplog.text


# --- with the agent -------------------------------------------------------------------------------


async def _ask(agent: CascadeAgent, questions: list[Question]) -> list[bool | None]:
    """Whether the draft was kept, question by question."""
    async with agent:
        asked = (agent.run(question.text, temperature=0, max_tokens=400) for question in questions)
        return [result.draft_accepted for result in await asyncio.gather(*asked)]


def _label(path: Path, questions: list[Question]) -> None:
    """Write into a recording how right its answers are."""
    known = {question.text: question for question in questions}
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for each in rows:
        check = known[each["query"]].check
        each["draft_correct"] = float(check(each["draft"]["content"]))
        each["verifier_correct"] = float(check(each["verifier"]["content"]))
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")


def test_a_recording_becomes_a_policy_that_decides_as_predicted(tmp_path: Path) -> None:
    record, calibration = tmp_path / "calls.jsonl", tmp_path / "calibration.json"
    questions = list({each.text: each for each in generate(seed=3, n=150)}.values())
    with serve_in_thread(timing=INSTANT) as server:
        models = ladder(server.url)
        everything = ThresholdPolicy(accept_at=1.0, hopeless=0.0)
        recorder = CascadeAgent(models, policy=everything, record=record)
        assert not any(asyncio.run(_ask(recorder, questions)))
        _label(record, questions)
        done = command(
            "calibrate", str(record), "--target", "0.9", "--out", str(calibration), "--json"
        )
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert (found["advice"], found["rows"]) == ("cascade", len(questions))
        kept = asyncio.run(_ask(CascadeAgent(models, policy=calibration), questions))
        default = asyncio.run(_ask(CascadeAgent(models), questions))
    by_query = {each.query: each for each in read(record)}
    accept_at = load(calibration).accept_at
    rows = [by_query[question.text] for question in questions]
    assert kept == [each.p_good is not None and each.p_good >= accept_at for each in rows]
    assert kept != default
    assert 1 - sum(map(bool, kept)) / len(kept) == pytest.approx(found["escalated"])
    right = [each.draft_correct if keep else each.verifier_correct for each, keep in
             zip(rows, kept, strict=True)]  # fmt: skip
    assert sum(filter(None, right)) >= 0.9 * sum(each.verifier_correct or 0.0 for each in rows)


def test_an_agent_told_to_go_direct_asks_the_strong_model_alone(tmp_path: Path) -> None:
    path = saved(tmp_path, labels(draft_usd=np.full(400, 0.012)))
    with serve_in_thread(timing=INSTANT) as server:
        models = ladder(server.url)
        result = CascadeAgent(models, policy=str(path)).run_sync("What is 17 * 23?")
        asked = [request.body["model"] for request in server.requests]
    assert asked == ["sim-large"]
    assert (result.strategy, result.draft_cost) == ("direct", 0.0)


def test_scores_unlike_the_calibrated_ones_are_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = labels(draft=np.ones(400), score=np.linspace(0.8, 0.85, 400))
    path = saved(tmp_path, given, fingerprint())
    with serve_in_thread(timing=INSTANT) as server:
        models = ladder(server.url)
        agent = CascadeAgent(models, policy=path)
        asyncio.run(_ask(agent, generate(seed=1, n=260)))
    assert [record.message[:11] for record in caplog.records] == ["scores have"]


# --- the command ----------------------------------------------------------------------------------


def test_the_command_refuses_too_few_labels_and_writes_nothing(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"id": 1, "query": "hi", "draft": {"content": "ho"}, "draft_correct": 1, '
        '"verifier_correct": 1}\n'
    )
    done = command("calibrate", str(rows), "--out", str(tmp_path / "calibration.json"))
    assert (done.returncode, "refused" in done.stdout, "more" in done.stdout) == (1, True, True)
    assert not (tmp_path / "calibration.json").exists()


@pytest.mark.parametrize("arguments", [("--target", "2"), ("gone.jsonl",)])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("")
    done = command("calibrate", str(rows), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
