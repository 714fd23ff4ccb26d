"""Whom a calibration was made for, and what the command writes and says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cascadeflow.agent import CascadeAgent
from cascadeflow.calibration import RECORDED, Origin, fingerprint, load, save
from cascadeflow.config import ModelConfig
from cascadeflow.core.policy import Opinion
from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.calibrate import calibrate, labels_of, to_file
from cascadeflow.evaluate.dataset import Answer, Row
from cascadeflow.judges import SelfCheck
from cascadeflow.providers.scripted import Scripted
from cascadeflow.quality import default_estimator

from .play import Marked
from .recordings import rows as recorded_rows
from .recordings import write
from .test_calibrate import labels, row
from .test_cli import command

MODELS = [ModelConfig(name, Scripted({}), cost=1) for name in ("small", "large")]


def made(path: Path, estimator: str = "", **origin: Any) -> Path:
    """A calibration file."""
    given = labels()
    file = to_file(calibrate(given), given, estimator=estimator or fingerprint())
    save(msgspec.structs.replace(file, origin=Origin(**origin)), path / "calibration.json")
    return path / "calibration.json"


def test_a_calibration_of_the_default_estimator_is_refused_for_one_of_your_own(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="scores of the default estimator"):
        CascadeAgent(MODELS, policy=made(tmp_path), estimator=Marked())
    for estimator in ("mine, 1", RECORDED):
        CascadeAgent(MODELS, policy=made(tmp_path, estimator), estimator=Marked())
    CascadeAgent(MODELS, policy=made(tmp_path), estimator=default_estimator())


MISFITS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"estimator": RECORDED}, {}, "on recorded scores"),
    ({"estimator": "mine, 1"}, {}, "with another version of the estimator"),
    ({}, {"judges": [SelfCheck()]}, "with none as judges=, and the agent has self_check"),
    ({"judges": ("agreement",)}, {}, "with agreement as judges=, and the agent has none"),
    ({"drafts": ("tiny",), "verifiers": ("large",)}, {}, "drafts of tiny and answers of large"),
    ({"drafts": ("small",), "verifiers": ("huge",)}, {}, "the agent has small and large"),
]


@pytest.mark.parametrize(("file", "agent", "told"), MISFITS)
def test_an_agent_that_a_calibration_was_not_made_for_is_warned(
    file: dict[str, Any],
    agent: dict[str, Any],
    told: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    CascadeAgent(MODELS, policy=made(tmp_path, **file), **agent)
    (message,) = caplog.messages
    assert told in message


def test_an_agent_that_a_calibration_was_made_for_is_not_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair: dict[str, Any] = {"drafts": ("small",), "verifiers": ("large",)}
    CascadeAgent(MODELS, policy=made(tmp_path, **pair))
    CascadeAgent(MODELS, policy=made(tmp_path, drafts=("other",), verifiers=("large",)),
                 enable_cascade=False)  # fmt: skip
    judged = made(tmp_path, RECORDED, judges=("self_check",), **pair)
    CascadeAgent(MODELS, policy=judged, judges=[SelfCheck()])
    assert caplog.messages == []


def test_the_models_and_judges_of_the_rows_are_kept_in_the_file() -> None:
    draft, strong = (Answer(model=name, content="Paris.") for name in ("small", "large"))
    told = (Opinion("self_check", 0.5),)
    rows = [Row(id="a", query="hi", draft=draft, verifier=strong, draft_correct=1.0, opinions=told),
            row("b", "Paris.", 1.0, p_good=0.2)]  # fmt: skip
    origin = labels_of(rows, Marked()).origin
    assert (origin.drafts, origin.verifiers) == (("small",), ("large",))
    assert (origin.judges, origin.differing) == (("self_check",), 1)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A recording that is enough for a threshold."""
    return write(tmp_path / "calls.jsonl", recorded_rows(300))


def test_the_command_never_writes_what_it_reads(labelled: Path) -> None:
    before = labelled.read_bytes()
    done = command("calibrate", str(labelled.parent), "--out", str(labelled))
    assert done.returncode == 2
    assert f"--out: {labelled} is another file of this command" in done.stderr
    assert labelled.read_bytes() == before


def test_the_file_goes_to_standard_output_alone(labelled: Path, tmp_path: Path) -> None:
    done = command("calibrate", str(labelled), "--out", "-", "--confidence", "0.999")
    assert done.returncode == 0, done.stderr
    (tmp_path / "c.json").write_text(done.stdout)
    assert load(tmp_path / "c.json").confidence == 0.999
    assert "99.9% confidence" in done.stderr


def test_copies_are_no_evidence_and_no_figure_is_nan(labelled: Path, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"copy{number}.jsonl").write_bytes(labelled.read_bytes())
    blank = [{**each, "draft_correct": None} for each in recorded_rows(50)]
    write(tmp_path / "a.jsonl", [*blank, {"feedback": "nobody", "correct": 1}])
    done = command("calibrate", str(tmp_path), "--out", str(tmp_path / "c.json"), "--target", "0.8")
    assert done.stdout.startswith("300 labelled rows\n")
    assert "count once: 1250" in done.stderr
    assert "match no row: 1 (nobody)" in done.stderr
    assert "nan" not in done.stdout


def test_scores_of_another_judge_are_told_where_they_were_recorded(tmp_path: Path) -> None:
    odd = write(tmp_path / "odd.jsonl", [{**each, "p_good": 0.5} for each in recorded_rows(300)])
    done = command("calibrate", str(odd), "--out", str(tmp_path / "c.json"))
    assert "300 of 300 rows were recorded with another p_good" in done.stderr
    taken = command("calibrate", str(odd), "--recorded", "--out", str(tmp_path / "c.json"))
    assert taken.stderr == ""
