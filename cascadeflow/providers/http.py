"""A provider that is an HTTP server: request out, deltas in.

    encode ─▶ Transport.post ─▶ Decompressor ─▶ SSEDecoder ─▶ Decoder ─▶ one batch for each read

What a server sends is taken for what it is, not for what it is called: events under another
content type are read (with a warning), so is one JSON object in place of a stream; a page of HTML
is an error, never an empty answer. After the model's finish a broken or silent connection, or an
error, costs nothing any more. The connection is kept if the server ends its answer properly, else
closed at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from .. import __version__
from ..errors import ProtocolError, ProviderError
from ..types import Delta, Request, Started, Stop, UsageDelta
from . import anthropic, openai_chat, responses
from .address import check_headers
from .body import encode_body
from .decompress import decompressor
from .excerpt import clean, excerpt, html_text
from .failures import error_from_status, request_id
from .network import Direct
from .redact import Hidden, scrub, secrets_of
from .sse import SSE, SSEDecoder

if TYPE_CHECKING:
    from .catalog import Server
    from .wire import Wire, WireResponse

_ERROR_BODY = 64 * 1024
"""Bytes read of the body of an error."""
_ERROR_SECONDS = 1.0
"""How long that may take: the status is known already."""
TRAIL = 1.0
"""Seconds to wait for token counts and end marker once the model has said why it ended."""
LONG_TRAIL = 5.0
"""The same if it said so beside a piece of the answer: some servers do with every piece."""
_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How a stream of events can begin."""

_UNSAID = (UsageDelta, Stop)

Form: TypeAlias = Literal["events", "json", "html", "unknown"]
"""What a body turns out to be."""


class Decoder(Protocol):
    """Makes deltas of the events of one answer. Pure."""

    finished: bool
    """The model said why it ended: usage and the end marker follow. More of the answer takes it
    back."""
    passing: bool
    """It said so beside a piece of the answer."""
    done: bool
    """The end marker was seen: nothing more is to be read."""

    def feed(self, events: SSE, out: list[Delta]) -> None:
        """Append the deltas of `events` to `out`; never a `Stop`. Nothing is read once `done`.

        Raises:
            ProviderError: an event is an error. What `out` holds is delivered first.
        """
        ...

    def end(self) -> Stop:
        """The body ended, or the end marker came. Reason None: no finish was seen."""
        ...

    def whole(self, body: bytes, out: list[Delta]) -> None:
        """Append the deltas of an answer that came as one JSON text; then `end` gives its `Stop`.

        Raises:
            ProviderError: it is an error object, or no answer.
        """
        ...


class Dialect(NamedTuple):
    """How a server is spoken to."""

    encode: Callable[[str, Request, Server], Mapping[str, Any]]
    """The fields of the JSON body."""
    decoder: Callable[[Server], Decoder]
    """Made anew for each answer."""


DIALECTS: Mapping[str, Dialect] = {
    "chat": Dialect(openai_chat.encode, openai_chat.Decoder),
    "messages": Dialect(anthropic.encode, anthropic.Decoder),
    "responses": Dialect(responses.encode, responses.Decoder),
}
"""By `Server.dialect`."""


class HTTPProvider:
    """A `Provider` on the other side of a network.

    Args:
        server: what is particular about it.
        url: where requests are posted, path included; or tells it at each request.
        headers: sent with each request; credentials among them are never shown.
        transport: carries the requests; shared, and not closed here.
        dialect: None: the one that `server` names.

    Raises:
        ConfigError: a header cannot be sent.
    """

    def __init__(
        self,
        server: Server,
        *,
        url: str | Callable[[], str],
        headers: Mapping[str, str],
        transport: Wire,
        dialect: Dialect | None = None,
    ) -> None:
        self._server = server
        self._where = Hidden(url) if isinstance(url, str) else url
        self._transport = transport
        self._dialect = dialect or DIALECTS[server.dialect]
        self._headers = {
            "accept": "text/event-stream, application/json",
            # Compressing tokens as they trickle gains nothing, and proxies hold them back.
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": f"cascadeflow/{__version__}",
            **check_headers(headers, where=server.name),
        }
        self._secrets = secrets_of(self._url(), self._headers)

    def __repr__(self) -> str:
        return f"<HTTPProvider {self._server.name}>"

    def _url(self) -> str:
        url = self._where if isinstance(self._where, str) else self._where()
        return Direct(url) if self._server.embedded else Hidden(url)

    async def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
        """Ask `model`. The first batch is a `Started`, the last delta a `Stop`.

        Raises:
            ConfigError: the request cannot be expressed or sent; nothing was.
            ProviderError: the model could not answer. Deltas may already have been yielded.
        """
        fields = self._dialect.encode(model, request, self._server)
        body = encode_body(fields, request.extra)
        url = self._url()
        headers, secrets = self._headers, self._secrets
        if request.headers:
            own = check_headers(request.headers, where=f"{self._server.name}/{model}")
            headers = {**headers, **own}
            secrets = secrets_of(url, headers)
        ident: str | None = None
        try:
            response = await self._transport.post(
                url, headers=headers, body=body, connect_timeout=request.connect_timeout
            )
            try:
                ident = scrub(request_id(response.headers) or "", secrets) or None
                await _check_status(response)
                answer = _Answer(response, self._dialect.decoder(self._server), secrets)
                yield [Started(ident)]
                while batch := await answer.batch():
                    yield batch
            finally:
                response.close()
        except ProviderError as error:
            self._sign(error, model, ident, secrets)
            raise

    def _sign(
        self, error: ProviderError, model: str, ident: str | None, secrets: Sequence[str]
    ) -> None:
        """Say who failed; take out what the server echoed of the credentials."""
        error.message = scrub(error.message, secrets)
        error.args = (error.message,)
        error.provider = error.provider or self._server.name
        error.model = error.model or model
        error.request_id = scrub(error.request_id or "", secrets) or ident


class _Answer:
    """Reads the body of one successful response.

    Raises:
        ProtocolError: it has a content coding that cannot be undone.
    """

    def __init__(self, response: WireResponse, decoder: Decoder, secrets: Sequence[str]) -> None:
        self._response = response
        self._decoder = decoder
        self._secrets = secrets
        self._decompressor = decompressor(response.headers.get("content-encoding", ""))
        self._typed = response.headers.get("content-type", "").partition(";")[0].strip()
        """As it came, for an echoed credential is found in its own letters only."""
        self._form: Form | None = None
        self._sse = SSEDecoder()
        self._held = bytearray()
        """The body up to now: while its form is not known, and if it is one JSON text."""
        self._said = False
        self._until: float | None = None
        """When the wait for what follows the finish ends, by the loop's clock."""
        self._over = False
        self._failure: ProviderError | None = None
        self._warnings: list[str] = []

    async def batch(self) -> list[Delta]:
        """The deltas of the next read that holds any; the last batch ends with the `Stop`.

        After that it is empty.

        Raises:
            ProviderError: the answer failed; what came before has been given out.
        """
        out: list[Delta] = []
        while not (out or self._over):
            # No frame of a failure may hold what the server sent: not this one, nor the decoder's.
            raw = chunk = b""
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            try:
                if not self._decompressor.failure:
                    late = self._decoder.finished
                    raw = await (self._trail() if late else self._response.read())
                chunk = self._decompressor.feed(raw) if raw else self._decompressor.end()
            except ProviderError as error:
                # A bound that is passed is no accident, and stays an error.
                if not (self._decoder.finished and error.retryable):
                    self._failure = error
                    continue
                self._warn_late(error)
                raw = b""
            if chunk or not raw:
                self._advance(chunk, out)
        return out

    def _advance(self, chunk: bytes, out: list[Delta]) -> None:
        """Append the deltas of a read, none at the end; how it fails is kept for later."""
        try:
            if chunk:
                self._take(chunk, out)
            if not chunk or self._decoder.done:
                self._end(out)
        except ProviderError as error:
            if self._decoder.finished and error.kind != "protocol":
                self._warn_late(error)
                self._end(out)
            else:
                self._failure = error
        if not self._said or self._until is not None:
            said = any(not isinstance(delta, _UNSAID) for delta in out)
            self._said = self._said or said
            self._until = None if said else self._until

    async def _trail(self) -> bytes:
        """What still comes after the model's finish.

        One deadline for all of it, whatever a proxy sends to keep the connection; only a piece of
        the answer sets it anew.
        """
        seconds = LONG_TRAIL if self._decoder.passing else TRAIL
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(self._until):
                return await self._response.read()
        except TimeoutError:
            silent = f"no end marker within {seconds:g} s"
            raise ProviderError(silent, kind="incomplete", retryable=True) from None

    def _warn_late(self, error: ProviderError) -> None:
        self._warnings.append(f"after the end of the answer: {error.message}")

    def _take(self, chunk: bytes, out: list[Delta]) -> None:
        if self._form != "events":
            self._held += chunk
            if self._form is None:
                # Some servers pad the beginning against proxies that hold a response back.
                self._held = self._held.removeprefix(_BOM).lstrip(b" \t\r\n")
                self._form = form_of(bytes(self._held[:512]), self._typed)
                self._check_form()
            if self._form != "events":
                return
            chunk, self._held = bytes(self._held), bytearray()
        decoder = self._decoder
        for events in self._sse.feed(chunk):
            decoder.feed(events, out)
            if decoder.done:
                break

    def _check_form(self) -> None:
        if self._form == "html":
            raise ProtocolError(
                "the server sent a page of HTML instead of an answer: "
                f"{excerpt(html_text(bytes(self._held)))}"
            )
        if self._form == "unknown":
            raise ProtocolError(
                f"the server sent {self._shown() or 'no content type'!r} beginning with "
                f"{clean(bytes(self._held[:80]).decode('utf-8', 'replace'))!r}; "
                "it must be server-sent events or JSON"
            )

    def _shown(self) -> str:
        """The content type without credentials; cut after that, for a part of one may be short."""
        return scrub(self._typed, self._secrets)[:80]

    def _end(self, out: list[Delta]) -> None:
        """Append the `Stop`."""
        if self._form is None and self._held:
            self._form = form_of(bytes(self._held), self._typed, whole=True)
            self._check_form()
        if self._form == "json":
            self._decoder.whole(bytes(self._held).removeprefix(_BOM), out)
        stop = self._decoder.end()
        said = self._said or any(not isinstance(delta, UsageDelta) for delta in out)
        if stop.reason is None and not said:
            if stop.damaged:
                why = "; ".join(stop.warnings)[:500]
                raise ProtocolError(
                    f"nothing in the answer could be understood: {why}", retryable=True
                )
            raise ProviderError("the server sent an empty answer", kind="empty", retryable=True)
        if stop.usage and said and not (stop.usage.input_tokens and stop.usage.output_tokens):
            # Some servers fill in zeros for what they did not count.
            self._warnings.append("the server counted no tokens of the prompt or of the answer")
            stop.usage = None
        if self._form == "events" and self._typed.lower() != "text/event-stream":
            self._warnings.append(f"server-sent events came as {self._shown()!r}")
        warnings = (*stop.warnings, *self._warnings)
        stop.warnings = tuple(scrub(each, self._secrets) for each in warnings)
        stop.detail = scrub(stop.detail, self._secrets)
        stop.raw_reason = scrub(stop.raw_reason, self._secrets)
        out.append(stop)
        self._over = True
        self._response.release()


def form_of(head: bytes, declared: str, *, whole: bool = False) -> Form | None:
    """What the first bytes of a body say it is; None: more of them are needed.

    Args:
        head: at least one byte.
        declared: content type without parameters; may be empty.
        whole: there are no more bytes.
    """
    text, declared = head.removeprefix(_BOM).lstrip(b" \t\r\n"), declared.lower()
    if not text or _BOM.startswith(head):
        return "events" if whole else None
    if text[:1] in (b"{", b"["):
        return "json"
    if text[:1] == b"<":
        return "html"
    if declared == "text/event-stream" or text.startswith(_FIELDS):
        return "events"
    if not whole and any(field.startswith(text) for field in _FIELDS):
        return None
    return "json" if declared.endswith("json") else "unknown"


async def _check_status(response: WireResponse) -> None:
    """Raise what a status other than success means."""
    if response.status in (204, 205):
        raise ProviderError(
            f"status {response.status}: the server sent no answer",
            kind="empty",
            status=response.status,
            retryable=True,
        )
    if not 200 <= response.status < 300:
        raise error_from_status(
            response.status, response.headers, await _error_body(response), now=time.time()
        )


async def _error_body(response: WireResponse) -> bytes:
    """What a server says about an error; no frame that raises holds it."""
    body = bytearray()
    # A status counts for more than trouble with the words that explain it.
    with contextlib.suppress(ProviderError, TimeoutError):
        plain = decompressor(response.headers.get("content-encoding", ""))
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(body) < _ERROR_BODY and (raw := await response.read()):
                body += plain.feed(raw)
    return bytes(body)
