"""Recorded streams of the Responses API, read by us and by the official SDK from the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadeflow.core.calls import Calls
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.responses import Decoder
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.types import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta

from .oracle import WIRE, recorded, serve

STREAMS = recorded("responses")
pytestmark = pytest.mark.skipif(not STREAMS, reason="the recorded streams are not here")


class Reading:
    """One reader's understanding of a stream."""

    def __init__(self) -> None:
        self.text = self.reasoning = ""
        self.calls: list[tuple[str, str, str]] = []
        self.usage: tuple[int, int, int, int] | None = None


def decoded(pieces: Iterator[bytes]) -> tuple[list[Delta], Stop]:
    lines, decoder, deltas = SSEDecoder(), Decoder(CATALOG["openai-responses"]), list[Delta]()
    for piece in pieces:
        for events in lines.feed(piece):
            decoder.feed(events, deltas)
    return deltas, decoder.end()


def ours(body: bytes) -> tuple[Reading, Stop]:
    reading, calls = Reading(), Calls()
    deltas, stop = decoded(iter([body]))
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls.add(delta)
    calls.finish()
    reading.text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    reading.reasoning = "".join(d.text for d in deltas if isinstance(d, ReasoningDelta))
    reading.calls = [(call.id, call.name, call.arguments) for call in calls.calls]
    if stop.usage is not None:
        told = stop.usage
        reading.usage = (
            told.input_tokens, told.output_tokens, told.cached_tokens, told.reasoning_tokens,
        )  # fmt: skip
    return reading, stop


def theirs(body: bytes, client: openai.OpenAI) -> Reading:
    reading = Reading()
    with serve(body) as url:
        stream = client.with_options(base_url=f"{url}/v1").responses.create(
            model="m", input="Hi", stream=True
        )
        for event in stream:
            match event.type:
                case "response.output_text.delta":
                    reading.text += event.delta
                case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                    reading.reasoning += event.delta
                case "response.output_item.done" if event.item.type == "function_call":
                    call = event.item
                    reading.calls.append((call.call_id, call.name, call.arguments))
                case "response.completed" if (usage := event.response.usage) is not None:
                    reading.usage = (
                        usage.input_tokens,
                        usage.output_tokens,
                        usage.input_tokens_details.cached_tokens,
                        usage.output_tokens_details.reasoning_tokens,
                    )
                case _:
                    pass
    return reading


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-test", base_url="http://127.0.0.1", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("file", STREAMS)
def test_we_read_what_the_official_sdk_reads(file: str, client: openai.OpenAI) -> None:
    body = (WIRE / file).read_bytes()
    mine, stop = ours(body)
    assert vars(mine) == vars(theirs(body, client))
    assert stop.reason == ("tool_calls" if mine.calls else "stop")
    assert (stop.damaged, stop.warnings) == (False, ())


@pytest.mark.parametrize("file", STREAMS)
@given(cuts=st.lists(st.integers(0, 100_000), max_size=30))
@settings(max_examples=10)
def test_any_split_of_the_bytes_gives_the_same_answer(file: str, cuts: list[int]) -> None:
    body = (WIRE / file).read_bytes()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    whole, stop = decoded(iter([body]))
    assert decoded(body[a:b] for a, b in pairwise(edges)) == (whole, stop)
