"""The connections of one event loop, made and kept by aiohttp.

Answers come in many small pieces, so two costs are left out that asyncio and aiohttp have for each
of them: 256 KiB of new memory to read into, which malloc may map and unmap every time (here all
connections share one buffer, since what was read is parsed at once), and word to the parser and the
socket to go on, though they never stopped.

`transport.py` imports this on first use, for aiohttp loads slowly.
Source: https://docs.python.org/3/library/asyncio-protocol.html#buffered-streaming-protocols
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any, Self, TypeAlias

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from .wire import connected, connecting

_READ = 64 * 1024
"""Most bytes of one read."""

Tell: TypeAlias = Callable[[asyncio.Transport | None, bool], None]
"""Told the connection on which this task's request is about to be sent, and whether it was used."""


class _Handler(ResponseHandler, asyncio.BufferedProtocol):
    """One connection."""

    __slots__ = ("_memory", "used")

    def __init__(self, loop: asyncio.AbstractEventLoop, memory: memoryview) -> None:
        super().__init__(loop)
        self._memory = memory
        self.used = False
        """It has carried a request."""

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

    @classmethod
    def that_tells(cls, tell: Tell) -> Self:
        made = cls(limit=0, limit_per_host=0)
        made._tell, memory = tell, memoryview(bytearray(_READ))

        def make() -> ResponseHandler:
            return _Handler(made._loop, memory)

        made._factory = functools.partial(make)
        return made

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connecting()
        connection = await super().connect(req, traces, timeout)
        connected()
        protocol = connection.protocol
        if isinstance(protocol, _Handler):
            self._tell(connection.transport, protocol.used)
            protocol.used = True
        return connection


def new_session(tell: Tell) -> aiohttp.ClientSession:
    """A session of the running event loop, without cookies and without a limit of connections."""
    connector = _Connector.that_tells(tell)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
