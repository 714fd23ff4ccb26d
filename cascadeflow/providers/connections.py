"""The connections of one event loop, made and kept by aiohttp.

Answers come in many small pieces, so two costs are left out that asyncio and aiohttp have for each
of them: 256 KiB of new memory to read into, which malloc may map and unmap every time, and word to
the parser and the socket to go on, though they never stopped. All connections of a loop read into
one buffer, whose bytes are copied before anything else can be read: that is so where the loop waits
for a socket and then reads it, so it is done on asyncio's selector loop alone. Elsewhere (uvloop,
Windows), and if aiohttp should name its flag otherwise, connections are aiohttp's own.

A session of the caller's may bound its connections, so that requests queue for them. That is no
fault of a server: the time to connect counts from when there is a place.

An agent that has a server to ask imports this, and with it all that a request needs: it loads
slowly, and a process that forks while a thread still imports has a child that can never do so.
Units: seconds.
Source: https://docs.python.org/3/library/asyncio-protocol.html#buffered-streaming-protocols,
https://docs.aiohttp.org/en/stable/tracing_reference.html
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import weakref
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from importlib import import_module
from typing import Any, Self, TypeAlias

import aiohttp
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from .wire import connected, connecting

_READ = 64 * 1024
"""Most bytes of one read."""
_FLAG = "_reading_paused"

for _late in ("concurrent.futures.thread", "encodings.idna", "encodings.utf_8_sig"):
    # Python itself loads them with the first host name, and the first body.
    import_module(_late)

Tell: TypeAlias = Callable[[asyncio.Transport | None, bool], None]
"""Told the connection on which this task's request is about to be sent, and whether it was used."""


class _Handler(ResponseHandler, asyncio.BufferedProtocol):
    """One connection that reads into memory of others too."""

    __slots__ = ("_memory",)

    def __init__(self, loop: asyncio.AbstractEventLoop, memory: memoryview) -> None:
        super().__init__(loop)
        self._memory = memory

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._memory

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._memory[:nbytes]))

    def resume_reading(self, *given: Any, **named: Any) -> None:
        if self._reading_paused:
            super().resume_reading(*given, **named)


class _Connector(aiohttp.TCPConnector):
    """Without a limit of connections."""

    _tell: Tell
    _used: weakref.WeakSet[ResponseHandler]

    @classmethod
    def that_tells(cls, tell: Tell) -> Self:
        made = cls(limit=0, limit_per_host=0)
        made._tell, made._used = tell, weakref.WeakSet()
        loop, memory = made._loop, memoryview(bytearray(_READ))

        def connection() -> ResponseHandler:
            return _Handler(loop, memory)

        if isinstance(loop, asyncio.SelectorEventLoop) and _FLAG in BaseProtocol.__slots__:
            made._factory = functools.partial(connection)
        return made

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connecting()
        connection = await super().connect(req, traces, timeout)
        connected()
        protocol = connection.protocol
        if protocol is not None:
            self._tell(connection.transport, protocol in self._used)
            self._used.add(protocol)
        return connection


def new_session(tell: Tell) -> aiohttp.ClientSession:
    """A session of the running event loop, without cookies and without a limit of connections."""
    connector = _Connector.that_tells(tell)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def wake_when_lost(protocol: ResponseHandler, content: aiohttp.StreamReader) -> None:
    """Fail the reader of a body whose connection went.

    aiohttp does so itself, except where the framing of a chunk was broken: it closes the
    connection and leaves the reader waiting for ever.
    """
    lost = protocol.closed
    if lost is None or content.is_eof():
        return

    def wake(_: asyncio.Future[None]) -> None:
        if content.exception() is None and not content.is_eof():
            content.set_exception(ConnectionError())

    def forget() -> None:
        lost.remove_done_callback(wake)

    lost.add_done_callback(wake)
    content.on_eof(forget)
    lost.remove_done_callback(_look_at)  # once for each connection, whatever it carries
    lost.add_done_callback(_look_at)


def _look_at(lost: asyncio.Future[None]) -> None:
    """An exception nobody has looked at would be logged."""
    if not lost.cancelled():
        lost.exception()


_deadline: ContextVar[tuple[asyncio.Timeout, float] | None] = ContextVar(
    "cascadeflow_deadline", default=None
)


async def _begin(*_: object) -> None:
    """There is a place for a connection of this task: name resolution, TCP and TLS follow."""
    if (given := _deadline.get()) is not None:
        deadline, seconds = given
        deadline.reschedule(asyncio.get_running_loop().time() + seconds)


async def _end(*_: object) -> None:
    if (given := _deadline.get()) is not None:
        given[0].reschedule(None)


_TRACE = aiohttp.TraceConfig()
_TRACE.on_connection_create_start.append(_begin)
_TRACE.on_connection_create_end.append(_end)
_TRACE.freeze()


@contextlib.asynccontextmanager
async def connecting_within(
    seconds: float | None, session: aiohttp.ClientSession, *, given: bool
) -> AsyncGenerator[aiohttp.ClientTimeout, None]:
    """The timeouts of a request, which is to be sent within this block.

    Args:
        seconds: to connect; None or infinity: no limit.
        session: of the request.
        given: the session is the caller's.

    Raises:
        TimeoutError: no connection of a given session in time. Ours raise aiohttp's own.
    """
    limit = seconds if seconds is not None and math.isfinite(seconds) else None
    if limit is None or not given:
        yield aiohttp.ClientTimeout(total=None, connect=limit)
        return
    if _TRACE not in session.trace_configs:
        session.trace_configs.append(_TRACE)
    async with asyncio.timeout(None) as deadline:
        token = _deadline.set((deadline, limit))
        try:
            yield aiohttp.ClientTimeout(total=None)
        finally:
            _deadline.reset(token)
