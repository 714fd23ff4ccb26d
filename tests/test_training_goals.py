from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cascadeflow.evaluate.metrics import Figure
from cascadeflow.evaluate.summary import summarise
from cascadeflow.evaluate.tables import markdown_of, text_of
from training import evaluate
from training.families import families
from training.goals import GOALS, able_to_check, goal_table, outcomes

from .recordings import rows, write
from .test_evaluate_report import judged, replayed, workload


def test_every_judge_is_told_beside_the_goals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "gsm8k__a__b.jsonl", rows(60))
    assert evaluate.main([str(tmp_path), "--markdown", "--resamples", "5"]) == 0
    told = capsys.readouterr().out
    for judge in ("cross-validated", "pair known", "as shipped", "hand-set"):
        assert f"| gsm8k | {judge} | 1 | 60 |" in told
    assert told.count("| gsm8k | APGR |") == 1
    assert "Early abandonment" in told
    assert evaluate.main([str(tmp_path / "nowhere")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_cross_validated_scores_are_not_those_as_shipped(tmp_path: Path) -> None:
    path = write(tmp_path / "gsm8k__a__b.jsonl", rows(60))
    unseen, _, shipped, _ = (each.summaries([path], 5) for each in evaluate.judges([path]))
    assert unseen[0].brier != shipped[0].brier


def test_goals_are_told_for_known_families_alone(tmp_path: Path) -> None:
    names = "bfcl__a__b", "gsm8k__a__b", "mine"
    summaries = [summarise(workload(tmp_path, rows(60), name), 20) for name in names]
    reached = outcomes(summaries, shipped=[], hand=[])
    assert {family for each in reached for family in each.families} == {"bfcl", "gsm8k"}
    assert outcomes([summaries[2]], shipped=[], hand=[]) == []
    for each in reached:
        good = each.figure.value >= each.goal.target
        if not each.goal.at_least:
            good = each.figure.value <= each.goal.target
        assert each.met == good
    for render in (text_of, markdown_of):
        told = "\n".join(render([goal_table(reached)]))
        assert "met" in told
    assert [each.goal.what for each in outcomes([], shipped=[], hand=summaries)] == [
        "APGR, hand-set priors"
    ]
    both = outcomes(summaries, shipped=summaries, hand=[])
    assert [each.shipped for each in both] == [each.figure.value for each in both]
    assert "hand" not in "".join(each.goal.what for each in reached)


def test_a_family_is_set_beside_the_raw_signal_that_ranks_it_best(tmp_path: Path) -> None:
    made = rows(80)
    for each in made:
        each["draft"]["self_verify_logp"] = -0.01 if each["draft_correct"] else -3.0
    (known,) = families([summarise(workload(tmp_path, made, "sums__a__b"), 50)])
    assert known.beside is not None
    assert known.beside.signal == "self_check"
    (blind,) = families([summarise(workload(tmp_path, rows(80), "sums__a__c"), 50)])
    assert blind.beside is not None
    assert (blind.beside.signal, blind.beside.worse) == ("query_length", False)
    assert blind.beside.difference.value > 0


def test_a_family_below_a_raw_signal_misses_the_goal(tmp_path: Path) -> None:
    made = [(replayed(0.4 if place % 2 else 0.6), place % 3 != 0) for place in range(90)]
    told = summarise(judged(tmp_path, made), 50)
    signal = msgspec.structs.replace(
        told.comparisons[0], signal="self_check", linear=Figure(-0.2, -0.3, -0.1)
    )
    below = msgspec.structs.replace(told, family="bfcl", comparisons=[signal])
    (goal,) = (
        each for each in outcomes([below], shipped=[], hand=[]) if "raw signal" in each.goal.what
    )
    assert (goal.figure.value, goal.met) == (1, False)


def test_every_goal_names_what_it_measures() -> None:
    assert all(goal.families and goal.what for goal in GOALS)


@pytest.mark.parametrize(
    ("name", "able"),
    [
        ("triviaqalp__llama3.2-1b__llama3.1-70b", False),
        ("triviaqalp__llama3.1-8b__llama3.1-405b", True),
        ("gsm8klp__gpt-4o-mini__gpt-4o", True),
        ("gsm8klp__qwen-1.5b__gpt-4o", False),
        ("log", True),
    ],
)
def test_the_size_of_the_weak_model_is_read_from_the_name(name: str, able: bool) -> None:
    assert able_to_check(name) == able
