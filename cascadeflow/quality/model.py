"""What weighs named features: a function to a probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from ..types import Estimate


class Model(Protocol):
    """Turns named features into a probability."""

    def __call__(self, features: Mapping[str, float], *, finished: bool) -> float:
        """The probability in [0, 1] that a draft with these features is good."""
        ...


@runtime_checkable
class Gaining(Protocol):
    """A model that can also say what escalating would gain."""

    def benefit(self, features: Mapping[str, float]) -> float | None:
        """P(a strong model is right) - P(the finished draft is right); None without an opinion."""
        ...


def weigh(model: Model, features: Mapping[str, float], *, finished: bool) -> Estimate:
    """What a model makes of the features of a draft."""
    p_good = model(features, finished=finished)
    benefit = model.benefit(features) if finished and isinstance(model, Gaining) else None
    return Estimate(p_good, features, benefit)
