"""Runs the calls of a model: checked first, each at most once, side by side, errors as results.

A call is known by its id, name and arguments together. The same call again gets the first result,
while it runs or among the last `REMEMBERED`, whatever that was: a tool is never run twice for one
call. An id alone does not tell calls apart: many servers count them anew in each message. And even
equal calls may differ when they belong to two conversations: give each its own `session()`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from copy import copy
from hashlib import sha256
from json import dumps
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from ..config import check_count, is_number
from ..errors import ConfigError
from ..forking import Lock
from .call import ToolCall, ToolResult
from .config import Offered, ToolConfig, normalise
from .run import Runnable, Runner
from .show import shown
from .validate import ToolCallValidator

REMEMBERED: Final = 1024
"""Calls whose results a session keeps."""

Definition: TypeAlias = Mapping[str, Any] | ToolConfig | Offered | Callable[..., Any]
_Loops: TypeAlias = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]


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
        timeout: seconds for one call, the wait for a free thread included; a tool may have its own.
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
        self._max_parallel = max_parallel
        self._runner = Runner(timeout, max_result_bytes)
        self._validator = ToolCallValidator(self.tools)
        self._runnable = {
            tool.name: Runnable(tool, tool.function) for tool in self.tools if tool.function
        }
        self._lock = Lock()
        self._results: OrderedDict[bytes, Future[ToolResult]] = OrderedDict()
        self._slots: _Loops = WeakKeyDictionary()
        """Bound the tools at work; asyncio's semaphores belong to one loop each."""

    def can_run(self, name: str) -> bool:
        """Whether a function is known for the tool of this name."""
        return name in self._runnable

    def session(self) -> ToolExecutor:
        """The same tools for another conversation, which knows of no call yet."""
        other = copy(self)
        other._results, other._slots = OrderedDict(), WeakKeyDictionary()
        return other

    async def execute(self, call: ToolCall) -> ToolResult:
        """Check a call, run its tool, return what came of it.

        The same call (id, name and arguments) again returns the first result.

        Cancelling cancels an async tool; a sync one goes on in its thread, unheard.

        Raises:
            ConfigError: it is no `ToolCall`. Whatever the tool does is a result.
        """
        arguments, problems = self._validator.check(_checked(call).name, call.arguments)
        if arguments is None or problems:
            error = f"not executed: {'; '.join(problems)}"
        elif call.name not in self._runnable:
            error = f"not executed: no function is known for the tool {call.name}"
        else:
            return await self._run_once(call, arguments)
        return ToolResult(call.id, call.name, error=error)

    async def _run_once(self, call: ToolCall, arguments: dict[str, Any]) -> ToolResult:
        identity = dumps([call.id, call.name, arguments], sort_keys=True)
        key = sha256(identity.encode()).digest()
        own: Future[ToolResult] = Future()
        # A running future cannot be cancelled by one of those who wait for it.
        own.set_running_or_notify_cancel()
        loop = asyncio.get_running_loop()
        with self._lock:
            slot = self._slots.setdefault(loop, asyncio.Semaphore(self._max_parallel))
        async with slot:
            with self._lock:
                first = self._results.setdefault(key, own)
                if len(self._results) > REMEMBERED:
                    self._results.popitem(last=False)
            if first is not own:
                return await asyncio.wrap_future(first)
            result = ToolResult(call.id, call.name, error="cancelled before it returned")
            try:
                result = await self._runner.run(self._runnable[call.name], call, arguments)
            finally:
                own.set_result(result)
            return result

    async def execute_all(self, calls: Iterable[ToolCall]) -> list[ToolResult]:
        """Run the calls of one message side by side; results in the order of the calls.

        A call that comes twice runs once; another call under an id already used is an error.
        """
        calls = [_checked(call) for call in calls]
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
