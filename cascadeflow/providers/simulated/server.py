"""The simulated models behind a real HTTP server on loopback, in the running event loop.

    async with SimulatedServer() as server:
        client = AsyncOpenAI(base_url=server.url, api_key="none")

`POST /v1/chat/completions` (JSON and SSE) and `GET /v1/models`; no key is needed. A client that
disconnects stops its answer at once. aiohttp is imported when a server starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from .model import Reply, answer
from .names import is_small
from .record import RecordedRequest, record
from .rendering import completion_id, events, whole
from .wire import BadRequest, ChatRequest, error_body, read

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Middleware

HOST = "127.0.0.1"
MODELS = ("simulated-small", "simulated-large")
"""Names that `GET /v1/models` lists; every other name is answered as well, see `is_small`."""
LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of a request."""
RECORDS = 1_000
"""Requests that are kept in `SimulatedServer.requests`."""
GRACE = 0.05
"""Seconds that open answers have when the server stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How fast the small model speaks, in seconds; the large one takes `large` times as long.

    Raises:
        ValueError: if a value is negative.
    """

    first_token: float = 0.02
    per_token: float = 0.004
    large: float = 2.5

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value >= 0:
                raise ValueError(f"Timing: {name} is {value!r}; it must be >= 0")

    def due(self, tokens: int, model: str) -> float:
        """Seconds from the request to the moment when `tokens` tokens are out."""
        factor = 1.0 if is_small(model) else self.large
        return factor * (self.first_token + self.per_token * max(tokens - 1, 0))


INSTANT = Timing(first_token=0.0, per_token=0.0)
"""No waiting at all: for tests."""


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
        self.requests: deque[RecordedRequest] = deque(maxlen=RECORDS)
        """The latest requests, oldest first."""
        self._seed = seed
        self._timing = timing or Timing()
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base URL to give to a client; it ends in `/v1`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    async def __aenter__(self) -> Self:
        from aiohttp import web

        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_errors()])
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=GRACE
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port, backlog=1024).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        from aiohttp import web

        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "cascadeflow"}
            for name in MODELS
        ]
        body = msgspec.json.encode({"object": "list", "data": models})
        return web.Response(body=body, content_type="application/json")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        seen = record(request.path, request.headers)
        self.requests.append(seen)
        try:
            response = await self._answer(request, seen)
        except BadRequest as error:
            seen.status, seen.finished = error.status, True
            raise
        finally:
            seen.closed_at = time.monotonic()
        return response

    async def _answer(self, request: web.Request, seen: RecordedRequest) -> web.StreamResponse:
        from aiohttp import web

        raw = await request.read()
        seen.body = _json_object(raw)
        chat = read(raw)
        reply = answer(chat, self._seed)
        pace = _Pace(self._timing, chat.model)
        seen.status = 200
        if chat.stream:
            return await self._stream(request, seen, chat, reply, pace)
        await pace.until(reply.completion_tokens)
        seen.sent_tokens, seen.finished = reply.completion_tokens, True
        body = whole(chat, reply, completion_id(raw), int(time.time()))
        return web.Response(body=body, content_type="application/json")

    async def _stream(
        self,
        request: web.Request,
        seen: RecordedRequest,
        chat: ChatRequest,
        reply: Reply,
        pace: _Pace,
    ) -> web.StreamResponse:
        from aiohttp import web

        response = web.StreamResponse(headers={"Cache-Control": "no-cache"})
        response.content_type = "text/event-stream"
        response.charset = "utf-8"
        await response.prepare(request)
        id = completion_id(await request.read())
        # The client may leave between two writes, before this task is cancelled for it.
        with contextlib.suppress(ConnectionError):
            for weight, event in events(chat, reply, id, int(time.time())):
                if weight:
                    await pace.until(seen.sent_tokens + weight)
                await response.write(event)
                seen.sent_tokens += weight
            await response.write_eof()
            seen.sent_tokens, seen.finished = reply.completion_tokens, True
        return response


class _Pace:
    """Lets the tokens of one answer pass at their times; late ones do not delay those after."""

    def __init__(self, timing: Timing, model: str) -> None:
        self._timing = timing
        self._model = model
        self._start = time.monotonic()

    async def until(self, tokens: int) -> None:
        due = self._start + self._timing.due(tokens, self._model)
        await asyncio.sleep(max(0.0, due - time.monotonic()))


def _json_object(raw: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(raw, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _errors() -> Middleware:
    """A middleware that turns every refusal into the API's error object."""
    from aiohttp import web

    @web.middleware
    async def errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadRequest as error:
            body = error_body(error.message, param=error.param, status=error.status)
            return web.Response(status=error.status, body=body, content_type="application/json")
        except web.HTTPException as error:
            body = error_body(
                f"{error.reason}: {request.method} {request.path}", status=error.status
            )
            return web.Response(status=error.status, body=body, content_type="application/json")

    return errors
