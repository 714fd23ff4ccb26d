"""Chooses the judge by the form of the request: tools offered, or text alone."""

from __future__ import annotations

from ..core.policy import Estimator, Observer
from ..types import Request
from .text import TextEstimator
from .tools.estimator import ToolEstimator


class FormEstimator:
    """Judges requests that offer tools by one estimator, all others by another."""

    __slots__ = ("_text", "_tools")

    def __init__(self, text: Estimator | None = None, tools: Estimator | None = None) -> None:
        self._text = TextEstimator() if text is None else text
        self._tools = ToolEstimator() if tools is None else tools

    def observe(self, request: Request) -> Observer:
        """Begin to watch the answer to `request`."""
        return (self._tools if request.tools else self._text).observe(request)
