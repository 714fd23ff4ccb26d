"""Fits the weights that ship with the package, and says what they are worth.

    python -m cascadeflow.evaluate.fit DIR

reads every recording in DIR that has labels (`<family>__<weak>__<strong>.jsonl.gz`), prints a table
of cross-validated figures and writes `cascadeflow/quality/weights/<form>.json`. No text of a row
goes into a file.

Figures are made by weights that saw neither the query (five folds by the id) nor the weak model
(`unseen`); or, as if the pair were known, not the query (`known`). Deterministic but for the date.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec
import numpy as np

from .. import quality
from ..errors import ConfigError
from ..quality import fitted
from ..quality.additive import Additive, Curve
from ..quality.combine import probability as by_hand
from ..quality.fitted import FittedModel, Provenance, Weights
from ..quality.forms import Form
from ..quality.tools.combine import probability as by_hand_of_tools
from .examples import FOLDS, Example, examples
from .fittable import report
from .fitting import Floats, fit, fit_signal
from .goals import able_to_check
from .metrics import auroc, brier, ece
from .shapes import PLANS, Plan

SIGNAL_STIFFNESS = 0.3
STRONG_STIFFNESS = 0.3
STRONG_BASE = 1.8
LEAST_ROWS = 50
"""Rows with a signal from which its curve is fitted; with fewer the prior stands."""
UNKNOWN = Provenance(files={}, rows=0, date="", validation="", auroc=0.0, brier=0.0, ece=0.0)


class Judged(msgspec.Struct, frozen=True):
    """What weights say of a row that they were not fitted on."""

    p_good: float
    score: float
    """To rank by: minus the benefit, or `p_good` - 1."""


def weights_of(form: Form, rows: Sequence[Example]) -> Weights:
    """The weights of one form, fitted on `rows`."""
    plan = PLANS[form]
    counted = _counted(rows)
    labels = np.array([row.draft for row in rows])
    features = [row.features for row in rows]
    good = fit(features, labels, counted, plan.shapes, base=plan.base, stiffness=plan.stiffness)
    strong = _strong(plan, rows)
    right = [row.strong for row in rows]
    return Weights(
        version=fitted.VERSION,
        form=form,
        good=msgspec.structs.replace(good, signals=_signals(plan, rows, good)),
        running=_running(plan, rows, counted),
        strong=strong,
        strong_mean=round(float(np.mean(right)), 4) if right else 0.85,
        needs=plan.needs,
        provenance=UNKNOWN,
    )


def _counted(rows: Sequence[Example]) -> Floats:
    """A draft that stands in several files, beside several strong models, counts once."""
    files: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        files.setdefault(_source(row), set()).add(row.file)
    return np.array([1 / len(files[_source(row)]) for row in rows])


def _source(row: Example) -> tuple[str, str]:
    return row.file.partition("__")[0], row.weak


def _signals(plan: Plan, rows: Sequence[Example], good: Additive) -> dict[str, Curve]:
    """The curves of signals. Small models do not know their own errors: they are not asked."""
    curves: dict[str, Curve] = {}
    for name, shape in plan.signals.items():
        known = [row for row in rows if name in row.features]
        if name == "self_check":
            known = [row for row in known if able_to_check(row.file)]
        if len(known) < LEAST_ROWS:
            known = []
        curves[name] = fit_signal(
            [row.features for row in known],
            np.array([row.draft for row in known]),
            np.ones(len(known)),
            name,
            shape,
            given=np.array([good.odds(row.features) for row in known]),
            stiffness=SIGNAL_STIFFNESS,
        )
    return curves


def _running(plan: Plan, rows: Sequence[Example], counted: Floats) -> Additive | None:
    """Each long draft counts once, however often it was looked at."""
    if not plan.running:
        return None
    seen = [(row, each, w) for row, w in zip(rows, counted, strict=True) for each in row.under_way]
    return fit(
        [each for _, each, _ in seen],
        np.array([row.draft for row, _, _ in seen]),
        np.array([w / len(row.under_way) for row, _, w in seen]),
        plan.running,
        base=plan.base,
        stiffness=plan.stiffness,
    )


def _strong(plan: Plan, rows: Sequence[Example]) -> Additive | None:
    if not plan.strong:
        return None
    return fit(
        [row.features for row in rows],
        np.array([row.strong for row in rows]),
        np.ones(len(rows)),
        plan.strong,
        base=STRONG_BASE,
        stiffness=STRONG_STIFFNESS,
    )


def all_weights(rows: Sequence[Example]) -> dict[Form, Weights]:
    """The weights of every form that is planned and has rows."""
    by_form: dict[Form, list[Example]] = {}
    for row in rows:
        by_form.setdefault(row.form, []).append(row)
    return {form: weights_of(form, by_form[form]) for form in PLANS if form in by_form}


def cross_validated(rows: Sequence[Example], *, unseen: bool) -> list[Judged]:
    """What weights that did not see the query, nor the weak model if `unseen`, say of each row."""
    judged: dict[int, Judged] = {}
    groups = sorted({row.weak if unseen else "" for row in rows})
    for fold in range(FOLDS):
        for weak in groups:
            asked = [
                i for i, r in enumerate(rows) if r.fold == fold and (not unseen or r.weak == weak)
            ]
            known = [r for r in rows if r.fold != fold and (not unseen or r.weak != weak)]
            weights = all_weights(known)
            judged |= {i: _judge(rows[i], weights) for i in asked}
    return [judged[i] for i in range(len(rows))]


def _judge(row: Example, weights: Mapping[Form, Weights]) -> Judged:
    if row.form not in weights or row.features.get("after_results"):
        return Judged(row.hand, row.hand - 1)
    hand = by_hand_of_tools if row.form in ("tool_call", "no_call") else by_hand
    model = FittedModel(weights[row.form], hand)
    p_good, benefit = model(row.features, finished=True), model.benefit(row.features)
    return Judged(p_good, p_good - 1 if benefit is None else -benefit)


def with_provenance(weights: Weights, rows: Sequence[Example], judged: Sequence[Judged]) -> Weights:
    """The same, with where they come from and what they were worth."""
    mine = [(r, j) for r, j in zip(rows, judged, strict=True) if r.form == weights.form]
    by_file: dict[str, list[tuple[float, float]]] = {}
    for row, found in mine:
        by_file.setdefault(row.file, []).append((found.p_good, row.draft))
    figures: list[tuple[float, float, float]] = []
    for pairs in by_file.values():
        if len(pairs) >= LEAST_ROWS:
            p, y = np.array(pairs).T
            figures.append((auroc(p, y), brier(p, y), ece(p, y)))
    means = np.nanmean(np.array(figures), axis=0) if figures else np.full(3, 0.5)
    worth = [round(float(mean), 3) for mean in means]
    provenance = Provenance(
        files=dict(sorted(Counter(row.file for row, _ in mine).items())),
        rows=len(mine),
        date=date.today().isoformat(),
        validation="five folds by query, weak model left out; mean over files",
        auroc=worth[0],
        brier=worth[1],
        ece=worth[2],
    )
    return msgspec.structs.replace(weights, provenance=provenance)


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
        sys.stderr.write("usage: python -m cascadeflow.evaluate.fit DIR\n")
        return 2
    try:
        rows = list(examples(Path(arguments[0])))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    unseen = cross_validated(rows, unseen=True)
    known = cross_validated(rows, unseen=False)
    for line in report(
        rows, [(j.p_good, j.score) for j in unseen], [(j.p_good, j.score) for j in known]
    ):
        sys.stdout.write(f"{line}\n")
    folder = Path(quality.__file__).parent / "weights"
    for weights in all_weights(rows).values():
        path = write(with_provenance(weights, rows, unseen), folder)
        sys.stdout.write(f"wrote {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
