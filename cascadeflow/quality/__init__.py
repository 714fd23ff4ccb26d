"""Judges of drafts. Pure: deltas go in, probabilities come out.

The signals are imported when the first estimator is made: they compile dozens of patterns, which
`import cascadeflow` should not pay for.
"""

from __future__ import annotations

from ..core.policy import Estimator

__all__ = ["default_estimator"]


def default_estimator() -> Estimator:
    """The judge that is used when none is given: tool calls and text answers, hand-set weights."""
    from .router import FormEstimator

    return FormEstimator()
