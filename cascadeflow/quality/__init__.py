"""Judges of drafts. Pure: deltas go in, probabilities come out.

The signals are imported when the first estimator is made: they compile dozens of patterns, which
`import cascadeflow` should not pay for.
"""

from __future__ import annotations

from ..core.policy import Estimator

__all__ = ["default_estimator"]


def default_estimator(*, priors: bool = False) -> Estimator:
    """The judge that is used when none is given: tool calls and text answers.

    Args:
        priors: weigh the features by the hand-set priors alone, not by the fitted weights.
    """
    from .fitted import shipped
    from .router import FormEstimator

    return FormEstimator() if priors else FormEstimator(shipped())
