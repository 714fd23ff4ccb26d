"""The policy of a calibration file, and the check that the world still looks like it. Pure.

The threshold was chosen so that with probability `confidence` the cascade is right at least
`target` times as often as the strong model alone, on queries like those that were labelled. Whether
live queries are like them nobody knows; whether their scores are is what `Drift` watches.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec

from ..errors import ConfigError
from ..types import Estimate
from .policy import Stage, Verdict

WINDOW = 200
"""Decisions that are compared with the calibration."""
LEVEL = 1e-6
"""Probability of a false alarm of one comparison: so small because there is no end of them."""
EVERY = 20
"""Decisions from one comparison to the next."""


Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""From 0 to 1."""


class ScorePoint(msgspec.Struct, frozen=True, array_like=True):
    """One point of a distribution function."""

    score: Share
    """`p_good`."""
    share: Share
    """Share of the calibrated rows with at most this score."""


class CalibratedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a finished draft at a threshold with a guarantee, or go straight to the last tier.

    Raises:
        ConfigError: `accept_at` or `hopeless` is not a probability.
    """

    accept_at: float
    """Least `p_good` that is kept."""
    hopeless: float = 0.0
    """A draft whose `p_good` falls below is not asked for, or given up. It may lie above
    `accept_at`: what was given up when the rows were replayed counted as escalated."""
    direct: str = ""
    """Why no draft is asked for; empty: drafts are."""
    target: float = 0.95
    """Least correctness, as a share of the strong model's."""
    confidence: float = 0.9
    scores: tuple[ScorePoint, ...] = ()
    """Distribution of `p_good` over the calibrated rows, lowest first."""
    rows: int = 0
    """How many there were."""

    def __post_init__(self) -> None:
        if not (0 <= self.accept_at <= 1 and 0 <= self.hopeless <= 1):
            raise ConfigError(
                f"CalibratedPolicy: accept_at={self.accept_at}, hopeless={self.hopeless}; "
                "they must be probabilities, from 0 to 1"
            )

    def decide(self, estimate: Estimate, stage: Stage) -> tuple[Verdict, str]:
        """Compare `p_good` with the bounds; before the draft, go direct where that is better."""
        match stage:
            case "before" if self.direct:
                return "escalate", self.direct
            case "before" | "during" if estimate.p_good < self.hopeless:
                return "escalate", "hopeless"
            case "before" | "during":
                return "continue", ""
            case "after" if estimate.p_good >= self.accept_at and not self.direct:
                return "accept", "quality_passed"
            case "after":
                return "escalate", self.direct or "quality_insufficient"

    def watch(self) -> Drift:
        """A fresh check of live scores against the calibrated ones."""
        return Drift(self.scores, self.rows, least=self.hopeless)


class Drift:
    """Kolmogorov and Smirnov's test of the last `window` scores against the calibrated ones.

    Each score costs a binary search among the points; every `EVERY`th, one pass over them. Scores
    below `least` count as one value: a draft that was given up has no final score.

    Source: https://en.wikipedia.org/wiki/Kolmogorov-Smirnov_test, two samples, asymptotic level.
    """

    __slots__ = ("_bins", "_counts", "_critical", "_edges", "_seen", "_shares", "distance")

    def __init__(
        self,
        points: Sequence[ScorePoint],
        rows: int,
        *,
        least: float = 0.0,
        window: int = WINDOW,
        level: float = LEVEL,
    ) -> None:
        used = [point for point in points if point.score >= least]
        self._edges = [point.score for point in used]
        self._shares = [point.share for point in used]
        self._counts = [0] * (len(used) + 1)
        self._bins: deque[int] = deque(maxlen=window)
        self._seen = 0
        size = (rows + window) / (rows * window) if rows else math.inf
        self._critical = math.sqrt(-math.log(level / 2) / 2 * size)
        self.distance = 0.0
        """Largest difference of the two distribution functions, at the last comparison."""

    def observe(self, p_good: float) -> bool | None:
        """Take in the score of one decision.

        Returns:
            Whether live scores have left the calibrated ones; None: no comparison was due, or
            there are fewer scores than the window holds.
        """
        bins = self._bins
        if len(bins) == bins.maxlen:
            self._counts[bins[0]] -= 1
        place = bisect_left(self._edges, p_good)
        bins.append(place)
        self._counts[place] += 1
        self._seen += 1
        if len(bins) < (bins.maxlen or 0) or self._seen % EVERY:
            return None
        known, self.distance = 0, 0.0
        for share, count in zip(self._shares, self._counts, strict=False):
            known += count
            self.distance = max(self.distance, abs(known / len(bins) - share))
        return self.distance > self._critical
