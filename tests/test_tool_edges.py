"""Answers that are cut, that repeat themselves, or that do not heed the choice of a tool."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from cascadeflow.core.tier import Reveal
from cascadeflow.errors import CascadeError
from cascadeflow.providers.anthropic import encode as encode_messages
from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.openai_chat import encode as encode_chat
from cascadeflow.providers.scripted import Answers, Script
from cascadeflow.streaming import ToolStreamEvent
from cascadeflow.types import Delta, Request, Stop, StopReason, TextDelta, ToolCallDelta

from .tool_streams import (
    ASK,
    OSLO,
    PARIS,
    WEATHER,
    Counted,
    brief,
    call,
    calls,
    converse,
    ends,
    ladder,
    of,
    read,
    result,
    says,
)

WIPE: dict[str, Any] = {"name": "wipe", "parameters": {"type": "object", "properties": {}}}
TIME: dict[str, Any] = {"name": "get_time", "parameters": {"type": "object", "properties": {}}}
NAMED = {"type": "tool", "name": "get_weather"}


def offered(
    *scripts: Script, tools: Sequence[dict[str, Any]] = (WEATHER,), **options: Any
) -> list[ToolStreamEvent]:
    """The events of a query whose tools the caller runs."""
    agent, _ = ladder(*scripts)
    return asyncio.run(read(agent.stream_events(ASK, tools=tools, **options)))


def run(*scripts: Script | Answers, **options: Any) -> tuple[list[ToolStreamEvent], list[str]]:
    """The events of a conversation, and what its tool was called with."""
    agent, _ = ladder(*scripts)
    tool = Counted()
    return asyncio.run(converse(agent, tool, **options)), tool.ran


# --- cut off --------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("reason", ["length", "pause"])
def test_a_call_cut_off_before_its_arguments_is_not_complete(
    closed: bool, reason: StopReason
) -> None:
    cut: list[Delta] = [ToolCallDelta(0, id="a", name="wipe", closed=closed), Stop(reason)]
    told = offered(cut, tools=[WIPE])
    assert brief(told) == "routing tool_call_start complete"
    assert (result(told)["tool_calls"], result(told)["truncated"]) == ([], True)
    assert "cut off before the arguments" in result(told)["warnings"][0]
    assert result(offered(cut, says("No."), tools=[WIPE]))["reason"] == "invalid_tool_call"


def test_a_call_without_arguments_is_complete_where_the_answer_went_on_or_ended() -> None:
    wipe = ToolCallDelta(0, id="a", name="wipe", closed=True)
    assert [
        each["name"] for each in result(offered([wipe, ends()], tools=[WIPE]))["tool_calls"]
    ] == ["wipe"]
    both: list[Delta] = [wipe, *call(PARIS, id="b", index=1), Stop("length")]
    told = offered(both, tools=[WIPE, WEATHER])
    ready = [event.tool_call for event in told if event.type == "tool_call_complete"]
    assert ready == result(told)["tool_calls"]
    assert [each["name"] for each in ready if each] == ["wipe", "get_weather"]


@pytest.mark.parametrize("reason", ["content_filter", "refusal", None])
def test_an_error_leaves_no_call_to_act_on(reason: StopReason | None) -> None:
    told = offered([*call(), Stop(reason)])
    error = told[-1].data["error"]
    assert isinstance(error, CascadeError)
    assert error.result.tool_calls == told[-1].data["result"]["tool_calls"] == []


def test_half_a_surrogate_pair_in_unreadable_arguments_goes_back_as_text() -> None:
    told, ran = run(Answers(calls('{"location": "\ud800'), says("Never mind.")))
    assert (ran, result(told)["content"]) == ([], "Never mind.")
    sent: str = result(told)["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert "INVALID_JSON" in sent.encode().decode()


# --- repeated -------------------------------------------------------------------------------------


def test_the_same_call_twice_under_one_id_runs_once() -> None:
    twice = [*call(PARIS, id="a"), *call(PARIS, id="a", index=1), ends()]
    told, ran = run(Answers(twice, says("22 C.")))
    assert ran == ["Paris"]
    assert len(of(told, "tool_call_complete")) == len(of(told, "tool_error")) == 1
    assert "came before" in of(told, "tool_error")[0].content
    two = [*call(PARIS, id="a"), *call(OSLO, id="a", index=1), ends()]
    assert run(Answers(two, says("22 C.")))[1] == ["Paris", "Oslo"]


# --- what was chosen ------------------------------------------------------------------------------


def test_a_model_that_may_not_call_a_tool_and_does_is_not_obeyed() -> None:
    told, ran = run(Answers(calls(), says("I may not look.")), tool_choice="none")
    assert ran == []
    assert "tool_choice is 'none'" in of(told, "tool_error")[0].content
    assert result(told)["content"] == "I may not look."
    assert (
        result(offered(calls(), says("No."), tool_choice="none"))["reason"] == "invalid_tool_call"
    )


def test_another_tool_than_the_one_asked_for_is_not_complete() -> None:
    other = calls("{}", name="get_time")
    told = offered(other, tools=[WEATHER, TIME], tool_choice=NAMED)
    assert of(told, "tool_call_complete") == []
    assert "asks for get_weather" in result(told)["warnings"][0]
    told = offered(other, calls(), tools=[WEATHER, TIME], tool_choice=NAMED)
    assert [each["name"] for each in result(told)["tool_calls"]] == ["get_weather"]


@pytest.mark.parametrize("choice", ["required", NAMED])
@pytest.mark.parametrize("reveal", ["live", "held"])
def test_a_draft_without_the_call_that_was_required_is_rejected(
    choice: str | dict[str, str], reveal: Reveal
) -> None:
    found = result(offered(says("It is 22 C."), calls(), tool_choice=choice, reveal=reveal))
    assert (found["reason"], found["model_used"]) == ("invalid_tool_call", "m1")
    alone = result(offered(says("It is 22 C."), tool_choice=choice))
    assert (alone["content"], alone["finish_reason"]) == ("It is 22 C.", "stop")
    assert "called no tool" in alone["warnings"][0]


def test_an_answer_that_ends_to_call_a_tool_and_calls_none_is_not_a_good_one() -> None:
    promise: list[Delta] = [TextDelta("It is 22 C in Paris today."), ends("tool_calls")]
    assert result(offered(promise, calls()))["reason"] == "invalid_tool_call"
    told, ran = run(promise)
    assert ran == []
    assert result(told)["finish_reason"] == "invalid_tool_call"
    assert "no call came" in result(told)["warnings"][0]


# --- ids in another model's hands -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "id", "kept"),
    [
        ("openai", "functions.get_weather:0", True),
        ("openai", "call_" + "0" * 40, False),
        ("mistral", "D681PevKs", True),
        ("mistral", "call_1", False),
        ("groq", "functions.get_weather:0", True),
    ],
)
def test_an_id_goes_to_a_chat_server_in_a_form_it_takes(server: str, id: str, kept: bool) -> None:
    sent = encode_chat("m", Request(messages=history(id)), CATALOG[server])["messages"]
    called, answered = sent[1]["tool_calls"][0]["id"], sent[2]["tool_call_id"]
    assert called == answered
    assert (called == id) == kept
    assert kept or (len(called) == 9 and called.isalnum())


@pytest.mark.parametrize(("id", "kept"), [("functions.f:0", False), ("", False), ("toolu_1", True)])
def test_an_id_goes_to_anthropic_in_a_form_it_takes(id: str, kept: bool) -> None:
    sent = encode_messages("claude", Request(messages=history(id)), CATALOG["anthropic"])
    used, answered = (turn["content"][-1] for turn in sent["messages"][1:])
    assert used["id"] == answered["tool_use_id"]
    assert (used["id"] == id) == kept


@pytest.mark.parametrize("id", ["call_0", "functions.f:0"])
def test_calls_to_which_a_server_gave_one_id_go_to_another_with_an_id_each(id: str) -> None:
    used, answered = sent_ids(history(id) * 3)
    assert answered == used
    assert len(set(used)) == 3
    assert (used[0] == id) == (id == "call_0")
    # The cache of a prompt fits as long as what was sent before stays the same.
    assert sent_ids(history(id) * 2)[0] == used[:2]


def sent_ids(messages: tuple[dict[str, Any], ...]) -> tuple[list[str], list[str]]:
    """Ids of the calls and of the results, as the Messages API gets them."""
    sent = encode_messages("claude", Request(messages=messages), CATALOG["anthropic"])
    blocks = [block for turn in sent["messages"] for block in turn["content"] if "type" in block]
    return (
        [block["id"] for block in blocks if block["type"] == "tool_use"],
        [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"],
    )


def history(id: str) -> tuple[dict[str, Any], ...]:
    function = {"name": "get_weather", "arguments": PARIS}
    return (
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": "", "tool_calls": [{"id": id, "function": function}]},
        {"role": "tool", "tool_call_id": id, "content": "22 C"},
    )


# --- nothing to see -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["\u200b", "\ufeff\n\u200b", " \u2060 ", "\0"])
def test_a_text_of_which_nothing_can_be_seen_is_empty(text: str) -> None:
    agent, _ = ladder([TextDelta(text), ends("stop")], says("It is 22 C."))
    found = asyncio.run(agent.run(ASK))
    assert (found.reason, found.content) == ("draft_error:empty", "It is 22 C.")


def test_an_empty_piece_of_text_is_no_chunk() -> None:
    told = offered([TextDelta(""), *says("It is 22 C.")])
    assert brief(told) == "routing chunk complete"
