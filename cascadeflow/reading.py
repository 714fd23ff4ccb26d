"""The stream of one attempt, from its request to its end.

The current attempt is read by its consumer: no task, no queue and no timer for a chunk. What comes
beside it, a hedge or an inquiry, is read by a task of its own and told at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from .core.ledger import Attempt
from .core.referee import Reply
from .errors import ConfigError, ProviderError
from .providers import own
from .providers.base import Provider
from .providers.wire import depart
from .types import Delta, Request, Stop

Tell = Callable[[int, Reply], None]
"""Takes the attempt and what is heard of it."""


class Reading:
    """One attempt on its way; it is opened by whoever reads it first, unless it has `begun`.

    Args:
        provider: who is asked.
        model: of the provider.
        request: to it.
        row: of the attempt.
        delay: seconds before the request goes out.
        tell: told all that comes until the `Stop` or a failure, or until this is set to None:
            then, and without it, it is to be `read`.
    """

    def __init__(
        self,
        provider: Provider,
        model: str,
        request: Request,
        row: Attempt,
        *,
        delay: float = 0.0,
        tell: Tell | None = None,
    ) -> None:
        from .providers.http import HTTPProvider

        self.attempt = row.number
        self._ours = isinstance(provider, HTTPProvider)
        self._provider, self._model, self._request = provider, model, request
        self._row = row
        self._delay = delay
        self.tell = tell
        self._stream: AsyncGenerator[list[Delta], None] | None = None
        self.opening: asyncio.Task[Reply] | None = None
        """Until the first batch that is not told."""
        if tell is not None:
            self.begin()

    def begin(self) -> None:
        """Let a task open it, so that nobody waits for its first batch."""
        self.opening = asyncio.create_task(self._open())

    async def _open(self) -> Reply:
        heard = await self._next()
        while self.tell is not None:
            self.tell(self.attempt, heard)
            if isinstance(heard, ProviderError) or any(isinstance(d, Stop) for d in heard):
                await self._next(closing=True)
                break
            heard = await self._next()
        return heard

    def read(self) -> Awaitable[Reply]:
        """The next batch, or why there is none."""
        return self._next() if self.opening is None else self._opened(self.opening)

    async def _opened(self, opening: asyncio.Task[Reply]) -> Reply:
        heard = await opening
        self.opening = None
        return heard

    async def _next(self, *, closing: bool = False) -> Reply:
        """What the provider's code gives, or why it gives nothing, whatever it raises."""
        try:
            if closing:
                if self._stream is not None:
                    await self._stream.aclose()
                return []
            if self._stream is None:
                if self._delay:
                    await asyncio.sleep(self._delay)
                depart(self._row)
                stream = self._provider.stream(self._model, self._request)
                self._stream = stream if self._ours else own.opened(stream)
            heard = await anext(self._stream)
            return heard if self._ours else own.taken(heard)
        except StopAsyncIteration:
            return ProviderError("the stream ended early", kind="incomplete")
        except ProviderError as error:
            return own.known(error)
        except Exception as error:  # noqa: BLE001 - a provider is anybody's code; see ProviderError
            return _defect(error)

    def cancel(self) -> None:
        """Begin to close: a task that reads is cancelled, which closes its stream."""
        if self.opening is not None:
            self.opening.cancel()

    async def close(self) -> None:
        """Close the stream, and with it the socket.

        Cancelled half-way, it can be called again and goes on where it was.
        """
        if self.opening is not None:
            self.opening.cancel()
            # A loop that ends has ended its tasks, and closes all generators at once, this one and
            # the one that reads it: to wait then would be to meet oneself.
            if not self.opening.done():
                await asyncio.wait([self.opening])
            if not self.opening.cancelled():
                self.opening.exception()
            self.opening = None
        # What a provider does wrong while it closes changes nothing about its answer.
        await self._next(closing=True)


def _defect(error: Exception) -> ProviderError:
    """What else a provider raises. Only the text of our own errors is known to hold no secret.

    No frame in the trace of `error` holds what is returned: each would keep the other alive.
    """
    if isinstance(error, ConfigError):
        # This model cannot be asked so; another may be. Nothing was sent.
        failed = ProviderError(str(error), kind="bad_request")
    else:
        failed = ProviderError(f"{type(error).__name__} in the provider", kind="protocol")
    failed.__cause__ = error
    return failed
