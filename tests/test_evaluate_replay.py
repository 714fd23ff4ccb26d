from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cascadeflow.core.economics import Costs, ExpectedCostPolicy
from cascadeflow.core.policy import Opinion, Stage, ThresholdPolicy, Verdict
from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.dataset import Row, read
from cascadeflow.evaluate.replay import estimator, policy, replay
from cascadeflow.types import Delta, Estimate, Request, Stop, TextDelta

from .recordings import row, write


class Reader:
    """Good until it reads "bad"; heeds advice; counts what it is fed."""

    form = "made up"

    def __init__(self, benefit: float | None) -> None:
        self.text = ""
        self.deltas = 0
        self.stopped = False
        self.advice: Opinion | None = None
        self.benefit = benefit

    def feed(self, delta: Delta) -> None:
        assert not self.stopped
        self.deltas += 1
        self.text += delta.text if isinstance(delta, TextDelta) else ""
        self.stopped = isinstance(delta, Stop)

    def advise(self, opinion: Opinion) -> None:
        assert self.stopped
        self.advice = opinion

    def estimate(self) -> Estimate:
        p_good = 0.05 if "bad" in self.text else 0.8
        evidence: Mapping[str, float] = {"deltas": float(self.deltas)}
        if self.advice is not None:
            p_good = self.advice.p_good
        return Estimate(p_good, evidence, self.benefit)


class Reading:
    def __init__(self, benefit: float | None = None) -> None:
        self.benefit = benefit
        self.made: list[Reader] = []

    def observe(self, request: Request) -> Reader:
        assert request.messages
        self.made.append(Reader(self.benefit))
        return self.made[-1]


class Direct:
    """Never asks for a draft."""

    def decide(self, estimate: Estimate, stage: Stage) -> tuple[Verdict, str]:
        return ("escalate", "direct") if stage == "before" else ("accept", "")


def recorded(tmp_path: Path, text: str | None, **draft: Any) -> Row:
    answer = {"model": "weak", "content": text, "cost": 0.001, **draft}
    return next(iter(read(write(tmp_path / "log.jsonl", [row(0, draft=answer)]))))


def test_a_draft_is_judged_when_it_has_ended(tmp_path: Path) -> None:
    found = replay(recorded(tmp_path, "a good answer"), Reading())
    assert (found.before, found.estimate.p_good, found.form) == (0.8, 0.8, "made up")
    assert found.kept
    assert not replay(recorded(tmp_path, "a bad answer"), Reading()).kept


def test_labels_are_never_looked_at(tmp_path: Path) -> None:
    lines = [row(0, right=right, id=f"sum, {right}") for right in (True, False)]
    for line in lines:
        line["draft"] = lines[0]["draft"]
    first, second = read(write(tmp_path / "log.jsonl", lines))
    judge = estimator("shipped")
    assert replay(first, judge) == replay(second, judge)


def test_a_row_without_an_answer_is_judged_by_its_request(tmp_path: Path) -> None:
    reading = Reading()
    found = replay(recorded(tmp_path, None), reading)
    assert found.estimate.p_good == found.before
    assert reading.made[0].deltas == 0


def test_an_empty_answer_that_ended_is_judged(tmp_path: Path) -> None:
    reading = Reading()
    replay(recorded(tmp_path, None, finish_reason="stop"), reading)
    assert reading.made[0].stopped


def test_the_opinion_of_the_model_about_itself_is_heard_after_the_answer(tmp_path: Path) -> None:
    reading = Reading()
    logp = math.log(0.3)
    found = replay(recorded(tmp_path, "fine", self_verify_logp=logp), reading)
    advice = reading.made[0].advice
    assert advice is not None
    assert advice.judge == "self_check"
    assert found.estimate.p_good == pytest.approx(0.3)


def test_a_bad_draft_is_abandoned_soon_after_it_shows(tmp_path: Path) -> None:
    text = "word " * 40 + "bad " + "word " * 160
    found = replay(recorded(tmp_path, text, tokens_out=201), Reading(), streamed=True)
    assert found.abandoned is not None
    assert 40 < found.abandoned.tokens < 60
    assert found.abandoned.p_good == 0.05
    assert found.tokens == 201
    assert not found.kept


def test_the_stream_is_looked_at_no_oftener_than_the_cascade_does(tmp_path: Path) -> None:
    # "bad" is complete at once, but the first look comes after 48 bytes.
    found = replay(
        recorded(tmp_path, "bad " + "word " * 30, tokens_out=31), Reading(), streamed=True
    )
    assert found.abandoned is not None
    assert found.abandoned.tokens >= 10


def test_a_good_draft_is_not_abandoned(tmp_path: Path) -> None:
    text = "word " * 200
    assert replay(recorded(tmp_path, text), Reading(), streamed=True).abandoned is None


def test_the_policy_that_goes_direct_asks_for_no_draft(tmp_path: Path) -> None:
    found = replay(recorded(tmp_path, "bad"), Reading(), Direct(), streamed=True)
    assert (found.asked, found.accepted, found.kept) == (False, True, False)
    assert found.abandoned is None


def test_a_policy_that_weighs_money_is_told_what_the_row_cost(tmp_path: Path) -> None:
    rule = ExpectedCostPolicy(dollars_per_error=1e-6)
    assert rule.priced(Costs(0.001, 0.01)).decide(Estimate(0.1), "after")[0] == "accept"
    assert replay(recorded(tmp_path, "a bad answer"), Reading(), rule).accepted


def test_the_score_is_minus_the_benefit_or_ranks_like_p_good(tmp_path: Path) -> None:
    each = recorded(tmp_path, "fine")
    assert replay(each, Reading(benefit=0.25)).score == -0.25
    assert replay(each, Reading()).score == pytest.approx(-0.2)


def test_tokens_are_estimated_where_none_were_recorded(tmp_path: Path) -> None:
    assert replay(recorded(tmp_path, "x" * 41), Reading()).tokens == 11


def test_policies_are_numbers_or_calibration_files(tmp_path: Path) -> None:
    assert policy("0.7") == ThresholdPolicy(0.7)
    assert policy("0.1") == ThresholdPolicy(0.1, 0.1)
    assert policy("0.7,0.2") == ThresholdPolicy(0.7, 0.2)
    for text in ("0.7,0.2,0.1", "0.2,0.7", "2", str(tmp_path / "nowhere.json")):
        with pytest.raises(ConfigError):
            policy(text)


def test_an_unknown_estimator_is_refused() -> None:
    with pytest.raises(ConfigError, match="shipped or hand"):
        estimator("best")


def test_wrong_sums_score_below_right_ones_by_hand_and_as_shipped(tmp_path: Path) -> None:
    lines = [row(0, right=True), row(1, right=False)]
    right, wrong = read(write(tmp_path / "log.jsonl", lines))
    for name in ("hand", "shipped"):
        judge = estimator(name)
        assert replay(right, judge).score > replay(wrong, judge).score
