"""A network in virtual time: carries requests to servers that a seed decides on, without sockets.

Units: seconds of the running event loop, bytes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from cascadeflow.errors import ProtocolError, ProviderError
from cascadeflow.providers.failures import error_from_redirect
from cascadeflow.providers.wire import WireResponse

from .replies import UNREACHED, Reply, reply


class Exchange:
    """One request as the server saw it."""

    def __init__(self, query: int, label: str, tier: int, made: Reply) -> None:
        self.query = query
        self.label = label
        self.tier = tier
        self.reply = made
        self.arrived = _now()
        self.told_at: float | None = None
        """When the head, or the failure in its place, was told."""
        self.content_at = self.arrived
        """When the last piece of content was read."""
        self.plain = 0
        """Uncompressed bytes that were read, at most."""
        self.closed_at: float | None = None
        self.cancelled = False
        """The caller left before there was a head."""

    @property
    def finished(self) -> bool:
        """The model's reason to end may have been read."""
        at = self.reply.finish_at
        return at is not None and self.plain >= at

    def took(self, plain: int) -> None:
        """The body was read up to here."""
        if any(self.plain < at <= plain for at in self.reply.content_at):
            self.content_at = _now()
        self.plain = plain

    def close(self) -> None:
        """The connection is given up, or given back."""
        if self.closed_at is None:
            self.closed_at = _now()


class Body:
    """A response whose body is read as the plan says."""

    def __init__(self, exchange: Exchange) -> None:
        self.status = exchange.reply.status
        self.headers: Mapping[str, str] = exchange.reply.headers
        self._exchange = exchange
        self._reads = iter(exchange.reply.reads)

    async def read(self) -> bytes:
        """The next read of the plan, then its end."""
        read = next(self._reads, None)
        if read is None:
            return await self._end()
        if read.delay:
            await asyncio.sleep(read.delay)
        self._exchange.took(read.plain)
        return read.data

    async def _end(self) -> bytes:
        lost = "sim: the connection was lost before the answer ended"
        match self._exchange.reply.end:
            case "eof":
                return b""
            case "cut":
                raise ProviderError(lost, kind="incomplete", retryable=True)
            case "framing":
                raise ProtocolError("sim: the answer is not valid HTTP", retryable=True)
            case "stall":
                await asyncio.get_running_loop().create_future()
                return b""
            case "pings":
                await asyncio.sleep(0.4)
                # No blank line: it would end an event that was cut.
                return b": ping\n"

    def release(self) -> None:
        """The answer is whole."""
        self._exchange.close()

    def close(self) -> None:
        """It is not."""
        self._exchange.close()


class SimulatedWire:
    """A `Wire` to servers whose every reply follows from the seed.

    A reply depends on the seed, the query (header `x-query`) and how many requests of the query
    came before, not on the order in which concurrent queries get their turn.

    Args:
        seed: of everything.
        key: the credential that no one may see.
        weather: probability of a fault, for each request.
        dialects: of the tiers; a tier's address is `http://tier-<n>`.
    """

    def __init__(self, seed: int, key: str, weather: float, dialects: tuple[str, ...]) -> None:
        self._seed = seed
        self._key = key
        self._weather = weather
        self._dialects = dialects
        self._requests: dict[int, int] = {}
        self.exchanges: list[Exchange] = []

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        connect_timeout: float | None = None,
    ) -> WireResponse:
        """Tell what comes of a request, after its time."""
        exchange = self._begin(url, int(headers["x-query"]), json.loads(body))
        try:
            await self._reach(exchange, connect_timeout)
        except asyncio.CancelledError:
            exchange.cancelled = True
            exchange.close()
            raise
        except ProviderError:
            exchange.told_at = _now()
            exchange.close()
            raise
        exchange.told_at = _now()
        return Body(exchange)

    def _begin(self, url: str, query: int, body: dict[str, Any]) -> Exchange:
        tier = int(url.partition("//tier-")[2][0])
        number = self._requests[query] = self._requests.get(query, 0) + 1
        label = f"q{query}a{number:02d}"
        made = reply(
            Random(f"{self._seed} {label}"),
            label,
            self._dialects[tier],
            self._key,
            calling="tools" in body,
            weather=self._weather,
        )
        self.exchanges.append(Exchange(query, label, tier, made))
        return self.exchanges[-1]

    async def _reach(self, exchange: Exchange, connect_timeout: float | None) -> None:
        made = exchange.reply
        if made.fault == "slow-connect":
            await asyncio.sleep(60.0 if connect_timeout is None else connect_timeout)
            raise ProviderError("sim: no connection in time", kind="timeout.connect")
        await asyncio.sleep(made.head_delay)
        if made.fault == "hang":
            await asyncio.get_running_loop().create_future()
        if made.fault in UNREACHED:
            kind = UNREACHED[made.fault]
            raise ProviderError(f"sim: {made.fault}", kind=kind, retryable=kind != "tls")
        if made.fault == "redirect":
            headers = {"location": f"http://elsewhere.example/?key={self._key}"}
            raise error_from_redirect(307, headers, "http://sim")


def _now() -> float:
    return asyncio.get_running_loop().time()
