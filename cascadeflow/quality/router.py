"""Chooses the judge by the form of the request: tools offered, or text alone."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.policy import Observer
from ..types import Request
from .forms import Form
from .model import Model
from .text import TextEstimator
from .tools.estimator import ToolEstimator


class FormEstimator:
    """Judges requests that offer tools by one estimator, all others by another.

    `models` weigh the features of the forms they name; the hand-set priors weigh those of others,
    and all if there are none.
    """

    __slots__ = ("_text", "_tools")

    def __init__(self, models: Mapping[Form, Model] | None = None) -> None:
        self._text = TextEstimator(models=models)
        self._tools = ToolEstimator(models=models)

    def observe(self, request: Request) -> Observer:
        """Begin to watch the answer to `request`."""
        return (self._tools if request.tools else self._text).observe(request)
