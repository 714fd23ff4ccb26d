"""Which thresholds are safe: learn-then-test with a betting bound. numpy.

The promise is a mean: E[target x strong - final] <= 0, where `final` is the draft's correctness
where the draft is kept and the strong model's where it is not. One row's loss X is then

    kept        target x strong - draft       in [-1, target]
    escalated   (target - 1) x strong         in [target - 1, 0]

Against "this threshold breaks the promise" (E[X] > 0) we bet: a stake l in (0, 1 / target) turns a
capital of 1 into prod(1 - l X), whose mean is below 1 if the claim is true, whatever the
distribution of X. So is that of the average over several stakes, which no label chooses. By
Markov's inequality the capital reaches 1 / alpha with probability alpha at most: a finite-sample
test that gains by a small variance of X, where Hoeffding's and Bentkus' know only its range.

Thresholds are tested from "escalate everything" downwards, and the first that fails ends it
(fixed-sequence testing), so that all that passed hold together with probability 1 - alpha, though
every distinct score is a candidate.

Sources: learn-then-test, https://arxiv.org/abs/2110.01052; testing by betting, Waudby-Smith and
Ramdas, https://arxiv.org/abs/2010.09686.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from .metrics import Floats, run_ends

STAKES = 8
STAKE_RANGE = (0.2, 0.95)
"""Least and largest stake, as shares of 1 / target. Small stakes suit workloads where the two
models often disagree, large ones those where a kept draft is hardly ever wrong."""


class Losses(msgspec.Struct, frozen=True):
    """The loss of each row for either decision, shape (rows,)."""

    kept: Floats
    escalated: Floats


class Certified(msgspec.Struct, frozen=True):
    """Every distinct score as a threshold, highest first."""

    thresholds: Floats
    """A draft is kept at this score or above; shape (thresholds,)."""
    passed: int
    """How many thresholds passed, from the first on."""

    @property
    def threshold(self) -> float | None:
        """The lowest that passed; None: only escalating everything is known to be safe."""
        return float(self.thresholds[self.passed - 1]) if self.passed else None


def losses(draft: Floats, strong: Floats, target: float) -> Losses:
    """The losses of rows whose answers were right to these degrees, 0 to 1; NaN: not known.

    What is not known is taken at its worst for the decision at hand.
    """
    least, most = np.nan_to_num(strong, nan=0.0), np.nan_to_num(strong, nan=1.0)
    return Losses(target * most - np.nan_to_num(draft, nan=0.0), (target - 1) * least)


def stakes(target: float) -> Floats:
    """The stakes whose capitals are averaged; all below 1 / target."""
    return np.geomspace(*STAKE_RANGE, STAKES) / target


def certify(score: Floats, loss: Losses, *, target: float, alpha: float) -> Certified:
    """Test every score as a threshold, highest first, until one fails.

    `loss` is of the same rows and `target`. `alpha`: probability, at most, that a threshold passes
    which breaks the promise.
    """
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = run_ends(ordered)
    bets = stakes(target)
    kept = np.log1p(-np.outer(loss.kept[order], bets))
    escalated = np.log1p(-np.outer(loss.escalated[order], bets))
    won = np.cumsum(kept - escalated, axis=0)[ends] + escalated.sum(axis=0)
    capital = np.logaddexp.reduce(won, axis=1) - math.log(STAKES)
    # After the last one comes a failure that was not tested.
    failed = np.flatnonzero(np.append(capital, -np.inf) < math.log(1 / alpha))
    return Certified(ordered[ends], int(failed[0]))


def rows_needed(values: Floats, *, target: float, alpha: float) -> int | None:
    """About how many rows of such losses, at least one, pass the test; None: no number would."""
    # What one more row adds to the log of the capital.
    gain = float(np.log1p(-np.outer(values, stakes(target))).mean(axis=0).max())
    if gain <= 0:
        return None
    return math.ceil((math.log(1 / alpha) + 0.5 * math.log(STAKES)) / gain)
