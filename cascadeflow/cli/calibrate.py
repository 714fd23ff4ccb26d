"""`cascadeflow calibrate`: choose the threshold that keeps a promise, on your own labels.

Needs the extra `[eval]`, which is looked for before anything is read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ..errors import ConfigError
from .evaluate import AsJson
from .plain import plain
from .views import json_line

if TYPE_CHECKING:
    from ..evaluate.calibrate import Calibration


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
    out: Annotated[Path, typer.Option(help="The calibration file to write.")] = Path(
        "calibration.json"
    ),
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="Take the recorded p_good instead of judging anew."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Choose the threshold with a guarantee.

    With the given confidence the cascade is right at least TARGET times as often as the strong
    model, on queries like the labelled ones. Ends with 1, and writes nothing, where the labels are
    too few to say so. `CascadeAgent(policy="calibration.json")` loads the file.
    """
    from .. import calibration
    from ..evaluate import calibrate as finding
    from ..evaluate.dataset import files as files_of
    from ..evaluate.dataset import read
    from ..quality import default_estimator

    labels = finding.labels_of(read(*files_of(files)), default_estimator(), recorded=recorded)
    found = finding.calibrate(labels, target=target, confidence=confidence)
    if found.advice != "refused":
        scored_by = calibration.RECORDED if recorded else calibration.fingerprint()
        file = finding.to_file(found, labels, estimator=scored_by)
        try:
            calibration.save(file, out)
        except OSError as error:
            told = error.strerror or error
            raise ConfigError(f"--out: {out} cannot be written: {told}") from None
    sys.stdout.write(json_line(msgspec.to_builtins(found)) if as_json else _told(found, out) + "\n")
    if found.advice == "refused":
        raise typer.Exit(1)


def _told(found: Calibration, out: Path) -> str:
    """What was found, for a person."""
    if found.advice == "refused":
        return plain(f"refused: {found.reason}; nothing was written")
    lines = [f"{found.rows} labelled rows"]
    if found.accept_at is not None:
        lines.append(
            f"lowest safe threshold: p_good >= {found.accept_at:.4f} "
            f"(right {found.target:.0%} as often as the strong model, {found.confidence:.0%} "
            "confidence)"
        )
        lines.append(f"escalated: {found.escalated:.1%} of these rows")
    if found.of_strong is not None:
        lines.append(f"right on these rows: {found.of_strong:.1%} of the strong model's")
    if found.economics is not None:
        lines.append(f"cost on these rows: {found.economics.of_strong:.1%} of the strong model's")
    if found.advice == "direct":
        lines.append(f"advice: ask the strong model directly; {found.reason}")
    lines.append(f'written to {out}; load it with CascadeAgent(models, policy="{out}")')
    return plain("\n".join(lines))
