"""The one interface between cascadeflow and the world's model servers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from ..types import Delta, Request


class Provider(Protocol):
    """A server that answers. Stateless for one query: recording or faults are wrappers of it."""

    def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
        """Yield deltas in order, one non-empty list per network read; the last delta is a `Stop`.

        Closing the generator closes the socket. Nothing is sent before the first `anext`.

        Raises:
            ProviderError: the model could not answer. Deltas may already have been yielded.
        """
        ...
