from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cascadeflow.config import ModelConfig, Timeouts
from cascadeflow.errors import ConfigError
from cascadeflow.providers.scripted import Scripted
from cascadeflow.request import Ask, Options, check_extra, check_stop, conversation, options
from cascadeflow.structured import wanted
from cascadeflow.types import Request

NOBODY = Scripted({})


def model(name: str = "m0", **settings: Any) -> ModelConfig:
    return ModelConfig(name, NOBODY, **settings)


def asked(config: ModelConfig | None = None, **given: Any) -> Request:
    """The request that a model gets for these arguments of a call."""
    query = given.pop("query", "hi")
    made = options(given)
    ask = Ask(
        conversation=conversation(query, made.messages),
        options=made,
        wanted=None if made.response_format is None else wanted(made.response_format),
        stop=check_stop(made.stop),
    )
    return ask.request(config or model(), made.timeouts or Timeouts())


# --- what is wrong is said, with the value and what is allowed ------------------------------------

WRONG: list[tuple[Mapping[str, Any], tuple[str, ...]]] = [
    ({"max_tokens": 0}, ("max_tokens", "0", ">= 1")),
    ({"max_tokens": 1.5}, ("max_tokens", "1.5", "integer")),
    ({"max_tokens": True}, ("max_tokens", "True", "integer")),
    ({"max_tokens": "100"}, ("max_tokens", "'100'", "integer")),
    ({"temperature": 2.1}, ("temperature", "2.1", "between 0 and 2")),
    ({"temperature": -0.1}, ("temperature", "-0.1", "between 0 and 2")),
    ({"temperature": float("nan")}, ("temperature", "nan", "between 0 and 2")),
    ({"temperature": "hot"}, ("temperature", "'hot'", "between 0 and 2")),
    ({"temperature": True}, ("temperature", "True", "between 0 and 2")),
    ({"max_cost": -1}, ("max_cost", "-1", ">= 0")),
    ({"max_cost": "1"}, ("max_cost", "'1'", "dollars")),
    ({"max_cost": float("inf")}, ("max_cost", "inf", "dollars")),
    ({"reveal": "later"}, ("reveal", "'later'", "'live', 'held'")),
    ({"complexity_hint": "hard"}, ("complexity_hint", "'hard'", "'simple', 'moderate', 'complex'")),
    ({"seed": 1.0}, ("seed", "1.0", "integer")),
    ({"seed": True}, ("seed", "True", "integer")),
    ({"system_prompt": ["be kind"]}, ("system_prompt", "list", "a string")),
    ({"timeouts": 5}, ("timeouts", "5", "Timeouts")),
    ({"headers": "X: y"}, ("headers", "'X: y'", "mapping")),
    ({"headers": {"X y": "z"}}, ("this call", "'X y'", "letters")),
    ({"headers": {"X-Key": "a\r\nb"}}, ("this call", "'X-Key'", "control characters")),
    ({"headers": {"X-Key": 5}}, ("'X-Key'", "int", "a string")),
    ({"extra": 5}, ("extra", "5", "mapping")),
    ({"force_direct": "yes"}, ("force_direct", "'yes'", "True or False")),
    ({"reasoning": 1}, ("reasoning", "1", "True or False")),
    ({"user": b"me"}, ("'user'", "bytes", "JSON")),
    ({"top_p": float("nan")}, ("'top_p'", "nan", "JSON")),
    ({"stop": ["a", ""]}, ("stop", "''", "non-empty")),
    ({"stop": ""}, ("stop", "''", "non-empty")),
    ({"stop": 5}, ("stop", "5", "a string or a list")),
    ({"stop": [5]}, ("stop", "5", "non-empty string")),
    ({"query": ""}, ("query", "''", "a text or a list of messages")),
    ({"query": []}, ("query", "[]", "a text or a list of messages")),
    ({"query": [{"role": "user", "content": ""}]}, ("query", "not empty")),
    ({"query": [{"role": "user", "content": []}]}, ("query", "not empty")),
    ({"query": [{"role": "system", "content": "s"}]}, ("query", "besides system messages")),
    (
        {"query": [{"role": "developer", "content": "s"}, {"role": "user", "content": ""}]},
        ("query", "besides system messages"),
    ),
    ({"n": 2}, ("n is 2", "must be 1")),
    ({"extra": {"n": 0}}, ("n is 0", "must be 1")),
    ({"query": None}, ("query", "None", "a text or a list of messages")),
    ({"query": 5}, ("query", "5", "a text or a list of messages")),
    ({"query": b"hi"}, ("query", "b'hi'", "a text or a list of messages")),
    ({"query": {"role": "user", "content": "hi"}}, ("query", "dict", "list of messages")),
    ({"query": ["hi"]}, ("message 0", "str 'hi'", "a mapping like")),
    ({"query": [{"role": "robot", "content": "hi"}]}, ("message 0", "'robot'", "user, assistant")),
    ({"query": [{"content": "hi"}]}, ("message 0", "role is None", "system, developer, user")),
    ({"query": [{"role": "user"}]}, ("message 0 (user)", "content is missing")),
    ({"query": [{"role": "user", "content": 5}]}, ("message 0", "int", "a string or a list")),
    ({"messages": "earlier"}, ("messages", "'earlier'", "a list of messages")),
    ({"messages": 5}, ("messages", "5", "a list of messages")),
    ({"messages": [{"role": "user", "content": "a"}, 7]}, ("message 1", "int 7", "mapping")),
    ({"max_token": 5}, ("max_token", "did you mean 'max_tokens'")),
    ({"temprature": 1}, ("temprature", "did you mean 'temperature'")),
    ({"stream": False}, ("stream", "cascadeflow sets it")),
    ({"model": "x"}, ("model", "cascadeflow sets it")),
    ({"extra": {"max_token": 5}}, ("max_token", "did you mean 'max_tokens'")),
    ({"extra": {"headers": {}}}, ("headers cannot be given in extra", "to the call")),
]


@pytest.mark.parametrize(("given", "said"), WRONG, ids=lambda part: str(part)[:60])
def test_a_wrong_argument_is_named_with_its_value_and_what_is_allowed(
    given: Mapping[str, Any], said: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        asked(**given)
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(ConfigError) as caught:
        asked(query=["x" * 10_000])
    assert len(str(caught.value)) < 200


def test_the_value_of_a_header_is_never_told() -> None:
    with pytest.raises(ConfigError) as caught:
        asked(headers={"Authorization": "sk-canary\n"})
    assert "canary" not in str(caught.value)


# --- what arrives ---------------------------------------------------------------------------------


def test_nothing_given_is_the_documents_defaults() -> None:
    request = asked()
    assert request.messages == ({"role": "user", "content": "hi"},)
    assert (request.max_tokens, request.temperature) == (100, 0.7)
    assert request.stop == ()
    assert request.tools == ()
    assert request.seed is None
    assert request.connect_timeout == 5.0


def test_a_field_of_the_body_may_have_the_name_of_an_argument() -> None:
    given = {"reasoning": {"effort": "low"}, "tools": [{"type": "web_search"}]}
    assert asked(reasoning=True, extra=given).extra == given


@pytest.mark.parametrize("given", [0, 0.0])
def test_a_temperature_of_zero_arrives_as_zero(given: float) -> None:
    assert asked(temperature=given).temperature == 0
    assert asked(model(temperature=given)).temperature == 0
    assert asked(model(temperature=1.0), temperature=given).temperature == 0


def test_the_call_beats_the_model_which_beats_the_default() -> None:
    warm = model(temperature=0.2, max_tokens=50)
    assert (asked(warm).temperature, asked(warm).max_tokens) == (0.2, 50)
    request = asked(warm, temperature=0.7, max_tokens=60)
    assert (request.temperature, request.max_tokens) == (0.7, 60)
    assert asked(warm, temperature=None).temperature is None
    assert type(asked().temperature) is float


@pytest.mark.parametrize("name", ["gpt-5", "o3-mini", "deepseek-reasoner", "openai/gpt-5.1"])
def test_a_model_that_thinks_gets_no_limit_of_ours(name: str) -> None:
    assert asked(model(name)).max_tokens is None
    assert asked(model(name, max_tokens=9)).max_tokens == 9
    assert asked(model(name), max_tokens=7).max_tokens == 7


@pytest.mark.parametrize(
    "wish",
    [
        {"thinking": {"type": "adaptive"}},
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        {"extra": {"reasoning": {"effort": "low"}}},
        {"reasoning_effort": "low"},
    ],
)
def test_a_model_that_is_asked_to_think_gets_no_limit_of_ours(wish: dict[str, Any]) -> None:
    assert asked(model("claude-opus-4-6"), **wish).max_tokens is None
    assert asked(model("claude-opus-4-6"), max_tokens=7, **wish).max_tokens == 7
    own = wish.get("extra", wish)
    assert asked(model("claude-opus-4-6", extra=own)).max_tokens is None


def test_a_model_that_is_told_not_to_think_keeps_the_limit() -> None:
    assert asked(thinking={"type": "disabled"}).max_tokens == 100
    assert asked(reasoning_effort="none").max_tokens == 100


def test_the_refusal_of_an_sdks_message_takes_the_place_of_its_content() -> None:
    told = [
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "user", "content": ""},
    ]
    assert asked(query=told).messages == tuple(told)


def test_one_answer_may_be_asked_for_by_its_number() -> None:
    assert asked(n=1).extra == {"n": 1}


def test_the_system_prompt_of_the_call_beats_that_of_the_model() -> None:
    kind = model(system_prompt="Be kind.")
    assert asked(kind).messages == (
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hi"},
    )
    assert asked(kind, system_prompt="Be brief.").messages[0]["content"] == "Be brief."
    assert asked(system_prompt="Be brief.").messages[1] == {"role": "user", "content": "hi"}
    assert asked(kind, system_prompt="").messages == ({"role": "user", "content": "hi"},)


def test_history_comes_before_the_query() -> None:
    history = [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello Ada."},
    ]
    messages = asked(messages=history, system_prompt="s", query="Who am I?").messages
    assert [message["content"] for message in messages] == [
        "s",
        "My name is Ada.",
        "Hello Ada.",
        "Who am I?",
    ]


def test_messages_reach_the_model_as_they_are() -> None:
    told: list[dict[str, Any]] = [
        {"role": "developer", "content": "d", "name": "x"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}], "odd": 1},
        {"role": "tool", "tool_call_id": "c", "content": "4"},
        {"role": "user", "content": ""},
    ]
    assert asked(query=told).messages == tuple(told)


def test_signed_thinking_goes_back_only_to_the_model_that_thought_it() -> None:
    told = {
        "role": "assistant",
        "content": "4",
        "thinking_blocks": [{"signature": "s"}],
        "thinking_model": "m0",
    }
    same = asked(model("m0"), query=[told]).messages[0]
    other = asked(model("m1"), query=[told]).messages[0]
    assert same == {"role": "assistant", "content": "4", "thinking_blocks": [{"signature": "s"}]}
    assert other == {"role": "assistant", "content": "4"}


def test_unknown_names_are_fields_of_the_body_and_beat_those_of_the_model() -> None:
    config = model(extra={"top_k": 1, "user": "ada"})
    assert asked(config, top_k=2, metadata={"a": 1}).extra == {
        "top_k": 2,
        "user": "ada",
        "metadata": {"a": 1},
    }
    assert asked(extra={"top_k": 3}, top_p=0.5).extra == {"top_k": 3, "top_p": 0.5}


def test_the_other_arguments_arrive() -> None:
    schema = {"type": "json_object"}
    request = asked(
        model(logprobs=True),
        stop="END",
        seed=7,
        response_format=schema,
        headers={"X-Trace": "1"},
        timeouts=Timeouts(connect=1.5),
    )
    assert request.stop == ("END",)
    assert (request.seed, request.response_format) == (7, schema)
    assert request.headers == {"X-Trace": "1"}
    assert request.logprobs is True
    assert request.connect_timeout == 1.5
    assert asked(stop=["a", "b"]).stop == ("a", "b")


def test_none_is_the_same_as_not_given() -> None:
    given: dict[str, Any] = dict.fromkeys(Options.__struct_fields__)
    given["temperature"] = 0.7
    request = asked(**given)
    assert (request.max_tokens, request.extra, request.headers) == (100, {}, {})


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("max_completion_tokens", "max_tokens"),
        ("max_retries", "RetryPolicy"),
        ("budget", "max_cost"),
        ("history", "messages"),
        ("system", "system_prompt"),
        ("extra_headers", "headers"),
        ("extra_body", "plain arguments"),
    ],
)
def test_arguments_of_other_clients_are_refused_with_what_to_give_instead(
    name: str, instead: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{name} cannot be given here.*{instead}"):
        check_extra({name: 1}, ("max_tokens",))
