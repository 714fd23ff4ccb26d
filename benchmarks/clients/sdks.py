"""Other libraries, as their documentation says to read a stream.

They are looked up by name and thus untyped: none of them need be installed.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from . import Mark, Read


async def _count(stream: AsyncIterable[Any], mark: Mark, has_content: Callable[[Any], Any]) -> int:
    seen = 0
    async for chunk in stream:
        if has_content(chunk):
            if not seen:
                mark()
            seen += 1
    return seen


def _asked(prompt: str, model: str = "bench") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}]}


def _has_text(chunk: Any) -> bool:  # noqa: ANN401 -- of OpenAI's shape
    return bool(chunk.choices and chunk.choices[0].delta.content)


def _has_arguments(chunk: Any) -> bool:  # noqa: ANN401 -- of OpenAI's shape
    calls = chunk.choices and chunk.choices[0].delta.tool_calls
    return bool(calls and calls[0].function.arguments)


@asynccontextmanager
async def _over_openai(url: str, has_content: Callable[[Any], bool]) -> AsyncGenerator[Read]:
    library = importlib.import_module("openai")
    async with library.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as sdk:

        async def read(prompt: str, mark: Mark) -> int:
            stream = await sdk.chat.completions.create(**_asked(prompt), stream=True)
            return await _count(stream, mark, has_content)

        yield read


def openai(urls: Sequence[str]) -> AbstractAsyncContextManager[Read]:
    """OpenAI's SDK, its chunks iterated."""
    return _over_openai(urls[0], _has_text)


def openai_tools(urls: Sequence[str]) -> AbstractAsyncContextManager[Read]:
    """OpenAI's SDK, the fragments of a tool call counted."""
    return _over_openai(urls[0], _has_arguments)


@asynccontextmanager
async def openai_helper(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """OpenAI's SDK, its helper that also puts the answer together."""
    library = importlib.import_module("openai")
    async with library.AsyncOpenAI(base_url=urls[0], api_key="none", max_retries=0) as sdk:

        async def read(prompt: str, mark: Mark) -> int:
            async with sdk.chat.completions.stream(**_asked(prompt)) as stream:
                return await _count(stream, mark, lambda event: event.type == "content.delta")

        yield read


@asynccontextmanager
async def anthropic(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """Anthropic's SDK, its events iterated."""
    library = importlib.import_module("anthropic")
    base = urls[0].removesuffix("/v1")
    async with library.AsyncAnthropic(base_url=base, api_key="none", max_retries=0) as sdk:

        async def read(prompt: str, mark: Mark) -> int:
            stream = await sdk.messages.create(**_asked(prompt), max_tokens=1000, stream=True)
            return await _count(stream, mark, lambda event: event.type == "content_block_delta")

        yield read


@asynccontextmanager
async def litellm(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """LiteLLM's completion call."""
    library = importlib.import_module("litellm")
    server = {"api_base": urls[0], "api_key": "none"}

    async def read(prompt: str, mark: Mark) -> int:
        asked = _asked(prompt, "openai/bench")
        return await _count(
            await library.acompletion(**asked, **server, stream=True), mark, _has_text
        )

    yield read


@asynccontextmanager
async def langchain(urls: Sequence[str]) -> AsyncGenerator[Read]:
    """LangChain's chat model of OpenAI's dialect."""
    library = importlib.import_module("langchain_openai")
    model = library.ChatOpenAI(model="bench", base_url=urls[0], api_key="none", max_retries=0)

    async def read(prompt: str, mark: Mark) -> int:
        return await _count(model.astream(prompt), mark, lambda chunk: chunk.content)

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
        events = agent.stream_events(prompt, max_tokens=1000)
        return await _count(events, mark, lambda event: event.type.value == "chunk")

    yield read
