"""Writes down what servers send, byte for byte: for tests, and to report a fault.

    CascadeAgent(models, wire=Recording("calls.jsonl"))

It stands below the providers, and `replay.py` in the same place: what is replayed is decoded as it
was. A file has one line of JSON for each exchange, written when it ends: what a crash leaves is
whole. Of the request it holds the model and a digest of the body, of the response's headers only
those in `KEPT`; nobody's credentials, also where a server echoes them: there are asterisks instead.
It does hold the answers, so it is its owner's alone.

Units: seconds since the request, on the clock of the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Awaitable
from itertools import islice
from typing import Literal

import msgspec

from ..appending import LineFile
from ..errors import ErrorKind, ProtocolError, ProviderError
from .decompress import decompressor
from .failures import REQUEST_IDS
from .redact import mask, scrub, secrets_of
from .wire import Headers, Wire, WireResponse

KEPT = frozenset((
    "content-type", "content-encoding", "date", "retry-after", "retry-after-ms", "x-should-retry",
    *REQUEST_IDS,
))  # fmt: skip
"""Headers of a response that are recorded: those that are read."""

logger = logging.getLogger("cascadeflow")


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `ProviderError` of the transport."""

    kind: ErrorKind
    message: str
    status: int | None = None
    retryable: bool = False

    def error(self) -> ProviderError:
        """The same anew."""
        kind = ProtocolError if self.kind == "protocol" else ProviderError
        return kind(self.message, kind=self.kind, status=self.status, retryable=self.retryable)


class Exchange(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request and what came of it: a line of the file."""

    model: str
    digest: str
    """SHA-256 of the body of the request."""
    status: int | None = None
    """None: there was no head of an answer."""
    headers: dict[str, str] = {}
    head: float = 0.0
    """When the head had come."""
    reads: list[tuple[float, str]] = []
    """When each read of the body returned, and its bytes as latin-1."""
    end: Literal["whole", "failed", "left"] = "left"
    """left: whoever read it did not wait for the end."""
    ended: float = 0.0
    failure: Failure | None = None

    def mask(self, secrets: tuple[str, ...]) -> None:
        """Put asterisks where a credential shows, also inside a compressed body."""
        self.headers = {name: mask(value, secrets) for name, value in self.headers.items()}
        body = "".join(text for _, text in self.reads)
        try:
            coding = decompressor(self.headers.get("content-encoding", ""))
            plain = coding.feed(body.encode("latin-1")).decode("latin-1")
        except ProviderError:
            plain = body
        masked = mask(plain, secrets)
        if masked == plain:
            return
        if plain != body:
            del self.headers["content-encoding"]
            self.reads = [(self.reads[-1][0], masked)]
            return
        rest = iter(masked)
        self.reads = [(at, "".join(islice(rest, len(text)))) for at, text in self.reads]


class Recording:
    """Writes every exchange of an agent to a file; one that is there already is continued.

    Args:
        path: of a JSONL file; its directory must exist.

    Raises:
        ConfigError: the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._lines = LineFile(path, 1 << 60)  # one file, however long
        self._warned = False

    def __call__(self, wire: Wire) -> Wire:
        """The same wire, recorded."""
        return _Recorded(wire, self)

    def write(self, exchange: Exchange) -> None:
        """Append an exchange. What the disk does wrong is told once, and costs no answer."""
        try:
            self._lines.append(msgspec.json.encode(exchange))
        except OSError as error:
            if not self._warned:
                logger.warning("not recorded in %s: %s", self._lines.path, error.strerror or error)
            self._warned = True

    def close(self) -> None:
        """Close the file; what is written later opens it again."""
        self._lines.close()


class _Recorded:
    """A wire whose exchanges are written down."""

    def __init__(self, wire: Wire, recording: Recording) -> None:
        self._wire = wire
        self._recording = recording

    async def post(
        self, url: str, *, headers: Headers, body: bytes, connect_timeout: float | None = None
    ) -> WireResponse:
        tapped = _Tapped(asked(body), secrets_of(url, headers), self._recording)
        return await tapped.opened(
            self._wire.post(url, headers=headers, body=body, connect_timeout=connect_timeout)
        )


class _Tapped:
    """A response that is noted down as it is read."""

    status: int
    headers: Headers

    def __init__(self, exchange: Exchange, secrets: tuple[str, ...], recording: Recording) -> None:
        self._exchange = exchange
        self._secrets = secrets
        self._recording = recording
        self._written = False
        self._response: WireResponse
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    async def opened(self, posted: Awaitable[WireResponse]) -> WireResponse:
        """Itself, once the head has come; what becomes of the request else is noted too."""
        try:
            self._response = await posted
        except (ProviderError, asyncio.CancelledError) as error:
            if isinstance(error, ProviderError):
                self._fail(error)
            self._write()
            raise
        self.status, self.headers = self._response.status, self._response.headers
        exchange = self._exchange
        exchange.status, exchange.head = self.status, self._now()
        exchange.headers = {name: self.headers[name] for name in KEPT if name in self.headers}
        return self

    async def read(self) -> bytes:
        """The next read of the body."""
        try:
            data = await self._response.read()
        except ProviderError as error:
            self._fail(error)
            raise
        if data:
            self._exchange.reads.append((self._now(), data.decode("latin-1")))
        else:
            self._exchange.end = "whole"
        return data

    def release(self) -> None:
        """Nothing more is wanted of the body."""
        self._response.release()
        self._exchange.end = "whole"

    def close(self) -> None:
        """It is over: write it down."""
        self._response.close()
        self._write()

    def _fail(self, error: ProviderError) -> None:
        message = scrub(error.message, self._secrets)
        self._exchange.end = "failed"
        self._exchange.failure = Failure(error.kind, message, error.status, error.retryable)

    def _write(self) -> None:
        if not self._written:
            self._written = True
            self._exchange.ended = self._now()
            self._exchange.mask(self._secrets)
            self._recording.write(self._exchange)

    def _now(self) -> float:
        return round(self._loop.time() - self._began, 6)


class _Body(msgspec.Struct):
    model: str = ""


def asked(body: bytes) -> Exchange:
    """The beginning of an exchange: what was asked."""
    try:
        model = msgspec.json.decode(body, type=_Body).model
    except msgspec.DecodeError:
        model = ""
    return Exchange(model=model, digest=hashlib.sha256(body).hexdigest())
