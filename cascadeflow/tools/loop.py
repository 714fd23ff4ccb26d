"""The multi-turn loop: an answer calls tools, they run, their results go back, another comes.

    cascade ──▶ calls? ──no──▶ COMPLETE
       ▲          │ yes
       └─ results ┘       at most `max_turns` cascades; one ledger, one total deadline

No tool runs before the answer that calls it is accepted and whole. A call that is not valid is told
back to the model, once: a model that repeats it will not do better the third time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ..core import events
from ..core.calling import FinishedCall
from ..core.cascade import Cascade
from ..types import Message
from .call import ToolCall, ToolResult

if TYPE_CHECKING:
    from .executor import ToolExecutor

Batches: TypeAlias = AsyncGenerator[list[events.Event], None]
Clock: TypeAlias = Callable[[], float]


class Toolboxes:
    """Several sessions as one: the first that knows a tool runs it."""

    def __init__(self, *boxes: ToolExecutor) -> None:
        self._boxes = boxes

    def can_run(self, name: str) -> bool:
        """Whether one of them can."""
        return any(box.can_run(name) for box in self._boxes)

    async def execute(self, call: ToolCall) -> ToolResult:
        """Run a tool that `can_run`; what it raises is in the result."""
        return await next(box for box in self._boxes if box.can_run(call.name)).execute(call)


class Conversation(Protocol):
    """Makes the cascades of one query and drives them."""

    def turn(self, added: Sequence[Message], after: Cascade | None) -> Cascade:
        """The cascade of the next turn; `added`: messages after the query."""
        ...

    def drive(self, cascade: Cascade, clock: Clock) -> Batches:
        """Run it."""
        ...


class Stopwatch:
    """Seconds on a monotonic clock that stands still while the consumer holds the stream."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held = 0.0

    def now(self) -> float:
        """Seconds so far, without those the consumer took."""
        return self._clock() - self._held

    def clock(self) -> Clock:
        """A clock that goes on from here, for a driver that stops it by itself."""
        clock, held = self._clock, self._held
        return lambda: clock() - held

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Around a `yield`."""
        since = self._clock()
        yield
        self._held += self._clock() - since


async def converse(
    conversation: Conversation,
    toolbox: Toolboxes,
    *,
    max_turns: int,
    total: float | None,
    clock: Clock = time.monotonic,
) -> Batches:
    """Yield the events of all turns, exactly one terminal event at the end.

    Args:
        conversation: makes the cascades.
        toolbox: runs the calls.
        max_turns: cascades at most, at least 1.
        total: seconds for the whole query, tools included; None: no limit.
        clock: for tests and simulation.
    """
    watch = Stopwatch(clock)
    ends = None if total is None else watch.now() + total
    added: list[Message] = []
    cascade: Cascade | None = None
    repairing = False
    for turn in range(1, max_turns + 1):
        cascade = conversation.turn(added, cascade)
        end: events.Completed | None = None
        async with aclosing(conversation.drive(cascade, watch.clock())) as batches:
            async for batch in batches:
                if isinstance(batch[-1], events.Completed):
                    end = batch[-1]
                    batch = batch[:-1]
                if batch:
                    with watch.stopped():
                        yield batch
        if end is None:
            return
        reason = _reason_to_end(end, toolbox, turn == max_turns, repairing)
        if reason is not None:
            end.result.finish_reason = reason
            yield [end]
            return
        repairing = not any(call.valid for call in end.calls)
        added.append(end.message)
        awaited = len(added) + len(end.calls)
        async with aclosing(_execute(end.calls, toolbox, turn, watch, ends)) as executed:
            async for event in executed:
                if not isinstance(event, events.ToolExecuting):
                    added.append(event.result.to_message())
                with watch.stopped():
                    yield [event]
        if len(added) < awaited:
            yield [cascade.overdue(watch.now())]
            return


def _reason_to_end(
    end: events.Completed, toolbox: Toolboxes, last: bool, repairing: bool
) -> str | None:
    """The finish reason if this turn is the last; None if tools are to run."""
    given = end.result.finish_reason or ""
    if not end.calls or end.result.truncated:
        return given
    valid = [call for call in end.calls if call.valid]
    if any(not toolbox.can_run(call.call.name) for call in valid):
        return given
    if last:
        return "max_turns_reached"
    return given if repairing and not valid else None


async def _execute(
    calls: Sequence[FinishedCall],
    toolbox: Toolboxes,
    turn: int,
    watch: Stopwatch,
    ends: float | None,
) -> AsyncGenerator[events.ToolExecuting | events.ToolReturned | events.ToolFailed, None]:
    """Run the calls side by side, tell of them in their order, until the time is up."""
    running: dict[str, asyncio.Task[ToolResult]] = {}
    for finished in calls:
        if finished.valid:
            call = ToolCall(finished.call.id, finished.call.name, finished.arguments or {})
            running[call.id] = asyncio.create_task(toolbox.execute(call))
    try:
        for finished in calls:
            task = running.get(finished.call.id)
            if task is None:
                problem = "; ".join(finished.problems)
                refused = f"not executed: {problem}"
                result = ToolResult(finished.call.id, finished.call.name, error=refused)
                yield events.ToolFailed(finished, result, problem, turn)
                continue
            yield events.ToolExecuting(finished, turn)
            left = None if ends is None else max(0.0, ends - watch.now())
            await asyncio.wait([task], timeout=left)
            if not task.done():
                return
            result = task.result()
            if result.success:
                yield events.ToolReturned(finished, result, turn)
            else:
                yield events.ToolFailed(finished, result, result.error or "", turn)
    finally:
        for task in running.values():
            task.cancel()
        if running:
            await asyncio.wait(running.values())
