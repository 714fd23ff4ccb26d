"""What weighs named features: any function to a probability, and the fitted form, a sum of curves.

    z = base + sum over features of curve(value),    p = 1 / (1 + exp(-z))

A curve is piecewise linear between its knots and flat outside of them, so no value, however odd,
weighs more than the ones it was fitted on. A feature that was not found has the value 0. *Signals*
(log-probabilities, opinions of judges) are different: one that is missing adds nothing at all.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise
from typing import Protocol

import msgspec

from ..errors import ConfigError

BOUNDS = (0.001, 0.999)
MOST_Z = 40.0


class Model(Protocol):
    """Turns named features into a probability."""

    def __call__(self, features: Mapping[str, float], *, finished: bool) -> float:
        """The probability in [0, 1] that a draft with these features is good."""
        ...


class Curve(msgspec.Struct, frozen=True):
    """What a value adds to the log-odds.

    Raises:
        ConfigError: unless there are at least two knots, ascending, with a finite value for each.
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        ascending = all(a < b for a, b in pairwise(self.knots))
        if len(self.knots) < 2 or len(self.knots) != len(self.values) or not ascending:
            raise ConfigError(
                f"Curve: {len(self.knots)} knots {self.knots} and {len(self.values)} values; there "
                "must be two knots or more, ascending, and a value for each"
            )
        if not all(map(math.isfinite, self.knots + self.values)):
            raise ConfigError(f"Curve: {self.knots} and {self.values} must be finite")

    def __call__(self, value: float) -> float:
        """The value at `value`; NaN counts as the first knot."""
        knots, values = self.knots, self.values
        place = bisect_right(knots, value)
        if place == 0 or math.isnan(value):
            return values[0]
        if place == len(knots):
            return values[-1]
        low, high = knots[place - 1], knots[place]
        share = (value - low) / (high - low)
        return values[place - 1] + share * (values[place] - values[place - 1])


class Additive(msgspec.Struct, frozen=True):
    """Curves of named features, and their base."""

    base: float
    curves: Mapping[str, Curve]
    signals: Mapping[str, Curve] = {}

    def odds(self, features: Mapping[str, float]) -> float:
        """The log-odds that the features amount to; unknown names weigh nothing."""
        z = self.base
        for name, curve in self.curves.items():
            z += curve(features.get(name, 0.0))
        for name, curve in self.signals.items():
            if name in features:
                z += curve(features[name])
        return z

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability that the features amount to."""
        return logistic(self.odds(features))


def logistic(z: float) -> float:
    """1 / (1 + exp(-z)), for any finite z."""
    return 1 / (1 + math.exp(-min(max(z, -MOST_Z), MOST_Z)))
