"""The weights that ship with the package: one JSON file for each form there were labels of.

A file holds curves (`additive.py`) for the finished answer, for the answer under way, and for how
likely a strong model is right on such a request; and where they come from. They are made by
`python -m training.fit`; nothing here learns.

The strong model at run time is not one of those the curves were fitted on, so what they say of it
may be drawn to the mean (`strong_share`), where that ranks better on pairs that were not seen.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import get_args

import msgspec

from ..errors import ConfigError
from ..types import Estimate
from . import combine
from .additive import BOUNDS, Additive, Model
from .forms import Form
from .tools import combine as tools

VERSION = 1
LEAST_RUNNING = 0.02
"""Least p_good of an unfinished draft without decisive evidence."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where weights come from, and what they are worth on rows that they were not fitted on."""

    files: Mapping[str, int]
    """Rows by file."""
    rows: int
    date: str
    validation: str
    """How the figures below were made."""
    auroc: float
    brier: float
    ece: float
    """Mean over files, each judged by weights fitted on other queries (and other weak models)."""


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file."""

    version: int
    form: Form
    good: Additive
    """The draft, finished, is right."""
    running: Additive | None = None
    """The draft, under way, will be right."""
    strong: Additive | None = None
    """A strong model is right."""
    strong_mean: float = 0.85
    strong_share: float = 0.5
    """Share of the difference from the mean that is believed."""
    needs: tuple[str, ...] = ()
    """Signals without which these weights say nothing."""
    provenance: Provenance


class FittedModel:
    """Weighs the features of one form; what was not fitted is left to the hand-set weights."""

    __slots__ = ("_hand", "_weights")

    def __init__(self, weights: Weights, hand: Model) -> None:
        self._weights = weights
        self._hand = hand

    def __call__(self, features: Mapping[str, float], *, finished: bool) -> float:
        """The probability in [0, 1] that a draft with these features is good."""
        weights = self._weights
        if not self._knows(features):
            return self._hand(features, finished=finished)
        if finished:
            return _bounded(weights.good.probability(features))
        if weights.running is None or combine.decisive(features) or tools.decisive(features):
            return self._hand(features, finished=False)
        return max(LEAST_RUNNING, _bounded(weights.running.probability(features)))

    def benefit(self, features: Mapping[str, float], p_good: float) -> float | None:
        """P(a strong model is right) - P(the finished draft is right); None without an opinion."""
        weights = self._weights
        if weights.strong is None or not self._knows(features):
            return None
        strong = weights.strong.probability(features)
        believed = weights.strong_mean + weights.strong_share * (strong - weights.strong_mean)
        return believed - p_good

    def _knows(self, features: Mapping[str, float]) -> bool:
        return all(name in features for name in self._weights.needs)


def weigh(model: Model, features: Mapping[str, float], *, finished: bool) -> Estimate:
    """What a model makes of the features of a draft."""
    p_good = model(features, finished=finished)
    benefit = None
    if finished and isinstance(model, FittedModel):
        benefit = model.benefit(features, p_good)
    return Estimate(p_good, features, benefit)


def _bounded(p: float) -> float:
    """`p` drawn into the bounds without making any two values equal."""
    low, high = BOUNDS
    return low + p * (high - low)


def read(text: bytes) -> Weights:
    """The weights that a file holds.

    Raises:
        ConfigError: the file is no such thing, or of another version.
    """
    try:
        weights = msgspec.json.decode(text, type=Weights)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ConfigError(f"weights: {error}") from error
    if weights.version != VERSION:
        raise ConfigError(f"weights: version is {weights.version}; it must be {VERSION}")
    return weights


@cache
def shipped() -> Mapping[Form, FittedModel]:
    """The models of all forms there are weights for."""
    found: dict[Form, FittedModel] = {}
    for form in get_args(Form):
        try:
            text = pkgutil.get_data("cascadeflow.quality", f"weights/{form}.json") or b""
        except FileNotFoundError:
            continue
        of_tools = form in ("tool_call", "no_call")
        hand = tools.probability if of_tools else combine.probability
        found[form] = FittedModel(read(text), hand)
    return found
