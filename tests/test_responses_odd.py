"""Odd servers of the Responses API: what they leave out, repeat, mix or call otherwise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cascadeflow.core.calls import Calls
from cascadeflow.errors import ProviderError
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.responses import Decoder
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.types import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta, UsageDelta

from .responses_events import (
    COUNTS,
    USED,
    added,
    call,
    closing,
    done,
    event,
    message,
    more,
    thought,
)

ROME, OSLO = '{"city": "Rome"}', '{"city": "Oslo"}'
FIRST = ("call_1", "weather", ROME)
SECOND = ("call_2", "weather", OSLO)


def read(*chunks: bytes) -> tuple[list[Delta], Stop]:
    lines, decoder, out = SSEDecoder(), Decoder(CATALOG["openai-responses"]), list[Delta]()
    for events in lines.feed(b"".join(chunks)):
        decoder.feed(events, out)
    return out, decoder.end()


def text(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def called(deltas: Sequence[Delta]) -> list[tuple[str, str, str]]:
    calls = Calls(["weather"])
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls.add(delta)
    calls.finish()
    return [(each.id, each.name, each.arguments) for each in calls.calls]


def piece(arguments: object, **fields: Any) -> bytes:
    return event("response.function_call_arguments.delta", delta=arguments, **fields)


def without(chunk: bytes, *names: str) -> bytes:
    """An event without some of its fields."""
    head, data = chunk.decode().strip().split("\ndata: ")
    body = {name: value for name, value in json.loads(data).items() if name not in names}
    return f"{head}\ndata: {json.dumps(body)}\n\n".encode()


# --- which item ----------------------------------------------------------------------------------

TWO_CALLS = {
    "both under index 0": (
        added(0, call("")), piece(ROME, output_index=0), done(0, call()),
        added(0, call("", call_id="call_2")), piece(OSLO, output_index=0),
        done(0, call(OSLO, call_id="call_2")),
    ),
    "ended only, both under index 0": (done(0, call()), done(0, call(OSLO, call_id="call_2"))),
    "begun only, both under index 0": (
        added(0, call("")), piece(ROME, output_index=0),
        added(0, call("", call_id="call_2")), piece(OSLO, output_index=0),
    ),
    "indexes as text": (
        added(0, call("")), added(1, call("", call_id="call_2")),
        piece(ROME, output_index="0"), piece(OSLO, output_index="1"),
    ),
    "ids in place of indexes": (
        without(added(0, call("", id="fc_1")), "output_index"),
        without(added(0, call("", id="fc_2", call_id="call_2")), "output_index"),
        piece('{"city": ', item_id="fc_1"), piece(OSLO, item_id="fc_2"),
        piece('"Rome"}', item_id="fc_1"),
    ),
    "an id with every event, and no index": (
        without(added(0, call("", id="a")), "output_index"), piece(ROME, item_id="b"),
        without(done(0, call(id="c")), "output_index"),
        without(added(0, call("", id="d", call_id="call_2")), "output_index"),
        piece(OSLO, item_id="e"),
        without(done(0, call(OSLO, id="f", call_id="call_2")), "output_index"),
    ),
    "an id with every event": (
        added(0, call("", id="a")), added(1, call("", id="b", call_id="call_2")),
        piece(ROME, output_index=0, item_id="c"), piece(OSLO, output_index=1, item_id="d"),
        done(0, call(id="e")), done(1, call(OSLO, id="f", call_id="call_2")),
    ),
    "one id for all": (
        added(0, call("", id="x")), added(1, call("", id="x", call_id="call_2")),
        piece(ROME, output_index=0, item_id="x"), piece(OSLO, output_index=1, item_id="x"),
    ),
    "an index with some events": (
        without(added(0, call("", id="a")), "output_index"),
        piece(ROME, output_index=0, item_id="a"),
        without(done(0, call(id="a")), "output_index"),
        done(1, call(OSLO, id="b", call_id="call_2")),
    ),
    "never begun": (piece(ROME, output_index=0), piece(OSLO, output_index=1)),
    "told with the end only": (),
}  # fmt: skip


@pytest.mark.parametrize("name", TWO_CALLS)
def test_two_calls_stay_two_whatever_their_events_are_called(name: str) -> None:
    out, stop = read(*TWO_CALLS[name], closing(call(), call(OSLO, call_id="call_2")))
    assert called(out) == [FIRST, SECOND]
    assert (stop.reason, stop.damaged) == ("tool_calls", False)


def test_two_messages_under_one_index_are_one_text() -> None:
    for begin in (added(0, {"type": "message", "content": []}), b""):
        out, stop = read(
            begin, more("I look. "), done(0, message("I look. ")),
            begin, done(0, message("It is so.")),
            closing(message("I look. "), message("It is so.")),
        )  # fmt: skip
        assert text(out) == "I look. It is so."
        assert not stop.damaged


def test_a_text_whose_events_have_no_index_is_said_once() -> None:
    out, stop = read(
        without(added(0, {"type": "message", "id": "a"}), "output_index"),
        without(more("Par", item_id="b"), "output_index"),
        more("is.", item_id="c"),
        without(done(0, message("Paris.") | {"id": "d"}), "output_index"),
        closing(message("Paris.")),
    )
    assert text(out) == "Paris."
    assert not stop.damaged


def test_a_text_that_has_another_place_in_its_item_than_in_its_pieces_is_said_once() -> None:
    pieces = [more("Paris.").replace(b'"content_index": 0', b'"content_index": 1')]
    out, stop = read(*pieces, done(0, message("Paris.")), closing(message("Paris.")))
    assert text(out) == "Paris."
    assert not stop.damaged


def test_messages_whose_pieces_come_mixed_are_damage() -> None:
    _, stop = read(more("Par", 0), more("Ro", 1), more("is.", 0), closing())
    assert stop.damaged
    assert stop.warnings == ("the pieces of several texts came mixed",)


def test_a_repeated_end_of_an_item_says_nothing_new() -> None:
    out, stop = read(done(0, message("Paris.")), done(0, message("Paris.")), done(1, call()) * 2,
                     closing(message("Paris."), call()))  # fmt: skip
    assert text(out) == "Paris."
    assert called(out) == [FIRST]
    assert not stop.damaged


# --- calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        (added(0, call()), done(0, call(""))),
        (added(0, call()),),
        (added(0, call("")), piece('{"city": ', output_index=0)),
        (added(0, call("", name="")), piece(ROME, output_index=0), done(0, call())),
        (added(0, call("", call_id=None)), done(0, call())),
        (piece('{"city"', output_index=0), added(0, call("")), piece(': "Rome"}', output_index=0)),
        (added(0, call({"city": "Rome"})), done(0, call({"city": "Rome"}))),
        (done(0, call('{"city":"Rome"}')),),
    ],
)
def test_a_call_is_whole_wherever_its_parts_are_told(told: tuple[bytes, ...]) -> None:
    out, stop = read(*told, closing(call()))
    [(id, name, arguments)] = called(out)
    assert (id, name, json.loads(arguments)) == ("call_1", "weather", {"city": "Rome"})
    assert not stop.damaged


def test_arguments_that_only_the_beginning_of_a_call_tells_are_taken() -> None:
    for told in ((), (done(0, call("")),), (done(0, call(None)),)):
        out, _ = read(added(0, call()), *told, closing())
        assert called(out) == [FIRST]


def test_a_call_without_arguments_has_none() -> None:
    empties: tuple[object, ...] = ("", "{}", None, {})
    for empty in empties:
        out, stop = read(added(0, call("")), done(0, call(empty)), closing(call(empty)))
        assert called(out) == [("call_1", "weather", "{}")]
        assert not stop.damaged


def test_a_call_that_has_another_id_in_the_closing_event_is_the_same() -> None:
    out, _ = read(done(0, call()), closing(call(call_id="call_x")))
    assert called(out) == [FIRST]


def test_arguments_written_otherwise_in_the_end_are_no_damage_and_other_ones_are() -> None:
    for arguments, damaged in (('{"city":"Rome"}', False), (OSLO, True)):
        _, stop = read(added(0, call("")), piece(ROME, output_index=0), done(0, call(arguments)),
                       closing())  # fmt: skip
        assert stop.damaged is damaged


def test_calls_with_the_same_id_are_kept_apart() -> None:
    for told in ((done(0, call()), done(1, call(OSLO))), ()):
        out, _ = read(*told, closing(call(), call(OSLO)))
        assert [arguments for _, _, arguments in called(out)] == [ROME, OSLO]


def test_encrypted_thinking_that_only_the_closing_event_tells_goes_with_its_call() -> None:
    sealed = thought(encrypted_content="gAAA")
    out, _ = read(added(1, call("")), piece(ROME, output_index=1), closing(sealed, call()))
    assert ReasoningDelta("", {**sealed, "call_id": "call_1"}) in out
    seals = [delta for delta in out if isinstance(delta, ReasoningDelta) and delta.block]
    assert len(seals) == 1


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", ["Paris.", ["Paris."], [{"type": "text", "text": "Paris."}, 5, {"type": "new"}]]
)
def test_content_in_other_forms_is_read(content: object) -> None:
    out, stop = read(done(0, {"type": "message", "content": content}), closing())
    assert text(out) == "Paris."
    assert not stop.damaged


def test_thoughts_in_other_forms_are_never_the_answer() -> None:
    for content in ("Hm.", [{"type": "output_text", "text": "Hm."}]):
        item = {"type": "reasoning", "summary": [], "content": content}
        out, _ = read(done(0, item), closing(item))
        assert out[0] == ReasoningDelta("Hm.")
        assert text(out) == ""


def test_white_space_that_is_gone_in_the_end_is_no_damage() -> None:
    out, stop = read(more(" Paris. \n"), done(0, message("Paris.")), closing(message("Paris.")))
    assert text(out) == " Paris. \n"
    assert not stop.damaged


def test_a_message_that_the_closing_event_leaves_out_is_no_damage() -> None:
    _, stop = read(more("I look.", 0), more("It is so.", 1), closing(message("It is so.")))
    assert not stop.damaged


def test_a_refusal_that_only_the_closing_event_tells_is_one() -> None:
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot."}]}
    _, stop = read(done(0, thought()), closing(thought(), refusal))
    assert (stop.reason, stop.detail) == ("refusal", "I cannot.")


def test_a_piece_that_is_no_text_is_damage() -> None:
    _, stop = read(more("Par"), event("response.output_text.delta", delta=5), closing())
    assert stop.damaged


def test_the_names_of_openrouter_are_read() -> None:
    out, stop = read(
        event("response.content_part.added", output_index=0, part={"type": "output_text"}),
        event("response.reasoning.delta", output_index=0, delta="Hm."),
        event("response.content_part.delta", output_index=0, content_index=0, delta="Paris."),
        event("response.done", response={"status": "completed", "usage": COUNTS}),
        b"data: [DONE]\n\n",
    )
    assert text(out) == "Paris."
    assert ReasoningDelta("Hm.") in out
    assert (stop.reason, stop.usage) == ("stop", USED)


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (event("response.completed"), "stop"),
        (event("response.completed", response=None), "stop"),
        (event("response.completed", response={"output": []}), "stop"),
        (event("response.completed", response={"status": "in_progress"}), "stop"),
        (event("response.incomplete", response={"status": "completed"}), "pause"),
        (closing(status="incomplete", incomplete_details=None), "pause"),
        (closing(status="incomplete", incomplete_details={"reason": "max_tokens"}), "length"),
        (closing(status="incomplete", incomplete_details="max_output_tokens"), "length"),
        (closing(status="incomplete", incomplete_details={"reason": "bored"}), "pause"),
        (closing(incomplete_details={"reason": "max_output_tokens"}), "length"),
        (event("response.completed", response={"status": "incomplete"}), "pause"),
        (b"data: [DONE]\n\n", None),
        (event("response.web_search_call.completed", output_index=1), None),
        (b"", None),
    ],
)  # fmt: skip
def test_how_an_answer_ends_is_read_from_what_there_is(told: bytes, reason: str | None) -> None:
    out, stop = read(more("Paris."), told)
    assert text(out) == "Paris."
    assert stop.reason == reason


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (event("response.failed", error={"code": "rate_limit_exceeded", "message": "x"}),
         "rate_limit"),
        (event("response.failed", response={"error": {"code": "server_error"}}), "server"),
        (event("response.failed", response={"status": "completed"}), "server"),
        (event("response.failed"), "server"),
        (event("response.error", error={"code": "rate_limit_exceeded"}), "rate_limit"),
        (b'event: error\ndata: {"type": "rate_limit_exceeded", "message": "x"}\n\n', "rate_limit"),
        (b'data: {"type": "overloaded_error", "message": "x"}\n\n', "overloaded"),
        (b'data: {"detail": "Not Found", "code": 404}\n\n', "not_found"),
        (closing(status="incomplete", incomplete_details={"reason": "server_error"}), "server"),
    ],
)  # fmt: skip
def test_a_failure_is_an_error_in_whatever_event_it_comes(told: bytes, kind: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read(more("Par"), told)
    assert caught.value.kind == kind


def test_nothing_after_the_closing_event_counts() -> None:
    out, stop = read(more("Paris."), closing(), more("Rome."), event("error", message="It broke."))
    assert text(out) == "Paris."
    assert stop.reason == "stop"


def test_what_keeps_the_connection_is_none_of_the_answer() -> None:
    beats = (
        b": keep-alive\n\n", b"event: ping\ndata: {}\n\n", b"data: null\n\n", b"data:\n\n",
        b"event: heartbeat\ndata: alive\n\n", event("keepalive", sequence_number=3),
        event("ping", message="alive"),
    )  # fmt: skip
    out, stop = read(*beats, more("Paris."), *beats, closing())
    assert text(out) == "Paris."
    assert (stop.damaged, stop.warnings) == (False, ())


def test_an_error_in_place_of_an_answer_is_one_in_whatever_form() -> None:
    with pytest.raises(ProviderError, match="Not Found"):
        Decoder(CATALOG["openai-responses"]).whole(b'{"detail": "Not Found"}', [])


def test_an_answer_in_one_json_text_needs_no_status() -> None:
    decoder, out = Decoder(CATALOG["openai-responses"]), list[Delta]()
    decoder.whole(json.dumps({"output": [message("Paris.")], "usage": COUNTS}).encode(), out)
    assert out == [TextDelta("Paris."), UsageDelta(USED)]
    assert decoder.end().reason == "stop"


# --- token counts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "used"),
    [
        ({"input_tokens": 0, "output_tokens": 0}, None),
        (None, None),
        ([], None),
        ({}, None),
        ({"input_tokens": 11, "output_tokens": 10**12}, None),
        ({**COUNTS, "input_tokens": 11.0}, USED),
        ({
            "prompt_tokens": 11, "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2},
        }, USED),
    ],
)  # fmt: skip
def test_token_counts_are_taken_if_they_can_be_right(usage: object, used: object) -> None:
    out, stop = read(more("Paris."), closing(usage=usage))
    assert stop.usage == used
    assert [delta for delta in out if isinstance(delta, UsageDelta)] == [
        UsageDelta(stop.usage) for _ in [used] if stop.usage
    ]


def test_no_more_tokens_are_cached_than_there_are() -> None:
    _, stop = read(closing(usage={**COUNTS, "input_tokens_details": {"cached_tokens": 99}}))
    assert stop.usage is not None
    assert stop.usage.cached_tokens == 11
