"""What carries requests to model servers: the seam below `HTTPProvider`.

`Transport` does it over a network; a recording, or a simulation in virtual time, may take its
place.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Protocol, TypeAlias, runtime_checkable

Headers: TypeAlias = Mapping[str, str]
"""Of HTTP: values by name."""


class Dispatch(Protocol):
    """What is noted of a request on its way."""

    sent: bool | None
    """False: no byte of it can have reached its server. None: nobody says, so it may have."""


_dispatch: ContextVar[Dispatch | None] = ContextVar("cascadeflow_dispatch", default=None)


def depart(noted: Dispatch) -> None:
    """What this task asks for from here on is the request of `noted`; nobody says how far it is."""
    noted.sent = None
    _dispatch.set(noted)


def connecting() -> None:
    """The request of this task waits for a connection. Another try of it may have been sent."""
    noted = _dispatch.get()
    if noted is not None and noted.sent is None:
        noted.sent = False


def connected() -> None:
    """The request of this task is being written."""
    noted = _dispatch.get()
    if noted is not None:
        noted.sent = True


class WireResponse(Protocol):
    """The head of an answer, and its body as it comes. Close it, or `release` it."""

    status: int
    headers: Headers
    """By name, in any case."""

    async def read(self) -> bytes:
        """The bytes that have come since the last call, waiting for some; empty at the end.

        Raises:
            ProviderError: the body did not come to its end.
        """
        ...

    def release(self) -> None:
        """The answer is whole: the connection may be kept."""
        ...

    def close(self) -> None:
        """Close the connection at once, unless the body has ended or the response was released."""
        ...


@runtime_checkable
class Wire(Protocol):
    """Posts requests, from any number of event loops and threads."""

    async def post(
        self, url: str, *, headers: Headers, body: bytes, connect_timeout: float | None = None
    ) -> WireResponse:
        """Send a request and wait for the head of the answer, whatever its status.

        Raises:
            ConfigError: the request cannot be sent.
            ProviderError: no answer, or a redirect.
        """
        ...
