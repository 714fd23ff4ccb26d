from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cascadeflow.evaluate.dataset import read
from cascadeflow.evaluate.replay import replay
from training.examples import examples
from training.guarantee import (
    experiment,
    family_table,
    least_escalated,
    oracle_escalated,
    populations,
    trial_table,
    violates,
)
from training.weights import HeldOut

from .recordings import rows, write
from .test_calibrate import labels


def test_the_promise_is_kept_on_the_population_as_often_as_it_says() -> None:
    population = labels(1000, seed=5)
    (trial,) = experiment("made up", population, sizes=(200,), draws=60)
    assert trial.violated <= 0.14
    assert trial.oracle < trial.ranking < trial.escalated < 1
    for rows_of in (trial_table, family_table):
        assert rows_of([trial]).rows[1][0] == "made up"


def test_the_population_is_scored_by_weights_that_its_rows_did_not_fit(tmp_path: Path) -> None:
    for weak, seed in (("a", 0), ("b", 1)):
        write(tmp_path / f"gsm8k__{weak}__c.jsonl", rows(80, seed))
    found = dict(populations(tmp_path, 80))
    assert list(found) == ["gsm8k__a__c", "gsm8k__b__c"]
    held = HeldOut(examples(tmp_path))
    mine = list(read(tmp_path / "gsm8k__a__c.jsonl"))
    expected = [replay(each, held.judge(each)).estimate.p_good for each in mine]
    population = found["gsm8k__a__c"]
    keepable = population.score[population.keepable > 0]
    assert set(keepable.tolist()) <= set(expected)
    assert population.draft.sum() == sum(each.draft_correct or 0.0 for each in mine)


def test_what_breaks_the_promise_is_told_from_what_keeps_it() -> None:
    population = labels(100, draft=np.zeros(100))
    assert violates(population, np.arange(100) < 6)
    assert not violates(population, np.arange(100) < 5)


def test_the_least_escalated_is_exact() -> None:
    draft = np.concatenate([np.ones(50), np.zeros(50)])
    population = labels(100, score=np.arange(100, 0, -1) / 100, draft=draft)
    assert least_escalated(population) == pytest.approx(0.45)
    assert oracle_escalated(population) == pytest.approx(0.45)
