"""The asyncio driver of one cascade: carries out its commands, tells it what happened and when.

No queue, no task and no timer for a chunk: one watchdog per query compares a deadline. An attempt
is opened by the consumer who wants its answer, but after a SWITCH by a task, so that a consumer who
takes its time over that does not delay the next model.
A hedge, and the optional judges of a finished draft, are read by tasks of their own, side by side.
Whatever ends the generator closes the sockets and the ledger rows.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from .core import events
from .core.cascade import Cascade
from .core.referee import Reply
from .core.tier import Tier
from .errors import ProviderError
from .providers.base import Provider
from .reading import Reading, Tell

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
                await line.obey(told)
            if told:
                line.holding = True
                yield told
            told = await line.hear()
    finally:
        try:
            await line.hang_up()
        finally:
            if done is not None:
                done(cascade)
    yield told


class _Line:
    """The streams of a query, the time spent on them, and the watchdog over them."""

    def __init__(self, cascade: Cascade, providers: Sequence[Provider], clock: Clock) -> None:
        self._cascade = cascade
        self._providers = providers
        self._clock = clock
        self._at = clock()
        """When the clock was last looked at."""
        self._held = 0.0
        """Seconds for which the consumer had the generator: they count for no deadline."""
        self.holding = False
        """The consumer has the generator, since `_at`."""
        self._current: Reading | None = None
        self._hedge: Reading | None = None
        self._inquiries: list[Reading] = []
        self._told: list[events.Event] = []
        """What followed from beside the current attempt, until the consumer asks."""
        self._waiting: asyncio.Task[object] | None = None
        self._overdue = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    # --- time ----------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds, standing still while the consumer holds the generator."""
        if not self.holding:
            self._at = self._clock()
        return self._at - self._held

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
        now = self.now()
        if now >= self._cascade.deadline:
            self._overdue = True
            self._waiting.cancel()
            return
        self._told += self._cascade.wake(now)
        self._release()
        alarm = self._cascade.alarm
        if alarm < math.inf:
            self._arm(alarm)

    # --- commands ------------------------------------------------------------------------------

    async def obey(self, told: Sequence[events.Event]) -> None:
        """Carry out what the cascade commanded, before the consumer is `told` why."""
        commands, self._cascade.commands = self._cascade.commands, []
        for command in commands:
            match command:
                case events.Abort(attempt) if self._hedge and self._hedge.attempt == attempt:
                    await self._hedge.close()
                case events.Abort():
                    await self._close()
                case events.Consult(inquiries):
                    await self._close()
                    self._inquiries += [
                        self._ask(each.line, each, each.attempt, 0.0, self._consulted)
                        for each in inquiries
                    ]
                case events.Join():
                    await self._close()
                    self._current, self._hedge = self._hedge, None
                    if self._current is not None:
                        self._current.tell = None
                case events.Open(tier, attempt, delay, ahead):
                    asked = self._cascade.tiers[tier]
                    if ahead:
                        self._hedge = self._ask(tier, asked, attempt, delay, self._overheard)
                    else:
                        await self._close()
                        self._current = self._ask(tier, asked, attempt, delay, None)
                        if any(isinstance(event, events.Switched) for event in told):
                            self._current.begin()
        self._at = self._clock()  # to close takes time, which is not the consumer's

    def _ask(
        self, line: int, asked: Tier | events.Inquiry, attempt: int, delay: float, tell: Tell | None
    ) -> Reading:
        provider, row = self._providers[line], self._cascade.ledger.rows[attempt - 1]
        return Reading(provider, asked.model, asked.request, row, delay=delay, tell=tell)

    async def _close(self) -> None:
        """Close the current stream and the inquiries, and with them their sockets.

        Cancelled half-way, it can be called again and goes on where it was.
        """
        for inquiry in self._inquiries:
            inquiry.cancel()
        while self._inquiries:
            await self._inquiries[0].close()
            self._inquiries.pop(0)
        if self._current is not None:
            await self._current.close()
            self._current = None

    async def hang_up(self) -> None:
        """The query is over, or the consumer has left."""
        if self._timer is not None:
            self._timer.cancel()
        self._cascade.close(self.now())
        if self._hedge is not None:
            self._hedge.cancel()
        await self._close()
        if self._hedge is not None:
            await self._hedge.close()

    # --- signals -------------------------------------------------------------------------------

    async def hear(self) -> list[events.Event]:
        """Wait for the next batch, for the end of the stream, or for a deadline."""
        cascade = self._cascade
        if self.holding:
            since, self._at = self._at, self._clock()
            self._held += self._at - since
            self.holding = False
        if self._told or cascade.commands or cascade.over:
            return self._take()  # what followed from a hedge or an inquiry while nobody waited
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a cascade is driven by an asyncio task")
        alarm = cascade.alarm
        if alarm < self._timer_at:
            self._arm(alarm)
        cancelling = task.cancelling()
        heard: Reply = ()
        self._waiting = task
        try:
            if self._current is not None:
                heard = await self._current.read()
            else:
                await self._wait()
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
            return self._take() + cascade.wake(self.now())
        told = [] if self._current is None else self._tell(self._current.attempt, heard)
        return self._take() + told if self._told else told

    async def _wait(self) -> None:
        """Wait until an inquiry is over."""
        tasks = [inquiry.opening for inquiry in self._inquiries if inquiry.opening is not None]
        over, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in over:
            task.result()
        self._inquiries = [each for each in self._inquiries if each.opening not in over]

    def _tell(self, attempt: int, heard: Reply) -> list[events.Event]:
        if isinstance(heard, ProviderError):
            return self._cascade.fail(attempt, heard, self.now())
        return self._cascade.receive(attempt, heard, self.now())

    def _consulted(self, attempt: int, heard: Reply) -> None:
        """An inquiry is answered, perhaps while the consumer holds the stream."""
        self._told += self._cascade.consulted(attempt, heard, self.now())

    def _overheard(self, attempt: int, heard: Reply) -> None:
        """A hedge says something, perhaps while the consumer holds the stream."""
        self._told += self._tell(attempt, heard)
        self._release()

    def _release(self) -> None:
        """Give up a hedge at once if it must be, though the current attempt is being read."""
        if self._hedge and events.Abort(self._hedge.attempt) in self._cascade.commands:
            self._hedge.cancel()

    def _take(self) -> list[events.Event]:
        told, self._told = self._told, []
        return told
