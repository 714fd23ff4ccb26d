"""The asyncio driver of one cascade: carries out its commands, tells it what happened and when.

No queue, no task and no timer for a chunk: one task opens an attempt, so that a consumer who takes
its time over SWITCH does not delay the next model; one watchdog per query compares a deadline.
Optional judges of a finished draft are asked by tasks of their own, side by side.
Whatever ends the generator closes the socket and the ledger row.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from .core import events
from .core.cascade import Cascade
from .core.ledger import Attempt
from .core.referee import Reply
from .errors import ProviderError
from .inquiries import Inquiries, reply
from .providers.base import Provider
from .providers.wire import depart
from .types import Delta

Clock = Callable[[], float]
"""Seconds on a monotonic clock."""


async def drive(
    cascade: Cascade,
    providers: Sequence[Provider],
    clock: Clock = time.monotonic,
    done: Callable[[Cascade], None] | None = None,
) -> AsyncGenerator[list[events.Event], None]:
    """Run a cascade to its end; yield its events, one list for each network read.

    Args:
        cascade: not started yet.
        providers: one for each tier, then those of the judges' own models.
        clock: for tests and simulation.
        done: called once when the query is over, before its last events are told.
    """
    line = _Line(cascade, providers, clock)
    try:
        told = cascade.start(line.now())
        while not cascade.over:
            if cascade.commands:
                await line.obey()
            if told:
                line.hold()
                yield told
                line.resume()
            told = await line.hear()
    finally:
        try:
            await line.hang_up()
        finally:
            if done is not None:
                done(cascade)
    yield told


class _Line:
    """The stream of the current attempt, the time spent on it, and the watchdog over it."""

    def __init__(self, cascade: Cascade, providers: Sequence[Provider], clock: Clock) -> None:
        self._cascade = cascade
        self._providers = providers
        self._clock = clock
        self._held = 0.0
        """Seconds for which the consumer had the generator: they count for no deadline."""
        self._held_since: float | None = None
        self._attempt = 0
        self._stream: AsyncGenerator[list[Delta], None] | None = None
        self._opening: asyncio.Task[list[Delta]] | None = None
        """The wait for the first batch of `_stream`."""
        self._inquiries = Inquiries(self._consulted)
        self._told: list[events.Event] = []
        """What followed from an inquiry, until the consumer asks."""
        self._waiting: asyncio.Task[object] | None = None
        self._overdue = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    # --- time ----------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds, standing still while the consumer holds the generator."""
        at = self._clock() if self._held_since is None else self._held_since
        return at - self._held

    def hold(self) -> None:
        """The consumer has the generator from here on."""
        self._held_since = self._clock()

    def resume(self) -> None:
        """The consumer wants more."""
        if self._held_since is not None:
            self._held += self._clock() - self._held_since
            self._held_since = None

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        delay = max(0.0, deadline - self.now())
        self._timer = asyncio.get_running_loop().call_later(delay, self._bark)

    def _bark(self) -> None:
        """The earliest deadline known when the timer was set: overdue, or moved on since."""
        self._timer, self._timer_at = None, math.inf
        if self._waiting is None:
            return
        deadline = self._cascade.deadline
        if self.now() >= deadline:
            self._overdue = True
            self._waiting.cancel()
        elif deadline < math.inf:
            self._arm(deadline)

    # --- commands ------------------------------------------------------------------------------

    async def obey(self) -> None:
        """Carry out what the cascade commanded."""
        commands, self._cascade.commands = self._cascade.commands, []
        for command in commands:
            match command:
                case events.Abort():
                    await self.close()
                case events.Consult(inquiries):
                    await self.close()
                    for each in inquiries:
                        self._inquiries.ask(
                            self._providers[each.line], each, self._row(each.attempt)
                        )
                case events.Open(tier, attempt, delay):
                    await self.close()
                    self._attempt = attempt
                    self._opening = asyncio.create_task(self._open(tier, attempt, delay))

    def _row(self, attempt: int) -> Attempt:
        return self._cascade.ledger.rows[attempt - 1]

    async def _open(self, tier: int, attempt: int, delay: float) -> list[Delta]:
        """Send the request after `delay` seconds and wait for its first batch."""
        if delay:
            await asyncio.sleep(delay)
        depart(self._row(attempt))
        asked = self._cascade.tiers[tier]
        self._stream = self._providers[tier].stream(asked.model, asked.request)
        return await anext(self._stream)

    async def close(self) -> None:
        """Close the stream and the inquiries, and with them their sockets.

        Cancelled half-way, it can be called again and goes on where it was.
        """
        await self._inquiries.close()
        if self._opening is not None:
            self._opening.cancel()
            # A loop that ends has ended its tasks, and closes all generators at once, this one and
            # the one that reads it: to wait then would be to meet oneself.
            if not self._opening.done():
                await asyncio.wait([self._opening])
            if not self._opening.cancelled():
                self._opening.exception()
            self._opening = None
        if self._stream is not None:
            # What a provider does wrong while it closes changes nothing about its answer.
            await reply(self._stream.aclose())
            self._stream = None

    async def hang_up(self) -> None:
        """The query is over, or the consumer has left."""
        if self._timer is not None:
            self._timer.cancel()
        self._cascade.close(self.now())
        await self.close()

    # --- signals -------------------------------------------------------------------------------

    async def hear(self) -> list[events.Event]:
        """Wait for the next batch, for the end of the stream, or for a deadline."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a cascade is driven by an asyncio task")
        deadline = self._cascade.deadline
        if deadline < self._timer_at:
            self._arm(deadline)
        cancelling = task.cancelling()
        heard: list[Delta] | ProviderError = []
        self._waiting = task
        try:
            if self._opening is not None:
                heard = await reply(self._opening)
                self._opening = None
            elif self._stream is not None:
                heard = await reply(anext(self._stream))
            elif self._inquiries:
                await self._inquiries.wait()
        except asyncio.CancelledError:
            if not self._overdue:
                raise
        finally:
            self._waiting = None
        if self._overdue:
            self._overdue = False
            # Our own cancellation is taken back; a second one is the caller's, and stands.
            if task.uncancel() > cancelling:
                raise asyncio.CancelledError
            return self._ruled() + self._cascade.wake(self.now())
        return self._ruled() or self._tell(heard)

    def _consulted(self, attempt: int, heard: Reply) -> None:
        """An inquiry is answered, perhaps while the consumer holds the stream."""
        self._told += self._cascade.consulted(attempt, heard, self.now())

    def _ruled(self) -> list[events.Event]:
        told, self._told = self._told, []
        return told

    def _tell(self, heard: list[Delta] | ProviderError) -> list[events.Event]:
        if not isinstance(heard, ProviderError):
            return self._cascade.receive(self._attempt, heard, self.now())
        self._stream = self._opening = None
        return self._cascade.fail(self._attempt, heard, self.now())
