"""`cascadeflow calibrate`: choose the threshold that keeps a promise, on your own labels.

Needs the extra `[eval]`, which is looked for before anything is read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from .evaluate import AsJson, SkipDamaged
from .outputs import DASH, output
from .plain import plain
from .views import json_line, note

if TYPE_CHECKING:
    from ..evaluate.calibrate import Calibration, Labels
    from ..evaluate.dataset import Reading


SOME_DIFFER = 0.1
"""Share of rows with another recorded score from which on it is told."""


def calibrate(
    files: Annotated[
        list[Path], typer.Argument(help="Labelled rows (JSONL, .gz too), or directories of them.")
    ],
    target: Annotated[
        float, typer.Option(help="Least correctness, as a share of the strong model's.")
    ] = 0.95,
    confidence: Annotated[
        float, typer.Option(help="Probability, at least, that the threshold keeps it.")
    ] = 0.9,
    out: Annotated[
        Path, typer.Option(help="The calibration file to write; -: to standard output.")
    ] = Path("calibration.json"),
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="Take the recorded p_good instead of judging anew."),
    ] = False,
    skip_damaged: SkipDamaged = False,
    as_json: AsJson = False,
) -> None:
    """Choose the threshold with a guarantee.

    With the given confidence the cascade is right at least TARGET times as often as the strong
    model, on queries like the labelled ones. Ends with 1, and writes nothing, where the labels are
    too few to say so. `CascadeAgent(policy="calibration.json")` loads the file.
    """
    from .. import calibration
    from ..evaluate import calibrate as finding
    from ..evaluate.dataset import Reading
    from ..evaluate.dataset import files as files_of
    from ..quality import default_estimator

    paths = files_of(files)
    rows = Reading(paths, skip_damaged=skip_damaged, recorded=recorded)
    with output("--out", out, paths) as file:
        labels = finding.labels_of(rows, default_estimator(), recorded=recorded)
        found = finding.calibrate(labels, target=target, confidence=confidence)
        _warn(rows, labels)
        if file is not None and found.advice != "refused":
            scored_by = calibration.RECORDED if recorded else calibration.fingerprint()
            file.write(calibration.text_of(finding.to_file(found, labels, estimator=scored_by)))
        told = json_line(msgspec.to_builtins(found)) if as_json else _told(found, out) + "\n"
        if found.advice == "refused":
            sys.stdout.write(told)
            raise typer.Exit(1)
    (sys.stderr if out == DASH else sys.stdout).write(told)


def _warn(rows: Reading, labels: Labels) -> None:
    """Say what was passed over, and what does not look right."""
    for remark in rows.remarks():
        note(remark)
    differing, count = labels.origin.differing, len(labels.score)
    if differing > SOME_DIFFER * count:
        note(
            f"{differing} of {count} rows were recorded with another p_good: if your agent has an "
            "estimator of its own, --recorded calibrates that"
        )


def _told(found: Calibration, out: Path) -> str:
    """What was found, for a person."""
    from ..evaluate.calibrate import percent

    if found.advice == "refused":
        return plain(f"refused: {found.reason}; nothing was written")
    lines = [f"{found.rows} labelled rows"]
    if found.accept_at is not None:
        lines.append(
            f"lowest safe threshold: p_good >= {found.accept_at:.4f} "
            f"(right {percent(found.target)} as often as the strong model, "
            f"{percent(found.confidence)} confidence)"
        )
        lines.append(f"escalated: {found.escalated:.1%} of these rows")
    if found.of_strong is not None:
        lines.append(f"right on these rows: {found.of_strong:.1%} of the strong model's")
    if found.economics is not None:
        lines.append(f"cost on these rows: {found.economics.of_strong:.1%} of the strong model's")
    if found.advice == "direct":
        lines.append(f"advice: ask the strong model directly; {found.reason}")
    if out != DASH:
        lines.append(f'written to {out}; load it with CascadeAgent(models, policy="{out}")')
    return plain("\n".join(lines))
