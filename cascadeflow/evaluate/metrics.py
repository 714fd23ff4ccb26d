"""Measures against recorded outcomes. numpy.

`score` is any number per row that is higher where the draft should be kept; `weak` and `strong` are
how right the draft and the verifier were, 0 to 1.

    perf(e)   mean correctness when the share e with the lowest scores is escalated (ties averaged)
    PGR(e)    (perf(e) - weak) / (strong - weak)
    APGR      integral of PGR over e in [0, 1]; 0.5 for random escalation
    CPT(x)    least e with PGR >= x; x for random escalation

Source: RouteLLM, https://arxiv.org/abs/2406.18665. Where the strong model is no better than the
weak one there is no gap to recover: APGR and CPT are NaN.

A bootstrap draw of rows is a weight for each row (how often it was drawn), so that a ranking is
sorted once, and memory stays that of one draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

LEAST_GAP = 1e-9
"""Strong - weak below which there is no gap."""
BINS = 10
"""Of the calibration error: as many rows in each bin."""
DRAWS = 1000
_NAN = float("nan")


class Figure(msgspec.Struct, frozen=True):
    """A number and its bootstrap interval."""

    value: float
    low: float = _NAN
    high: float = _NAN


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How well a score ranks. NaN where there is nothing to tell apart."""

    auroc: float = _NAN
    """Against `draft_correct`."""
    apgr: float = _NAN
    cpt50: float = _NAN
    cpt80: float = _NAN


class OperatingPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What fixed accept/escalate decisions give."""

    correct: float
    """Mean correctness of the final answers."""
    of_strong: float
    """The same as a share of the strong model's."""
    escalated: float
    """Share of rows."""
    dollars: float
    """Paid for all drafts, and for the verifiers of what was escalated."""
    strong_dollars: float
    """What the strong model alone would have cost."""
    cost_of_strong: float
    """The former by the latter; NaN where the latter is 0."""
    false_accept: float
    """Share of the wrong drafts that were accepted."""
    false_reject: float
    """Share of the right drafts that were escalated."""


class Ranking:
    """Rows in the order of their scores; equal scores form one step."""

    def __init__(self, score: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> None:
        scores = _floats(score)
        self._order = np.argsort(scores, kind="stable")
        self._weak = _floats(weak)[self._order]
        self._strong = _floats(strong)[self._order]
        self._ends = run_ends(scores[self._order])
        self.rows = len(scores)

    def figures(self, weights: Floats | None = None) -> Figures:
        """All of them; `weights` is how often each row was drawn, in the order given."""
        if not self.rows:
            return Figures()
        share, gain = self.curve(weights)
        drawn = self._drawn(weights)
        return Figures(
            auroc=_auroc(drawn * self._weak, drawn * (1 - self._weak), self._ends),
            apgr=_area(share, gain),
            cpt50=_crossing(share, gain, 0.5),
            cpt80=_crossing(share, gain, 0.8),
        )

    def apgr(self, weights: Floats) -> float:
        """APGR of a draw."""
        return _area(*self.curve(weights))

    def gap(self, weights: Floats | None = None) -> float:
        """Mean correctness of the strong model minus that of the weak one."""
        return float(np.average(self._strong - self._weak, weights=self._drawn(weights)))

    def curve(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """(share escalated, share of the gap recovered) after each step; NaN without a gap."""
        drawn = self._drawn(weights)
        gained = np.cumsum(drawn * (self._strong - self._weak))
        gap, rows = float(gained[-1]), float(drawn.sum())
        share = np.concatenate([[0.0], np.cumsum(drawn)[self._ends] / rows])
        if gap < LEAST_GAP * rows:
            return share, np.full(len(share), np.nan)
        return share, np.concatenate([[0.0], gained[self._ends] / gap])

    def _drawn(self, weights: Floats | None) -> Floats:
        """How often each row was drawn, in the order of the scores."""
        return np.ones(self.rows) if weights is None else weights[self._order]


def draws(rows: int, count: int = DRAWS, seed: int = 0) -> Iterator[Floats]:
    """How often each row was drawn, `count` times; the same seed gives the same draws."""
    chance = np.random.default_rng(seed)
    for _ in range(count):
        yield np.bincount(chance.integers(0, rows, rows), minlength=rows).astype(np.float64)


def interval(value: float, drawn: ArrayLike, confidence: float = 0.95) -> Figure:
    """`value` with the percentile interval of the same of each draw; NaNs are left out."""
    found = _floats(drawn)
    found = found[~np.isnan(found)]
    if not len(found):
        return Figure(value)
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Figure(value, float(low), float(high))


def linear_interval(
    value: float, drawn: ArrayLike, gap: float, gaps: ArrayLike, confidence: float = 0.95
) -> Figure:
    """A share of the gap with an interval in which each draw weighs by its own gap.

    A draw in which the gap nearly closes makes the share itself explode; what it adds to a sum over
    files is the share times the gap. `value` and `gap` are of all rows, the others of each draw.
    """
    if not gap > 0:
        return Figure(value)
    return interval(value, value + (_floats(drawn) - value) * _floats(gaps) / gap, confidence)


def operating_point(
    accepted: ArrayLike,
    weak: ArrayLike,
    strong: ArrayLike,
    draft_dollars: ArrayLike,
    strong_dollars: ArrayLike,
) -> OperatingPoint:
    """What keeping the accepted drafts, and escalating the rest, gives."""
    keep = np.asarray(accepted, dtype=bool)
    w, v = _floats(weak), _floats(strong)
    paid, alone = _floats(draft_dollars), _floats(strong_dollars)
    wrong, right = w < 0.5, w >= 0.5
    correct, total = float(np.where(keep, w, v).mean()), float(alone.sum())
    dollars = float(paid.sum() + alone[~keep].sum())
    return OperatingPoint(
        correct=correct,
        of_strong=_ratio(correct, float(v.mean())),
        escalated=float((~keep).mean()),
        dollars=dollars,
        strong_dollars=total,
        cost_of_strong=_ratio(dollars, total),
        false_accept=float(keep[wrong].mean()) if wrong.any() else 0.0,
        false_reject=float((~keep)[right].mean()) if right.any() else 0.0,
    )


def brier(p: ArrayLike, correct: ArrayLike) -> float:
    """Mean squared difference of probability and outcome."""
    return float(np.mean((_floats(p) - _floats(correct)) ** 2))


def reliability(p: ArrayLike, correct: ArrayLike) -> list[tuple[float, float, int]]:
    """(mean probability, mean outcome, rows) of each of `BINS` bins of as many rows."""
    probabilities, outcomes = _floats(p), _floats(correct)
    order = np.argsort(probabilities, kind="stable")
    return [
        (float(probabilities[part].mean()), float(outcomes[part].mean()), len(part))
        for part in np.array_split(order, BINS)
        if len(part)
    ]


def ece(p: ArrayLike, correct: ArrayLike) -> float:
    """Expected calibration error over bins of as many rows each."""
    bins = reliability(p, correct)
    apart = sum(abs(estimated - observed) * rows for estimated, observed, rows in bins)
    return apart / max(1, sum(rows for *_, rows in bins))


def run_ends(ordered: Floats) -> NDArray[np.intp]:
    """The last index of each run of equal values."""
    return np.flatnonzero(np.diff(ordered, append=np.nan) != 0)


def _auroc(positive: Floats, negative: Floats, ends: NDArray[np.intp]) -> float:
    # The area under the curve of right against wrong drafts, up to each step of equal scores.
    right, wrong = (np.append(0.0, np.cumsum(each)[ends]) for each in (positive, negative))
    total = float(right[-1] * wrong[-1])
    return _area(right, wrong) / total if total > 0 else _NAN


def _area(share: Floats, gain: Floats) -> float:
    """Integral of `gain`, linear between its points."""
    return float(np.sum(np.diff(share) * (gain[1:] + gain[:-1]) / 2))


def _crossing(share: Floats, gain: Floats, target: float) -> float:
    """Least share at which `gain`, linear between its points, reaches `target`; 1 if nowhere."""
    if np.isnan(gain).any():
        return _NAN
    reached = np.flatnonzero(gain[1:] >= target)
    if not len(reached):
        return 1.0
    at = int(reached[0])
    part = (target - gain[at]) / (gain[at + 1] - gain[at])  # the first is below the target
    return float(share[at] + (share[at + 1] - share[at]) * part)


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else _NAN
