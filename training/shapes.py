"""What a fit starts from, for each form: which features, where their curves bend, which way.

A *shape* is `(knots, prior, sign)`: the curve is piecewise linear between the knots and begins as
a straight line that rises by `prior` over them; with a sign it may only rise (1) or fall (-1),
since what a feature means is known before any label is. The priors are the hand-set weights where
there are any.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TypeAlias

import msgspec

from cascadeflow.quality import combine
from cascadeflow.quality.forms import Form
from cascadeflow.quality.logprobs import log_odds
from cascadeflow.quality.tools import combine as tools

Shape: TypeAlias = tuple[tuple[float, ...], float, int]
UNIT = (0.0, 1.0)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How the weights of one form are fitted."""

    base: float
    """Prior of the log-odds where no feature is found."""
    shapes: Mapping[str, Shape]
    stiffness: float
    """Standard deviation of a step of a curve around its prior, in log-odds."""
    signals: Mapping[str, Shape] = {}
    """Curves of signals; fitted after the others, on rows that have them."""
    running: Mapping[str, Shape] = {}
    """Of the draft under way; empty: it is judged by the priors."""
    strong: Mapping[str, Shape] = {}
    """Of the strong model; empty: no opinion."""
    strong_share: float = 0.5
    """See `quality.fitted.Weights`."""
    needs: tuple[str, ...] = ()


def _flat(weights: Mapping[str, float]) -> dict[str, Shape]:
    """Straight lines of given weights."""
    return {name: (UNIT, weight, 1 if weight > 0 else -1) for name, weight in weights.items()}


def _hand(*names: str) -> dict[str, Shape]:
    known = {**combine.FATAL, **combine.SERIOUS, **combine.WEAK}
    return _flat({name: known[name] for name in names})


def _free(*names: str) -> dict[str, Shape]:
    """Curves of which not even the direction is known."""
    return dict.fromkeys(names, (UNIT, 0.0, 0))


_BROKEN = _hand(
    "empty", "refusal", "repetition", "gibberish", "echo", "off_language", "damaged", "incomplete",
    "truncated", "unfinished", "placeholder",
)  # fmt: skip
_QUERY_LENGTH: Shape = ((0.36, 0.44, 0.52, 0.6, 0.68), -0.5, -1)
_DOUBT_KNOTS = (-4.0, -1.5, -0.7, -0.3, -0.1, -0.01, 0.0)
_LOGPROB: Shape = (_DOUBT_KNOTS, 3.0, 1)
NEUTRAL: Mapping[str, float] = {"logprob_low_quantile": -0.7}
"""Where a signal without any rows says nothing: the doubtful tenth of the tokens has odds of one to
one, as in the hand-set weights of a long text. Of others: 0.6 of the way from least to most."""
_SURE = (-3.0, -1.5, -0.7, -0.3, -0.1, -0.03, -0.01, -0.001, -0.0001, -0.00001, -0.000001, -0.0)
_P_TRUE = (0.0, 0.02, 0.1, 0.3, 0.6, 0.9, 0.98, 0.998, 0.9998, 0.99998, 1.0)

_ARITHMETIC: dict[str, Shape] = {
    "relations": ((0.0, 0.5), -0.6, -1),
    "numbers_uncomputed": ((0.0, 0.34, 0.67, 1.0), -1.5, -1),
    "operations_short": ((0.0, 0.34, 1.0), -1.0, -1),
    "final_fraction": (UNIT, -0.6, -1),
    "asks_backwards": (UNIT, -0.5, -1),
    "asks_other_time": (UNIT, -0.5, -1),
    "asks_on_condition": (UNIT, -0.3, -1),
    "names": (UNIT, -0.2, -1),
    **_hand(
        "objections", "results_loose", "operand_repeated", "result_false", "equations_wrong",
        "final_number_missing", "final_number_no_count", "final_number_not_last",
        "results_unused", "numbers_unused", "steps", "steps_missing",
    ),
    **_BROKEN,
}  # fmt: skip
_CHOICE: dict[str, Shape] = {
    "query_length": _QUERY_LENGTH,
    "option_place": ((0.0, 0.1, 0.3, 0.9), 0.4, 1),
    "option_unreached": (UNIT, -0.8, -1),
    "options_numeric": (UNIT, 0.0, 0),
    "option_longest": (UNIT, 0.3, 1),
    "option_extreme": (UNIT, -0.4, -1),
    "however": (UNIT, -0.4, -1),
    "query_symbols": (UNIT, -0.4, -1),
    **_hand("choice_missing", "choice_conflict", "equations_wrong", "self_correction"),
    **_BROKEN,
}
_RUNNING_QUERY: dict[str, Shape] = {
    "complexity": ((0.3, 0.45, 0.6, 0.9), -0.5, -1),
    "query_length": _QUERY_LENGTH,
    "relations": ((0.0, 0.5), -0.3, -1),
    "answer_length": ((0.55, 0.65, 0.72, 0.8), 0.0, 0),
    **_hand("equations_wrong", "self_correction"),
    **_hand("repetition", "refusal", "gibberish", "off_language"),
}
_STRONG_QUERY: dict[str, Shape] = {
    "complexity": ((0.3, 0.45, 0.6, 0.9), 0.0, -1),
    "query_length": (_QUERY_LENGTH[0], 0.0, -1),
}

PLANS: Mapping[Form, Plan] = {
    "tool_call": Plan(
        base=tools.CALL_BASE,
        shapes=_flat({**tools.HARD, **tools.CALL}),
        stiffness=0.05,
        strong={
            "query_length": _STRONG_QUERY["query_length"],
            **_free("code_in_query", "wrong_type", "focus_missed", "part_unmet", "calls"),
            **_free("code_value", "whole_numbers", "several"),
        },
        strong_share=1.0,
    ),
    "no_call": Plan(
        base=tools.NO_CALL_BASE,
        shapes={**_flat(tools.NO_CALL), **_hand(*tools.TEXT_FATAL)},
        stiffness=0.1,
        strong={**_STRONG_QUERY, **_free("code_in_query", "tool_fits")},
    ),
    "arithmetic": Plan(
        base=1.5,
        shapes=_ARITHMETIC,
        stiffness=0.2,
        signals={
            "self_check": (_P_TRUE, 2.0, 1),
            "logprob_low_quantile": _LOGPROB,
        },
        running=_RUNNING_QUERY,
        strong={name: (knots, 0.0, sign) for name, (knots, _, sign) in _ARITHMETIC.items()},
    ),
    "choice": Plan(
        base=0.8,
        shapes=_CHOICE,
        stiffness=0.3,
        signals={"self_check": (_P_TRUE, 2.0, 1), "logprob_low_quantile": _LOGPROB},
        running=_RUNNING_QUERY,
        strong={name: (knots, 0.0, 0) for name, (knots, _, _) in _CHOICE.items()},
    ),
    "letter": Plan(
        base=0.5,
        shapes=_hand("choice_missing", "empty", "damaged", "incomplete"),
        stiffness=1.0,
        signals={"logprob_min": (_SURE, 4.0, 1), "self_check": (_P_TRUE, 2.0, 1)},
        needs=("logprob_min",),
    ),
    "short": Plan(
        base=0.5,
        shapes=_hand(
            "empty",
            "repetition",
            "gibberish",
            "echo",
            "off_language",
            "damaged",
            "incomplete",
            "result_false",
        ),
        stiffness=1.0,
        signals={"self_check": (_P_TRUE, 4.0, 1)},
        needs=("self_check",),
    ),
}


def prior_rises(knots: tuple[float, ...], prior: float, name: str) -> list[float]:
    """How much each step of a curve rises before any label is seen.

    Features rise with their value. Probabilities and log-probabilities rise with their log-odds,
    for the steps next to certainty are the ones that tell.
    """
    places = [_place(knot, name) for knot in knots]
    whole = places[-1] - places[0]
    return [prior * (b - a) / whole for a, b in pairwise(places)]


MOST_ODDS = 14.0


def _place(knot: float, name: str) -> float:
    if name.startswith("logprob"):
        return min(log_odds(knot), MOST_ODDS)
    if name == "self_check":
        bounded = min(max(knot, 1e-4), 1 - 1e-6)
        return math.log(bounded / (1 - bounded))
    return knot
