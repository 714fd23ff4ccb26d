from __future__ import annotations

import importlib.util
import math
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cascadeflow.evaluate import metrics
from cascadeflow.evaluate.metrics import Floats
from cascadeflow.evaluate.ranking import Ranking, draws

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "tools" / "score.py"

Rows = list[tuple[float, float, float]]
NEAR = 1e-9


def on_the_edge(score: Floats, weak: Floats, strong: Floats) -> bool:
    """Whether rounding decides at which step a target is reached."""
    gain = metrics.pgr(score, weak, strong)[1]
    return any(bool((np.abs(gain - target) < NEAR).any()) for target in (0.5, 0.8))


labels = st.sampled_from([0.0, 0.25, 1.0])
samples = st.lists(st.tuples(st.integers(0, 6).map(float), labels, labels), min_size=2, max_size=40)


def columns(rows: Rows) -> tuple[Floats, Floats, Floats]:
    score, weak, strong = np.array(rows, dtype=np.float64).T
    return score, weak, strong


def reference() -> ModuleType:
    if not REFERENCE.is_file():
        pytest.skip("the reference implementation is not at hand")
    spec = importlib.util.spec_from_file_location("score", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_definitions_equal_the_reference() -> None:
    score = reference()
    chance = np.random.default_rng(3)
    for count in (5, 40, 300):
        s = np.round(chance.normal(size=count), 1)
        weak = chance.integers(0, 2, count).astype(float)
        strong = np.maximum(weak, chance.integers(0, 2, count))
        ours, theirs = metrics.curve(s, weak, strong), score.curve(s, weak, strong)
        assert np.allclose(ours[0], theirs[0])
        assert np.allclose(ours[1], theirs[1])
        assert metrics.apgr(s, weak, strong) == pytest.approx(score.apgr(s, weak, strong))
        for target in (0.5, 0.8, 1.0):
            expected = score.cpt(s, weak, strong, target)
            assert metrics.cpt(s, weak, strong, target) == pytest.approx(expected)
        assert metrics.auroc(s, weak) == pytest.approx(score.auroc(s, weak))


def test_the_operating_point_equals_the_reference() -> None:
    score = reference()
    chance = np.random.default_rng(4)
    accept, weak, strong = (chance.integers(0, 2, 50) for _ in range(3))
    rows = [
        {
            "draft_correct": float(w),
            "verifier_correct": float(v),
            "draft": {"cost": 0.1 * (place + 1)},
            "verifier": {"cost": 1.0 * (place + 1)},
        }
        for place, (w, v) in enumerate(zip(weak, strong, strict=True))
    ]
    paid = [0.1 * (place + 1) for place in range(50)]
    alone = [1.0 * (place + 1) for place in range(50)]
    ours = metrics.operating_point(accept, weak, strong, paid, alone)
    for name, value in score.operating_point(accept.astype(bool), rows).items():
        assert getattr(ours, name) == pytest.approx(value), name
    assert ours.dollars == pytest.approx(ours.cost_of_strong * ours.strong_dollars)


def test_a_hand_made_curve_is_as_computed_by_hand() -> None:
    weak, strong = [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]
    best, worst = [1, 2, 3, 4], [4, 3, 2, 1]
    assert metrics.apgr(best, weak, strong) == pytest.approx(0.75)
    assert metrics.apgr(worst, weak, strong) == pytest.approx(0.25)
    assert metrics.cpt(best, weak, strong, 0.5) == pytest.approx(0.25)
    assert metrics.cpt(worst, weak, strong, 0.8) == pytest.approx(0.9)
    assert metrics.auroc(best, weak) == 1.0
    assert metrics.apgr([5, 5, 5, 5], weak, strong) == pytest.approx(0.5)


def test_soft_labels_count_as_parts_of_both_classes() -> None:
    assert metrics.auroc([1, 2], [0.5, 0.5]) == pytest.approx(0.5)
    assert metrics.auroc([1, 2], [0.25, 0.75]) == pytest.approx(0.75)


def test_without_a_gap_or_a_second_class_the_figures_are_nan() -> None:
    assert math.isnan(metrics.apgr([1, 2], [1, 0], [0, 1]))
    assert math.isnan(metrics.cpt([1, 2], [1, 0], [0, 1], 0.5))
    assert math.isnan(metrics.auroc([1, 2], [1, 1]))


@given(samples)
def test_a_ranking_gives_the_same_figures(rows: Rows) -> None:
    score, weak, strong = columns(rows)
    assume(not on_the_edge(score, weak, strong))
    found = Ranking(score, weak, strong).figures()
    assert found.auroc == pytest.approx(metrics.auroc(score, weak), nan_ok=True)
    assert found.apgr == pytest.approx(metrics.apgr(score, weak, strong), nan_ok=True)
    assert found.cpt50 == pytest.approx(metrics.cpt(score, weak, strong, 0.5), nan_ok=True)
    assert found.cpt80 == pytest.approx(metrics.cpt(score, weak, strong, 0.8), nan_ok=True)


@given(samples, st.integers(0, 5))
def test_a_weighted_draw_is_the_rows_drawn(rows: Rows, seed: int) -> None:
    score, weak, strong = columns(rows)
    (weights,) = draws(len(rows), 1, seed)
    drawn = np.repeat(np.arange(len(rows)), weights.astype(int))
    assume(not on_the_edge(score[drawn], weak[drawn], strong[drawn]))
    assert len(drawn) == len(rows)
    found = Ranking(score, weak, strong).figures(weights)
    assert found.auroc == pytest.approx(metrics.auroc(score[drawn], weak[drawn]), nan_ok=True)
    expected = metrics.apgr(score[drawn], weak[drawn], strong[drawn])
    assert found.apgr == pytest.approx(expected, nan_ok=True)
    half = metrics.cpt(score[drawn], weak[drawn], strong[drawn], 0.5)
    assert found.cpt50 == pytest.approx(half, nan_ok=True)


def test_nothing_warns_where_there_are_no_rows() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(Ranking([], [], []).figures().apgr)
        assert math.isnan(metrics.interval([math.nan]).low)
        assert math.isnan(metrics.bootstrap(len, 0).low)


def test_calibration_error_is_zero_only_for_true_probabilities() -> None:
    chance = np.random.default_rng(0)
    p = chance.random(20_000)
    outcome = (chance.random(20_000) < p).astype(float)
    assert metrics.ece(p, outcome) < 0.02
    assert metrics.ece(np.clip(p + 0.3, 0, 1), outcome) > 0.2
    assert metrics.brier([1.0, 0.0], [1.0, 1.0]) == 0.5
    bins = metrics.reliability(p, outcome, 4)
    assert bins.rows == [5000] * 4
    assert bins.estimated == sorted(bins.estimated)


def test_a_bootstrap_interval_holds_the_value_and_narrows_with_rows() -> None:
    chance = np.random.default_rng(1)

    def width(rows: int) -> float:
        values = chance.random(rows)
        found = metrics.bootstrap(lambda drawn: float(values[drawn].mean()), rows, draws=200)
        assert found.low < values.mean() < found.high
        return found.high - found.low

    assert width(1600) < width(100) / 2


def test_the_paired_interval_tells_a_worse_score_from_an_equal_one() -> None:
    chance = np.random.default_rng(2)
    weak, strong = chance.integers(0, 2, 400).astype(float), np.ones(400)
    good = weak + chance.normal(0, 0.5, 400)

    def statistic(score: Floats, drawn: object) -> float:
        places = np.asarray(drawn)
        return metrics.apgr(score, weak[places], strong[places])

    same = metrics.paired(statistic, good, good, draws=50)
    assert same.low == same.high == 0
    assert metrics.paired(statistic, chance.normal(size=400), good, draws=50).high < 0
