from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .recordings import row, rows, write

ROOT = Path(__file__).resolve().parents[1]


def command(*arguments: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`cascadeflow eval` in a pipe; `path` is searched for modules first."""
    return python("-m", "cascadeflow", "eval", *map(str, arguments), path=path)


def python(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    places = [str(place) for place in (path, ROOT) if place is not None]
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        env={"PYTHONPATH": os.pathsep.join(places), "PATH": "", "PYTHONUTF8": "1"},
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings: one of a pair of models, one of an own log."""
    made = tmp_path_factory.mktemp("recordings")
    write(made / "gsm8k__a__b.jsonl.gz", rows(60))
    write(made / "mine.jsonl", rows(40, seed=1))
    return made


def test_the_tables_hold_every_file(folder: Path) -> None:
    done = command(folder, "--resamples", "20")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for heading in ("Ranking", "Decisions", "Baselines"):
        table = done.stdout.partition(heading)[2].partition("\n\n")[0]
        assert "gsm8k__a__b" in table
        assert "mine" in table
    assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


def test_the_tables_are_also_told_as_markdown_with_what_giving_up_saves(folder: Path) -> None:
    done = command(folder, "--markdown", "--stream", "50", "--resamples", "5")
    assert done.returncode == 0, done.stderr
    assert "Early abandonment" in done.stdout
    assert "| mine | 40 |" in done.stdout


def test_the_same_rows_give_the_same_output(folder: Path) -> None:
    first, second = (command(folder, "--resamples", "20", "--json") for _ in range(2))
    assert first.stdout == second.stdout


def test_json_is_one_object_with_everything_measured(folder: Path) -> None:
    done = command(folder / "mine.jsonl", "--json", "--stream", "50", "--resamples", "20")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    (mine,) = told["files"]
    assert (mine["name"], mine["rows"], mine["paired"]) == ("mine", 40, 40)
    assert set(mine["apgr"]) == {"value", "low", "high"}
    assert mine["streaming"]["rate"] == 50
    assert {"random", "query_length", "oracle"} <= set(mine["baselines"])


def test_the_scores_of_all_rows_are_written_in_order(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    assert command(folder, "--scores", out, "--resamples", "5").returncode == 0
    scores: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(scores) == 100
    assert [each["id"] for each in scores[60:63]] == ["sum0", "sum1", "sum2"]
    assert {"id", "form", "p_good", "benefit", "accepted", "evidence"} <= set(scores[0])
    assert all(0 <= each["p_good"] <= 1 for each in scores)


def test_the_threshold_given_decides(folder: Path) -> None:
    def escalated(policy: str) -> float:
        done = command(folder / "mine.jsonl", "--json", "--policy", policy, "--resamples", "5")
        share: float = json.loads(done.stdout)["files"][0]["point"]["escalated"]
        return share

    assert escalated("0,0") == 0
    assert escalated("1,0") == 1


def test_labels_of_one_model_alone_are_told_with_how_to_give_the_other(tmp_path: Path) -> None:
    made = [{**each, "verifier_correct": None} for each in rows(40)]
    done = command(write(tmp_path / "drafts.jsonl", made), "--resamples", "5")
    assert done.returncode == 0
    assert "no row has verifier_correct" in done.stderr
    assert "agent.feedback" in done.stderr


def test_report_and_pictures_are_written(folder: Path, tmp_path: Path) -> None:
    page, pictures = tmp_path / "report.html", tmp_path / "pictures"
    done = command(
        folder / "mine.jsonl", "--report", page, "--export", pictures, "--resamples", "5"
    )
    assert done.returncode == 0, done.stderr
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert sorted(each.name for each in pictures.iterdir()) == ["mine.png", "mine.svg"]
    assert done.stderr == f"written to {page}\nwritten to {pictures}\n"


def test_a_file_that_is_read_is_never_written(tmp_path: Path) -> None:
    log, link = write(tmp_path / "log.jsonl", rows(30)), tmp_path / "link.jsonl"
    link.symlink_to(log)
    before = log.read_bytes()
    for option, out in (("--scores", log), ("--report", link)):
        done = command(log, option, out, "--resamples", "5")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {option}: {out} is another file")
    both = command(log, "--scores", tmp_path / "new", "--report", tmp_path / "new")
    assert both.returncode == 2
    assert log.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [link, log]


def test_an_evaluation_that_fails_leaves_the_old_outputs(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    write(tmp_path / "log.jsonl", [row(0), row(1, query=None)])
    for name, option in (("log.jsonl", "--scores"), ("typo.jsonl", "--report")):
        assert command(tmp_path / name, option, old).returncode == 2
    assert old.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_scores_go_to_standard_output_and_the_tables_out_of_their_way(tmp_path: Path) -> None:
    done = command(write(tmp_path / "log.jsonl", rows(30)), "--scores", "-", "--resamples", "5")
    assert done.returncode == 0
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 30
    assert "Ranking" in done.stderr


def test_recorded_scores_are_measured_as_they_are(tmp_path: Path) -> None:
    made = [{**each, "p_good": each["draft_correct"]} for each in rows(30)]
    log = write(tmp_path / "log.jsonl", [*made, row(99)])
    done = command(log, "--recorded", "--json", "--policy", "0.5", "--resamples", "5")
    assert done.stderr == "rows passed over for lack of a recorded p_good: 1\n"
    (told,) = json.loads(done.stdout)["files"]
    assert (told["rows"], told["auroc"]["value"]) == (30, 1.0)
    assert command(log, "--recorded", "--stream", "50").returncode == 2


def test_damaged_lines_end_it_or_are_skipped_and_told(tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", rows(30))
    log.write_text("{\n" + log.read_text())
    assert f"{log}:1: not a JSON object" in command(log).stderr
    done = command(log, "--skip-damaged", "--resamples", "5")
    assert done.returncode == 0
    assert "damaged lines passed over: 1" in done.stderr


def test_files_without_labels_are_named_and_the_others_measured(tmp_path: Path) -> None:
    blank = {"draft_correct": None, "verifier_correct": None}
    write(tmp_path / "a.jsonl", [{**row(0), **blank}])
    write(tmp_path / "b.jsonl", rows(30))
    done = command(tmp_path, "--resamples", "5")
    assert done.returncode == 0
    assert "passed over: a: none of the 1 rows has draft_correct (0 have" in done.stderr
    alone = command(tmp_path / "a.jsonl")
    assert alone.returncode == 2
    assert "draft_correct" in alone.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.jsonl"], "no such file"),
        (["mine.jsonl", "--policy", "high"], "high"),
        (["mine.jsonl", "--scores", "no/such/folder.jsonl"], "No such file"),
        (["mine.jsonl", "--report", "no/such/folder.html"], "No such file"),
    ],
)
def test_wrong_usage_ends_with_two_and_a_reason(
    folder: Path, arguments: list[str], complaint: str
) -> None:
    first, *rest = arguments
    done = command(folder / first, *rest, "--resamples", "5")
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_it_says_how_to_install_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('No module named numpy')")
    for arguments in (("eval",), ("calibrate", "--out", str(tmp_path / "found.json"))):
        done = python("-m", "cascadeflow", *arguments, str(folder / "mine.jsonl"), path=tmp_path)
        assert done.returncode == 1
        assert 'pip install ".[eval]"' in done.stderr
        assert "Traceback" not in done.stderr


def test_importing_it_without_the_extra_says_which_is_missing(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('No module named numpy')")
    code = "try: import cascadeflow.evaluate.metrics\nexcept ImportError as error: print(error)"
    done = python("-c", code, path=tmp_path)
    assert "needs the extra [eval]" in done.stdout
