"""One score against recorded outcomes, sorted once, so that a bootstrap draw is a weighted sum.

A draw of rows with replacement is a weight for each row (how often it was drawn); the measures of
`metrics` then need no sorting again, and memory stays that of one draw.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from .metrics import DRAWS, LEAST_GAP, Floats, area, crossing, run_ends


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How well a score ranks. NaN where there is nothing to tell apart."""

    auroc: float
    """Against `draft_correct`."""
    apgr: float
    cpt50: float
    cpt80: float


_NAN = float("nan")
NO_FIGURES = Figures(auroc=_NAN, apgr=_NAN, cpt50=_NAN, cpt80=_NAN)
"""Of no rows."""


class Ranking:
    """Rows in the order of their scores; equal scores form one step."""

    __slots__ = ("_ends", "_order", "_strong", "_weak", "rows")

    def __init__(self, score: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> None:
        scores = np.asarray(score, dtype=np.float64)
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._weak: Floats = np.asarray(weak, dtype=np.float64)[self._order]
        self._strong: Floats = np.asarray(strong, dtype=np.float64)[self._order]
        self._ends = run_ends(ordered) - 1
        self.rows = len(scores)
        """How many."""

    def figures(self, weights: Floats | None = None) -> Figures:
        """All of them; `weights` is how often each row was drawn, in the order given."""
        if not self.rows:
            return NO_FIGURES
        drawn = np.ones(self.rows) if weights is None else weights[self._order]
        share, gain = self._curve(drawn)
        return Figures(
            auroc=self._auroc(drawn),
            apgr=area(share, gain),
            cpt50=crossing(share, gain, 0.5),
            cpt80=crossing(share, gain, 0.8),
        )

    def apgr(self, weights: Floats) -> float:
        """APGR of a draw."""
        return area(*self._curve(weights[self._order]))

    def _curve(self, drawn: Floats) -> tuple[Floats, Floats]:
        """(share escalated, share of the gap recovered)."""
        gained = np.cumsum(drawn * (self._strong - self._weak))
        gap, rows = float(gained[-1]), float(drawn.sum())
        share = np.concatenate([[0.0], np.cumsum(drawn)[self._ends] / rows])
        if gap < LEAST_GAP * rows:
            return share, np.full(len(share), np.nan)
        return share, np.concatenate([[0.0], gained[self._ends] / gap])

    def _auroc(self, drawn: Floats) -> float:
        positive, negative = drawn * self._weak, drawn * (1 - self._weak)
        total = float(positive.sum() * negative.sum())
        if total <= 0:
            return float("nan")
        # Up to and including each step of equal scores; within a step half of the pairs count.
        right = np.diff(np.cumsum(positive)[self._ends], prepend=0.0)
        wrong = np.cumsum(negative)[self._ends]
        half = (wrong + np.concatenate([[0.0], wrong[:-1]])) / 2
        return float((right * half).sum() / total)


def draws(rows: int, count: int = DRAWS, seed: int = 0) -> Iterator[Floats]:
    """How often each row was drawn, `count` times; the same seed gives the same draws."""
    chance = np.random.default_rng(seed)
    for _ in range(count):
        yield np.bincount(chance.integers(0, rows, rows), minlength=rows).astype(np.float64)
