"""Asks the optional judges of a draft side by side. Tasks, since their answers are not streamed.

Each inquiry is a task of its own that closes its stream, and with it the socket, when it is over or
cancelled. What comes is told at once; nothing is kept here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from .core.events import Inquiry
from .core.ledger import Attempt
from .core.referee import Reply
from .errors import ConfigError, ProviderError
from .providers.base import Provider
from .providers.wire import depart
from .types import Delta, Stop

T = TypeVar("T")


class Inquiries:
    """The inquiries on their way.

    Args:
        tell: told the attempt and what came of it, one network read or the failure.
    """

    def __init__(self, tell: Callable[[int, Reply], None]) -> None:
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def ask(self, provider: Provider, inquiry: Inquiry, row: Attempt) -> None:
        """Begin to ask; `row`: of the inquiry."""
        self._tasks.add(asyncio.create_task(self._ask(provider, inquiry, row)))

    async def _ask(self, provider: Provider, inquiry: Inquiry, row: Attempt) -> None:
        depart(row)
        stream = _stream(provider, inquiry)
        try:
            while True:
                heard = await reply(anext(stream))
                self._tell(inquiry.attempt, heard)
                if isinstance(heard, ProviderError) or any(isinstance(d, Stop) for d in heard):
                    return
        finally:
            # What a provider does wrong while it closes changes nothing about its answer.
            await reply(stream.aclose())

    async def wait(self) -> None:
        """Wait until one of them is over."""
        over, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in over:
            task.result()

    async def close(self) -> None:
        """Cancel those that are not over. Cancelled half-way, it can be called again."""
        for task in self._tasks:
            task.cancel()
        # Those of a loop that has ended are done, and nothing could be waited for.
        if live := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(live)
        for task in self._tasks:
            if not task.cancelled():
                task.exception()
        self._tasks = set()


async def _stream(provider: Provider, inquiry: Inquiry) -> AsyncGenerator[list[Delta], None]:
    """The answer; also a provider that raises before it streams raises here."""
    async with contextlib.aclosing(provider.stream(inquiry.model, inquiry.request)) as batches:
        async for batch in batches:
            yield batch


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
