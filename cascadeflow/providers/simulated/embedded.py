"""The simulated models for code without an event loop of its own: a server in a daemon thread.

with serve_in_thread() as server:       one server for a block
embedded_url()                          the process's own server, started on first use
run("127.0.0.1", 8808)                  serve until interrupted
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from .record import RecordedRequest
from .server import HOST, SimulatedServer, Timing

_START = 10.0
"""Seconds in which a server must be listening."""


class ThreadedServer:
    """A `SimulatedServer` in a thread of its own; a context manager. See `serve_in_thread`."""

    def __init__(self, server: SimulatedServer) -> None:
        self._server = server
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="cascadeflow-simulated", daemon=True)

    @property
    def url(self) -> str:
        """The base URL to give to a client; it ends in `/v1`."""
        return self._server.url

    @property
    def requests(self) -> deque[RecordedRequest]:
        """The latest requests, oldest first."""
        return self._server.requests

    @property
    def alive(self) -> bool:
        """True while the server's thread runs; False in a forked child."""
        return self._thread.is_alive()

    def start(self) -> Self:
        """Start and wait until the server listens.

        Raises:
            OSError: if the port cannot be had.
            TimeoutError: if it does not start in time.
        """
        self._thread.start()
        self._ready.result(_START)
        return self

    def stop(self) -> None:
        """Close all connections and end the thread; harmless when it has ended."""
        if not self.alive:
            return
        loop, stopping = self._ready.result(_START)
        loop.call_soon_threadsafe(stopping.set)
        self._thread.join(_START)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        async with self._server:
            self._ready.set_result((asyncio.get_running_loop(), stopping))
            await stopping.wait()


def serve_in_thread(
    *, seed: int = 0, timing: Timing | None = None, host: str = HOST, port: int = 0
) -> ThreadedServer:
    """A server in a background thread; enter it with `with`. Arguments as `SimulatedServer`."""
    return ThreadedServer(SimulatedServer(seed=seed, timing=timing, host=host, port=port))


_lock = threading.Lock()
_embedded: ThreadedServer | None = None


def embedded_url() -> str:
    """The base URL of the process's own server, which the first call starts.

    Thread-safe. The server ends with the process, whose end it does not delay.

    Raises:
        OSError: if no loopback port can be had.
    """
    global _embedded
    with _lock:
        if _embedded is None or not _embedded.alive:
            _embedded = serve_in_thread().start()
            atexit.register(_embedded.stop)
        return _embedded.url


def run(
    host: str = HOST,
    port: int = 8808,
    *,
    seed: int = 0,
    timing: Timing | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted; `ready` is called once with the base URL.

    Raises:
        OSError: if the port cannot be had.
        KeyboardInterrupt: when the user interrupts it.
    """

    async def serve() -> None:
        async with SimulatedServer(seed=seed, timing=timing, host=host, port=port) as server:
            if ready is not None:
                ready(server.url)
            await asyncio.Event().wait()

    asyncio.run(serve())
