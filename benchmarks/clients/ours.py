"""This library: one URL is one model, several are a cascade; everything on, as it is by default."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from cascadeflow import CascadeAgent, ModelConfig, ThresholdPolicy
from cascadeflow.streaming import StreamEventType, ToolStreamEventType

from . import Mark, Read

LONG = 10_000_000
"""No limit of tokens."""
WRITE: dict[str, Any] = {
    "name": "write",
    "description": "Writes a text",
    "parameters": {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    },
}


def _models(urls: Sequence[str], provider: str = "openai", **settings: Any) -> list[ModelConfig]:
    return [
        ModelConfig(f"bench-{n}", provider, 0.001, api_key="none", base_url=url, **settings)
        for n, url in enumerate(urls)
    ]


async def _read_text(agent: CascadeAgent, prompt: str, mark: Mark) -> int:
    seen = 0
    async for event in agent.stream_events(prompt, max_tokens=LONG):
        if event.type is StreamEventType.CHUNK:
            if not seen:
                mark()
            seen += 1
    return seen


@asynccontextmanager
async def _reading(agent: CascadeAgent) -> AsyncGenerator[Read]:
    async with agent:

        async def read(prompt: str, mark: Mark) -> int:
            return await _read_text(agent, prompt, mark)

        yield read


def text(urls: Sequence[str]) -> AbstractAsyncContextManager[Read]:
    """The whole event stream."""
    return _reading(CascadeAgent(_models(urls)))


def held(urls: Sequence[str]) -> AbstractAsyncContextManager[Read]:
    """Only what is decided is shown."""
    return _reading(CascadeAgent(_models(urls), reveal="held"))


def logprobs(urls: Sequence[str]) -> AbstractAsyncContextManager[Read]:
    """The whole event stream, the draft judged by its log-probabilities too."""
    return _reading(CascadeAgent(_models(urls, logprobs=True)))


def anthropic(urls: Sequence[str]) -> AbstractAsyncContextManager[Read]:
    """The whole event stream from a server that speaks as Anthropic's."""
    return _reading(CascadeAgent(_models([url.removesuffix("/v1") for url in urls], "anthropic")))


@asynccontextmanager
async def tools(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """The stream of a tool call, a live object of its arguments after every fragment.

    Any draft is kept: what is called has nothing to do with what is asked.
    """
    keep = ThresholdPolicy(accept_at=0.0, hopeless=0.0)
    async with CascadeAgent(_models(urls), policy=keep) as agent:

        async def read(prompt: str, mark: Mark) -> int:
            seen = 0
            async for event in agent.stream_events(prompt, max_tokens=LONG, tools=[WRITE]):
                if event.type is ToolStreamEventType.TOOL_CALL_DELTA:
                    if not seen:
                        mark()
                    seen += 1
            return seen

        yield read


@asynccontextmanager
async def run(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """The whole result; its chunks are the words of the answer."""
    async with CascadeAgent(_models(urls)) as agent:

        async def read(prompt: str, mark: Mark) -> int:
            result = await agent.run(prompt, max_tokens=LONG)
            mark()
            return len(result.content.split())

        yield read
