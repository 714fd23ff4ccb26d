"""What reading a stream costs at the least: an HTTP client, lines split, and msgspec."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from . import Mark, Read


class _Function(msgspec.Struct):
    arguments: str = ""


class _Call(msgspec.Struct):
    function: _Function


class _Delta(msgspec.Struct):
    content: str | None = None


class _ToolDelta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] = []


class _Choice(msgspec.Struct):
    delta: _Delta


class _ToolChoice(msgspec.Struct):
    delta: _ToolDelta


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []


class _ToolChunk(msgspec.Struct):
    choices: list[_ToolChoice] = []


def body(prompt: str) -> dict[str, object]:
    return {
        "model": "bench",
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
    }


@asynccontextmanager
async def bare(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """Aiohttp; with several URLs it reads one answer after the other."""
    decode = msgspec.json.Decoder(_Chunk).decode
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def read(prompt: str, mark: Mark) -> int:
            seen = 0
            for url in urls:
                rest = b""
                async with session.post(f"{url}/chat/completions", json=body(prompt)) as response:
                    async for block in response.content.iter_any():
                        *lines, rest = (rest + block).split(b"\n\n")
                        for line in lines:
                            if line.startswith(b"data: {"):
                                for choice in decode(line[6:]).choices:
                                    if choice.delta.content:
                                        if not seen:
                                            mark()
                                        seen += 1
            return seen

        yield read


@asynccontextmanager
async def bare_tools(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """Aiohttp, the fragments of tool calls decoded and nothing done with them."""
    decode = msgspec.json.Decoder(_ToolChunk).decode
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def read(prompt: str, mark: Mark) -> int:
            seen, rest = 0, b""
            async with session.post(f"{urls[0]}/chat/completions", json=body(prompt)) as response:
                async for block in response.content.iter_any():
                    *lines, rest = (rest + block).split(b"\n\n")
                    for line in lines:
                        if line.startswith(b"data: {"):
                            for choice in decode(line[6:]).choices:
                                for call in choice.delta.tool_calls:
                                    seen += bool(call.function.arguments)
            mark()
            return seen

        yield read


@asynccontextmanager
async def over_httpx2(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """httpx2, the transport of the newer SDKs, with msgspec."""
    import httpx2

    decode = msgspec.json.Decoder(_Chunk).decode
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as session:

        async def read(prompt: str, mark: Mark) -> int:
            seen, rest = 0, b""
            url = f"{urls[0]}/chat/completions"
            async with session.stream("POST", url, json=body(prompt)) as response:
                async for block in response.aiter_bytes():
                    *lines, rest = (rest + block).split(b"\n\n")
                    for line in lines:
                        if line.startswith(b"data: {"):
                            for choice in decode(line[6:]).choices:
                                if choice.delta.content:
                                    if not seen:
                                        mark()
                                    seen += 1
            return seen

        yield read
