from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cascadeflow.errors import ProtocolError, ProviderError
from cascadeflow.providers.openai_chat import Decoder
from cascadeflow.providers.sse import SSE, SSEDecoder
from cascadeflow.types import (
    Delta,
    ReasoningDelta,
    Stop,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

from .chat_events import (
    ELEVEN,
    OPENAI,
    USAGE,
    call,
    chunk,
    decode,
    encoded,
    fails,
    said,
    text,
)

# ---- errors inside a good answer ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"message": "m", "type": "server_error"}}, "server"),
        ({"error": "overloaded"}, "overloaded"),
        ({"error": {"message": "slow", "code": 429}}, "rate_limit"),
        ({"object": "error", "message": "m", "type": "BadRequest", "code": 400}, "bad_request"),
        ({"message": "m", "code": 503}, "overloaded"),
        ({"type": "error", "message": "m"}, "server"),
        ({"detail": "m"}, "server"),
        ([{"error": {"message": "m", "code": 429}}], "rate_limit"),
        (chunk({"content": ""}, error={"message": "m", "code": 429}), "rate_limit"),
        (chunk({"content": ""}, "error"), "server"),
        (chunk({}, "network_error"), "server"),
        ({"error": {"message": "m", "code": 429}, "choices": [], "usage": None}, "rate_limit"),
    ],
)
def test_an_error_object_ends_the_stream_and_what_came_before_is_kept(
    error: object, kind: str
) -> None:
    out, failure = fails(said("a"), error, said("b"))
    assert out == [TextDelta("a")]
    assert failure.kind == kind


def test_an_error_beside_text_and_usage_comes_after_them() -> None:
    out, _ = fails(said("a", usage=ELEVEN) | {"error": {"message": "m"}})
    assert out == [TextDelta("a"), UsageDelta(USAGE)]


@pytest.mark.parametrize("data", [b'{"error": {"message": "m"}}', b"m", b'"m"', b"{}"])
def test_an_event_named_error_is_one_whatever_it_holds(data: bytes) -> None:
    with pytest.raises(ProviderError):
        Decoder(OPENAI).feed(SSE("error", [data]), [])


# ---- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [b'{"id": "x", ', b"what?", b"[1]", b"7", said(7)])
def test_an_event_that_cannot_be_read_is_told_and_may_have_cost_text(bad: object) -> None:
    out, stop = decode(said("a"), bad, bad, said("b"), chunk({}, "stop"))
    assert out == [TextDelta("a"), TextDelta("b")]
    assert stop.damaged
    assert stop.warnings == ("2 event(s) could not be parsed",)
    late = decode(said("a"), chunk({}, "stop"), bad)[1]
    assert not late.damaged
    assert late.warnings


def test_json_nested_too_deep_is_refused() -> None:
    for depth in (200, 100_000):
        bomb = (
            b'{"choices": [{"delta": {"content": 1, "x": ' + b"[" * depth + b"]" * depth + b"}}]}"
        )
        _, failure = fails(bomb)
        assert isinstance(failure, ProtocolError)
        assert (failure.kind, failure.retryable) == ("protocol", False)
    assert text(said("[" * 1000), said([{"text": '{"\\' * 1000}])) == "[" * 1000 + '{"\\' * 1000


def test_bytes_that_are_not_utf8_become_the_replacement_character() -> None:
    assert text(b'{"choices": [{"delta": {"content": "a\xc3(\xffb"}}]}') == "a\ufffd(\ufffdb"


def test_control_characters_in_a_string_are_kept() -> None:
    assert text(b'{"choices": [{"delta": {"content": "a\x00b\\u0000"}}]}') == "a\0b\0"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["\ud83d", "\ude00"], "😀"),
        (["x\ud83d", "", "\ude00y"], "x😀y"),
        (["x\ud83d", "y"], "x\ufffdy"),
        (["\ude00x"], "\ufffdx"),
        (["x\ud83d"], "x\ufffd"),
        (["\ud83d\ud83d", "\ude00"], "\ufffd😀"),
    ],
)
def test_halves_of_a_character_are_joined_or_replaced(pieces: list[str], expected: str) -> None:
    events = [*map(said, pieces), chunk({}, "stop")]
    assert text(*events) == expected
    assert text(*events[:-1], b"[DONE]") == expected
    thoughts = decode(*[chunk({"reasoning": piece}) for piece in pieces], events[-1])[0]
    assert "".join(t.text for t in thoughts if isinstance(t, ReasoningDelta)) == expected
    calls = [call({"index": 0, "function": {"arguments": piece}}) for piece in pieces]
    found = decode(*calls, events[-1])[0]
    assert "".join(c.arguments for c in found if isinstance(c, ToolCallDelta)) == expected
    refusals = [chunk({"refusal": piece}) for piece in pieces]
    assert decode(*refusals, events[-1])[1].detail in (expected, expected.removesuffix("\ufffd"))


@given(st.text(st.characters(exclude_categories=()), max_size=20), st.data())
def test_text_comes_out_as_valid_unicode_however_it_is_cut(whole: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    pieces = [whole[a:b] for a, b in pairwise([0, *cuts, len(whole)])]
    out, _ = decode(*map(said, pieces), chunk({}, "stop"))
    assert all(isinstance(delta, TextDelta) and delta.text for delta in out)
    expected = whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert text(*map(said, pieces), chunk({}, "stop")) == expected


NAMES = (
    *("choices", "delta", "message", "content", "text", "reasoning", "refusal", "finish_reason"),
    *("tool_calls", "function", "name", "arguments", "index", "id", "logprobs"),
    *("usage", "prompt_tokens", "completion_tokens", "x_groq", "reasoning_details"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
@example({"choices": {"delta": {"tool_calls": "x", "content": [[]], "function_call": 1}}})
def test_any_json_gives_deltas_or_a_provider_error(value: object) -> None:
    for event in (value, {"choices": [value]}, chunk(value), chunk({"tool_calls": [value]})):
        try:
            out, _ = decode(event)
        except ProviderError:
            continue
        for delta in out:
            if isinstance(delta, TextDelta | ReasoningDelta):
                assert delta.text
                delta.text.encode()


FIXTURE = b"\xef\xbb\xbf: hello\r\n\r\n" + encoded(
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "hm 漢"}),
    said("Grüße \ud83d"),
    said("\ude00", logprobs={"content": [{"logprob": -0.1}]}),
    call({"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}),
    b'{"broken": ',
    '{"choices": [{"delta": {"content": "漢字"}}]}'.encode(),
    chunk({}, "tool_calls"),
    {"choices": [], "usage": ELEVEN},
    b"[DONE]",
).replace(b"\n", b"\r\n")


def split(body: bytes, cuts: Iterable[int]) -> tuple[list[Delta], Stop]:
    sse, decoder, out = SSEDecoder(), Decoder(OPENAI), list[Delta]()
    for a, b in pairwise([0, *sorted(cuts), len(body)]):
        for event in sse.feed(body[a:b]):
            decoder.feed(event, out)
    return out, decoder.end()


@given(st.lists(st.integers(0, len(FIXTURE)), max_size=30))
@example(list(range(len(FIXTURE))))
def test_any_split_of_the_bytes_gives_the_same_deltas(cuts: list[int]) -> None:
    assert split(FIXTURE, cuts) == split(FIXTURE, [])


def test_a_thought_may_be_a_summary_among_the_parts() -> None:
    summary = [{"type": "summary_text", "text": "Hm. "}, {"type": "summary_text", "text": "Rome?"}]
    out, _ = decode(
        said([{"type": "reasoning", "summary": summary}]), said("Paris."), chunk({}, "stop")
    )
    assert out == [ReasoningDelta("Hm. Rome?"), TextDelta("Paris.")]


@pytest.mark.parametrize(
    "lost",
    [
        {"choices": [{"index": 0, "delta": "is Paris."}]},
        said([{"type": "text", "text": {"html": "is Paris."}}]),
        said([{"type": "text", "text": 42}]),
        {"choices": ["is Paris."]},
        {"choices": "is Paris."},
        chunk({"tool_calls": ["f"]}),
        chunk({"tool_calls": True}),
        {"choices": [{"index": 0, "message": {"content": "is Paris."}, "finish_reason": None}]},
    ],
)
def test_a_piece_that_cannot_be_read_is_never_lost_in_silence(lost: object) -> None:
    _, stop = decode(said("It "), lost, chunk({}, "stop"))
    assert stop.damaged
    assert stop.warnings


def test_empty_objects_of_a_language_without_them_are_no_damage() -> None:
    empty: dict[str, object] = {"choices": [{"index": 0, "delta": [], "finish_reason": None}]}
    last = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    out, stop = decode(empty, said("Hi"), said([{"type": "text", "text": {"value": "!"}}]), last)
    assert (out, stop.damaged) == ([TextDelta("Hi"), TextDelta("!")], False)
