from __future__ import annotations

import random

import pytest

from cascadeflow.core.calibrated import EVERY, WINDOW, CalibratedPolicy, Drift, ScorePoint
from cascadeflow.core.policy import Thresholded
from cascadeflow.errors import ConfigError
from cascadeflow.types import Estimate

UNIFORM = tuple(ScorePoint(i / 50, i / 50) for i in range(1, 51))


def scores(count: int, seed: int = 0) -> list[float]:
    chance = random.Random(seed)
    return [chance.random() for _ in range(count)]


def test_a_finished_draft_is_kept_from_the_threshold_on() -> None:
    policy = CalibratedPolicy(accept_at=0.7)
    assert policy.decide(Estimate(0.7), "after") == ("accept", "quality_passed")
    assert policy.decide(Estimate(0.6999), "after")[0] == "escalate"


def test_a_hopeless_draft_is_not_asked_for_and_is_given_up() -> None:
    policy = CalibratedPolicy(accept_at=0.7, hopeless=0.2)
    for stage in ("before", "during"):
        assert policy.decide(Estimate(0.1), stage) == ("escalate", "hopeless")
        assert policy.decide(Estimate(0.3), stage)[0] == "continue"


def test_a_policy_that_goes_direct_asks_for_no_draft_and_says_why() -> None:
    policy = CalibratedPolicy(accept_at=0.7, direct="cascade_costs_more")
    assert policy.decide(Estimate(0.99), "before") == ("escalate", "cascade_costs_more")
    assert policy.decide(Estimate(0.99), "after") == ("escalate", "cascade_costs_more")


def test_the_events_can_name_its_threshold() -> None:
    policy = CalibratedPolicy(accept_at=0.7)
    assert isinstance(policy, Thresholded)
    assert policy.accept_at == 0.7


@pytest.mark.parametrize("bounds", [(1.1, 0.0), (-0.1, 0.0), (0.5, 2.0), (float("nan"), 0.0)])
def test_bounds_that_are_no_probabilities_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="must be probabilities"):
        CalibratedPolicy(accept_at=bounds[0], hopeless=bounds[1])


def test_scores_like_the_calibrated_ones_raise_no_alarm() -> None:
    for seed in range(5):
        drift = Drift(UNIFORM, rows=400)
        assert not any(drift.observe(score) for score in scores(5000, seed))


def test_scores_that_moved_raise_an_alarm_within_a_window() -> None:
    drift = Drift(UNIFORM, rows=400)
    for score in scores(1000):
        drift.observe(score)
    moved = [drift.observe(score**3) for score in scores(WINDOW, 1)]
    assert any(moved)
    assert drift.distance > 0.2


def test_nothing_is_said_before_the_window_is_full_nor_between_comparisons() -> None:
    drift = Drift(UNIFORM, rows=400)
    told = [drift.observe(0.001) for _ in range(WINDOW + EVERY)]
    assert told[: WINDOW - 1] == [None] * (WINDOW - 1)
    assert told[WINDOW - 1] is True
    assert told[WINDOW : WINDOW + EVERY - 1] == [None] * (EVERY - 1)


def test_many_equal_scores_are_no_drift_if_they_were_calibrated_so() -> None:
    points = (ScorePoint(0.2, 0.5), ScorePoint(0.8, 1.0))
    drift = Drift(points, rows=400)
    assert not any(drift.observe(0.2 if i % 2 else 0.8) for i in range(1000))
    assert any(drift.observe(0.2) for _ in range(WINDOW))


def test_drafts_that_were_given_up_count_as_the_low_scores_they_would_have_had() -> None:
    points = (ScorePoint(0.05, 0.3), ScorePoint(0.15, 0.5), *UNIFORM[25:])
    drift = Drift(points, rows=400, least=0.15)
    given_up = [0.149 if score < 0.5 else score for score in scores(3000)]
    assert not any(drift.observe(score) for score in given_up)
