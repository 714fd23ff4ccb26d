"""The stream of one attempt, from its request to its end.

The current attempt is read by its consumer: no task, no queue and no timer for a chunk. What comes
beside it, a hedge or an inquiry, is read by a task of its own and told at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from .core.ledger import Attempt
from .core.referee import Reply
from .errors import ConfigError, ProviderError
from .providers.base import Provider
from .providers.wire import depart
from .types import Delta, Request, Stop

T = TypeVar("T")
Tell = Callable[[int, Reply], object]
"""Takes the attempt and one network read of it, or why it failed."""


class Reading:
    """One attempt on its way; a task opens it, so that nobody waits for its first batch.

    Args:
        provider: who is asked.
        model: of the provider.
        request: to it.
        row: of the attempt.
        delay: seconds before the request goes out.
        tell: told all that comes until the `Stop` or a failure, or until `join`; None: `read` it.
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
        self.attempt = row.number
        self._provider, self._model, self._request = provider, model, request
        self._row = row
        self._tell = tell
        self._stream: AsyncGenerator[list[Delta], None] | None = None
        self.opening: asyncio.Task[list[Delta] | ProviderError] | None
        """Until the first batch that is not told."""
        self.opening = asyncio.create_task(self._open(delay))

    async def _open(self, delay: float) -> list[Delta] | ProviderError:
        if delay:
            await asyncio.sleep(delay)
        depart(self._row)
        heard = await reply(self._first())
        while self._tell is not None:
            self._tell(self.attempt, heard)
            if isinstance(heard, ProviderError) or any(isinstance(d, Stop) for d in heard):
                await self._hang_up()
                break
            heard = await reply(self._next())
        return heard

    async def _first(self) -> list[Delta]:
        self._stream = self._provider.stream(self._model, self._request)
        return await anext(self._stream)

    def _next(self) -> Awaitable[list[Delta]]:
        if self._stream is None:
            raise RuntimeError("it has ended")
        return anext(self._stream)

    def join(self) -> None:
        """What comes from here on is to be read, and is told no more."""
        self._tell = None

    def read(self) -> Awaitable[list[Delta] | ProviderError]:
        """The next batch, or why there is none."""
        return reply(self._next()) if self.opening is None else self._opened(self.opening)

    async def _opened(
        self, opening: asyncio.Task[list[Delta] | ProviderError]
    ) -> list[Delta] | ProviderError:
        heard = await opening
        self.opening = None
        return heard

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
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._stream is not None:
            # What a provider does wrong while it closes changes nothing about its answer.
            await reply(self._stream.aclose())
            self._stream = None


async def reply(said: Awaitable[T]) -> T | ProviderError:
    """What a provider's code gives, or why it gives nothing, whatever it raises."""
    try:
        return await said
    except StopAsyncIteration:
        return ProviderError("the stream ended early", kind="incomplete")
    except ProviderError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a provider is anybody's code; see ProviderError
        return _defect(error)


def _defect(error: Exception) -> ProviderError:
    """What else a provider raises. Only the text of our own errors is known to hold no secret."""
    if isinstance(error, ConfigError):
        # This model cannot be asked so; another may be. Nothing was sent.
        told = ProviderError(str(error), kind="bad_request")
    else:
        told = ProviderError(f"{type(error).__name__} in the provider", kind="protocol")
    told.__cause__ = error
    return told
