"""Fits the weights that ship with the package, and says what they are worth: `make weights`.

    python -m training.fit DIR

reads every recording in DIR that has labels (`<family>__<weak>__<strong>.jsonl.gz`) and writes
`cascadeflow/quality/weights/<form>.json`. No text of a row goes into a file. Deterministic but for
the date. `training.evaluate` tells more of what such weights are worth.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from cascadeflow import quality
from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.dataset import files, read
from cascadeflow.evaluate.metrics import Ranking, brier, ece
from cascadeflow.evaluate.replay import recorded, replay
from cascadeflow.quality.fitted import Provenance, Weights

from .examples import Example, examples
from .weights import LEAST_ROWS, HeldOut, all_weights

Judged: TypeAlias = Mapping[tuple[str, str], Sequence[tuple[float, float]]]
"""Form and file -> `p_good` and label of each row."""


def judged(directory: Path, held: HeldOut) -> Judged:
    """Every labelled row of a directory, judged by weights that it did not fit."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in read(*files([directory])):
        if row.draft_correct is None or row.verifier_correct is None or not recorded(row.draft):
            continue
        seen = replay(row, held.judge(row))
        place = found.setdefault((seen.form, row.file), [])
        place.append((seen.estimate.p_good, row.draft_correct))
    return found


def with_provenance(weights: Weights, rows: Sequence[Example], found: Judged) -> Weights:
    """The same, with where they come from and what they are worth on rows they did not see."""
    mine = Counter(row.file for row in rows if row.form == weights.form)
    figures = list(_figures(weights.form, found))
    means = np.nanmean(np.array(figures), axis=0) if figures else np.full(3, 0.5)
    worth = [round(float(mean), 3) for mean in means]
    provenance = Provenance(
        files=dict(sorted(mine.items())),
        rows=mine.total(),
        date=date.today().isoformat(),
        validation="five folds by query, weak model left out; mean over files",
        auroc=worth[0],
        brier=worth[1],
        ece=worth[2],
    )
    return msgspec.structs.replace(weights, provenance=provenance)


def _figures(form: str, found: Judged) -> Iterator[tuple[float, float, float]]:
    """Of each file with enough rows of the form."""
    for (judged_form, _), pairs in found.items():
        if judged_form == form and len(pairs) >= LEAST_ROWS:
            p, y = np.array(pairs).T
            yield Ranking(p, y, y).figures().auroc, brier(p, y), ece(p, y)


def write(weights: Weights, folder: Path) -> Path:
    """Write one file of weights; gives its path."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{weights.form}.json"
    text = msgspec.json.format(msgspec.json.encode(weights), indent=1)
    path.write_bytes(text + b"\n")
    return path


def main(arguments: Sequence[str]) -> int:
    """Fit, report, write. 2 if the directory is missing or cannot be read."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m training.fit DIR\n")
        return 2
    directory = Path(arguments[0])
    try:
        rows = list(examples(directory))
        found = judged(directory, HeldOut(rows))
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    folder = Path(quality.__file__).parent / "weights"
    for fitted in all_weights(rows).values():
        weights = with_provenance(fitted, rows, found)
        path, worth = write(weights, folder), weights.provenance
        sys.stdout.write(
            f"wrote {path.name}: {worth.rows} rows; on rows it did not see AUROC {worth.auroc}, "
            f"Brier {worth.brier}, ECE {worth.ece}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
