"""The Messages API: odd, broken, failing and repeated events, and answers that are no stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.errors import ProtocolError, ProviderError
from cascadeflow.providers.anthropic import Decoder
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.sse import SSE, SSEDecoder
from cascadeflow.types import (
    Delta,
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
    whole,
)


def test_the_json_type_counts_and_not_the_name_of_the_event() -> None:
    plain = b"".join(b"data:" + e.partition(b"data:")[2] for e in (OPEN, text("a"), END))
    wrong = text("a").replace(b"event: content_block_delta", b"event: error")
    assert said(decode(plain)[0]) == said(decode(OPEN, wrong, END)[0]) == "a"


def test_the_name_of_the_event_counts_where_the_json_has_no_type() -> None:
    bare = b'event: content_block_delta\ndata: {"delta":{"type":"text_delta","text":"a"}}\n\n'
    assert said(decode(OPEN, bare, END)[0]) == "a"


def test_unknown_events_fields_nulls_and_empty_data_are_tolerated() -> None:
    deltas, stop = decode(
        OPEN,
        sse("brand_new_thing", payload={"error": None}),
        b"data:\n\n",
        more(0, "text_delta", text=None, extra=[1]),
        sse("content_block_delta", index=0, delta=None),
        text(""),
        text("a"),
        END,
    )
    assert (said(deltas), stop.warnings, stop.damaged) == ("a", (), False)
    assert all(delta.text for delta in deltas if isinstance(delta, TextDelta))


@pytest.mark.parametrize(
    "bad",
    [
        b'data: {"type": "content_block_del\n\n',
        b"data: 5\n\n",
        b"data: not json\n\n",
        more(0, "text_delta", text=5),
        sse("content_block_start", index=1, content_block="x"),
    ],
)
def test_a_malformed_event_damages_the_answer(bad: bytes) -> None:
    deltas, stop = decode(OPEN, text("a"), bad, text("b"), END)
    assert (said(deltas), stop.damaged) == ("ab", True)
    assert stop.warnings == ("1 malformed event(s) in the stream",)


def test_a_malformed_event_after_the_stop_reason_damages_nothing() -> None:
    _, stop = decode(OPEN, text("a"), shut(0), finish(), b"data: {\n\n", sse("message_stop"))
    assert (stop.damaged, len(stop.warnings)) == (False, 1)


def test_arguments_without_the_start_of_their_call_damage_the_answer() -> None:
    deltas, stop = decode(start(), args(0, "{}"), finish("tool_use"), sse("message_stop"))
    assert (calls(deltas), stop.damaged) == ([], True)


@pytest.mark.parametrize(
    "event",
    [
        sse("error", error={"type": "overloaded_error", "message": "Overloaded"}),
        b'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        b'event: error\ndata: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        b'event: error\ndata: {"error": "Overloaded"}\n\n',
        b'data: {"object":"error","message":"Overloaded","code":400}\n\n',
        b"event: error\ndata: Overloaded\n\n",
    ],
)
def test_an_error_event_is_raised_after_what_came_before(event: bytes) -> None:
    decoder = Decoder(CATALOG["anthropic"])
    out: list[Delta] = []
    with pytest.raises(ProviderError, match="Overloaded"):
        for events in SSEDecoder().feed(OPEN + text("a") + event):
            decoder.feed(events, out)
    assert said(out) == "a"


def test_an_overloaded_server_is_worth_another_attempt() -> None:
    with pytest.raises(ProviderError) as caught:
        decode(sse("error", error={"type": "overloaded_error", "message": "x"}))
    assert (caught.value.kind, caught.value.retryable) == ("overloaded", True)


def test_a_stop_reason_that_says_failure_is_an_error() -> None:
    with pytest.raises(ProviderError, match="stop reason 'error'"):
        decode(OPEN, text("a"), finish("error"))


def test_a_second_message_after_the_first_is_not_read() -> None:
    first = OPEN + text("one") + END
    second = start("msg_2") + block(0, "text", text="") + text("two") + END
    assert said(decode(first + second)[0]) == "one"
    deltas, stop = decode(first.removesuffix(sse("message_stop")) + second)
    assert said(deltas) == "one"
    assert stop.warnings == ("a second message followed the first; it was not read",)


def test_a_second_message_inside_the_first_is_refused() -> None:
    with pytest.raises(ProtocolError, match="msg_2"):
        decode(OPEN, text("one"), start("msg_2"), block(0, "text", text=""), text("two"))


def test_a_head_sent_twice_is_one_message_counted_once() -> None:
    deltas, stop = decode(start(), OPEN, text("a"), start(), text("b"), END)
    assert said(deltas) == "ab"
    assert stop.usage == Usage(input_tokens=11, output_tokens=42)
    assert stop.warnings == ("message_start was sent again",)


def test_blocks_that_begin_again_behind_a_repeated_head_are_a_second_answer() -> None:
    with pytest.raises(ProtocolError, match="msg_1"):
        decode(OPEN, text("Pa"), OPEN, text("Paris"), END)


def test_an_error_event_may_be_empty_or_bare() -> None:
    with pytest.raises(ProviderError):
        decode(OPEN, text("a"), b"event: error\ndata:\n\n", END)
    with pytest.raises(ProviderError) as caught:
        decode(OPEN, text("a"), b'data: {"type": "overloaded_error", "message": "x"}\n\n', END)
    assert caught.value.kind == "overloaded"


def test_zeros_at_the_end_do_not_undo_the_input_that_was_counted() -> None:
    last = {"delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": 0, "output_tokens": 42}}
    _, stop = decode(OPEN, text("a"), shut(0), sse("message_delta", **last), sse("message_stop"))
    assert stop.usage == Usage(input_tokens=11, output_tokens=42)


def test_zeros_for_all_of_the_input_do_not_undo_what_was_read_from_the_cache() -> None:
    cached = {"input_tokens": 1, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 6}
    usage = dict.fromkeys(cached, 0) | {"output_tokens": 42}
    last = sse("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)
    _, stop = decode(start("msg_1", **cached), text("a"), shut(0), last, sse("message_stop"))
    assert stop.usage == Usage(
        input_tokens=11, output_tokens=42, cached_tokens=4, cache_write_tokens=6
    )


def test_a_block_without_a_type_is_what_its_increments_are() -> None:
    out, stop = decode(
        start(), sse("content_block_start", index=0, content_block={}), text("a"), END
    )
    assert TextDelta("a") in out
    assert not stop.damaged


@pytest.mark.parametrize("delta", ["a", {"text": "a"}, {"type": "", "text": "a"}])
def test_an_increment_that_cannot_be_read_is_not_lost_in_silence(delta: object) -> None:
    _, stop = decode(OPEN, sse("content_block_delta", index=0, delta=delta), END)
    assert stop.damaged


@pytest.mark.parametrize("kind", ["thinking", "tool_use"])
def test_text_in_a_block_of_another_kind_is_not_lost_in_silence(kind: str) -> None:
    _, stop = decode(start(), block(0, kind, name="f", id="c"), text("a"), END)
    assert stop.damaged


def test_a_tool_of_the_server_is_progress_without_words() -> None:
    search = block(0, "server_tool_use", id="s", name="web_search", input={}) + args(0, "{}")
    found = shut(0) + block(1, "web_search_tool_result", tool_use_id="s", content=[]) + shut(1)
    out, stop = decode(start(), search, found, finish(), sse("message_stop"))
    assert [delta for delta in out if not isinstance(delta, UsageDelta)] == [ReasoningDelta("")] * 3
    assert stop.reason == "stop"


def test_a_count_may_be_written_with_a_decimal_point() -> None:
    last = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 42.0}}
    _, stop = decode(OPEN, text("a"), shut(0), sse("message_delta", **last), sse("message_stop"))
    assert stop.usage == Usage(input_tokens=11, output_tokens=42)


def test_nothing_is_read_after_the_end_marker() -> None:
    _, decoder = feed([OPEN + text("a") + END])
    out: list[Delta] = []
    decoder.feed(SSE("", [b"garbage"]), out)
    decoder.feed(SSE("error", [b"{}"]), out)
    assert (out, decoder.end().warnings) == ([], ())


def test_openais_end_marker_ends_the_stream_too() -> None:
    _, decoder = feed([OPEN + text("a") + shut(0) + finish() + b"data: [DONE]\n\n"])
    assert (decoder.done, decoder.end().warnings) == (True, ())


def raw_text(escaped: bytes) -> bytes:
    return text("@").replace(b"@", escaped)


def test_halves_of_a_surrogate_pair_are_joined_across_events() -> None:
    pair = raw_text(b"a\\ud83d") + raw_text(b"\\ude00b")
    assert said(decode(OPEN, pair, END)[0]) == "a😀b"


@pytest.mark.parametrize("odd", [b"\\ud83d", b"\\ude00", b"\\ud83d\\ud83d", b"\xc3\x28\xff"])
def test_text_that_is_not_unicode_is_mended_and_the_rest_kept(odd: bytes) -> None:
    for tail in (text("z"), b""):
        deltas, stop = decode(OPEN, raw_text(b"a" + odd), tail, END)
        assert said(deltas).startswith("a\ufffd")
        assert said(deltas).encode()
        assert (said(deltas).endswith("z"), stop.damaged) == (bool(tail), False)


def test_halves_in_thinking_and_arguments_are_mended_each_by_itself() -> None:
    deltas, _ = decode(
        start(),
        block(0, "thinking", thinking=""),
        block(1, "tool_use", id="a", name="f", input={}),
        more(0, "thinking_delta", thinking="@").replace(b"@", b"\\ud83d"),
        args(1, "@").replace(b"@", b"\\ud83d"),
        more(0, "thinking_delta", thinking="@").replace(b"@", b"\\ude00"),
        shut(1),
        shut(0),
    )
    assert [delta.text for delta in thought(deltas)] == ["😀"]
    assert "".join(delta.arguments for delta in calls(deltas)) == "\ufffd"


def test_a_depth_bomb_is_refused_without_a_recursion_error() -> None:
    bomb = b"[" * 200_000 + b"]" * 200_000
    with pytest.raises(ProtocolError, match="nested"):
        decode(OPEN, b'data: {"type":"ping","x":' + bomb + b"}\n\n")


def test_a_whole_answer_gives_the_same_as_its_stream() -> None:
    deltas, stop = whole(
        {
            "type": "message",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "s"},
                {"type": "text", "text": "Paris"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": None},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 3, "output_tokens": 4},
        }
    )
    usage = Usage(input_tokens=3, output_tokens=4)
    assert deltas == [
        ReasoningDelta("Hm"),
        ReasoningDelta("", {"type": "thinking", "thinking": "Hm", "signature": "s"}),
        TextDelta("Paris"),
        ToolCallDelta(2, "a", "f"),
        ToolCallDelta(2, arguments='{"x":1}', closed=True),
        ToolCallDelta(3, "b", "g"),
        ToolCallDelta(3, closed=True),
        UsageDelta(usage),
    ]
    assert stop == Stop("tool_calls", usage, "tool_use")


def test_a_whole_error_is_raised_with_its_kind() -> None:
    with pytest.raises(ProviderError, match="no credit") as caught:
        whole({"type": "error", "error": {"type": "rate_limit_error", "message": "no credit"}})
    assert caught.value.kind == "rate_limit"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"content": "x"}', b"{}", b"\xff"])
def test_a_whole_body_of_another_kind_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="neither events"):
        Decoder(CATALOG["anthropic"]).whole(body, [])


def test_arguments_with_nan_or_half_a_character_are_left_to_the_validator() -> None:
    body = b'{"content":[{"type":"tool_use","id":"a","name":"f","input":{"x":NaN,"y":"\\ud83d"}}]}'
    out: list[Delta] = []
    Decoder(CATALOG["anthropic"]).whole(body, out)
    assert calls(out)[-1].arguments == '{"x":NaN,"y":"\\ud83d"}'


@given(st.binary(max_size=200), st.sampled_from(["", "error", "message_delta"]))
def test_no_bytes_raise_anything_but_a_provider_error(data: bytes, name: str) -> None:
    decoder = Decoder(CATALOG["anthropic"])
    try:
        decoder.feed(SSE(name, [data]), [])
    except ProviderError:
        return
    decoder.end()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = ("index", "delta", "content_block", "message", "usage", "id", "stop_reason", "text")
TYPES = ("message_start", "content_block_start", "content_block_delta", "content_block_stop")
KINDS = st.sampled_from(["text", "thinking", "tool_use", "text_delta", "input_json_delta"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from([*TYPES, "message_delta"])},
            optional={
                field: JSON | st.fixed_dictionaries({"type": KINDS, "text": JSON, "input": JSON})
                for field in FIELDS
            },
        ),
        max_size=6,
    )
)
def test_no_json_of_any_shape_raises_anything_but_a_provider_error(
    events: list[dict[str, Any]],
) -> None:
    decoder = Decoder(CATALOG["anthropic"])
    out: list[Delta] = []
    try:
        for event in events:
            decoder.feed(SSE("", [json.dumps(event).encode()]), out)
    except ProviderError:
        return
    assert not any(isinstance(delta, TextDelta) and not delta.text for delta in out)
    decoder.end()


def test_words_under_a_name_of_the_servers_own_do_no_damage() -> None:
    own = b"event: heartbeat\ndata: pong\n\nevent: ping\ndata: 12:00\n\n"
    assert not decode(OPEN, own, text("a"), END)[1].damaged
    assert decode(OPEN, b"event: content_block_delta\ndata: pong\n\n", text("a"), END)[1].damaged
    assert decode(OPEN, b"event: own\ndata: {pong\n\n", text("a"), END)[1].damaged


def test_a_message_that_was_cut_is_incomplete_and_other_json_is_no_message() -> None:
    body = json.dumps({"type": "message", "content": [{"type": "text", "text": "a"}]}).encode()
    for size in range(1, len(body)):
        with pytest.raises(ProviderError) as cut:
            Decoder(CATALOG["anthropic"]).whole(body[:size], [])
        assert (cut.value.kind, cut.value.retryable) == ("incomplete", True)
    with pytest.raises(ProtocolError):
        Decoder(CATALOG["anthropic"]).whole(b'{"content": 1}', [])
