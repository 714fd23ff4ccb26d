from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from cascadeflow.evaluate.dataset import FOLDS, Row, read
from cascadeflow.evaluate.metrics import Floats
from cascadeflow.evaluate.replay import replay
from cascadeflow.quality.additive import logistic
from training.examples import Example, examples
from training.fit import judged, with_provenance
from training.fitting import fit, fit_signal
from training.weights import HeldOut, all_weights, weights_of

from .recordings import rows, write

UNIT = (0.0, 1.0)


def synthetic(count: int, seed: int = 0) -> tuple[list[dict[str, float]], Floats]:
    """Rows of a known model: log-odds 1 - 3 bad + 2 good, and a feature that tells nothing."""
    chance = np.random.default_rng(seed)
    values = chance.random((count, 3))
    odds = 1 - 3 * values[:, 0] + 2 * values[:, 1]
    labels = (chance.random(count) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    return [dict(zip(("bad", "good", "idle"), map(float, each), strict=True)) for each in values], (
        labels
    )


def test_a_fit_recovers_the_model_that_made_the_rows() -> None:
    features, labels = synthetic(20_000)
    shapes = {
        "bad": ((0.0, 0.5, 1.0), -1.0, -1),
        "good": (UNIT, 0.5, 1),
        "idle": (UNIT, 0.0, 0),
    }
    found = fit(features, labels, np.ones(len(labels)), shapes, base=0.0, stiffness=10.0)
    assert found.base == pytest.approx(1, abs=0.15)
    assert found.curves["bad"].values == pytest.approx((0, -1.5, -3), abs=0.2)
    assert found.curves["good"].values == pytest.approx((0, 2), abs=0.2)
    assert found.curves["idle"].values == pytest.approx((0, 0), abs=0.2)
    for each in features[:5]:
        expected = logistic(1 - 3 * each["bad"] + 2 * each["good"])
        assert found.probability(each) == pytest.approx(expected, abs=0.03)


def test_a_curve_never_goes_against_its_sign_and_stays_at_its_prior_without_rows() -> None:
    features, labels = synthetic(2000)
    against = {"bad": (UNIT, 0.5, 1), "good": (UNIT, -0.5, -1)}
    found = fit(features, labels, np.ones(len(labels)), against, base=0.0, stiffness=10.0)
    assert found.curves["bad"].values == found.curves["good"].values == (0.0, 0.0)
    unseen = fit([], np.zeros(0), np.zeros(0), against, base=0.3, stiffness=1.0)
    assert (unseen.base, unseen.curves["bad"].values) == (0.3, (0.0, 0.5))


def test_a_signal_rises_beside_what_the_features_say() -> None:
    features, labels = synthetic(5000)
    shape = ((0.0, 0.5, 1.0), 1.0, 1)
    given = np.array([1 - 3 * each["bad"] for each in features])
    curve = fit_signal(features, labels, "good", shape, given=given, stiffness=10.0, centred=False)
    assert curve.values[-1] - curve.values[0] == pytest.approx(2, abs=0.3)
    assert list(curve.values) == sorted(curve.values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same queries, answered by three weak models."""
    made = tmp_path_factory.mktemp("pairs")
    for seed, weak in enumerate("abc"):
        write(made / f"gsm8k__{weak}__z.jsonl", rows(60, seed))
    return made


@pytest.fixture(scope="module")
def known(folder: Path) -> list[Example]:
    return list(examples(folder))


def first(folder: Path) -> Row:
    return next(iter(read(folder / "gsm8k__a__z.jsonl")))


def p_good(held: HeldOut, row: Row) -> float:
    return replay(row, held.judge(row)).estimate.p_good


@pytest.mark.parametrize("pairs_known", [False, True])
def test_no_row_is_judged_by_weights_that_it_fitted(
    folder: Path, known: list[Example], pairs_known: bool
) -> None:
    row = first(folder)
    held = HeldOut(known, pairs_known=pairs_known)
    seen = held.known(row.fold, row.weak)
    assert seen
    assert all(each.fold != row.fold for each in seen)
    assert pairs_known == any(each.weak == row.weak for each in seen)

    def poison(each: Example) -> Example:
        hidden = each.fold == row.fold or (each.weak == row.weak and not pairs_known)
        return msgspec.structs.replace(each, draft=1 - each.draft) if hidden else each

    poisoned = HeldOut(map(poison, known), pairs_known=pairs_known)
    assert p_good(poisoned, row) == p_good(held, row)
    spoilt = HeldOut(
        [msgspec.structs.replace(each, draft=1 - each.draft) for each in known],
        pairs_known=pairs_known,
    )
    assert p_good(spoilt, row) != p_good(held, row)


def test_one_query_is_in_one_fold_whoever_answers_it_under_whichever_id(folder: Path) -> None:
    by_query: dict[str, set[int]] = {}
    for row in read(*folder.iterdir()):
        by_query.setdefault(row.asked, set()).add(row.fold)
        by_query[row.asked].add(msgspec.structs.replace(row, id="other", file="b__c__d").fold)
    assert all(len(folds) == 1 for folds in by_query.values())
    assert {fold for folds in by_query.values() for fold in folds} == set(range(FOLDS))


def test_where_there_is_one_weak_model_its_other_queries_are_fitted_on(
    folder: Path, known: list[Example]
) -> None:
    held = HeldOut([each for each in known if each.weak == "a"])
    row = first(folder)
    assert {each.weak for each in held.known(row.fold, row.weak)} == {"a"}


def test_a_draft_that_stands_in_two_files_counts_once(known: list[Example]) -> None:
    mine = [each for each in known if each.form == "arithmetic"]
    twice = [msgspec.structs.replace(each, file=f"{each.file}2") for each in mine]
    once, doubled = weights_of("arithmetic", mine), weights_of("arithmetic", mine + twice)
    assert doubled.good == once.good


def test_provenance_says_what_weights_are_worth_on_rows_they_did_not_see(
    folder: Path, known: list[Example]
) -> None:
    found = judged(folder, HeldOut(known))
    assert sum(map(len, found.values())) == 180
    weights = with_provenance(all_weights(known)["arithmetic"], known, found)
    assert weights.provenance.rows == 180
    assert set(weights.provenance.files) == {path.name[:-6] for path in folder.iterdir()}
    assert weights.provenance.auroc > 0.8
