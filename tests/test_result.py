from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import fields
from types import MappingProxyType

import pytest

from cascadeflow.core.events import Completed, Errored
from cascadeflow.errors import CascadeError
from cascadeflow.result import CascadeResult
from cascadeflow.streaming.base import StreamEventType, render
from cascadeflow.types import ReasoningDelta, Stop, TextDelta, ToolCallDelta

from .play import Fail, Play, make_rules, play, text, tokens, whole

KEYS = [
    "id", "content", "parsed", "model_used", "draft_accepted", "cascaded", "degraded",
    "total_cost", "draft_cost", "verifier_cost", "cost_saved", "cost_source", "latency_ms",
    "first_token_ms", "draft_latency_ms", "verifier_latency_ms", "hedge_ms", "confidence",
    "threshold", "reason", "complexity", "strategy", "finish_reason", "truncated", "tool_calls",
    "messages", "usage", "attempts", "warnings",
]  # fmt: skip
ROW = {
    "number",
    "model",
    "provider",
    "tier",
    "outcome",
    "error",
    "message",
    "reason",
    "usage",
    "usd",
    "source",
    "latency_ms",
    "request_id",
}
CALL = ToolCallDelta(0, id="c1", name="weather", arguments='{"city": "Paris"}', closed=True)
BLOCK = {"type": "thinking", "thinking": "hm", "signature": "s"}

PLAYS: dict[str, Callable[[], Play]] = {
    "kept": lambda: play(whole("Paris.", 3), whole("Rome.")),
    "replaced": lambda: play(whole("bad"), whole("Paris.")),
    "direct": lambda: play(whole("Paris.")),
    "failed": lambda: play([Fail("auth")], [*text("half"), Fail("server")]),
    "nothing": lambda: play([Fail("auth")]),
    "poor": lambda: play(whole("word " * 99), rules=make_rules(max_cost=3)),
    "calls": lambda: play([CALL, Stop("tool_calls")]),
    "thinking": lambda: play([ReasoningDelta("hm", BLOCK), TextDelta("a"), Stop("stop")]),
    "stand-in": lambda: play(
        whole("bad"), [Fail("auth")], rules=make_rules(on_verifier_error="draft")
    ),
    "odd": lambda: play([TextDelta("a"), Stop("stop", usage=tokens(-1), warnings=("odd",))]),
}


@pytest.mark.parametrize("case", PLAYS)
def test_the_dict_has_the_documented_keys_and_json_types_only(case: str) -> None:
    told = PLAYS[case]().result.to_dict()
    assert list(told) == KEYS
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert set(told["usage"]) == {
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "reasoning_tokens",
    }
    assert all(set(row) == ROW for row in told["attempts"])


@pytest.mark.parametrize("case", PLAYS)
def test_the_dict_makes_the_result_again(case: str) -> None:
    result = PLAYS[case]().result
    assert CascadeResult(**result.to_dict()) == result


def test_the_dict_is_a_copy() -> None:
    result = play(whole("Paris.")).result
    result.to_dict()["messages"].clear()
    result.to_dict()["attempts"][0].clear()
    assert result.messages
    assert result.attempts[0]["model"] == "m0"


@pytest.mark.parametrize("case", PLAYS)
def test_the_sums_of_the_rows_are_the_totals(case: str) -> None:
    result = PLAYS[case]().result
    assert sum(row["usd"] for row in result.attempts) == pytest.approx(result.total_cost)
    for key, total in result.usage.items():
        assert sum(row["usage"][key] for row in result.attempts) == total


def test_every_field_is_in_the_dict_and_has_a_default_but_the_id() -> None:
    assert [field.name for field in fields(CascadeResult)] == KEYS
    assert CascadeResult(id="q").to_dict()["content"] == ""


def test_messages_hold_the_conversation_and_the_answer() -> None:
    assert play(whole("Paris.")).result.messages == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Paris."},
    ]


def test_messages_of_a_failure_are_the_conversation_as_it_was() -> None:
    assert PLAYS["failed"]().result.messages == [{"role": "user", "content": "hi"}]


def test_messages_hold_calls_and_signed_thinking_as_the_provider_wants_them_back() -> None:
    said = PLAYS["calls"]().result.messages[-1]
    assert said["tool_calls"][0]["function"]["name"] == "weather"
    assert PLAYS["thinking"]().result.messages[-1]["thinking_blocks"] == [BLOCK]


def test_the_public_events_hold_the_same_result() -> None:
    done = PLAYS["replaced"]()
    assert isinstance(done.told[-1], Completed)
    last = render(done.told[-1])
    assert last.type is StreamEventType.COMPLETE
    assert last.data == {"result": done.result.to_dict()}


def test_the_public_error_holds_exception_kind_text_and_result() -> None:
    done = PLAYS["failed"]()
    assert isinstance(done.told[-1], Errored)
    last = render(done.told[-1])
    assert last.type is StreamEventType.ERROR
    assert last.data["error"] is done.error
    assert isinstance(last.data["error"], CascadeError)
    assert (last.data["kind"], last.data["partial_text"]) == ("server", "half")
    assert last.data["result"] == done.result.to_dict()
    assert last.content == str(done.error)


class Role(enum.StrEnum):
    USER = "user"


class Text(str):
    """A caller's own kind of text."""


def test_types_of_the_caller_in_a_message_become_json() -> None:
    message = {"role": Role.USER, "content": Text("Hi"), "name": MappingProxyType({"a": Text("b")})}
    told = CascadeResult(id="1", messages=[message, {"content": object}]).to_dict()
    assert told["messages"][0] == {"role": "user", "content": "Hi", "name": {"a": "b"}}
    assert type(told["messages"][0]["content"]) is str
    assert told["messages"][1]["content"] == repr(object)
    assert json.loads(json.dumps(told)) == told


def test_a_dict_of_a_result_shares_nothing_with_it() -> None:
    result = CascadeResult(id="1", messages=[{"content": ["a"]}], usage={"input_tokens": 1})
    told = result.to_dict()
    told["messages"][0]["content"].append("b")
    told["usage"]["input_tokens"] = 2
    assert (result.messages, result.usage) == ([{"content": ["a"]}], {"input_tokens": 1})
