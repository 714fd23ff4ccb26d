"""Measures of a score against recorded outcomes, and their bootstrap intervals. numpy.

`score` is any number per row that is higher where the draft should be kept; `weak` and `strong` are
how right the draft and the verifier were, 0 to 1.

    perf(e)   mean correctness when the share e with the lowest scores is escalated (ties averaged)
    PGR(e)    (perf(e) - weak) / (strong - weak)
    APGR      integral of PGR over e in [0, 1]; 0.5 for random escalation
    CPT(x)    least e with PGR >= x; x for random escalation

Source: RouteLLM, https://arxiv.org/abs/2406.18665. Where the strong model is no better than the
weak one there is no gap to recover: APGR and CPT are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class Reliability(msgspec.Struct, frozen=True):
    """Estimated against observed, one entry for each bin."""

    estimated: list[float]
    observed: list[float]
    rows: list[int]


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


class Interval(msgspec.Struct, frozen=True):
    """A bootstrap interval."""

    low: float
    high: float


def curve(score: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> tuple[Floats, Floats]:
    """(share escalated, mean correctness) at every distinct score, lowest escalated first."""
    s, w = _floats(score), _floats(weak)
    order = np.argsort(s, kind="stable")
    gain = (_floats(strong) - w)[order]
    ends = run_ends(s[order])
    gained = np.concatenate([[0.0], np.cumsum(gain)[ends - 1]])
    return np.concatenate([[0.0], ends / len(s)]), w.mean() + gained / len(s)


def pgr(score: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> tuple[Floats, Floats]:
    """(share escalated, share of the gap recovered); NaN without a gap."""
    share, perf = curve(score, weak, strong)
    low, high = float(np.mean(_floats(weak))), float(np.mean(_floats(strong)))
    if high - low < LEAST_GAP:
        return share, np.full(len(share), np.nan)
    return share, (perf - low) / (high - low)


def apgr(score: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> float:
    """Average share of the gap recovered."""
    share, gain = pgr(score, weak, strong)
    return area(share, gain)


def area(share: Floats, gain: Floats) -> float:
    """Integral of `gain`, linear between its points."""
    return float(np.sum(np.diff(share) * (gain[1:] + gain[:-1]) / 2))


def cpt(score: ArrayLike, weak: ArrayLike, strong: ArrayLike, target: float) -> float:
    """Least share escalated that recovers `target` of the gap; 1 if none does."""
    share, gain = pgr(score, weak, strong)
    return crossing(share, gain, target)


def crossing(share: Floats, gain: Floats, target: float) -> float:
    """Least share at which `gain`, linear between its points, reaches `target`; 1 if nowhere."""
    if np.isnan(gain).any():
        return float("nan")
    reached = np.flatnonzero(gain[1:] >= target)
    if not len(reached):
        return 1.0
    at = int(reached[0])
    low, high = float(gain[at]), float(gain[at + 1])
    part = (target - low) / (high - low) if high > low else 0.0
    return float(share[at] + (share[at + 1] - share[at]) * part)


def auroc(score: ArrayLike, correct: ArrayLike) -> float:
    """Area under ROC; a soft label y is y of a positive, 1 - y of a negative. NaN if all agree."""
    s, y = _floats(score), _floats(correct)
    if not 0 < y.sum() < len(y):
        return float("nan")
    order = np.argsort(s, kind="stable")
    s, y = s[order], y[order]
    starts = np.concatenate([[0], run_ends(s)[:-1]])
    positive, negative = np.add.reduceat(y, starts), np.add.reduceat(1 - y, starts)
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (y.sum() * (1 - y).sum()))


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


def reliability(p: ArrayLike, correct: ArrayLike, bins: int = BINS) -> Reliability:
    """Mean probability and mean outcome in `bins` bins of as many rows each."""
    probabilities, outcomes = _floats(p), _floats(correct)
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return Reliability(
        [float(probabilities[part].mean()) for part in parts],
        [float(outcomes[part].mean()) for part in parts],
        [len(part) for part in parts],
    )


def ece(p: ArrayLike, correct: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error over bins of as many rows each."""
    found = reliability(p, correct, bins)
    total = sum(found.rows)
    gaps = zip(found.estimated, found.observed, found.rows, strict=True)
    return sum(abs(said - seen) * rows for said, seen, rows in gaps) / total if total else 0.0


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    rows: int,
    *,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """Percentile interval of `statistic(indices)` over rows drawn with replacement.

    A statistic of two scores on the same indices is the paired bootstrap. Draws whose statistic is
    NaN (a resample without a gap) are left out.

    Args:
        statistic: of the drawn rows' indices.
        rows: how many there are.
        confidence: between 0 and 1.
        draws: resamples.
        seed: of the draws; the same seed gives the same interval.
    """
    chance = np.random.default_rng(seed)
    found = _floats(
        [statistic(chance.integers(0, rows, rows)) for _ in range(draws if rows else 0)]
    )
    return interval(found, confidence)


def interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Percentile interval of bootstrapped values; NaNs are left out."""
    found = _floats(values)
    found = found[~np.isnan(found)]
    if not len(found):
        return Interval(float("nan"), float("nan"))
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Interval(float(low), float(high))


def paired(
    statistic: Callable[[Floats, NDArray[np.intp]], float],
    score: ArrayLike,
    other: ArrayLike,
    *,
    confidence: float = 0.9,
    draws: int = DRAWS,
) -> Interval:
    """Interval of `statistic(score) - statistic(other)` over the same resamples.

    Args:
        statistic: of the drawn scores and the indices they belong to.
        score: one number per row.
        other: the score it is compared with.
        confidence: `score` is significantly below if the interval's `high` is below 0.
        draws: resamples.
    """
    ours, theirs = _floats(score), _floats(other)

    def difference(drawn: NDArray[np.intp]) -> float:
        return statistic(ours[drawn], drawn) - statistic(theirs[drawn], drawn)

    return bootstrap(difference, len(ours), confidence=confidence, draws=draws)


def oracle(weak: Sequence[float] | Floats, strong: Sequence[float] | Floats) -> Floats:
    """The score of one who knows the outcomes: what escalating gains, least first to keep."""
    return _floats(weak) - _floats(strong)


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def run_ends(ordered: Floats) -> NDArray[np.intp]:
    """One past the last index of each run of equal values."""
    if not len(ordered):
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(np.concatenate([np.diff(ordered) != 0, [True]])) + 1


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
