"""Undo a response's content coding, incrementally and within bounds. No I/O.

What arrives is inflated at once, so that text flows while the stream is still open; what came
before the byte that breaks a coding is given out, however the bytes were cut. What follows the end
is not read. A coding the standard library cannot undo is refused, and so are gzip bytes that nobody
announced.

Units: bytes. Bounds: an inflated response of 64 MiB, and a ratio of 100:1 once it holds 1 MiB.
Sources: RFC 9110 section 8.4 (codings), RFC 1952 (gzip, several members), RFC 1950 and 1951
(deflate: with the zlib wrapper as specified, or without as some servers send it).
"""

from __future__ import annotations

import contextlib
import zlib

from ..errors import ProtocolError

LIMIT = 64 * 1024 * 1024
"""Longest response after inflation."""
FREE = 1024 * 1024
"""Below this, any ratio is allowed: short repetitive answers compress well."""
RATIO = 100
"""Most inflated bytes for each byte received, beyond `FREE`."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15
"""`wbits` of `zlib.decompressobj` for each container."""


class Decompressor:
    """Takes the bytes of one response. This one leaves them as they are, and counts them."""

    def __init__(self) -> None:
        self.failure: ProtocolError | None = None
        """The coding is broken: `feed` gave out what came before that, and `end` raises it."""
        self._head: bytes = b""
        """Too few bytes to know by what follows."""
        self._received: int = 0

    def feed(self, data: bytes) -> bytes:
        """The plain bytes that `data` completes; may be empty.

        Raises:
            ProtocolError: kind `decode` if the coding was broken, `protocol` if a bound is passed.
        """
        if len(self._head) < 2:
            self._head = (self._head + data[:2])[:2]
            if self._head == _GZIP_MAGIC:
                raise ProtocolError(
                    "the response is gzip, but has no content-encoding header that says so",
                    kind="decode",
                    retryable=True,
                )
        self._received += len(data)
        if self._received > LIMIT:
            raise _too_long()
        return data

    def end(self) -> bytes:
        """The response is over: nothing is left.

        Raises:
            ProtocolError: kind `incomplete` if the coding was not, `decode` if it is broken.
        """
        return b""  # nothing can be missing: plain bytes have no end of their own


def decompressor(content_encoding: str) -> Decompressor:
    """Make the decompressor for the value of a `content-encoding` header, which may be empty.

    Raises:
        ProtocolError: kind `decode`; the coding is none of gzip, deflate and identity.
    """
    codings = [word.strip().lower() for word in content_encoding.split(",")]
    match [word for word in codings if word not in ("", "identity")]:
        case []:
            return Decompressor()
        case ["gzip" | "x-gzip"]:
            return _Inflater(_GZIP)
        case ["deflate"]:
            return _Inflater(None)
        case _:
            raise ProtocolError(
                f"the response has the content-encoding {content_encoding[:80]!r}; "
                "it must be gzip, deflate or identity",
                kind="decode",
            )


class _Inflater(Decompressor):
    """gzip, zlib or raw deflate.

    Args:
        wbits: the container; None: zlib or raw, to be seen from the first two bytes.
    """

    def __init__(self, wbits: int | None) -> None:
        super().__init__()
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits) if wbits is not None else None
        self._over = False
        """Something followed the end that is no part of the answer; nor is what follows that."""
        self._given = 0

    def feed(self, data: bytes) -> bytes:
        if self.failure is not None:
            raise self.failure
        self._received += len(data)
        if self._wbits is None:
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return b""
            # RFC 1950, section 2.2: method 8, a window of at most 32 KiB, a check sum modulo 31.
            zlib_header = data[0] & 0x8F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._wbits = _ZLIB if zlib_header else _RAW
            self._stream = zlib.decompressobj(self._wbits)
        pieces: list[bytes] = []
        while data and not self._over:
            plain, data = self._member(data)
            pieces.append(plain)
        return b"".join(pieces)

    def _member(self, data: bytes) -> tuple[bytes, bytes]:
        """Inflate up to the end of the gzip member at hand; also what follows it."""
        if self._stream is None:
            # Zeros, a line end, whatever: all but another member is no part of the answer.
            data, self._head = (self._head + data).lstrip(b"\0"), b""
            if self._wbits != _GZIP or not data.startswith(_GZIP_MAGIC):
                self._head = data if data == _GZIP_MAGIC[:1] else b""
                self._over = data != self._head
                return b"", b""
            self._stream = zlib.decompressobj(_GZIP)
        stream = self._stream
        room = min(LIMIT, max(FREE, RATIO * self._received)) - self._given
        before = stream.copy()
        try:
            plain = stream.decompress(data, room + 1)
        except zlib.error as error:
            self.failure = ProtocolError(
                f"the compressed response is broken: {error}", kind="decode", retryable=True
            )
            # What it holds before the byte that breaks it; no more than the bound that was kept.
            found = bytearray()
            with contextlib.suppress(zlib.error):
                for at in range(len(data)):
                    found += before.decompress(data[at : at + 1])
            plain = bytes(found)
        if len(plain) > room:
            raise _too_long()
        self._given += len(plain)
        if stream.eof:
            self._stream = None
        return plain, b"" if self.failure else stream.unused_data

    def end(self) -> bytes:
        if self.failure is not None:
            raise self.failure
        if self._stream is not None and self._received:
            raise ProtocolError(
                "the compressed response ended too early", kind="incomplete", retryable=True
            )
        return b""


def _too_long() -> ProtocolError:
    return ProtocolError(
        f"the response is longer than allowed: at most {LIMIT} bytes, and once it holds {FREE} "
        f"bytes at most {RATIO} for each compressed byte"
    )
