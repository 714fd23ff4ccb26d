"""Streams recorded from real servers, read by us and by the official SDK from the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import CompletionUsage

from cascadeflow.core.calls import Calls
from cascadeflow.errors import ProviderError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.openai_chat import Decoder
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.types import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta, Usage

from .oracle import WIRE, recorded, serve

STREAMS = recorded("chat")
pytestmark = pytest.mark.skipif(not STREAMS, reason="the recorded streams are not here")


class Reading:
    """One reader's understanding of a stream."""

    def __init__(self) -> None:
        self.text = self.reasoning = self.refusal = ""
        self.calls: list[tuple[str, str]] = []
        self.finish = ""
        self.usage: tuple[int, int, int, int] | None = None
        self.failed = False

    def differences(self, other: Reading) -> set[str]:
        return {name for name, value in vars(self).items() if value != vars(other)[name]}


def usage_row(usage: Usage | None) -> tuple[int, int, int, int] | None:
    if usage is None:
        return None
    return usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens


def ours(body: bytes, server: str) -> Reading:
    reading, calls = Reading(), Calls()
    decoder, deltas = Decoder(CATALOG.get(server, CATALOG["openai"])), list[Delta]()
    try:
        for event in SSEDecoder().feed(body):
            decoder.feed(event, deltas)
    except ProviderError:
        reading.failed = True
    stop = decoder.end()
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls.add(delta)
    calls.finish()
    reading.text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    reading.reasoning = "".join(d.text for d in deltas if isinstance(d, ReasoningDelta))
    reading.refusal = stop.detail
    reading.calls = [(call.name, call.arguments) for call in calls.calls]
    reading.finish = stop.raw_reason
    reading.usage = usage_row(stop.usage)
    return reading


def theirs(body: bytes, client: openai.OpenAI) -> Reading:
    reading = Reading()
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    with serve(body) as url:
        stream = client.with_options(base_url=f"{url}/v1").chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        try:
            for chunk in stream:
                if chunk.usage is not None:
                    reading.usage = sdk_usage(chunk.usage)
                for choice in chunk.choices:
                    if choice.index != 0:
                        continue
                    delta = choice.delta
                    reading.text += delta.content or ""
                    reading.reasoning += thought(delta.model_extra or {})
                    reading.refusal += delta.refusal or ""
                    reading.finish = choice.finish_reason or reading.finish
                    for call in delta.tool_calls or ():
                        names.setdefault(call.index, "")
                        arguments.setdefault(call.index, "")
                        if call.function is not None:
                            names[call.index] += call.function.name or ""
                            arguments[call.index] += call.function.arguments or ""
        except openai.APIError:
            reading.failed = True
    reading.calls = [(names[index], arguments[index]) for index in names]
    return reading


def thought(extra: dict[str, Any]) -> str:
    """The thinking of a chunk, which the SDK passes on as fields it does not know."""
    details: list[dict[str, Any]] = extra.get("reasoning_details") or []
    found: str | None = extra.get("reasoning_content") or extra.get("reasoning")
    return found or "".join(str(part.get("text") or "") for part in details)


def sdk_usage(usage: CompletionUsage) -> tuple[int, int, int, int]:
    prompt, output = usage.prompt_tokens_details, usage.completion_tokens_details
    cached = (prompt.cached_tokens if prompt else None) or 0
    thinking = (output.reasoning_tokens if output else None) or 0
    return usage.prompt_tokens, usage.completion_tokens, cached, thinking


DIFFERENT: dict[str, dict[str, str]] = {
    "chat/groq/TestTokenCounts.test_groq.sse": {
        "usage": "the counts stand in x_groq alone, where the SDK does not look",
    },
    "chat/openrouter/test_openrouter_stream_error.sse": {
        "usage": "the SDK drops the counts that come in the chunk of the error; they are billed",
    },
    "chat/openai/test_tools_streaming_variant_d.sse": {
        "calls": "a call without arguments is one with an empty object",
    },
}
"""Where we read something else than the SDK: file, field, and why ours is right."""


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-test", base_url="http://127.0.0.1", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("file", STREAMS)
def test_a_recorded_stream_says_the_same_to_us_as_to_the_sdk(
    file: str, client: openai.OpenAI
) -> None:
    body = (WIRE / file).read_bytes()
    us, them = ours(body, file.split("/")[1]), theirs(body, client)
    expected = DIFFERENT.get(file, {}).keys()
    assert us.differences(them) == expected, (vars(us), vars(them))


def test_the_list_of_differences_names_recorded_streams_only() -> None:
    assert DIFFERENT.keys() <= set(STREAMS)


def split(body: bytes, cuts: list[int]) -> tuple[list[Delta], Stop | str]:
    sse, decoder, out = SSEDecoder(), Decoder(CATALOG["openai"]), list[Delta]()
    try:
        for a, b in pairwise([0, *sorted(cuts), len(body)]):
            for event in sse.feed(body[a:b]):
                decoder.feed(event, out)
    except ProviderError as error:
        return out, error.message
    return out, decoder.end()


@settings(max_examples=15)
@given(st.data())
@pytest.mark.parametrize("file", STREAMS[::6])
def test_any_split_of_a_recorded_stream_gives_the_same_deltas(
    file: str, data: st.DataObject
) -> None:
    body = (WIRE / file).read_bytes()
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=20))
    assert split(body, cuts) == split(body, [])


@pytest.mark.parametrize("file", STREAMS)
def test_one_byte_at_a_time_gives_the_same_deltas(file: str) -> None:
    body = (WIRE / file).read_bytes()[:20_000]
    assert split(body, list(range(len(body)))) == split(body, [])
