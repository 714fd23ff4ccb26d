"""The Messages API: what its events mean."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.types import (
    ReasoningDelta,
    Stop,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageDelta,
)

from .anthropic_events import (
    END,
    OPEN,
    args,
    block,
    calls,
    decode,
    feed,
    finish,
    more,
    said,
    shut,
    sse,
    start,
    text,
    thought,
)

EVERYTHING = (
    start(input_tokens=5, cache_read_input_tokens=3, output_tokens=1)
    + block(0, "thinking", thinking="", signature="")
    + more(0, "thinking_delta", thinking="Größe 😀?")
    + more(0, "signature_delta", signature="c2lnbg==")
    + shut(0)
    + sse("ping")
    + block(1, "text", text="")
    + text("Ich schaue – ", 1)
    + text("漢字", 1)
    + shut(1)
    + block(2, "tool_use", id="toolu_1", name="get_weather", input={})
    + args(2, "")
    + args(2, '{"city": "Zü')
    + args(2, 'rich"}')
    + shut(2)
    + finish("tool_use")
    + sse("message_stop")
)


@given(st.lists(st.integers(0, len(EVERYTHING)), max_size=30))
def test_any_split_of_the_bytes_gives_the_same_deltas(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(EVERYTHING)]
    assert decode(*(EVERYTHING[a:b] for a, b in pairwise(edges))) == decode(EVERYTHING)


def test_a_stream_becomes_thinking_text_calls_usage_and_a_stop() -> None:
    deltas, stop = decode(EVERYTHING)
    sealed = {"type": "thinking", "thinking": "Größe 😀?", "signature": "c2lnbg=="}
    total = Usage(input_tokens=8, cached_tokens=3, output_tokens=42)
    assert deltas == [
        UsageDelta(Usage(input_tokens=8, cached_tokens=3, output_tokens=1)),
        ReasoningDelta("Größe 😀?"),
        ReasoningDelta("", sealed),
        TextDelta("Ich schaue – "),
        TextDelta("漢字"),
        ToolCallDelta(2, "toolu_1", "get_weather"),
        ToolCallDelta(2, arguments='{"city": "Zü'),
        ToolCallDelta(2, arguments='rich"}'),
        ToolCallDelta(2, closed=True),
        UsageDelta(total),
    ]
    assert stop == Stop("tool_calls", total, "tool_use")


def test_the_input_tokens_are_known_right_after_the_head() -> None:
    deltas, _ = decode(start(input_tokens=9, output_tokens=1))
    assert deltas == [UsageDelta(Usage(input_tokens=9, output_tokens=1))]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
        ("pause_turn", "pause"),
        ("compaction", "pause"),
        (None, None),
    ],
)
def test_a_stop_reason_keeps_its_meaning(raw: str | None, reason: str | None) -> None:
    _, stop = decode(OPEN, text("a"), finish(raw), sse("message_stop"))
    assert (stop.reason, stop.raw_reason, stop.warnings) == (reason, raw or "", ())


def test_an_unknown_stop_reason_is_a_plain_stop_with_a_warning() -> None:
    _, stop = decode(OPEN, text("a"), finish("cosmic_ray"), sse("message_stop"))
    assert (stop.reason, stop.raw_reason) == ("stop", "cosmic_ray")
    assert "cosmic_ray" in stop.warnings[0]


def test_a_refusal_is_explained_in_at_most_2_kib() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "ä" * 3000}
    _, stop = decode(OPEN, finish("refusal", stop_details=details))
    assert stop.detail == "ä" * 1024


def test_finished_and_done_are_told_apart() -> None:
    _, decoder = feed([OPEN + text("a") + shut(0) + finish()])
    assert (decoder.finished, decoder.done) == (True, False)
    _, decoder = feed([OPEN + text("a") + sse("message_stop")])
    assert (decoder.finished, decoder.done) == (False, True)
    assert decoder.end().reason is None


def test_a_stream_without_its_end_marker_is_complete_with_a_warning() -> None:
    _, stop = decode(OPEN, text("a"), shut(0), finish())
    assert (stop.reason, stop.damaged) == ("stop", False)
    assert stop.warnings == ("the stream ended without message_stop",)


def test_repeated_counts_replace_earlier_ones_and_missing_ones_keep_them() -> None:
    usage = {"input_tokens": 11, "cache_read_input_tokens": None, "output_tokens": 7}
    _, stop = decode(
        start(
            input_tokens=11,
            cache_read_input_tokens=100,
            cache_creation_input_tokens=50,
            output_tokens=1,
        ),
        sse("message_delta", delta={"stop_reason": "end_turn"}, usage=usage),
    )
    assert stop.usage == Usage(
        input_tokens=161, cached_tokens=100, cache_write_tokens=50, output_tokens=7
    )


@pytest.mark.parametrize("garbage", [-1, 1.5, "7", True, [], {}, 10**13])
def test_a_count_that_is_garbage_leaves_the_usage_to_be_estimated(garbage: object) -> None:
    _, stop = decode(
        start(),
        sse("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": garbage}),
        sse("message_stop"),
    )
    assert stop.usage is None
    assert stop.warnings == ("the reported output_tokens is not a count of tokens",)


@pytest.mark.parametrize("usage", [5, "x", [1]])
def test_a_usage_that_is_no_object_is_reported(usage: object) -> None:
    _, stop = decode(sse("message_start", message={"usage": usage}))
    assert stop.warnings == ("the reported usage is not an object",)


def test_usage_of_the_head_alone_does_not_pass_for_the_whole() -> None:
    delta = sse("message_delta", delta={"stop_reason": "end_turn"}, usage=None)
    assert decode(OPEN, text("a"), delta, sse("message_stop"))[1].usage is None


def test_thinking_tokens_and_a_compaction_are_counted() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 15},
        "iterations": [
            {"type": "compaction", "input_tokens": 100, "output_tokens": 30},
            {"type": "message", "input_tokens": 10, "output_tokens": 20},
            "odd",
        ],
    }
    _, stop = decode(start(), sse("message_delta", delta={"stop_reason": "end_turn"}, usage=usage))
    assert stop.usage == Usage(input_tokens=110, output_tokens=50, reasoning_tokens=15)


def test_what_is_billed_beyond_the_price_of_a_token_is_told() -> None:
    usage = {
        "output_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 100},
        "server_tool_use": {"web_search_requests": 2},
    }
    _, stop = decode(
        start(), sse("message_delta", delta={"stop_reason": "end_turn"}, usage=usage), text("")
    )
    assert [told for told in stop.warnings if "cached for an hour" in told]
    assert [told for told in stop.warnings if "web searches" in told]


def test_arguments_given_whole_in_the_start_come_when_the_block_ends() -> None:
    given = {"city": "Köln", "n": [1]}
    deltas, _ = decode(
        start(), block(0, "tool_use", id="a", name="f", input=given), args(0, ""), shut(0)
    )
    assert calls(deltas) == [
        ToolCallDelta(0, "a", "f"),
        ToolCallDelta(0, arguments='{"city":"Köln","n":[1]}', closed=True),
    ]


def test_fragments_replace_arguments_given_whole_in_the_start() -> None:
    deltas, _ = decode(
        start(), block(0, "tool_use", id="a", name="f", input={"x": 1}), args(0, "{}"), shut(0)
    )
    assert "".join(delta.arguments for delta in calls(deltas)) == "{}"


def test_interleaved_blocks_are_kept_apart_by_their_index() -> None:
    deltas, _ = decode(
        OPEN,
        block(1, "tool_use", id="a", name="f", input={}),
        block(2, "tool_use", id="b", name="g", input={}),
        text("x"),
        args(1, "{"),
        args(2, "["),
        text("y"),
        args(1, "}"),
    )
    assert said(deltas) == "xy"
    assert [(d.index, d.arguments) for d in calls(deltas) if d.arguments] == [
        (1, "{"),
        (2, "["),
        (1, "}"),
    ]


def test_blocks_of_the_server_itself_and_citations_are_not_part_of_the_answer() -> None:
    deltas, stop = decode(
        OPEN,
        block(1, "server_tool_use", id="s", name="web_search", input={}),
        args(1, '{"q":1}'),
        shut(1),
        block(2, "web_search_tool_result", tool_use_id="s", content=[]),
        shut(2),
        block(3, "mcp_tool_use", id="m", name="x", server_name="y", input={}),
        args(3, "{}"),
        shut(3),
        block(4, "compaction", content=None),
        more(4, "compaction_delta", content="secret"),
        text("in a foreign block", 4),
        shut(4),
        more(0, "citations_delta", citation={"type": "char_location"}),
        text("a"),
        END,
    )
    assert (said(deltas), calls(deltas), stop.warnings) == ("a", [], ())


def test_thinking_comes_back_whole_only_if_it_is_signed() -> None:
    deltas, _ = decode(
        start(),
        block(0, "thinking", thinking="A"),
        more(0, "thinking_delta", thinking="B"),
        shut(0),
        block(1, "redacted_thinking", data="ZGF0YQ=="),
        shut(1),
        block(2, "thinking", thinking="", signature="only"),
        shut(2),
    )
    assert thought(deltas) == [
        ReasoningDelta("A"),
        ReasoningDelta("B"),
        ReasoningDelta("", {"type": "redacted_thinking", "data": "ZGF0YQ=="}),
        ReasoningDelta("", {"type": "thinking", "thinking": "", "signature": "only"}),
    ]


def test_a_block_that_no_stop_closes_ends_with_the_stop_reason() -> None:
    deltas, _ = decode(
        start(),
        block(0, "thinking", thinking="A", signature="s"),
        block(1, "tool_use", id="a", name="f", input={"x": 1}),
        finish("tool_use"),
    )
    assert thought(deltas)[-1].block == {"type": "thinking", "thinking": "A", "signature": "s"}
    assert calls(deltas)[-1] == ToolCallDelta(1, arguments='{"x":1}', closed=False)
