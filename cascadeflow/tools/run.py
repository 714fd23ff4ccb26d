"""Runs one tool once: in a thread or on the event loop, within its time, and answers for it.

    arguments ──convert──▶ function ──▶ plain JSON ──▶ ToolResult
                  any of them may fail, block or never return: that is a result, too

A sync function runs in a thread of its own pool, with the caller's context variables; when its time
is up the thread goes on, unheard. An async one runs as a task and is cancelled. What they return
is brought to JSON types in a thread: a large result must not hold up the event loop.

Units: seconds.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ..logs import logger_named
from .call import ToolCall, ToolResult
from .complaint import complaint
from .config import Offered
from .convert import RefusedArguments, converter
from .plain import UnfitResult, plain
from .signature import underlying
from .threads import Threads

logger = logger_named("cascadeflow.tools")

GRACE: Final = 1.0
"""How long a cancelled tool may take to clean up before it is left alone."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of a step: a value, or the reason why there is none."""

    value: Any = None
    error: str | None = None


class Time(msgspec.Struct, frozen=True):
    """How long a call may take."""

    seconds: float
    """In all."""
    ends: float
    """By the clock of the loop."""

    def left(self) -> float:
        """Seconds, at least 0."""
        return max(0.0, self.ends - asyncio.get_running_loop().time())

    def over(self, more: str = "") -> Outcome:
        """What comes of a tool that took longer."""
        return Outcome(error=f"timed out after {self.seconds:g} s{more}")


class Runnable:
    """A tool whose function is known."""

    def __init__(self, tool: Offered, function: Callable[..., Any]) -> None:
        self.name = tool.name
        self.timeout = tool.timeout
        self.is_async = inspect.iscoroutinefunction(underlying(function))
        self._function = function
        self._convert = converter(function)

    def start(self, arguments: dict[str, Any]) -> object:
        """Call the function."""
        convert = self._convert
        return self._function(**(arguments if convert is None else convert(arguments)))


class Runner:
    """Runs tools, each within its own time or `timeout` seconds; a result has `limit` bytes."""

    def __init__(self, timeout: float, limit: int) -> None:
        self._timeout = timeout
        self._limit = limit
        self._threads = Threads()
        self._stubborn: set[asyncio.Task[Outcome]] = set()
        """Tools that were cancelled and go on all the same; kept from the garbage collector."""

    async def run(self, tool: Runnable, call: ToolCall, arguments: dict[str, Any]) -> ToolResult:
        """Run `tool`; nothing it raises comes out but `KeyboardInterrupt`, and cancellation."""
        # The clock of the loop, by which the waits below are measured.
        clock = asyncio.get_running_loop().time
        began = clock()
        seconds = self._timeout if tool.timeout is None else tool.timeout
        time = Time(seconds, began + seconds)
        carry_out = self._as_task if tool.is_async else self._in_thread
        outcome = await carry_out(tool.name, lambda: tool.start(arguments), time)
        if inspect.isawaitable(awaitable := outcome.value):
            # Of a sync function, such as a wrapper, that returned the coroutine of an async one.
            outcome = await self._as_task(tool.name, lambda: awaitable, time)
        elapsed = (clock() - began) * 1000
        return ToolResult(call.id, call.name, outcome.value, outcome.error, elapsed)

    async def _in_thread(self, name: str, work: Callable[[], object], time: Time) -> Outcome:
        context = contextvars.copy_context()
        job = self._threads.submit(lambda: context.run(self._attempt, name, work))
        heard = asyncio.wrap_future(job)
        try:
            await asyncio.wait([heard], timeout=time.left())
            if heard.done():
                outcome: Outcome = heard.result()
                return outcome
            self._threads.abandon(job)
            if job.cancelled():
                return time.over(" without a free thread: earlier calls have not returned")
            return time.over("; it may still take effect")
        finally:
            if not heard.done():
                self._threads.abandon(job)
                heard.cancel()

    def _attempt(self, name: str, work: Callable[[], object]) -> Outcome:
        """Do `work`, which is not our code. It may raise anything, and a thread that died of it
        would leave its caller waiting: so this catches everything."""
        try:
            value = work()
            if inspect.isawaitable(value):
                return Outcome(value)
            return Outcome(plain(value, self._limit))
        except BaseException as error:  # noqa: BLE001 -- a tool's code, see above
            return _failed(name, error)

    async def _as_task(self, name: str, start: Callable[[], object], time: Time) -> Outcome:
        task = asyncio.create_task(_awaited(name, start))
        try:
            await asyncio.wait([task], timeout=time.left())
            if not task.done():
                return time.over()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=GRACE)
            if not task.done():
                logger.warning("tool %s goes on although it was cancelled", name)
                self._stubborn.add(task)
                task.add_done_callback(self._stubborn.discard)
        if task.cancelled():
            return Outcome(error="the tool cancelled itself")
        error = task.exception()
        outcome = task.result() if error is None else _failed(name, error)
        if outcome.error is not None:
            return outcome
        if isinstance(outcome.value, str | int | float | None):
            return self._attempt(name, lambda: outcome.value)
        ends = max(time.ends, asyncio.get_running_loop().time() + GRACE)
        return await self._in_thread(name, lambda: outcome.value, Time(time.seconds, ends))


async def _awaited(name: str, start: Callable[[], object]) -> Outcome:
    """Await a tool inside its task, where `SystemExit` would otherwise end the event loop.

    As in `Runner._attempt` it is not our code; only `KeyboardInterrupt` and cancellation pass.
    """
    try:
        value = start()
        while inspect.isawaitable(value):
            value = await value
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- a tool's code
        return _failed(name, error)
    return Outcome(value)


def _failed(name: str, error: BaseException) -> Outcome:
    if isinstance(error, UnfitResult):
        return Outcome(error=str(error))
    if isinstance(error, RefusedArguments):
        return Outcome(error=f"invalid arguments: {error}")
    if not isinstance(error, Exception):
        logger.error("tool %s raised %s", name, type(error).__name__)
    return Outcome(error=complaint(error))
