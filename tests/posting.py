"""Running a test of the transport: a loop of its own, a request, its answer or its error."""

from __future__ import annotations

import asyncio
import gc
import json
import traceback
from collections.abc import Coroutine
from typing import Any

import pytest

from cascadeflow.errors import ProviderError
from cascadeflow.providers.transport import Response, Transport

from .loopback import OK, Peer

KEY = "sk-canary-0123456789abcdefghij"
HEADERS = {"authorization": f"Bearer {KEY}"}


def run(body: Coroutine[Any, Any, None]) -> None:
    """Run in a loop of its own; what is left behind afterwards would warn, and so fail."""

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await body
        # The session of a forgotten transport may be closing, which takes a few turns of the loop.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left or not (await asyncio.wait(left, timeout=1))[1]

    asyncio.run(bounded())
    gc.collect()


def fault_body(fault: str) -> bytes:
    return json.dumps({"model": f"fault:{fault}", "stream": True, "messages": []}).encode()


async def post(transport: Transport, url: str, fault: str = "ok") -> Response:
    return await transport.post(
        f"{url}/v1/chat/completions", headers=HEADERS, body=fault_body(fault), connect_timeout=5
    )


async def fetch(transport: Transport, url: str, body: bytes = b"{}") -> bytes:
    response = await transport.post(url, headers=HEADERS, body=body, connect_timeout=5)
    try:
        return await whole(response)
    finally:
        response.close()


async def whole(response: Response) -> bytes:
    pieces: list[bytes] = []
    while piece := await response.read():
        pieces.append(piece)
    return b"".join(pieces)


async def error_of(awaited: Coroutine[Any, Any, object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await awaited
    error = caught.value
    assert error.__context__ is None
    assert KEY not in "".join(traceback.format_exception(error))
    return error


async def answer_ok(peer: Peer) -> None:
    while (await peer.request())[0]:
        await peer.send(OK)
