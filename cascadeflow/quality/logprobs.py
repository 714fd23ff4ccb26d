"""Statistics of token log-probabilities: the model's own doubt.

Natural logarithms, so 0 is certainty. The low quantile says more than the mean: an answer fails at
its least certain tokens, and most tokens are grammar (Gupta et al. 2024, "Language Model Cascades:
Token-level uncertainty and beyond"). With fewer than ten tokens the low quantile is the minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LOWEST = -20.0
"""Servers report impossible tokens as -9999 or minus infinity; the mean must survive that."""
HIGHEST = -1e-7
"""Certainty is rounded to 0 by servers; the odds of it must stay finite."""
LOW_QUANTILE = 0.1
KEPT = 2_048
"""Quantiles are taken over the first 2,048 tokens; mean and minimum over all."""
BLOCK = 64
"""Tokens that are summed at once, so that sums do not depend on when they are asked for."""
COLLAPSE_TOKENS = 64
COLLAPSE_MEAN = -3.0
"""Mean log-probability of a model that has lost the thread (perplexity 20)."""


class Logprobs:
    """Log-probabilities of one answer so far."""

    __slots__ = ("_count", "_lowest", "_total", "_values")

    def __init__(self) -> None:
        self._count = 0
        self._lowest = self._total = 0.0
        self._values: list[float] = []

    def take(self, block: Sequence[float]) -> None:
        """Add the next tokens; what is not a number is passed over."""
        values = [min(max(each, LOWEST), HIGHEST) for each in block if not math.isnan(each)]
        if not values:
            return
        self._count += len(values)
        self._lowest = min(self._lowest, *values)
        self._total += math.fsum(values)
        if len(self._values) < KEPT:
            self._values += values

    def features(self, *, finished: bool) -> dict[str, float]:
        """Mean, low quantile and minimum (the last two only at the end), and a collapse."""
        if not self._count:
            return {}
        mean = self._total / self._count
        features = {"logprob_mean": mean, "logprob_tokens": float(self._count)}
        if self._count >= COLLAPSE_TOKENS and mean < COLLAPSE_MEAN:
            features["logprob_collapse"] = 1.0
        if finished:
            place = int(LOW_QUANTILE * len(self._values))
            features["logprob_low_quantile"] = sorted(self._values)[place]
            features["logprob_min"] = self._lowest
        return features


def log_odds(logprob: float) -> float:
    """log(p / (1 - p)) of a token with log-probability `logprob`, bounded."""
    bounded = min(max(logprob, LOWEST), HIGHEST)
    return bounded - math.log(-math.expm1(bounded))
