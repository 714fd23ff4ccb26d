"""The simulated models behind a real HTTP server on loopback.

`docs/simulated.md` shows its four ways to be started. `POST /v1/chat/completions` (JSON and SSE)
and `GET /v1/models`; no key is needed. A client that disconnects stops its answer at once. aiohttp
is imported when a server starts.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ...forking import Lock
from .model import answer
from .names import is_small
from .tokens import dice
from .wire import BadRequest, error_body, events, read, whole

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
START = 10.0
"""Seconds in which a server must be listening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How fast the small model speaks, in seconds; the large one takes `large` times as long."""

    first_token: float = 0.02
    per_token: float = 0.004
    large: float = 2.5

    def due(self, tokens: int, model: str) -> float:
        """Seconds from the request to the moment when `tokens` tokens are out."""
        factor = 1.0 if is_small(model) else self.large
        return factor * (self.first_token + self.per_token * max(tokens - 1, 0))


INSTANT = Timing(first_token=0.0, per_token=0.0)
"""No waiting at all: for tests."""


@dataclass(slots=True, eq=False)
class RecordedRequest:
    """What the server was asked, for tests to read."""

    path: str
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    """Empty if the request was refused."""
    closed_at: float | None = None
    """When, by `time.monotonic`, the answer was complete or the client left; None: not yet."""
    finished: bool = False
    """True if the whole answer was sent; False with a `closed_at`: the client left before."""
    sent_tokens: int = 0


class SimulatedServer:
    """Serves the simulated models while its `async with` block runs.

    Args:
        seed: another seed makes other mistakes.
        timing: pace of the tokens; `INSTANT` for tests.
        host: address to listen on; the default is reachable from this machine only.
        port: 0 takes a free one.

    Raises:
        OSError: on entering, if the port cannot be had.
    """

    def __init__(
        self, *, seed: int = 0, timing: Timing | None = None, host: str = HOST, port: int = 0
    ) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=1_000)
        """The latest requests, oldest first."""
        self._seed = seed
        self._timing = timing or Timing()
        self._host = host
        self._port = port
        self._exit = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        """The base URL to give to a client; it ends in `/v1`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    async def __aenter__(self) -> Self:
        from aiohttp import web

        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05
        )
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port, backlog=1024).start()
            self._exit = stack.pop_all()
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def _models(self, request: web.Request) -> web.Response:
        from aiohttp import web

        # Every other name is answered as well, see `is_small`.
        names = ("simulated-small", "simulated-large")
        models = [{"id": name, "object": "model", "owned_by": "cascadeflow"} for name in names]
        return web.json_response({"object": "list", "data": models})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        seen = RecordedRequest(request.path)
        self.requests.append(seen)
        try:
            return await self._answer(request, seen)
        finally:
            seen.closed_at = time.monotonic()

    async def _answer(self, request: web.Request, seen: RecordedRequest) -> web.StreamResponse:
        from aiohttp import web

        raw = await request.read()
        try:
            chat = read(raw)
        except BadRequest as error:
            body = error_body(str(error))
            return web.Response(status=400, body=body, content_type="application/json")
        seen.body = msgspec.json.decode(raw)
        reply = answer(chat, self._seed)
        start = asyncio.get_running_loop().time()

        async def pace(tokens: int) -> None:
            """Wait until `tokens` are due; late ones do not delay those after."""
            due = start + self._timing.due(tokens, chat.model)
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

        id = f"chatcmpl-{dice(raw.hex()).getrandbits(112):028x}"
        base = {"id": id, "created": int(time.time()), "model": chat.model}
        if not chat.stream:
            await pace(reply.completion_tokens)
            seen.sent_tokens, seen.finished = reply.completion_tokens, True
            body = whole(chat, reply, base)
            return web.Response(body=body, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        # The client may leave between two writes, before this task is cancelled for it.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            for weight, event in events(chat, reply, base):
                if weight:
                    await pace(seen.sent_tokens + weight)
                await response.write(event)
                seen.sent_tokens += weight
            await response.write_eof()
            seen.sent_tokens, seen.finished = reply.completion_tokens, True
        return response


class ThreadedServer:
    """A `SimulatedServer` in a daemon thread of its own; a context manager.

    Raises:
        OSError: on entering, if the port cannot be had.
        TimeoutError: on entering, if it does not start in time.
    """

    def __init__(self, server: SimulatedServer) -> None:
        self.requests = server.requests
        """The latest requests, oldest first."""
        self._server = server
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="cascadeflow-simulated", daemon=True)

    @property
    def url(self) -> str:
        """The base URL to give to a client; it ends in `/v1`."""
        return self._server.url

    @property
    def alive(self) -> bool:
        """True while the server's thread runs; False in a forked child."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result(START)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close all connections and end the thread; harmless when it has ended."""
        if self.alive:
            loop, stopping = self._ready.result(START)
            loop.call_soon_threadsafe(stopping.set)
            self._thread.join(START)

    def _run(self) -> None:
        async def serve() -> None:
            stopping = asyncio.Event()
            async with self._server:
                self._ready.set_result((asyncio.get_running_loop(), stopping))
                await stopping.wait()

        try:
            asyncio.run(serve())
        except (OSError, OverflowError, ImportError) as error:  # of the port; aiohttp is missing
            if self._ready.done():
                raise
            self._ready.set_exception(error)


def serve_in_thread(
    *, seed: int = 0, timing: Timing | None = None, host: str = HOST, port: int = 0
) -> ThreadedServer:
    """A server in a background thread; enter it with `with`. Arguments as `SimulatedServer`."""
    return ThreadedServer(SimulatedServer(seed=seed, timing=timing, host=host, port=port))


_lock = Lock()
_embedded: ThreadedServer | None = None


def embedded_url() -> str:
    """The base URL of the process's own server, which the first call starts. Thread-safe.

    The server ends with the process, whose end it does not delay.

    Raises:
        OSError: if no loopback port can be had.
    """
    global _embedded
    with _lock:
        if _embedded is None or not _embedded.alive:
            _embedded = serve_in_thread().__enter__()
            atexit.register(_embedded.stop)
        return _embedded.url


def run(
    host: str = HOST, port: int = 8808, *, seed: int = 0, ready: Callable[[str], None] | None = None
) -> None:
    """Serve until interrupted; `ready` is called once with the base URL.

    Raises:
        OSError: if the port cannot be had.
        KeyboardInterrupt: when the user interrupts it.
    """

    async def serve() -> None:
        async with SimulatedServer(seed=seed, host=host, port=port) as server:
            if ready is not None:
                ready(server.url)
            await asyncio.Event().wait()

    asyncio.run(serve())
