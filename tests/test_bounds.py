from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.evaluate.bounds import certify, losses, rows_needed, stakes
from cascadeflow.evaluate.metrics import Floats

TARGET, ALPHA = 0.95, 0.1


def workload(
    chance: np.random.Generator, rows: int, *, strong: float, harm: float
) -> tuple[Floats, Floats, Floats]:
    """Scores without any information; drafts are wrong with probability `harm` where the strong
    model is right, and as it is elsewhere."""
    right = chance.random(rows) < strong
    draft = right & (chance.random(rows) >= harm)
    return chance.random(rows), draft.astype(np.float64), right.astype(np.float64)


def test_a_threshold_that_breaks_the_promise_passes_as_seldom_as_agreed() -> None:
    chance = np.random.default_rng(1)
    broken = 0
    for _ in range(400):
        # Drafts lose just more than the 5 % that may be lost: keeping them all breaks the promise.
        score, draft, strong = workload(chance, 200, strong=0.9, harm=0.055)
        tested = certify(score, losses(draft, strong, TARGET), target=TARGET, alpha=ALPHA)
        broken += tested.passed == len(tested.thresholds)
    assert broken / 400 <= ALPHA + 0.045


def test_the_bound_holds_for_soft_labels() -> None:
    chance = np.random.default_rng(2)
    broken = 0
    for _ in range(300):
        strong = chance.beta(4, 2, 200)
        draft = np.clip(strong * 0.94 + chance.normal(0, 0.05, 200), 0, 1)
        score = np.zeros(200)
        tested = certify(score, losses(draft, strong, TARGET), target=TARGET, alpha=ALPHA)
        broken += tested.passed > 0
    assert broken / 300 <= ALPHA + 0.05


def test_many_labels_find_the_threshold_that_the_population_allows() -> None:
    chance = np.random.default_rng(3)
    score = chance.random(4000)
    draft = (chance.random(4000) < score).astype(np.float64)
    strong = np.ones(4000)
    tested = certify(score, losses(draft, strong, TARGET), target=TARGET, alpha=ALPHA)
    assert tested.threshold is not None
    # Keeping the scores above t loses (1 - t)^2 / 2 of the answers, and 0.05 may be lost.
    assert 1 - math.sqrt(0.1) < tested.threshold < 1 - math.sqrt(0.1) + 0.08


def test_equal_scores_are_kept_or_escalated_together() -> None:
    score = np.array([0.9, 0.9, 0.5, 0.5])
    tested = certify(score, losses(score, score, TARGET), target=TARGET, alpha=ALPHA)
    assert tested.thresholds.tolist() == [0.9, 0.5]


def test_no_rows_promise_nothing() -> None:
    none = np.zeros(0)
    tested = certify(none, losses(none, none, TARGET), target=TARGET, alpha=ALPHA)
    assert tested.threshold is None


def test_the_first_threshold_that_fails_ends_the_test() -> None:
    # The best scores are always wrong, the rest always right.
    score = np.concatenate([np.full(50, 0.9), np.full(950, 0.5)])
    draft = np.concatenate([np.zeros(50), np.ones(950)])
    tested = certify(score, losses(draft, np.ones(1000), TARGET), target=TARGET, alpha=ALPHA)
    assert tested.threshold is None


def test_what_is_not_known_is_taken_at_its_worst() -> None:
    unknown, known = np.array([math.nan]), np.array([1.0])
    assert losses(known, unknown, TARGET).kept.tolist() == pytest.approx([-0.05])
    assert losses(known, unknown, TARGET).escalated.tolist() == [0.0]
    assert losses(unknown, known, TARGET).kept.tolist() == [TARGET]


@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_no_stake_can_lose_more_than_there_is(target: float, draft: float, strong: float) -> None:
    loss = losses(np.array([draft]), np.array([strong]), target)
    worst = max(loss.kept[0], loss.escalated[0])
    assert (1 - stakes(target) * worst > 0).all()


def test_so_many_rows_are_needed_as_the_test_takes() -> None:
    escalated = np.full(1, -0.05)
    needed = rows_needed(escalated, target=TARGET, alpha=ALPHA)
    assert needed is not None
    right = np.ones(needed + 20)
    tested = certify(right, losses(right, right, TARGET), target=TARGET, alpha=ALPHA)
    assert tested.passed == 1
    few = np.ones(needed // 2)
    assert not certify(few, losses(few, few, TARGET), target=TARGET, alpha=ALPHA).passed


def test_losses_that_cannot_win_need_no_number_of_rows() -> None:
    assert rows_needed(np.array([0.95]), target=TARGET, alpha=ALPHA) is None
