"""Other libraries, as their documentation says to read a stream.

They are looked up by name and thus untyped: none of them need be installed.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from . import Mark, Read


def _messages(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


async def _count(stream: AsyncIterable[Any], mark: Mark) -> int:
    """Chunks of OpenAI's shape that hold text."""
    seen = 0
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            if not seen:
                mark()
            seen += 1
    return seen


@asynccontextmanager
async def openai(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """OpenAI's SDK, its chunks iterated."""
    library = importlib.import_module("openai")
    async with library.AsyncOpenAI(base_url=urls[0], api_key="none", max_retries=0) as sdk:

        async def read(prompt: str, mark: Mark) -> int:
            ask = sdk.chat.completions.create
            stream = await ask(model="bench", messages=_messages(prompt), stream=True)
            return await _count(stream, mark)

        yield read


@asynccontextmanager
async def openai_helper(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """OpenAI's SDK, its helper that also puts the answer together."""
    library = importlib.import_module("openai")
    async with library.AsyncOpenAI(base_url=urls[0], api_key="none", max_retries=0) as sdk:

        async def read(prompt: str, mark: Mark) -> int:
            seen = 0
            ask = sdk.chat.completions.stream
            async with ask(model="bench", messages=_messages(prompt)) as stream:
                async for event in stream:
                    if event.type == "content.delta":
                        if not seen:
                            mark()
                        seen += 1
            return seen

        yield read


@asynccontextmanager
async def openai_tools(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """OpenAI's SDK, the fragments of a tool call counted."""
    library = importlib.import_module("openai")
    async with library.AsyncOpenAI(base_url=urls[0], api_key="none", max_retries=0) as sdk:

        async def read(prompt: str, mark: Mark) -> int:
            seen = 0
            ask = sdk.chat.completions.create
            stream = await ask(model="bench", messages=_messages(prompt), stream=True)
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.tool_calls:
                    seen += bool(chunk.choices[0].delta.tool_calls[0].function.arguments)
            mark()
            return seen

        yield read


@asynccontextmanager
async def anthropic(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """Anthropic's SDK, its events iterated."""
    library = importlib.import_module("anthropic")
    base = urls[0].removesuffix("/v1")
    async with library.AsyncAnthropic(base_url=base, api_key="none", max_retries=0) as sdk:

        async def read(prompt: str, mark: Mark) -> int:
            seen = 0
            stream = await sdk.messages.create(
                model="bench", messages=_messages(prompt), max_tokens=1000, stream=True
            )
            async for event in stream:
                if event.type == "content_block_delta":
                    if not seen:
                        mark()
                    seen += 1
            return seen

        yield read


@asynccontextmanager
async def litellm(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """LiteLLM's completion call."""
    library = importlib.import_module("litellm")

    async def read(prompt: str, mark: Mark) -> int:
        stream = await library.acompletion(
            model="openai/bench", messages=_messages(prompt), stream=True,
            api_base=urls[0], api_key="none",
        )  # fmt: skip
        return await _count(stream, mark)

    yield read


@asynccontextmanager
async def langchain(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """LangChain's chat model of OpenAI's dialect."""
    library = importlib.import_module("langchain_openai")
    model = library.ChatOpenAI(model="bench", base_url=urls[0], api_key="none", max_retries=0)

    async def read(prompt: str, mark: Mark) -> int:
        seen = 0
        async for chunk in model.astream(prompt):
            if chunk.content:
                if not seen:
                    mark()
                seen += 1
        return seen

    yield read


@asynccontextmanager
async def index(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """The library of the same name on the public index, its streaming manager."""
    library = importlib.import_module("cascadeflow")
    models = [
        library.ModelConfig(name=f"bench-{n}", provider="vllm", cost=0.001, base_url=url)
        for n, url in enumerate(urls)
    ]
    agent = library.CascadeAgent(models=models)

    async def read(prompt: str, mark: Mark) -> int:
        seen = 0
        async for event in agent.stream_events(prompt, max_tokens=1000):
            if event.type.value == "chunk":
                if not seen:
                    mark()
                seen += 1
        return seen

    yield read
