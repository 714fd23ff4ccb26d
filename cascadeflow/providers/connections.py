"""The connections of one event loop, made and kept by aiohttp.

Answers come in many small pieces, so two costs are left out that asyncio and aiohttp have for each
of them: 256 KiB of new memory to read into, which malloc may map and unmap every time, and word to
the parser and the socket to go on, though they never stopped. All connections of a loop read into
one buffer, whose bytes are copied before anything else can be read: that is so where the loop waits
for a socket and then reads it, so it is done on asyncio's selector loop alone. Elsewhere (uvloop,
Windows), and if aiohttp should name its flag otherwise, connections are aiohttp's own.

`transport.py` imports this on first use, for aiohttp loads slowly.
Source: https://docs.python.org/3/library/asyncio-protocol.html#buffered-streaming-protocols
"""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections.abc import Callable
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
