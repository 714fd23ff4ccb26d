"""OpenAI's Responses API: what its events mean, what is sent, and a cascade that speaks it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.errors import ConfigError, ProtocolError, ProviderError
from cascadeflow.providers.catalog import CATALOG, endpoint
from cascadeflow.providers.responses import Decoder, encode
from cascadeflow.providers.sse import SSEDecoder
from cascadeflow.types import (
    Delta,
    ReasoningDelta,
    Request,
    Stop,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

from .asking import ASK
from .loopback import CHUNKED, Peer, serving
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

SERVER = CATALOG["openai-responses"]
WEATHER = {
    "name": "weather",
    "description": "Weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def decode(*chunks: bytes) -> tuple[list[Delta], Stop]:
    lines, decoder, out = SSEDecoder(), Decoder(SERVER), list[Delta]()
    for chunk in chunks:
        for events in lines.feed(chunk):
            decoder.feed(events, out)
    return [delta for delta in out if not isinstance(delta, UsageDelta)], decoder.end()


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


# --- answers -------------------------------------------------------------------------------------


def test_pieces_of_text_are_the_answer_and_the_closing_event_counts_its_tokens() -> None:
    out, stop = decode(
        event("response.created", response={"id": "resp_1", "status": "in_progress"}),
        more("Par", logprobs=[{"token": "Par", "logprob": -0.5}]),
        more("is."),
        closing(message("Paris.")),
    )
    assert out == [TextDelta("Par", (-0.5,)), TextDelta("is.")]
    assert stop == Stop(reason="stop", usage=USED, raw_reason="completed")


def test_what_is_told_again_at_the_end_of_a_text_is_not_said_twice() -> None:
    whole = event("response.output_text.done", output_index=0, content_index=0, text="Paris.")
    out, stop = decode(more("Par"), whole, done(0, message("Paris.")), closing(message("Paris.")))
    assert text(out) == "Paris."
    assert not stop.damaged


@pytest.mark.parametrize(
    "told",
    [
        event("response.output_text.done", output_index=0, content_index=0, text="Paris."),
        done(0, message("Paris.")),
        closing(message("Paris.")),
    ],
)
def test_what_the_pieces_left_out_is_taken_from_a_later_telling(told: bytes) -> None:
    for before in ((), (more("Pa"),)):
        out, stop = decode(*before, told, closing(message("Paris.")))
        assert text(out) == "Paris."
        assert not stop.damaged


def test_a_telling_that_contradicts_the_pieces_is_damage() -> None:
    for told in (done(0, message("Rome.")), closing(message("Rome."))):
        out, stop = decode(more("Paris."), told, closing())
        assert text(out) == "Paris."
        assert stop.damaged
        assert "in the end" in stop.warnings[0]


def test_items_that_the_closing_event_leaves_out_do_not_move_the_others() -> None:
    out, stop = decode(done(0, thought()), more("Paris.", 1), closing(message("Paris.")))
    assert text(out) == "Paris."
    assert not stop.damaged


def test_a_call_is_known_by_its_call_id_and_closed_with_its_item() -> None:
    name = "response.function_call_arguments"
    out, stop = decode(
        added(0, call("")),
        event(f"{name}.delta", output_index=0, delta='{"city": '),
        event(f"{name}.delta", output_index=0, delta='"Rome"}'),
        event(f"{name}.done", output_index=0, arguments='{"city": "Rome"}'),
        done(0, call()),
        closing(call()),
    )
    assert out == [
        ToolCallDelta(0, "call_1", "weather"),
        ToolCallDelta(0, arguments='{"city": '),
        ToolCallDelta(0, arguments='"Rome"}'),
        ToolCallDelta(0, closed=True),
    ]
    assert stop.reason == "tool_calls"


def test_a_call_that_only_the_closing_event_tells_is_taken() -> None:
    out, stop = decode(more("One moment."), closing(message("One moment."), call()))
    assert out[1:] == [
        ToolCallDelta(1, "call_1", "weather"),
        ToolCallDelta(1, arguments='{"city": "Rome"}'),
        ToolCallDelta(1, closed=True),
    ]
    assert stop.reason == "tool_calls"


def test_a_call_that_was_cut_off_is_not_said_to_be_whole() -> None:
    details = {"reason": "max_output_tokens"}
    out, stop = decode(
        done(0, call('{"ci', status="incomplete")),
        closing(status="incomplete", incomplete_details=details),
    )
    assert out == [ToolCallDelta(0, "call_1", "weather"), ToolCallDelta(0, arguments='{"ci')]
    assert (stop.reason, stop.raw_reason) == ("length", "max_output_tokens")


def test_thinking_is_kept_apart_and_goes_back_with_the_call_that_follows() -> None:
    sealed = thought(encrypted_content="gAAA")
    out, _ = decode(
        event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="Hm"),
        done(0, sealed),
        done(1, call()),
        closing(sealed, call()),
    )
    assert out[:3] == [
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
        ReasoningDelta("", {**sealed, "call_id": "call_1"}),
    ]


def test_thinking_that_led_to_a_text_is_handed_on_for_its_front() -> None:
    sealed = thought(encrypted_content="gAAA")
    out, _ = decode(done(0, sealed), more("Paris.", 1), done(2, call()), closing())
    assert out[1:3] == [ReasoningDelta("", sealed), TextDelta("Paris.")]


def test_thinking_that_led_to_nothing_is_handed_on_at_the_end() -> None:
    sealed = thought(encrypted_content="gAAA")
    out, _ = decode(more("Paris.", 0), done(1, sealed), closing())
    assert out[-1] == ReasoningDelta("", sealed)


def test_tools_of_the_server_are_thoughts_without_words() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    out, _ = decode(
        added(0, search),
        event("response.web_search_call.searching", output_index=0, item_id="ws_1"),
        event("response.web_search_call.failed", output_index=0, item_id="ws_1", error="none"),
        done(0, search),
        more("Paris.", 1),
        closing(),
    )
    assert out == [ReasoningDelta("")] * 4 + [TextDelta("Paris.")]


def test_a_token_that_is_only_part_of_a_character_keeps_its_log_probability() -> None:
    first = more("", logprobs=[{"token": "\\xe2", "logprob": -0.25}])
    out, _ = decode(first, more("é", logprobs=[{"token": "é", "logprob": -0.5}]), closing())
    assert out == [TextDelta("é", (-0.25, -0.5))]


def test_a_refusal_is_the_reason_and_its_words_the_detail() -> None:
    out, stop = decode(
        event("response.refusal.delta", output_index=0, content_index=0, delta="I can"),
        event("response.refusal.done", output_index=0, content_index=0, refusal="I cannot."),
        closing(),
    )
    assert out == []
    assert (stop.reason, stop.detail) == ("refusal", "I cannot.")


def test_a_filter_ends_the_answer() -> None:
    details = {"reason": "content_filter"}
    _, stop = decode(more("Par"), closing(status="incomplete", incomplete_details=details))
    assert stop.reason == "content_filter"


def test_what_is_not_strict_json_is_read_and_mended() -> None:
    first, second = (
        b'data: {"type": "response.output_text.delta", "delta": "\\u%s"}\n\n' % half
        for half in (b"d83d", b"de00")
    )
    out, stop = decode(first, second, first, closing())
    assert text(out) == "😀\ufffd"
    assert not stop.damaged


# --- failures ------------------------------------------------------------------------------------


def test_a_response_that_failed_is_an_error_and_its_tokens_are_counted() -> None:
    lines, decoder, out = SSEDecoder(), Decoder(SERVER), list[Delta]()
    error = {"code": "rate_limit_exceeded", "message": "Slow down."}
    with pytest.raises(ProviderError, match="Slow down") as caught:
        for events in lines.feed(more("Par") + closing(status="failed", error=error)):
            decoder.feed(events, out)
    assert (caught.value.kind, caught.value.retryable) == ("rate_limit", True)
    assert out == [TextDelta("Par"), UsageDelta(USED)]


@pytest.mark.parametrize(
    "told",
    [
        event("error", code="server_error", message="It broke.", param=None),
        event("error", error={"type": "server_error", "message": "It broke."}),
        b'data: {"error": {"message": "It broke."}}\n\n',
        b"event: error\ndata: It broke.\n\n",
    ],
)
def test_an_error_inside_the_stream_is_an_error(told: bytes) -> None:
    with pytest.raises(ProviderError, match=r"It broke\.") as caught:
        decode(more("Par"), told)
    assert caught.value.kind == "server"


def test_a_response_that_was_cancelled_is_an_error() -> None:
    with pytest.raises(ProviderError, match="'cancelled'") as caught:
        decode(more("Par"), closing(status="cancelled"))
    assert caught.value.retryable


def test_a_second_response_in_one_body_is_refused() -> None:
    begin = [event("response.created", response={"id": f"resp_{n}"}) for n in (1, 2)]
    with pytest.raises(ProtocolError, match="resp_2"):
        decode(begin[0], more("Paris."), begin[1])
    out, _ = decode(begin[0], more("Paris."), closing(), begin[1], more("Rome."))
    assert text(out) == "Paris."


def test_an_event_that_cannot_be_read_is_damage() -> None:
    _, stop = decode(more("Par"), b'data: {"type": "response.outp\n\n', more("."), closing())
    assert stop.damaged
    assert stop.warnings == ("1 event(s) could not be parsed",)


def test_counts_that_are_none_are_told() -> None:
    _, stop = decode(more("Paris."), closing(usage={"input_tokens": -1, "output_tokens": "many"}))
    assert stop.usage is None
    assert stop.warnings == ("the server's token counts are not usable",)


@given(st.data())
def test_a_stream_that_was_cut_anywhere_is_never_taken_for_a_whole_answer(
    data: st.DataObject,
) -> None:
    body = more("Par") + more("is.") + done(0, message("Paris.")) + closing(message("Paris."))
    cut = data.draw(st.integers(0, len(body) - 2))
    out, stop = decode(body[:cut])
    assert stop.reason is None
    assert "Paris.".startswith(text(out))


# --- answers that were not streamed --------------------------------------------------------------


def whole(body: bytes) -> tuple[list[Delta], Stop]:
    decoder, out = Decoder(SERVER), list[Delta]()
    decoder.whole(body, out)
    return [delta for delta in out if not isinstance(delta, UsageDelta)], decoder.end()


def test_an_answer_in_one_json_text_is_read_too() -> None:
    told = {"status": "completed", "error": None, "output": [thought(), message("Paris."), call()]}
    out, stop = whole(json.dumps({**told, "usage": COUNTS}).encode())
    assert out == [
        ReasoningDelta("Hm."),
        TextDelta("Paris."),
        ToolCallDelta(2, "call_1", "weather"),
        ToolCallDelta(2, arguments='{"city": "Rome"}'),
        ToolCallDelta(2, closed=True),
    ]
    assert (stop.reason, stop.usage) == ("tool_calls", USED)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}', "rate_limit"),
        (b'{"output": [], "status": "completed", "usa', "incomplete"),
        (b'{"output": [], "status": "in_progress"}', "server"),
        (b'"Paris."', "protocol"),
        (b"{}", "protocol"),
    ],
)
def test_a_json_text_that_is_no_answer_is_an_error(body: bytes, kind: str) -> None:
    with pytest.raises(ProviderError) as caught:
        whole(body)
    assert caught.value.kind == kind


# --- requests ------------------------------------------------------------------------------------

HISTORY: tuple[dict[str, Any], ...] = (
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Where is this?"},
            {"type": "image_url", "image_url": {"url": "https://e.test/a.png", "detail": "low"}},
            {"type": "file", "file": {"file_id": "file_1"}},
        ],
    },
    {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        ],
        "thinking_blocks": [
            {**thought(encrypted_content="A"), "call_id": "call_1"},
            {**thought(encrypted_content="B"), "call_id": "call_gone"},
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Sun"},
    {"role": "assistant", "content": [{"type": "text", "text": "Rome."}]},
    {"role": "user", "content": "Sure?"},
)


def sent(model: str = "gpt-4o", **fields: Any) -> dict[str, Any]:
    request = msgspec.structs.replace(Request(messages=ASK), **fields)
    return encode(model, request, SERVER)


def test_a_conversation_becomes_items() -> None:
    body = sent(messages=HISTORY)
    assert body["input"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Where is this?"},
                {"type": "input_image", "image_url": "https://e.test/a.png", "detail": "low"},
                {"type": "input_file", "file_id": "file_1"},
            ],
        },
        thought(encrypted_content="B"),
        {"role": "assistant", "content": "I look."},
        thought(encrypted_content="A"),
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "Sun"},
        {"role": "assistant", "content": "Rome."},
        {"role": "user", "content": "Sure?"},
    ]


def test_calls_in_the_old_form_are_items_too() -> None:
    body = sent(
        messages=(
            *ASK,
            {"role": "assistant", "content": None, "function_call": {"name": "weather"}},
            {"role": "function", "name": "weather", "content": [{"type": "text", "text": "Sun"}]},
        )
    )
    assert body["input"][1:] == [
        {"type": "function_call", "call_id": "weather", "name": "weather", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "weather",
            "output": [{"type": "input_text", "text": "Sun"}],
        },
    ]


def test_settings_have_the_names_of_this_api_and_what_it_lacks_is_left_out() -> None:
    schema = {"name": "city", "schema": {"type": "object"}, "strict": True}
    body = sent(
        max_tokens=5,
        temperature=0.3,
        stop=("END",),
        seed=7,
        tools=(WEATHER,),
        tool_choice={"name": "weather"},
        response_format={"type": "json_schema", "json_schema": schema},
        extra={"service_tier": "flex", "store": True},
    )
    assert body == {
        "model": "gpt-4o",
        "input": [*ASK],
        "stream": True,
        "store": True,
        "temperature": 0.3,
        "max_output_tokens": 16,
        "text": {"format": {"type": "json_schema", **schema}},
        "tools": [{"type": "function", "strict": False, **WEATHER}],
        "tool_choice": {"type": "function", "name": "weather"},
        "service_tier": "flex",
    }


def test_what_is_told_only_on_demand_is_asked_for() -> None:
    assert sent("gpt-4o")["include"] == ["message.output_text.logprobs"]
    assert sent("gpt-5.1")["include"] == ["reasoning.encrypted_content"]
    assert "include" not in sent("gpt-4o", tools=(WEATHER,))
    assert "temperature" not in sent("gpt-5.1", temperature=0.7)


def test_the_official_sdk_knows_every_request() -> None:
    known = TypeAdapter(ResponseCreateParamsStreaming)
    everything = {"messages": HISTORY, "tools": (WEATHER,), "max_tokens": 50, "temperature": 0.5}
    for model in ("gpt-4o", "gpt-5.1"):
        for fields in ({}, everything, {"response_format": {"type": "json_object"}}):
            known.validate_python(sent(model, **fields))


def test_the_address_is_that_of_openai_unless_another_is_given() -> None:
    def address(environ: dict[str, str], **fields: Any) -> str:
        return endpoint(ModelConfig("m", "openai-responses", **fields), SERVER, environ)

    assert address({}) == "https://api.openai.com/v1/responses"
    assert address({"OPENAI_BASE_URL": "https://e.test/v1"}) == "https://e.test/v1/responses"
    assert address({}, base_url="http://127.0.0.1:8000/v1") == "http://127.0.0.1:8000/v1/responses"
    assert address({}, base_url="https://e.test/v1/responses") == "https://e.test/v1/responses"
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        CascadeAgent([ModelConfig("gpt-4o", "openai-responses", api_key="")])


# --- over a socket -------------------------------------------------------------------------------


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def test_a_cascade_calls_a_tool_and_the_thought_before_it_goes_back() -> None:
    sealed = thought(encrypted_content="gAAA")
    asked: list[Any] = []

    async def answer(peer: Peer) -> None:
        while True:
            head, body = await peer.request()
            if not head:
                return
            assert head.startswith(b"POST /v1/responses ")
            asked.append(json.loads(body))
            said: tuple[bytes, ...]
            if len(asked) == 1:
                said = (added(0, thought()), done(0, sealed), added(1, call("")), done(1, call()))
            else:
                said = (more("Sunny in "), more("Rome."))
            await peer.send(CHUNKED + chunked(*said, closing()))

    async def body() -> None:
        async with serving(answer) as url:
            small, large = (
                ModelConfig(
                    name, "openai-responses", 1.0, api_key="sk-made-up", base_url=f"{url}/v1"
                )
                for name in ("gpt-5-mini", "gpt-5.1")
            )

            def weather(city: str) -> str:
                """Weather of a city.

                Args:
                    city: its name.
                """
                return f"Sun in {city}"

            async with CascadeAgent([small, large], tools=[weather]) as agent:
                manager = agent.tool_streaming_manager
                assert manager is not None
                told = [each async for each in manager.stream("What is the weather in Rome?")]
        result = told[-1].data["result"]
        assert result["content"] == "Sunny in Rome."
        assert result["usage"]["output_tokens"] == 14
        assert asked[1]["input"][-3:] == [
            sealed,
            {"type": "function_call", **{k: v for k, v in call().items() if k != "type"}},
            {"type": "function_call_output", "call_id": "call_1", "output": "Sun in Rome"},
        ]

    asyncio.run(body())
