"""Asking an HTTP provider, and what it told."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from cascadeflow.errors import ProviderError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.http import HTTPProvider
from cascadeflow.providers.transport import Transport
from cascadeflow.types import Delta, Request, Stop, TextDelta

KEY = "sk-canary-0123456789abcdefghij"
ASK: tuple[Mapping[str, Any], ...] = ({"role": "user", "content": "Capital of France?"},)
ENDPOINTS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
ANSWER = "Paris is the capital of France."


class Told(NamedTuple):
    """Everything one stream said."""

    batches: list[list[Delta]]
    error: ProviderError | None

    @property
    def text(self) -> str:
        return "".join(d.text for batch in self.batches for d in batch if isinstance(d, TextDelta))

    @property
    def stop(self) -> Stop:
        assert self.error is None, self.error
        last = self.batches[-1][-1]
        assert isinstance(last, Stop)
        assert sum(isinstance(d, Stop) for batch in self.batches for d in batch) == 1
        return last

    @property
    def failure(self) -> ProviderError:
        assert self.error is not None, self.batches
        assert not any(isinstance(d, Stop) for batch in self.batches for d in batch)
        shown = "".join(traceback.format_exception(self.error))
        assert KEY not in shown + repr(self.error) + str(self.error.request_id)
        return self.error


async def tell(provider: HTTPProvider, model: str, request: Request | None = None) -> Told:
    batches: list[list[Delta]] = []
    try:
        async with aclosing(provider.stream(model, request or Request(messages=ASK))) as stream:
            async for batch in stream:
                assert batch
                batches.append(batch)
    except ProviderError as error:
        return Told(batches, error)
    return Told(batches, None)


def run(body: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await body

    asyncio.run(bounded())


def connect(url: str, name: str = "openai", transport: Transport | None = None) -> HTTPProvider:
    line = CATALOG[name]
    headers = {**line.headers, line.key_header: line.key_prefix + KEY}
    return HTTPProvider(
        line, url=url + ENDPOINTS[name], headers=headers, transport=transport or Transport()
    )
