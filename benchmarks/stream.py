"""CPU time of a client for each chunk of a stream, side by side with bare aiohttp and peers.

    python -m benchmarks.stream [--chunks 20000] [--rounds 5] [--json FILE]

The rounds are interleaved and the medians are compared: only the ratios mean something on a machine
that does other things too. The OpenAI SDK takes part if it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import resource
import statistics
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import StreamEventType

from .server import serving

Client = Callable[[str], Awaitable[int]]
"""Reads one answer from the server at a base URL; returns how many chunks of text it saw."""

BODY = {"model": "bench", "messages": [{"role": "user", "content": "Go"}], "stream": True}


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []


async def bare_aiohttp(url: str) -> int:
    decode, seen, rest = msgspec.json.Decoder(_Chunk).decode, 0, b""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/chat/completions", json=BODY) as response,
    ):
        async for block in response.content.iter_any():
            *lines, rest = (rest + block).split(b"\n\n")
            for line in lines:
                if line.startswith(b"data: {"):
                    for choice in decode(line[6:]).choices:
                        seen += bool(choice.delta.content)
    return seen


def _agent(url: str, *, models: int, logprobs: bool) -> CascadeAgent:
    return CascadeAgent(
        [
            ModelConfig(
                f"bench-{n}", "openai", 0.001, api_key="none", base_url=url, logprobs=logprobs
            )
            for n in range(models)
        ]
    )


def ours(*, models: int, logprobs: bool = False) -> Client:
    async def read(url: str) -> int:
        seen = 0
        async with _agent(url, models=models, logprobs=logprobs) as agent:
            async for event in agent.stream_events("Go", max_tokens=100_000):
                seen += event.type is StreamEventType.CHUNK
        return seen

    return read


async def openai_sdk(url: str) -> int:
    from openai import AsyncOpenAI

    seen = 0
    async with AsyncOpenAI(base_url=url, api_key="none") as client:
        stream = await client.chat.completions.create(
            model="bench", messages=[{"role": "user", "content": "Go"}], stream=True
        )
        async for chunk in stream:
            seen += bool(chunk.choices and chunk.choices[0].delta.content)
    return seen


def cpu_seconds(client: Client, url: str, chunks: int) -> float:
    """CPU time of this process for one answer."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    seen = asyncio.run(_count(client, url))
    after = resource.getrusage(resource.RUSAGE_SELF)
    if seen < chunks:
        raise SystemExit(f"{client} saw {seen} of {chunks} chunks")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def _count(client: Client, url: str) -> int:
    return await client(url)


def measure(
    clients: dict[str, Client], chunks: int, rounds: int, *, logprobs: bool
) -> dict[str, float]:
    """Median microseconds of CPU for each chunk, by client."""
    times: dict[str, list[float]] = {name: [] for name in clients}
    with serving(chunks, logprobs=logprobs) as url:
        for turn in range(rounds + 1):
            for name, client in clients.items():
                spent = cpu_seconds(client, url, chunks)
                if turn:  # the first round warms up
                    times[name].append(spent / chunks * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def report(title: str, figures: dict[str, float]) -> None:
    print(f"\n{title}: median CPU per chunk")
    print(f"  {'client':<28}{'us/chunk':>10}{'x bare':>9}{'x SDK':>9}")
    for name, value in figures.items():
        sdk = figures.get("openai SDK")
        ratio = f"{value / sdk:9.3f}" if sdk else f"{'-':>9}"
        print(f"  {name:<28}{value:10.2f}{value / figures['bare aiohttp + msgspec']:9.2f}{ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clients: dict[str, Client] = {
        "bare aiohttp + msgspec": bare_aiohttp,
        "cascadeflow, direct": ours(models=1),
        "cascadeflow, judged": ours(models=2),
    }
    if importlib.util.find_spec("openai"):
        clients["openai SDK"] = openai_sdk
    figures = measure(clients, options.chunks, options.rounds, logprobs=False)
    report(f"{options.chunks} chunks at once", figures)
    clients["cascadeflow, judged"] = ours(models=2, logprobs=True)
    probable = measure(clients, options.chunks, options.rounds, logprobs=True)
    report(f"{options.chunks} chunks with log-probabilities", probable)
    if options.json:
        options.json.write_text(json.dumps({"plain": figures, "logprobs": probable}, indent=2))


if __name__ == "__main__":
    main()
