"""Recorded streams of Anthropic's Messages API, read by us and by the official SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.types.beta import BetaMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadeflow.core.calls import Calls
from cascadeflow.providers.anthropic import Decoder
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.types import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta, UsageDelta

from .oracle import serve

WIRE = Path(__file__).resolve().parents[2] / "shared" / "wire" / "messages"
STREAMS = sorted(WIRE.rglob("*.sse")) if WIRE.is_dir() else []

pytestmark = pytest.mark.skipif(not STREAMS, reason=f"no recorded streams in {WIRE}")

DIFFERENCES = {
    "test_anthropic_compaction_usage_with_cache_streaming": (
        {"usage"},
        "the SDK reports the top-level counts, which leave out the compaction that is billed too",
    ),
}
"""Recordings that we read differently: in what, and why ours is right."""


def decode(chunks: Iterable[bytes]) -> tuple[list[Delta], Stop]:
    lines, decoder = SSEDecoder(), Decoder(CATALOG["anthropic"])
    out: list[Delta] = []
    for chunk in chunks:
        for event in lines.feed(chunk):
            decoder.feed(event, out)
    return out, decoder.end()


def ours(body: bytes) -> dict[str, Any]:
    deltas, stop = decode([body])
    calls = Calls()
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls.add(delta)
    calls.finish()
    assert stop.usage is not None
    return {
        "text": "".join(d.text for d in deltas if isinstance(d, TextDelta)),
        "thinking": "".join(d.text for d in deltas if isinstance(d, ReasoningDelta)),
        "blocks": [d.block for d in deltas if isinstance(d, ReasoningDelta) and d.block],
        "calls": [(call.id, call.name, json.loads(call.arguments)) for call in calls.calls],
        "reason": stop.raw_reason,
        "usage": (
            stop.usage.input_tokens,
            stop.usage.cached_tokens,
            stop.usage.cache_write_tokens,
            stop.usage.output_tokens,
            stop.usage.reasoning_tokens,
        ),
    }


def theirs(body: bytes) -> dict[str, Any]:
    with (
        serve(body) as url,
        anthropic.Anthropic(api_key="sk-test", base_url=url, max_retries=0) as client,
        client.beta.messages.stream(
            model="any", max_tokens=1, messages=[{"role": "user", "content": "any"}]
        ) as stream,
    ):
        message: BetaMessage = stream.get_final_message()
    usage = message.usage
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    return {
        "text": "".join(block.text for block in message.content if block.type == "text"),
        "thinking": "".join(b.thinking for b in message.content if b.type == "thinking"),
        "blocks": [
            block.to_dict()
            for block in message.content
            if block.type == "redacted_thinking" or (block.type == "thinking" and block.signature)
        ],
        "calls": [(b.id, b.name, b.input) for b in message.content if b.type == "tool_use"],
        "reason": message.stop_reason,
        "usage": (
            usage.input_tokens + read + written,
            read,
            written,
            usage.output_tokens,
            details.thinking_tokens if details else 0,
        ),
    }


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_we_read_a_recorded_stream_as_the_official_sdk_does(path: Path) -> None:
    body = path.read_bytes()
    mine, others = ours(body), theirs(body)
    different = {key for key in mine if mine[key] != others[key]}
    assert different == DIFFERENCES.get(path.stem, (set(), ""))[0]


def test_the_table_of_differences_names_only_recordings_that_exist() -> None:
    assert set(DIFFERENCES) <= {path.stem for path in STREAMS}


def test_a_compaction_is_counted_although_the_top_level_leaves_it_out() -> None:
    name = "test_anthropic_compaction_usage_with_cache_streaming"
    body = next(path for path in STREAMS if path.stem == name).read_bytes()
    iterations = json.loads(body.partition(b'"iterations":')[2].partition(b"]")[0] + b"]")
    usage = ours(body)["usage"]
    assert usage[3] == sum(entry["output_tokens"] for entry in iterations)
    assert usage[0] == sum(
        entry["input_tokens"]
        + entry["cache_read_input_tokens"]
        + entry["cache_creation_input_tokens"]
        for entry in iterations
    )


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_recorded_stream_is_whole_and_undamaged(path: Path) -> None:
    body = path.read_bytes()
    deltas, stop = decode([body])
    # An event that no empty line closes is not an event: WHATWG, and so no message_stop.
    cut = () if body.endswith(b"\n\n") else ("the stream ended without message_stop",)
    searched = re.search(rb'"web_search_requests": ?[1-9]', body)
    fee = ("the fee of web searches is not in the cost",) if searched else ()
    assert stop.reason is not None
    assert (stop.warnings, stop.damaged) == ((*fee, *cut), False)
    assert isinstance(next(iter(deltas)), UsageDelta)
    assert all(delta.text for delta in deltas if isinstance(delta, TextDelta))


@settings(max_examples=60)
@given(st.data())
def test_any_split_of_a_recorded_stream_gives_the_same_deltas(data: st.DataObject) -> None:
    small = [path for path in STREAMS if path.stat().st_size < 8000]
    body = data.draw(st.sampled_from(small)).read_bytes()
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=30))
    edges = [0, *sorted(cuts), len(body)]
    assert decode(body[a:b] for a, b in pairwise(edges)) == decode([body])


def test_a_recorded_stream_cut_at_any_byte_is_incomplete_until_its_stop_reason() -> None:
    body = min(STREAMS, key=lambda path: path.stat().st_size).read_bytes()
    stop_at = body.index(b"\n\n", body.index(b'"message_delta"')) + 2
    for k in range(len(body)):
        assert (decode([body[:k]])[1].reason is None) == (k < stop_at)
