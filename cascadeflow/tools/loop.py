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
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from ..core import events
from ..core.calling import FinishedCall
from ..core.cascade import Cascade
from ..types import Message
from .call import ToolCall, ToolResult

if TYPE_CHECKING:
    from .executor import ToolExecutor

Batches: TypeAlias = AsyncGenerator[list[events.Event], None]
Clock: TypeAlias = Callable[[], float]

UNFINISHED: Final = "not finished in the time there was; it may still take effect"
"""What is told of a tool that the total deadline ended."""


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

    def over(self, cascade: Cascade) -> None:
        """The query is over with this cascade; may be said again."""
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
    work: _Work | None = None
    repairing = False
    try:
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
            if _settled(end, toolbox, turn == max_turns, repairing):
                conversation.over(cascade)
                yield [end]
                return
            repairing = not any(call.valid for call in end.calls)
            work = _Work(end, toolbox, turn)
            async with aclosing(work.run(watch, ends)) as told:
                async for event in told:
                    with watch.stopped():
                        yield [event]
            said, work = work.said, None
            if ends is not None and watch.now() >= ends:
                overdue = cascade.overdue(said, watch.now())
                conversation.over(cascade)
                yield [overdue]
                return
            added += said
    finally:
        if cascade is not None:
            if work is not None:
                cascade.leave(work.whole(), watch.now())
            conversation.over(cascade)


def _settled(end: events.Completed, toolbox: Toolboxes, last: bool, repairing: bool) -> bool:
    """Whether no tool is to run and this turn is the last; its result says why."""
    valid = [call for call in end.calls if call.valid]
    if not end.calls or end.result.truncated:
        return True
    if any(not toolbox.can_run(call.call.name) for call in valid):
        return True
    if last:
        end.result.finish_reason = "max_turns_reached"
    return last or (repairing and not valid)


class _Work:
    """The calls of one answer, and what comes of them."""

    def __init__(self, end: events.Completed, toolbox: Toolboxes, turn: int) -> None:
        self._calls, self._toolbox, self._turn = end.calls, toolbox, turn
        self.said: list[Message] = [end.message]
        """The answer, and the results in the order of its calls."""

    def whole(self) -> list[Message]:
        """`said`, with results for the calls whose tools were left at work."""
        left = self._calls[len(self.said) - 1 :]
        return [*self.said, *(_unfinished(each).to_message() for each in left)]

    async def run(
        self, watch: Stopwatch, ends: float | None
    ) -> AsyncGenerator[events.ToolExecuting | events.ToolReturned | events.ToolFailed, None]:
        """Run the calls side by side, tell of them in their order; at `ends`, end the others."""
        running: dict[str, asyncio.Task[ToolResult]] = {}
        for finished in self._calls:
            if finished.valid:
                call = ToolCall(finished.call.id, finished.call.name, finished.arguments or {})
                running[call.id] = asyncio.create_task(self._toolbox.execute(call))
        try:
            for finished in self._calls:
                task = running.get(finished.call.id)
                if task is None:
                    problem = "; ".join(finished.problems)
                    refused = f"not executed: {problem}"
                    result = ToolResult(finished.call.id, finished.call.name, error=refused)
                    yield self._ended(finished, result, problem)
                    continue
                yield events.ToolExecuting(finished, self._turn)
                left = None if ends is None else max(0.0, ends - watch.now())
                await asyncio.wait([task], timeout=left)
                if not task.done():
                    await _cancel(running.values())
                result = _unfinished(finished) if task.cancelled() else task.result()
                yield self._ended(finished, result, result.error)
        finally:
            await _cancel(running.values())

    def _ended(
        self, finished: FinishedCall, result: ToolResult, error: str | None
    ) -> events.ToolReturned | events.ToolFailed:
        self.said.append(result.to_message())
        if result.success:
            return events.ToolReturned(finished, result, self._turn)
        return events.ToolFailed(finished, result, error or "", self._turn)


def _unfinished(finished: FinishedCall) -> ToolResult:
    return ToolResult(finished.call.id, finished.call.name, error=UNFINISHED)


async def _cancel(tasks: Collection[asyncio.Task[ToolResult]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
