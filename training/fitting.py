"""Fits additive curves to labels: penalised logistic regression with signs, by Newton's method.

Each step of a curve is a coefficient of the ramp `clip((x - a) / (b - a), 0, 1)`, drawn towards its
prior by a normal distribution (`Plan.stiffness`) and kept on its side of zero if its sign is known.
Deterministic; numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from cascadeflow.evaluate.metrics import Floats
from cascadeflow.quality.additive import Additive, Curve

from .shapes import NEUTRAL, Shape, prior_rises

Features: TypeAlias = Mapping[str, float]
Loss: TypeAlias = Callable[[Floats], float]

BASE_SPREAD = 1.5
"""Standard deviation of the base around its prior."""
MOST_STEPS = 100
DIGITS = 4
LEAST_RISE = 1e-3
"""Of a signal's step, so that the ranking of a raw signal is kept."""


def fit(
    rows: Sequence[Features],
    labels: Floats,
    weights: Floats,
    shapes: Mapping[str, Shape],
    *,
    base: float,
    stiffness: float,
) -> Additive:
    """Curves of features; one that a row lacks is 0 there.

    Args:
        rows: features of each row.
        labels: 0 wrong to 1 right.
        weights: how much each row counts.
        shapes: what is fitted.
        base: prior of the base.
        stiffness: see `Plan`.
    """
    found = _fitted(rows, labels, weights, shapes, base, stiffness, np.zeros(len(rows)))
    return Additive(base=round(float(found[0]), DIGITS), curves=_curves(shapes, found[1:], 0.0))


def fit_signal(
    rows: Sequence[Features],
    labels: Floats,
    name: str,
    shape: Shape,
    *,
    given: Floats,
    stiffness: float,
    centred: bool,
) -> Curve:
    """The curve of one signal, beside the log-odds `given` by the features.

    Without rows that have the signal the prior stands, 0 where it is `NEUTRAL`. `centred`: its mean
    over the rows is 0, for that a signal is there must not tell how good the models were.
    """
    shapes = {name: shape}
    middle = -_rise_to_neutral(name, shape)
    found = _fitted(rows, labels, np.ones(len(rows)), shapes, middle, stiffness, given)
    rises = np.maximum(found[1:], LEAST_RISE)
    start = float(found[0])
    if centred and len(rows):
        start = -float((_ramps(rows, shapes) @ rises).mean())
    return _curves(shapes, rises, start)[name]


def _rise_to_neutral(name: str, shape: Shape) -> float:
    rises = np.concatenate([[0.0], np.cumsum(_priors({name: shape}))])
    if name not in NEUTRAL:
        return 0.6 * float(rises[-1])
    return float(np.interp(NEUTRAL[name], shape[0], rises))


def _fitted(
    rows: Sequence[Features],
    labels: Floats,
    weights: Floats,
    shapes: Mapping[str, Shape],
    base: float,
    stiffness: float,
    given: Floats,
) -> Floats:
    """The base, then the steps of each curve."""
    steps = _ramps(rows, shapes)
    return _solve(
        np.hstack([np.ones((len(rows), 1)), steps]),
        labels,
        weights,
        np.concatenate([[base], _priors(shapes)]),
        np.concatenate([[BASE_SPREAD], np.full(steps.shape[1], stiffness)]),
        np.concatenate([[0.0], _signs(shapes)]),
        given,
    )


def _ramps(rows: Sequence[Features], shapes: Mapping[str, Shape]) -> Floats:
    columns: list[Floats] = []
    for name, (knots, _, _) in shapes.items():
        values = np.array([row.get(name, 0.0) for row in rows], dtype=np.float64)
        pairs = pairwise(knots)
        columns += [np.clip((values - a) / (b - a), 0.0, 1.0) for a, b in pairs]
    return np.stack(columns, 1) if columns else np.zeros((len(rows), 0))


def _priors(shapes: Mapping[str, Shape]) -> Floats:
    rises = [prior_rises(knots, prior, name) for name, (knots, prior, _) in shapes.items()]
    return np.array([rise for curve in rises for rise in curve], dtype=np.float64)


def _signs(shapes: Mapping[str, Shape]) -> Floats:
    signs = [[float(sign)] * (len(knots) - 1) for knots, _, sign in shapes.values()]
    return np.array([each for curve in signs for each in curve], dtype=np.float64)


def _curves(shapes: Mapping[str, Shape], rises: Floats, start: float) -> dict[str, Curve]:
    """Curves of those steps; a feature that is 0 adds what its curve has at 0."""
    curves: dict[str, Curve] = {}
    at = 0
    for name, (knots, _, _) in shapes.items():
        steps = rises[at : at + len(knots) - 1]
        at += len(knots) - 1
        heights = start + np.concatenate([[0.0], np.cumsum(steps)])
        curves[name] = Curve(knots, tuple(round(float(each), DIGITS) for each in heights))
    return curves


def _solve(
    ramps: Floats,
    labels: Floats,
    weights: Floats,
    prior: Floats,
    spread: Floats,
    signs: Floats,
    given: Floats,
) -> Floats:
    """The most probable coefficients: projected Newton steps with a backtracking line search."""
    precision = 1 / spread**2
    found = prior.copy()

    def loss(at: Floats) -> float:
        z = given + ramps @ at
        fit_term = weights * (np.logaddexp(0, z) - labels * z)
        return float(fit_term.sum() + (precision * (at - prior) ** 2).sum() / 2)

    for _ in range(MOST_STEPS):
        p = 1 / (1 + np.exp(-np.clip(given + ramps @ found, -40, 40)))
        slope = ramps.T @ (weights * (p - labels)) + precision * (found - prior)
        bend = (ramps * (weights * p * (1 - p))[:, None]).T @ ramps + np.diag(precision)
        free = ~((signs != 0) & (found * signs <= 0) & (slope * signs > 0))
        step = np.zeros_like(found)
        step[free] = np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        moved = _descend(loss, found, step, signs)
        if float(np.abs(moved - found).max(initial=0.0)) < 1e-7:
            break
        found = moved
    return found


def _descend(loss: Loss, found: Floats, step: Floats, signs: Floats) -> Floats:
    """The longest halving of a step that does not raise the loss."""
    now, length = loss(found), 1.0
    while length > 1e-6:
        moved = found - length * step
        moved = np.where(moved * signs < 0, 0.0, moved)
        if loss(moved) <= now:
            return moved
        length /= 2
    return found
