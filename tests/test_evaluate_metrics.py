from __future__ import annotations

import importlib.util
import math
import warnings
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cascadeflow.evaluate import metrics
from cascadeflow.evaluate.metrics import Floats, Ranking, draws

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "tools" / "score.py"

Rows = list[tuple[float, float, float]]
NEAR = 1e-9


def on_the_edge(ranking: Ranking, weights: Floats | None = None) -> bool:
    """Whether rounding decides at which step a target is reached."""
    gain = ranking.curve(weights)[1]
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
        ours = Ranking(s, weak, strong)
        found, (share, gain) = ours.figures(), ours.curve()
        expected = score.pgr(s, weak, strong)
        assert np.allclose(share, expected[0])
        assert np.allclose(gain, expected[1])
        assert found.apgr == pytest.approx(score.apgr(s, weak, strong))
        if not on_the_edge(ours):
            assert found.cpt50 == pytest.approx(score.cpt(s, weak, strong, 0.5))
            assert found.cpt80 == pytest.approx(score.cpt(s, weak, strong, 0.8))
        assert found.auroc == pytest.approx(score.auroc(s, weak))


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
    best, worst = (Ranking(each, weak, strong).figures() for each in ([1, 2, 3, 4], [4, 3, 2, 1]))
    assert (best.auroc, best.apgr, best.cpt50) == pytest.approx((1.0, 0.75, 0.25))
    assert (worst.apgr, worst.cpt80) == pytest.approx((0.25, 0.9))
    assert Ranking([5, 5, 5, 5], weak, strong).figures().apgr == pytest.approx(0.5)


def test_soft_labels_count_as_parts_of_both_classes() -> None:
    assert Ranking([1, 2], [0.5, 0.5], [1, 1]).figures().auroc == pytest.approx(0.5)
    assert Ranking([1, 2], [0.25, 0.75], [1, 1]).figures().auroc == pytest.approx(0.75)


def test_without_a_gap_or_a_second_class_the_figures_are_nan() -> None:
    closed = Ranking([1, 2], [1, 0], [0, 1]).figures()
    assert math.isnan(closed.apgr)
    assert math.isnan(closed.cpt50)
    assert math.isnan(Ranking([1, 2], [1, 1], [1, 1]).figures().auroc)


@given(samples, st.integers(0, 5))
def test_a_weighted_draw_is_the_rows_drawn(rows: Rows, seed: int) -> None:
    score, weak, strong = columns(rows)
    (weights,) = draws(len(rows), 1, seed)
    drawn = np.repeat(np.arange(len(rows)), weights.astype(int))
    assert len(drawn) == len(rows)
    ranking = Ranking(score, weak, strong)
    assume(not on_the_edge(ranking, weights))
    ours = msgspec.structs.astuple(ranking.figures(weights))
    theirs = msgspec.structs.astuple(Ranking(score[drawn], weak[drawn], strong[drawn]).figures())
    assert ours == pytest.approx(theirs, nan_ok=True)


def test_nothing_warns_where_there_are_no_rows() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(Ranking([], [], []).figures().apgr)
        assert math.isnan(metrics.interval(0.5, [math.nan]).low)


def test_calibration_error_is_zero_only_for_true_probabilities() -> None:
    chance = np.random.default_rng(0)
    p = chance.random(20_000)
    outcome = (chance.random(20_000) < p).astype(float)
    assert metrics.ece(p, outcome) < 0.02
    assert metrics.ece(np.clip(p + 0.3, 0, 1), outcome) > 0.2
    assert metrics.brier([1.0, 0.0], [1.0, 1.0]) == 0.5
    bins = metrics.reliability(p, outcome)
    assert [rows for *_, rows in bins] == [2000] * 10
    assert bins == sorted(bins)


def test_a_bootstrap_interval_holds_the_value_and_narrows_with_rows() -> None:
    chance = np.random.default_rng(1)

    def width(rows: int) -> float:
        weak = chance.integers(0, 2, rows).astype(float)
        ranking = Ranking(weak + chance.normal(0, 1, rows), weak, np.ones(rows))
        value = ranking.figures().apgr
        found = metrics.interval(value, [ranking.apgr(each) for each in draws(rows, 200)])
        assert found.low < found.value < found.high
        return found.high - found.low

    assert width(1600) < width(100) / 2


def test_a_draw_without_a_gap_does_not_widen_a_mean_weighted_by_the_gap() -> None:
    drawn, gaps = [0.7, 0.9, 40.0], [0.2, 0.2, 0.0001]
    found = metrics.linear_interval(0.8, drawn, 0.2, gaps)
    assert 0.7 <= found.low < 0.8 < found.high <= 0.9
    assert math.isnan(metrics.linear_interval(0.8, drawn, 0.0, gaps).low)
