"""Chooses the judge by the form of the request: tools offered, or text alone."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.policy import Observer
from ..types import Request
from .additive import Model
from .forms import Form
from .text import TextObserver
from .tools.estimator import ToolObserver


class FormEstimator:
    """Judges requests that offer tools in one way, all others in another.

    `models` weigh the features of the forms they name; the hand-set priors weigh those of others,
    and all if there are none.
    """

    __slots__ = ("_models",)

    def __init__(self, models: Mapping[Form, Model] | None = None) -> None:
        self._models = models

    def observe(self, request: Request) -> Observer:
        """Begin to watch the answer to `request`."""
        return (ToolObserver if request.tools else TextObserver)(request, self._models)
