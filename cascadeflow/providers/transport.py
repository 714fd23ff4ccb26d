"""HTTP by way of aiohttp, which is not imported before it is needed, for it loads slowly.

A `Transport` has one session for each event loop it is used in, made on first use and closed by
`aclose`, or when the loop or the transport ends. It posts, never follows a redirect, and tells
every failure as a `ProviderError`. The one deadline here is that of connecting. aiohttp is told to
keep out of the way: no limit on connections (a thousand streams are a thousand connections, and
the caller decides how many run), no cookies, no netrc, no decompression, no timers on bodies.

Units: seconds, bytes.
Source: https://docs.aiohttp.org/en/stable/client_reference.html
"""

from __future__ import annotations

import asyncio
import io
import os
import weakref
from collections.abc import AsyncGenerator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..errors import ConfigError, ErrorKind, ProtocolError, ProviderError
from ..forking import Lock
from .excerpt import clean
from .failures import error_from_redirect
from .network import Route, Routes, origin_of

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.client_proto import ResponseHandler

LINGER = 0.5
"""How long a response whose answer is whole may take to end, so that its connection is kept."""

_HEADER_LIMIT = 32 * 1024
"""Longest status line, and longest header field."""
_LARGE = 256 * 1024
"""A request body beyond this is written in pieces, so as not to hold up the loop."""


class Response:
    """The head of an answer, and its body as it comes. Close it, or `release` it."""

    def __init__(self, response: aiohttp.ClientResponse, pool: _Pool, origin: str) -> None:
        from .connections import wake_when_lost

        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        """By name, in any case."""
        self._response = response
        self._content = response.content
        self._pool = pool
        self._origin = origin
        self._failure: ProviderError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._protocol = response.connection.protocol if response.connection else None
        if self._protocol is not None:
            wake_when_lost(self._protocol, self._content)

    async def read(self) -> bytes:
        """The bytes that have come since the last call, waiting for some; empty at the end.

        What arrived before a failure is given out first.

        Raises:
            ProviderError: the body did not come to its end.
        """
        if self._failure is not None:
            raise self._failure
        try:
            return await self._content.readany()
        except self._pool.errors as error:
            self._failure = _body_failure(error, self._protocol, self._origin)
        # aiohttp's public readers raise before they give out what they hold; this one does not.
        held = self._content._read_nowait(-1)  # pyright: ignore[reportPrivateUsage]
        if held:
            return held
        raise self._failure

    def release(self) -> None:
        """The answer is whole: keep the connection if the body ends within `LINGER` seconds.

        Many servers send the last bytes of the HTTP framing a moment after the end marker.
        """
        if self._response.closed or self._timer is not None:
            return
        self._pool.lingering.add(self)
        self._timer = asyncio.get_running_loop().call_later(LINGER, self.abort)
        self._content.on_eof(self._settle)

    def close(self) -> None:
        """Close the socket at once, unless the body has ended or the response was released."""
        if self._timer is None:
            self.abort()

    def abort(self) -> None:
        """Close the socket at once, unless the body has ended."""
        self._settle()
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            # A plain close would first write out what is left of the request, or say TLS goodbye.
            connection.transport.abort()
        self._response.close()

    def _settle(self) -> None:
        self._pool.lingering.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Pool:
    """The session of one event loop, and the responses that linger in it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        import aiohttp
        from aiohttp.http_exceptions import HttpProcessingError

        if not isinstance(session, aiohttp.ClientSession):
            raise ConfigError(f"session is {session!r}; it must be an aiohttp.ClientSession")
        self.session = session
        self.lingering: set[Response] = set()
        # RuntimeError: how aiohttp tells that a connection had gone before one read from it.
        self.errors = (aiohttp.ClientError, HttpProcessingError, OSError, RuntimeError)

    def abort_lingering(self) -> None:
        for response in tuple(self.lingering):
            response.abort()


_Entry: TypeAlias = tuple[_Pool, AsyncGenerator[None, None]]


class _Post(NamedTuple):
    url: str
    headers: Mapping[str, str]
    body: bytes
    connect_timeout: float | None


class _Attempt:
    """What the connector tells about the connection of the request that is being sent."""

    reused: bool = False
    transport: asyncio.Transport | None = None


_attempt: ContextVar[_Attempt] = ContextVar("cascadeflow_attempt")


def _tell(transport: asyncio.Transport | None, reused: bool) -> None:
    attempt = _attempt.get()
    attempt.transport, attempt.reused = transport, reused


class Transport:
    """Posts requests, from any number of event loops and threads.

    Args:
        session: the caller's own `aiohttp.ClientSession`, with its proxies and TLS; it belongs to
            one event loop, and is never closed here.
        environ: where proxies and certificate authorities are looked up; None: `os.environ`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._given = _Pool(session) if session is not None else None
        self._routes = Routes(os.environ if environ is None else environ)
        self._lock = Lock()
        self._pools: dict[asyncio.AbstractEventLoop, _Entry] = {}
        # Dropping a janitor makes its loop finish it, which closes the session: no warning even
        # if nobody calls `aclose`. The dict outlives us, or the session might be collected first.
        weakref.finalize(self, self._pools.clear)

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        connect_timeout: float | None = None,
    ) -> Response:
        """Send a request and wait for the head of the answer, whatever its status.

        A kept connection that the server closes before it answers is replaced by a new one, once.

        Args:
            url: http or https, without user name and password.
            headers: names in lower case; sent as they are.
            body: sent with its length.
            connect_timeout: for name resolution, TCP and TLS together, from when the session has a
                place for a connection; None: no limit.

        Raises:
            ConfigError: the URL, the proxy or the certificate authorities cannot be used.
            ProviderError: no answer, or a redirect.
        """
        route = self._routes.find(url) if self._given is None else Route(origin_of(url), None, None)
        pool = await self._pool()
        post = _Post(url, headers, body, connect_timeout)
        response, stale = await self._send(post, pool, route)
        if stale:
            response, _ = await self._send(post, pool, route)
        if isinstance(response, Exception):
            raise response
        failure = _turned_away(response, route)
        if failure is not None:
            response.abort()
            raise failure
        return response

    async def aclose(self) -> None:
        """Close the session of the running event loop. The transport can still be used."""
        if self._given is not None:
            self._given.abort_lingering()
        with self._lock:
            entry = self._pools.pop(asyncio.get_running_loop(), None)
        if entry is not None:
            await entry[1].aclose()

    async def _send(
        self, post: _Post, pool: _Pool, route: Route
    ) -> tuple[Response | Exception, bool]:
        """One try: the response or the failure, and whether a kept connection was to blame.

        The failure is returned, to be raised where aiohttp's error is no longer its context: that
        one holds the headers, and so the key.
        """
        import aiohttp

        from .connections import connecting_within

        _attempt.set(attempt := _Attempt())
        response, given = None, pool is self._given
        try:
            within = connecting_within(post.connect_timeout, pool.session, given=given)
            async with within as timeout:
                response = await pool.session.post(
                    post.url,
                    data=post.body if len(post.body) <= _LARGE else io.BytesIO(post.body),
                    headers=post.headers,
                    allow_redirects=False,
                    auto_decompress=False,
                    raise_for_status=False,
                    timeout=timeout,
                    max_line_size=_HEADER_LIMIT,
                    max_field_size=_HEADER_LIMIT,
                    proxy=route.proxy,
                    ssl=route.tls or True,
                )
            return Response(response, pool, route.origin), False
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            stale = attempt.reused and isinstance(error, aiohttp.ServerDisconnectedError | OSError)
            return _head_failure(error, route.origin), stale
        finally:
            if response is None and attempt.transport is not None:
                attempt.transport.abort()
            attempt.transport = None

    async def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        if self._given is not None:
            # Public is only a property that warns.
            if self._given.session._loop is not loop:  # pyright: ignore[reportPrivateUsage]
                raise ConfigError(
                    "session belongs to another event loop; make it and the agent in the one that "
                    "runs, or leave it out: then each loop has its own"
                )
            return self._given
        if loop in self._pools:
            return self._pools[loop][0]
        from .connections import new_session

        pool = _Pool(new_session(_tell))
        janitor = _janitor(pool, loop, self._pools)
        with self._lock:
            dead = [known for known in self._pools if known.is_closed()]
            buried = [self._pools.pop(known)[0] for known in dead]
            self._pools[loop] = pool, janitor
        await anext(janitor)
        for ended in buried:
            await ended.session.close()
        return pool


async def _janitor(
    pool: _Pool, loop: asyncio.AbstractEventLoop, pools: dict[asyncio.AbstractEventLoop, _Entry]
) -> AsyncGenerator[None, None]:
    """Waits for its loop to end: that finishes all asynchronous generators before it closes."""
    try:
        yield
    finally:
        if loop in pools and pools[loop][0] is pool:
            del pools[loop]
        pool.abort_lingering()
        await pool.session.close()
        # A closed socket is let go in the next turn of the loop.
        await asyncio.sleep(0)


def _turned_away(response: Response, route: Route) -> ProviderError | None:
    """What an answer means that is none to the request; None: the server's own."""
    if response.status == 407 and route.proxy is not None:
        return _refused_by_proxy(407, route.origin)
    if 300 <= response.status < 400:
        return error_from_redirect(response.status, response.headers, route.origin)
    return None


def _refused_by_proxy(status: int, origin: str) -> ProviderError:
    what = f"{origin}: the proxy does not connect: status {status}"
    return ProviderError(what, kind="connect", retryable=status >= 500)


def _head_failure(error: Exception, origin: str) -> Exception:
    """The meaning of an error before the head of the answer was complete."""
    import aiohttp

    kind: ErrorKind = "connect"
    match error:
        case aiohttp.InvalidURL():
            return ConfigError(f"{origin}: the URL is not valid")
        case TimeoutError():
            return ProviderError(f"{origin}: no connection in time", kind="timeout.connect")
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return ProviderError(f"{origin}: TLS failed: {_reason(error)}", kind="tls")
        case aiohttp.ClientConnectorDNSError():
            kind, what = "dns", f"the host name was not found: {_reason(error)}"
        case aiohttp.ClientProxyConnectionError():
            what = f"the proxy cannot be reached: {_reason(error)}"
        case aiohttp.ClientConnectorError():
            what = f"no connection: {_reason(error)}"
        case aiohttp.ClientHttpProxyError(status=status):
            return _refused_by_proxy(status, origin)
        case aiohttp.ClientResponseError():
            return _not_http(error, error.message, origin)
        case UnicodeError():
            return ProviderError(f"{origin}: the host name cannot be encoded", kind="dns")
        case aiohttp.ClientError() | OSError():
            kind, what = "incomplete", "the connection was lost before the answer began"
        case _:
            return ConfigError(f"{origin}: the request cannot be sent: {clean(str(error))[:200]}")
    return ProviderError(f"{origin}: {what}", kind=kind, retryable=True)


def _body_failure(error: Exception, protocol: ResponseHandler | None, origin: str) -> ProviderError:
    from aiohttp.http_exceptions import HttpProcessingError

    for told in (error, protocol.exception() if protocol is not None else None):
        if isinstance(told, HttpProcessingError):
            return _not_http(told, told.message, origin)
    what = f"{origin}: the connection was lost before the answer ended"
    return ProviderError(what, kind="incomplete", retryable=True)


def _not_http(error: BaseException, message: str, origin: str) -> ProtocolError:
    from aiohttp.http_exceptions import LineTooLong

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, LineTooLong):
        cause = cause.__cause__
    what = f"{origin}: the answer is not valid HTTP: {clean(message)[:200]}"
    return ProtocolError(what, retryable=cause is None)


def _reason(error: Exception) -> str:
    """The operating system's or OpenSSL's words; aiohttp's own name objects, not reasons."""
    cause = error.__cause__ or error
    words = cause.strerror if isinstance(cause, OSError) else None
    return clean(words or str(cause) or type(cause).__name__)[:200]
