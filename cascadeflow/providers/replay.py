"""Answers from a recording, without a network.

    CascadeAgent(models, wire=Replay("calls.jsonl"))

Units: seconds since the request, on the clock of the event loop.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..errors import ConfigError, ProviderError
from .record import Exchange, asked
from .wire import Headers, Wire, WireResponse


class Replay:
    """Plays a recording in the place of a network.

    The n-th request gets the n-th answer that was recorded for the same model and body; another
    request is an error that says so. Addresses and keys may differ.

    Args:
        path: of a file that `Recording` wrote.
        timing: take as long as it took; without, everything comes at once.
        exact: False: the n-th request to a model gets its n-th answer, whatever it asks.

    Raises:
        ConfigError: the file cannot be read, or is no recording.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, timing: bool = False, exact: bool = True
    ) -> None:
        self.path = Path(path)
        self._timing = timing
        self._exact = exact
        self._recorded: defaultdict[str, deque[Exchange]] = defaultdict(deque)
        for exchange in _read(self.path):
            self._recorded[self._key(exchange)].append(exchange)

    @property
    def unplayed(self) -> int:
        """Recorded answers that nobody has asked for yet."""
        return sum(map(len, self._recorded.values()))

    def __call__(self, wire: Wire) -> Wire:
        """Itself; `wire` is not used."""
        return self

    async def post(
        self, url: str, *, headers: Headers, body: bytes, connect_timeout: float | None = None
    ) -> WireResponse:
        """The recorded head.

        Raises:
            ConfigError: nothing was recorded for this request, or not so often.
            ProviderError: this was.
        """
        wanted = asked(body)
        try:
            exchange = self._recorded[self._key(wanted)].popleft()
        except IndexError:
            model, queues = wanted.model, self._recorded.values()
            left = sum(each.model == model for queue in queues for each in queue)
            raise ConfigError(
                f"{self.path} holds no further answer to this request to {model!r}; "
                f"{left} of its answers are left, to other requests. The same query and settings "
                "make the same request; Replay(exact=False) plays the answers of a model in their "
                "order"
            ) from None
        response = _Played(exchange, self._timing)
        await response.head()
        return response

    def _key(self, exchange: Exchange) -> str:
        return f"{exchange.model} {exchange.digest}" if self._exact else exchange.model


class _Played:
    """A response from a recording."""

    def __init__(self, exchange: Exchange, timing: bool) -> None:
        self.status = exchange.status or 0
        self.headers: Headers = exchange.headers
        self._exchange = exchange
        self._reads = iter(exchange.reads)
        self._timing = timing
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    async def head(self) -> None:
        """Return when the head had come.

        Raises:
            ProviderError: it had not.
        """
        if self._exchange.status is None:
            await self._end()
        await self._until(self._exchange.head)

    async def read(self) -> bytes:
        """The next read of the body."""
        for at, text in self._reads:
            await self._until(at)
            return text.encode("latin-1")
        await self._end()
        return b""

    def release(self) -> None:
        """There is no connection to keep."""

    def close(self) -> None:
        """There is no connection to close."""

    async def _end(self) -> None:
        exchange = self._exchange
        if exchange.end == "left" and self._timing:
            await self._loop.create_future()  # silence, for a deadline to end as it did then
        await self._until(exchange.ended)
        if exchange.failure is not None:
            raise exchange.failure.error()
        if exchange.end == "left":
            raise ProviderError(
                f"the recording ends here: after {exchange.ended:g} s nobody listened any more",
                kind="incomplete",
            )

    async def _until(self, seconds: float) -> None:
        """Wait as long as it took; at least the others have their turn."""
        left = self._began + seconds - self._loop.time() if self._timing else 0.0
        await asyncio.sleep(max(0.0, left))


def _read(path: Path) -> Iterator[Exchange]:
    """The exchanges of a file; a last line that was cut off is no exchange."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or number == len(lines):
            continue
        try:
            yield msgspec.json.decode(line, type=Exchange)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"{path}, line {number}: {error}; it must be a recording of "
                "cascadeflow.providers.record"
            ) from None
