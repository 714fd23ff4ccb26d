"""Server-sent events, decoded without I/O.

Bytes in, events out; any split of the same bytes gives the same events, in linear time. Lines end
with LF, CR or CRLF; a byte order mark at the very start is skipped. `id` and `retry` concern
reconnection and are ignored, as are comments and unknown fields. Two departures: older servers of
llama.cpp write `error: {...}` in place of the two lines of an event of type error; and a line whose
name can be none, `{"error": ...}` or stray bytes before `data:`, is data if it ends as JSON does,
for it may have been a piece of the answer. An event that no empty line closed before the end of the
stream is dropped.

Ordinary events, one line `data: ...` and an empty line each, are given out as one run.

Units: bytes.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ..errors import ProtocolError

_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(rb"[\w.-]*")
_CR, _LF = b"\r\n"
"""As numbers: `in` then looks for a byte, not for a part."""


class SSE(msgspec.Struct, gc=False):
    """Consecutive events of one type, at least one."""

    event: str
    """Their type; empty if none was given."""
    data: list[bytes]
    """Of each event, the `data` lines joined with LF, as they came: not decoded."""


class SSEDecoder:
    """The parser of one stream.

    Args:
        limit: longest line and longest event in bytes; memory stays below about twice that.
    """

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._limit = limit
        self._start: bytes | None = b""
        """What came while it could still become a byte order mark; None after that."""
        self._after_cr = False
        self._tail = bytearray()
        """The line that has not ended yet."""
        self._event = ""
        self._data: bytes | bytearray | None = None
        """Data of the event that has not ended yet; it can grow from its second line on."""

    def feed(self, chunk: bytes) -> Iterator[SSE]:
        """Yield the events that `chunk` completes. The iterator must be read to its end.

        Raises:
            ProtocolError: a line or an event is longer than the limit. The events before it have
                been yielded.
        """
        if self._start is not None:
            chunk = self._without_bom(chunk)
        if self._after_cr or _CR in chunk:
            chunk = self._with_lf(chunk)
        if _LF not in chunk:
            self._hold(chunk)
            return
        if self._tail:
            self._tail += chunk
            chunk = bytes(self._tail)
            self._tail = bytearray()
        lines = chunk.split(b"\n")
        tail = lines.pop()
        between = self._data is None and not self._event
        if between and len(chunk) <= self._limit and (data := _ordinary(lines)):
            yield SSE("", data)
        else:
            yield from self._read(lines)
        self._hold(tail)

    def _read(self, lines: list[bytes]) -> Iterator[SSE]:
        for line in lines:
            if line:
                self._field(line)
                continue
            if self._data is not None:
                yield SSE(self._event, [bytes(self._data)])
                self._data = None
            self._event = ""

    def _without_bom(self, chunk: bytes) -> bytes:
        start = (self._start or b"") + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _with_lf(self, chunk: bytes) -> bytes:
        """A CR ends its line at once; the LF that may follow in the next chunk belongs to it."""
        if not chunk:
            return chunk
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        # An empty rest is the LF of a CRLF: another LF would be a line end of its own.
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _hold(self, part: bytes) -> None:
        if part:
            self._tail += part
            self._check("a line", len(self._tail))

    def _field(self, line: bytes) -> None:
        self._check("a line", len(line))
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"error" and value.startswith(b"{") and self._data is None:
            self._event, self._data = "error", value
        elif name == b"data":
            self._add(value)
        elif not _NAME.fullmatch(name) and line.endswith(b"}"):
            self._add(line)

    def _add(self, value: bytes) -> None:
        if self._data is None:
            self._data = value
            return
        if isinstance(self._data, bytes):
            self._data = bytearray(self._data)
        self._data += b"\n" + value
        self._check("an event", len(self._data))

    def _check(self, what: str, size: int) -> None:
        if size > self._limit:
            raise ProtocolError(
                f"the server sent {what} of more than {self._limit} bytes, the longest allowed"
            )


def _ordinary(lines: list[bytes]) -> list[bytes]:
    """The data of events that are all one line of data and an empty one; empty if one is not."""
    data = [line[6:] for line in lines[::2] if line.startswith(b"data: ")]
    return data if 2 * len(data) == len(lines) and not any(lines[1::2]) else []
