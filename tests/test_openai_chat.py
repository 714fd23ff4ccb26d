from __future__ import annotations

import json
from typing import Any

import pytest

from cascadeflow.errors import ProtocolError, ProviderError
from cascadeflow.providers.catalog import CATALOG
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
    STOP,
    USAGE,
    call,
    chunk,
    decode,
    encoded,
    fails,
    said,
    text,
)

# ---- the ordinary stream ------------------------------------------------------------------------


def test_text_finish_and_usage_of_an_ordinary_stream() -> None:
    start = chunk({"role": "assistant", "content": "", "refusal": None}, usage=None)
    last: dict[str, Any] = {"choices": [], "usage": ELEVEN}
    out, stop = decode(start, said("Hel"), said("lo ü"), chunk({}, "stop"), last, b"[DONE]")
    assert out == [TextDelta("Hel"), TextDelta("lo ü"), UsageDelta(USAGE)]
    assert stop == Stop("stop", USAGE, raw_reason="stop")


def test_finished_and_done_tell_how_far_the_stream_is() -> None:
    decoder, out = Decoder(OPENAI), list[Delta]()
    seen: list[tuple[bool, bool]] = []
    for event in (said("a"), chunk({}, "stop"), b"[DONE]", said("b")):
        for events in SSEDecoder().feed(encoded(event)):
            decoder.feed(events, out)
        seen.append((decoder.finished, decoder.done))
    assert seen == [(False, False), (True, False), (True, True), (True, True)]
    assert out == [TextDelta("a")]


SAYS_NOTHING: list[Any] = [
    {"choices": []},
    {"choices": None},
    {"id": "x"},
    {"choices": [{"index": 0, "delta": None}]},
    {"choices": [{"index": 0}]},
    {"choices": [None]},
    {"choices": [], "prompt_filter_results": [{}], "object": ""},
    said(None),
    said(""),
    chunk({}),
    chunk({"tool_calls": None, "function_call": None, "refusal": ""}),
    chunk({"brand_new": 1}, brand_new={"a": 1}),
    {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}]},
    b"",
    b"null",
    b"{}",
]


@pytest.mark.parametrize("odd", SAYS_NOTHING)
def test_a_chunk_that_says_nothing_is_passed_over(odd: object) -> None:
    done = chunk({}, "stop")
    assert decode(odd, said("a"), odd, done, odd) == ([TextDelta("a")], STOP)


def test_log_probabilities_come_with_their_text() -> None:
    tokens: Any = {"content": [{"token": "a", "logprob": -0.5, "rank": None}, {"logprob": -1}]}
    assert decode(said("ab", logprobs=tokens))[0] == [TextDelta("ab", (-0.5, -1.0))]
    assert decode(said("", logprobs=tokens), said("c", logprobs={"content": None}))[0] == [
        TextDelta("c", (-0.5, -1.0))
    ]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (b"-0.25", (-0.25,)),
        (b'{"token_logprobs": [-0.5, null]}', (-0.5,)),
        (
            b'{"content": [{"logprob": -Infinity}, {"logprob": NaN}, {"logprob": -2}]}',
            (-9999.0, -2),
        ),
        (b'{"content": "x"}', ()),
        (b'"x"', ()),
    ],
)
def test_log_probabilities_in_other_forms(form: bytes, expected: tuple[float, ...]) -> None:
    event = b'{"choices": [{"delta": {"content": "a"}, "logprobs": ' + form + b"}]}"
    assert decode(event)[0] == [TextDelta("a", expected)]


# ---- thinking, parts, refusals ------------------------------------------------------------------


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm", "content": ""},
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning_details": [{"text": "h"}, {"summary": "m"}, {"data": "x"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"content": [{"type": "thinking", "thinking": "hm"}]},
    ],
)
def test_a_thought_is_no_text_and_comes_once(delta: dict[str, Any]) -> None:
    assert decode(chunk(delta))[0] == [ReasoningDelta("hm")]


def test_content_in_parts_is_taken_apart() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
        {"type": "reference", "reference_ids": [1]},
        "b",
    ]
    assert decode(said(parts))[0] == [ReasoningDelta("hm"), TextDelta("ab")]
    assert decode(said({"type": "text", "text": "c"}))[0] == [TextDelta("c")]


@pytest.mark.parametrize("word", ["stop", "content_filter", "refusal"])
def test_a_refusal_is_the_detail_of_the_stop(word: str) -> None:
    out, stop = decode(chunk({"refusal": "I "}), chunk({"refusal": "won't"}), chunk({}, word))
    assert out == []
    assert (stop.reason, stop.detail, stop.raw_reason) == ("refusal", "I won't", word)


def test_a_long_refusal_is_cut_to_two_kibibytes() -> None:
    _, stop = decode(*[chunk({"refusal": "ü" * 500})] * 9, chunk({}, "stop"))
    assert stop.detail == "ü" * 1024


# ---- why it ended -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("STOP", "stop"),
        ("eos_token", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"),
        ("pause_turn", "pause"),
    ],
)
def test_words_of_all_servers_are_understood(word: str, reason: str) -> None:
    assert decode(chunk({}, word))[1] == Stop(reason, raw_reason=word)  # type: ignore[arg-type]  # from the table above


def test_an_unknown_word_is_a_stop_with_a_warning() -> None:
    _, stop = decode(said("a", finish="cosmic_ray"))
    assert (stop.reason, stop.raw_reason) == ("stop", "cosmic_ray")
    assert "cosmic_ray" in stop.warnings[0]


@pytest.mark.parametrize("words", [("length", "stop"), ("stop", "length"), ("length", "length")])
def test_of_two_words_the_more_telling_one_holds(words: tuple[str, str]) -> None:
    events = [said("a", finish=words[0]), chunk({}, words[1])]
    assert decode(*events) == ([TextDelta("a")], Stop("length", raw_reason="length"))


def test_without_a_word_the_answer_is_incomplete() -> None:
    assert decode(said("a"))[1].reason is None
    assert decode(said("a"), b"[DONE]")[1].reason is None
    assert decode(said("a", finish=""), b"[DONE]")[1].reason is None
    assert decode()[1] == Stop(None)


def test_a_server_that_ends_with_done_alone_is_complete_with_it() -> None:
    server = CATALOG["snowflake"]
    assert decode(said("a"), b"[DONE]", server=server)[1].reason == "stop"
    assert decode(said("a"), server=server)[1].reason is None
    call = {"tool_calls": [{"index": 0, "function": {"name": "f"}}]}
    assert decode(chunk(call), b"[DONE]", server=server)[1].reason == "tool_calls"


# ---- tool calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (
            [
                call(
                    {
                        "index": 0,
                        "id": "a",
                        "type": "function",
                        "function": {"name": "f", "arguments": ""},
                    }
                ),
                call({"index": 0, "function": {"arguments": '{"x"'}}),
                call({"index": 0, "id": None, "function": {"name": None, "arguments": ":1}"}}),
            ],
            [
                ToolCallDelta(0, "a", "f"),
                ToolCallDelta(0, arguments='{"x"'),
                ToolCallDelta(0, arguments=":1}"),
            ],
        ),
        (
            [call({"id": "a", "function": {"name": "f", "arguments": "{}"}})],
            [ToolCallDelta(None, "a", "f", "{}")],
        ),
        (
            [call({"index": "1", "id": 7, "function": {"name": "f", "arguments": {"x": "ü"}}})],
            [ToolCallDelta(1, "7", "f", '{"x":"ü"}')],
        ),
        ([call({"index": 0, "name": "f", "arguments": "{}"})], [ToolCallDelta(0, "", "f", "{}")]),
        (
            [chunk({"tool_calls": {"index": 0, "function": {"name": "f", "arguments": None}}})],
            [ToolCallDelta(0, "", "f")],
        ),
        ([call(None, {"index": 0, "function": None}, {})], []),
        (
            [
                chunk({"function_call": {"name": "f", "arguments": ""}}),
                chunk({"function_call": {"arguments": "{}"}}),
            ],
            [ToolCallDelta(0, "", "f"), ToolCallDelta(0, arguments="{}")],
        ),
    ],
)
def test_tool_calls_in_every_shape(events: list[object], expected: list[Delta]) -> None:
    assert decode(*events, chunk({}, "tool_calls")) == (
        expected,
        Stop("tool_calls", raw_reason="tool_calls"),
    )


# ---- a whole answer at once ---------------------------------------------------------------------


def test_a_whole_json_answer_is_taken_as_one_piece() -> None:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "Hi",
        "reasoning": "hm",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"function": {"name": "f", "arguments": {}}},
        ],
    }
    choices: list[Any] = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    body = json.dumps({"object": "chat.completion", "choices": choices, "usage": ELEVEN}).encode()
    expected: list[Delta] = [
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        ToolCallDelta(0, "a", "f", "{}"),
        ToolCallDelta(1, "", "f", "{}"),
        UsageDelta(USAGE),
    ]
    decoder, out = Decoder(OPENAI), list[Delta]()
    decoder.whole(body, out)
    assert decoder.done
    assert (out, decoder.end()) == (expected, Stop("tool_calls", USAGE, raw_reason="tool_calls"))
    assert decode(body)[0] == expected


def test_a_message_repeated_beside_or_after_the_deltas_is_not_taken_again() -> None:
    first = said("Hi")
    first["choices"][0]["message"] = {"content": "Hi"}
    last = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    assert decode(first, last) == ([TextDelta("Hi")], STOP)


def test_a_whole_body_that_is_an_error_or_no_json_object_is_refused() -> None:
    with pytest.raises(ProviderError, match="backend exploded"):
        Decoder(OPENAI).whole(b'{"error": {"message": "backend exploded"}}', [])
    for body in (b"", b"<html>", b"[1, 2]"):
        with pytest.raises(ProtocolError, match=f"{len(body)} bytes that are neither"):
            Decoder(OPENAI).whole(body, [])


# ---- what follows a finish ----------------------------------------------------------------------


@pytest.mark.parametrize("word", ["null", "None", ""])
def test_a_word_for_no_finish_is_none(word: str) -> None:
    out, stop = decode(said("a", finish=word), said("b", finish=word))
    assert (out, stop.reason, stop.warnings) == ([TextDelta("a"), TextDelta("b")], None, ())


def test_more_of_the_answer_takes_a_finish_back() -> None:
    assert decode(said("a", finish="stop"), said("b"))[1].reason is None
    assert decode(said("a", finish="stop"), said("b"), b"[DONE]")[1].reason == "stop"
    assert decode(said("a", finish="stop"), said("b", finish="length"))[1].reason == "length"


def test_a_finish_beside_a_piece_of_the_answer_is_told_from_a_bare_one() -> None:
    decoder, seen = Decoder(OPENAI), list[bool]()
    for event in (said("a", finish="stop"), chunk({}, "stop")):
        for events in SSEDecoder().feed(encoded(event)):
            decoder.feed(events, [])
        seen.append(decoder.passing)
    assert seen == [True, False]


def test_a_second_answer_behind_the_first_is_not_read() -> None:
    first = [said("It is ", id="A"), said("Rome.", id="A"), chunk({}, "stop", id="A", usage=ELEVEN)]
    second = [said("It is Paris.", id="B"), chunk({}, "stop", id="B", usage={"prompt_tokens": 1})]
    out, stop = decode(*first, *second, b"[DONE]")
    assert out == [TextDelta("It is "), TextDelta("Rome."), UsageDelta(USAGE)]
    assert (stop.reason, stop.usage) == ("stop", USAGE)
    assert stop.warnings == ("a second answer followed the first; it was not read",)
    last = chunk({"content": ""}, id="proxy", usage=ELEVEN)
    assert decode(*first[:2], chunk({}, "stop", id="A"), last)[1] == Stop("stop", USAGE, "stop")


def test_chunks_that_each_have_an_id_of_their_own_are_one_answer() -> None:
    events = [said(x, id=x, finish="stop") for x in "abc"]
    last = chunk({}, id="d", usage=ELEVEN)
    assert decode(*events, last)[1] == Stop("stop", USAGE, raw_reason="stop")
    assert text(*events, last) == "abc"


@pytest.mark.parametrize(
    ("code", "kind"), [(402, "quota"), (429, "rate_limit"), (400, "bad_request"), (500, "server")]
)
def test_an_error_beside_a_finish_keeps_its_code_and_words(code: int, kind: str) -> None:
    error = fails(
        chunk({"content": ""}, "error", id="x") | {"error": {"code": code, "message": "W"}}
    )
    assert (error[1].kind, error[1].message) == (kind, "W")


def test_a_call_that_is_told_in_both_fields_is_one_call() -> None:
    function = {"name": "f", "arguments": "{}"}
    out, _ = decode(
        chunk({"tool_calls": [{"index": 0, "function": function}], "function_call": function})
    )
    assert out == [ToolCallDelta(0, "", "f", "{}")]


def test_words_under_a_name_of_the_servers_own_do_no_damage() -> None:
    decoder, out = Decoder(OPENAI), list[Delta]()
    for event in ("ping", "heartbeat", "message", ""):
        decoder.feed(SSE(event, [b"pong"]), out)
    stop = decoder.end()
    assert (out, stop.warnings) == ([], ("2 event(s) could not be parsed",))


def test_a_json_answer_that_was_cut_is_incomplete_and_other_bytes_are_no_answer() -> None:
    body = json.dumps({"choices": [{"message": {"content": "a"}}]}).encode()
    for size in range(1, len(body)):
        with pytest.raises(ProviderError) as cut:
            Decoder(OPENAI).whole(body[:size], [])
        assert (cut.value.kind, cut.value.retryable) == ("incomplete", True)
    for other in (b"[1, 2]", b"plain"):
        with pytest.raises(ProtocolError):
            Decoder(OPENAI).whole(other, [])
