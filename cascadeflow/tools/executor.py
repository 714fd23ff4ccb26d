"""Runs the calls of a model: checked first, each at most once, side by side, errors as results.

    executor = ToolExecutor([get_weather])
    result = await executor.execute(ToolCall("call_1", "get_weather", {"location": "Paris"}))

A call is known by its id, name and arguments together. The same call again gets the first result,
while it runs or among the last `REMEMBERED`, whatever that was: a tool is never run twice for one
call. An id alone does not tell calls apart: many servers count them anew in each message. And even
equal calls may differ when they belong to two conversations: give each its own `session()`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from hashlib import sha256
from json import dumps
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from ..config import check_count, is_number
from ..errors import ConfigError
from .call import ToolCall, ToolResult
from .config import Offered, ToolConfig, normalise
from .run import Runnable, Runner
from .show import shown
from .validate import ToolCallValidator

REMEMBERED: Final = 1024
"""Calls whose results a session keeps."""

Definition: TypeAlias = Mapping[str, Any] | ToolConfig | Offered | Callable[..., Any]
_Loops: TypeAlias = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]


class ToolSession:
    """One conversation: the same call runs at most once in it. Made by `ToolExecutor.session`."""

    def __init__(self, executor: ToolExecutor) -> None:
        self._executor = executor
        self._lock = threading.Lock()
        self._results: OrderedDict[bytes, Future[ToolResult]] = OrderedDict()
        self._slots: _Loops = WeakKeyDictionary()

    def can_run(self, name: str) -> bool:
        """Whether a function is known for the tool of this name."""
        return self._executor.can_run(name)

    async def execute(self, call: ToolCall) -> ToolResult:
        """Run one call; see `ToolExecutor.execute`."""
        prepared = self._executor.prepare(call)
        if isinstance(prepared, ToolResult):
            return prepared
        tool, arguments = prepared
        async with self._slot():
            future, first = self._claim(call, arguments)
            if not first:
                return await asyncio.wrap_future(future)
            result = ToolResult(call.id, call.name, error="cancelled before it returned")
            try:
                result = await self._executor.runner.run(tool, call, arguments)
            finally:
                future.set_result(result)
            return result

    async def execute_all(self, calls: Iterable[ToolCall]) -> list[ToolResult]:
        """Run the calls of one message; see `ToolExecutor.execute_all`."""
        by_id: dict[str, ToolCall] = {}
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._one_of(call, by_id.setdefault(call.id, call)))
                for call in calls
            ]
        return [task.result() for task in tasks]

    async def _one_of(self, call: ToolCall, first: ToolCall) -> ToolResult:
        if (call.name, call.arguments) == (first.name, first.arguments):
            return await self.execute(call)
        error = f"not executed: another call of this message, of {first.name}, has the same id"
        return ToolResult(call.id, call.name, error=error)

    def _claim(self, call: ToolCall, arguments: object) -> tuple[Future[ToolResult], bool]:
        """The result of this call, now or later; True if it is the caller who runs it."""
        identity = dumps([call.id, call.name, arguments], sort_keys=True)
        key = sha256(identity.encode()).digest()
        with self._lock:
            known = self._results.get(key)
            if known is not None:
                return known, False
            future: Future[ToolResult] = Future()
            # A running future cannot be cancelled by one of those who wait for it.
            future.set_running_or_notify_cancel()
            self._results[key] = future
            if len(self._results) > REMEMBERED:
                self._results.popitem(last=False)
            return future, True

    def _slot(self) -> asyncio.Semaphore:
        """Bounds the tools at work; asyncio's semaphores belong to one loop each."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._slots:
                self._slots[loop] = asyncio.Semaphore(self._executor.max_parallel)
            return self._slots[loop]


def _checked(call: ToolCall) -> ToolCall:
    if not isinstance(call, ToolCall):
        raise ConfigError(
            f"call is {shown(call)}; it must be a ToolCall, e.g. ToolCall(**event.tool_call)"
        )
    return call


class ToolExecutor:
    """Runs tool calls.

    Args:
        tools: in any form that can be offered. One without a function can be offered and checked,
            but a call of it is an error result.
        timeout: seconds for one call, the wait for a free thread included.
        max_parallel: tools at work at once in one session.
        max_result_bytes: largest result, as text in UTF-8.

    Raises:
        ConfigError: a definition or bound is wrong, or the extra `[tools]` is not installed.
    """

    def __init__(
        self,
        tools: Sequence[Definition],
        *,
        timeout: float = 30.0,
        max_parallel: int = 8,
        max_result_bytes: int = 262_144,
    ) -> None:
        if not (is_number(timeout) and timeout > 0):
            raise ConfigError(f"ToolExecutor: timeout is {timeout!r}; it must be > 0 seconds")
        for name, bound in (("max_parallel", max_parallel), ("max_result_bytes", max_result_bytes)):
            check_count(f"ToolExecutor: {name}", bound, optional=False)
        self.tools: tuple[Offered, ...] = normalise(tools)
        """In normal form."""
        self.max_parallel = max_parallel
        self.runner = Runner(timeout, max_result_bytes)
        self._validator = ToolCallValidator(self.tools)
        self._runnable = {
            tool.name: Runnable(tool, tool.function) for tool in self.tools if tool.function
        }
        self._own = ToolSession(self)

    def can_run(self, name: str) -> bool:
        """Whether a function is known for the tool of this name."""
        return name in self._runnable

    def session(self) -> ToolSession:
        """The same tools for another conversation, which knows of no call yet."""
        return ToolSession(self)

    async def execute(self, call: ToolCall) -> ToolResult:
        """Check a call, run its tool, return what came of it.

        The same call (id, name and arguments) again returns the first result.

        Cancelling cancels an async tool; a sync one goes on in its thread, unheard.

        Raises:
            ConfigError: it is no `ToolCall`. Whatever the tool does is a result.
        """
        return await self._own.execute(_checked(call))

    async def execute_all(self, calls: Iterable[ToolCall]) -> list[ToolResult]:
        """Run the calls of one message side by side; results in the order of the calls.

        A call that comes twice runs once; another call under an id already used is an error.
        """
        return await self._own.execute_all([_checked(call) for call in calls])

    def prepare(self, call: ToolCall) -> tuple[Runnable, dict[str, Any]] | ToolResult:
        """What is to run with which arguments, or why nothing is."""
        checked = self._validator.check(call.name, call.arguments)
        if checked.arguments is None or not checked.ok:
            error = f"not executed: {'; '.join(checked.problems)}"
        elif call.name not in self._runnable:
            error = f"not executed: no function is known for the tool {call.name}"
        else:
            return self._runnable[call.name], checked.arguments
        return ToolResult(call.id, call.name, error=error)
