"""The weights of each form, fitted on labelled rows, and cross-validation: a judge for each row.

The rows fall into five folds by what was asked. A row is judged by weights that are fitted anew on
the other folds, and there only on the drafts of other weak models: neither its query nor its model
has been seen, whichever file it stands in. With the pairs known only the query is unseen; so it is
where all rows are of one weak model. The features of all labelled rows are held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from cascadeflow.core.policy import Estimator
from cascadeflow.evaluate.dataset import Row
from cascadeflow.evaluate.metrics import Floats
from cascadeflow.quality import fitted
from cascadeflow.quality.additive import Additive, Curve
from cascadeflow.quality.combine import probability as by_hand
from cascadeflow.quality.fitted import FittedModel, Provenance, Weights
from cascadeflow.quality.forms import Form
from cascadeflow.quality.router import FormEstimator
from cascadeflow.quality.tools.combine import probability as by_hand_of_tools

from .examples import Example
from .fitting import fit, fit_signal
from .goals import able_to_check
from .shapes import PLANS, Plan

SIGNAL_STIFFNESS = 0.3
STRONG_STIFFNESS = 0.3
STRONG_BASE = 1.8
LEAST_ROWS = 50
"""Rows with a signal from which its curve is fitted; with fewer the prior stands."""
UNKNOWN = Provenance(files={}, rows=0, date="", validation="", auroc=0.0, brier=0.0, ece=0.0)


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
        strong_share=plan.strong_share,
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
            name,
            shape,
            given=np.array([good.odds(row.features) for row in known]),
            stiffness=SIGNAL_STIFFNESS,
            centred=name not in plan.needs,
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


class HeldOut:
    """Estimators for rows that did not fit them; each is fitted when it is first asked for.

    Args:
        rows: all that may be fitted on.
        pairs_known: whether drafts of the row's weak model may be fitted on.
    """

    def __init__(self, rows: Iterable[Example], *, pairs_known: bool = False) -> None:
        self._rows = list(rows)
        self.pairs_known = pairs_known or len({row.weak for row in self._rows}) < 2
        self._weights: dict[tuple[int, str], Mapping[Form, Weights]] = {}
        self._judges: dict[tuple[int, str], Estimator] = {}

    def judge(self, row: Row) -> Estimator:
        """The estimator for a row."""
        key = self._key(row)
        if key not in self._judges:
            weights = self.weights(row).values()
            self._judges[key] = FormEstimator({each.form: _model(each) for each in weights})
        return self._judges[key]

    def weights(self, row: Row) -> Mapping[Form, Weights]:
        """What the estimator for a row weighs with."""
        key = self._key(row)
        if key not in self._weights:
            self._weights[key] = all_weights(self.known(*key))
        return self._weights[key]

    def _key(self, row: Row) -> tuple[int, str]:
        return row.fold, "" if self.pairs_known else row.weak

    def known(self, fold: int, weak: str) -> list[Example]:
        """What the weights for this fold and weak model are fitted on."""
        return [
            row for row in self._rows if row.fold != fold and (self.pairs_known or row.weak != weak)
        ]


def _model(weights: Weights) -> FittedModel:
    of_tools = weights.form in ("tool_call", "no_call")
    return FittedModel(weights, by_hand_of_tools if of_tools else by_hand)
