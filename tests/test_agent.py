from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from cascadeflow.agent import CascadeAgent
from cascadeflow.config import ModelConfig, RetryPolicy, Timeouts
from cascadeflow.consume import VisibleText, collect
from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.errors import CascadeError, ConfigError, ProviderError
from cascadeflow.providers.scripted import Answers, Pause, Script, Scripted
from cascadeflow.streaming.base import StreamEvent, StreamManager
from cascadeflow.types import Stop

from .play import Marked, text, whole

GOOD = whole("Paris.", 3)
BAD = whole("bad answer", 2)
HI = [{"role": "user", "content": "hi"}]


def ladder(
    draft: Script | Answers, verifier: Script | Answers = GOOD, **settings: Any
) -> tuple[CascadeAgent, Scripted]:
    """An agent of two models that cost 1 and 10 dollars for a token."""
    provider = Scripted({"small": draft, "large": verifier})
    models = [ModelConfig("small", provider, cost=1000), ModelConfig("large", provider, cost=10000)]
    settings.setdefault("estimator", Marked())
    return CascadeAgent(models, **settings), provider


async def types_of(stream: AsyncGenerator[StreamEvent, None]) -> list[str]:
    return [str(event.type) async for event in stream]


# --- construction ---------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"models": []}, ("models is empty", "at least one ModelConfig")),
    ({"models": None}, ("models is empty",)),
    ({"models": ["gpt-4o"]}, ("models[0]", "str", "ModelConfig")),
    ({"models": "gpt-4o"}, ("models", "'gpt-4o'", "a list of ModelConfig")),
    ({"models": ModelConfig("m", "openai")}, ("models", "ModelConfig", "a list of ModelConfig")),
    ({"models": [ModelConfig("m", Scripted({})), {}]}, ("models[1]", "dict", "ModelConfig")),
    ({"reveal": "never"}, ("reveal", "'never'", "'live', 'held'")),
    ({"on_verifier_error": "retry"}, ("on_verifier_error", "'retry'", "'error', 'draft'")),
    ({"max_cost": -0.1}, ("max_cost", "-0.1", ">= 0")),
    ({"timeouts": 30}, ("timeouts", "30", "Timeouts")),
    ({"retry": 3}, ("retry", "3", "RetryPolicy")),
    ({"reasoning": "yes"}, ("reasoning", "'yes'", "True or False")),
    ({"enable_cascade": 0}, ("enable_cascade", "0", "True or False")),
    ({"models": [ModelConfig("m", "opnai")]}, ("m: provider", "'opnai'", "openai")),
    (
        {"models": [ModelConfig("m", Scripted({}), extra={"stream": False})]},
        ("stream", "cascadeflow sets it"),
    ),
]


@pytest.mark.parametrize(("given", "said"), WRONG, ids=lambda part: str(part)[:50])
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(
    given: dict[str, Any], said: tuple[str, ...]
) -> None:
    settings = {name: value for name, value in given.items() if name != "models"}
    with pytest.raises(ConfigError) as caught:
        CascadeAgent(given.get("models", [ModelConfig("m", Scripted({}))]), **settings)
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_a_wrong_argument_of_a_call_is_an_error_before_anything_is_sent() -> None:
    agent, provider = ladder(GOOD)
    with pytest.raises(ConfigError, match="did you mean 'max_tokens'"):
        agent.stream_events("hi", max_token=5)
    with pytest.raises(ConfigError, match="query"):
        agent.run_sync("")
    assert provider.calls == []


def test_one_model_has_no_managers_and_answers_directly() -> None:
    agent = CascadeAgent([ModelConfig("small", Scripted({"small": GOOD}), cost=1)])
    assert agent.text_streaming_manager is None
    result = agent.run_sync("hi")
    assert (result.content, result.strategy, result.draft_accepted) == ("Paris.", "direct", None)
    assert asyncio.run(types_of(agent.stream_events("hi"))) == ["routing", "chunk", "complete"]


def test_without_cascading_the_last_model_answers_alone() -> None:
    agent, provider = ladder(GOOD, enable_cascade=False)
    assert agent.run_sync("hi").model_used == "large"
    assert [model for model, _ in provider.calls] == ["large"]
    assert agent.text_streaming_manager is None


def test_a_call_may_go_directly_to_the_last_model() -> None:
    agent, _ = ladder(GOOD)
    result = agent.run_sync("hi", force_direct=True)
    assert (result.model_used, result.strategy) == ("large", "direct")


def test_models_keep_their_order_and_all_take_part() -> None:
    provider = Scripted({"a": BAD, "b": BAD, "c": GOOD})
    models = [ModelConfig(name, provider, cost=1) for name in "abc"]
    result = CascadeAgent(models, estimator=Marked()).run_sync("hi")
    assert [row["model"] for row in result.attempts] == ["a", "b", "c"]


# --- settings -------------------------------------------------------------------------------------


def test_the_policy_given_decides() -> None:
    agent, _ = ladder(BAD, policy=ThresholdPolicy(accept_at=0.2, hopeless=0.1))
    result = agent.run_sync("hi")
    assert (result.draft_accepted, result.threshold) == (True, 0.2)


def test_reveal_and_reasoning_of_the_call_beat_those_of_the_agent() -> None:
    async def body() -> None:
        agent, _ = ladder(BAD, reveal="held")
        assert "chunk" not in (await types_of(agent.stream_events("hi")))[:3]
        assert (await types_of(agent.stream_events("hi", reveal="live")))[2] == "chunk"

    asyncio.run(body())


def test_max_cost_of_the_call_beats_that_of_the_agent() -> None:
    agent, _ = ladder(BAD, max_cost=0)
    with pytest.raises(CascadeError) as caught:
        agent.run_sync("hi")
    assert caught.value.kind == "budget"
    assert agent.run_sync("hi", max_cost=10_000).content == "Paris."


def test_the_nearest_timeouts_win() -> None:
    def connects(agent: Timeouts | None, model: Timeouts | None, call: Timeouts | None) -> object:
        provider = Scripted({"small": GOOD})
        config = ModelConfig("small", provider, cost=1, timeouts=model)
        CascadeAgent([config], timeouts=agent).run_sync("hi", timeouts=call)
        return provider.calls[0][1].connect_timeout

    one, two, three = (Timeouts(connect=seconds) for seconds in (1, 2, 3))
    assert connects(None, None, None) == 5
    assert connects(one, None, None) == 1
    assert connects(one, two, None) == 2
    assert connects(one, two, three) == 3


def test_a_deadline_of_the_call_is_kept() -> None:
    agent, _ = ladder([Pause(60), *GOOD])
    result = agent.run_sync("hi", timeouts=Timeouts(first_token=0.05))
    assert result.attempts[0]["error"] == "timeout.first_token"
    assert result.content == "Paris."


def test_the_retry_policy_is_kept() -> None:
    lost = ProviderError("lost", kind="connect", retryable=True)
    agent, provider = ladder([lost], retry=RetryPolicy(attempts=2, base=0))
    agent.run_sync("hi")
    assert [model for model, _ in provider.calls] == ["small", "small", "large"]


def test_the_stand_in_is_marked() -> None:
    down = ProviderError("down", kind="auth")
    agent, _ = ladder(BAD, [down], on_verifier_error="draft")
    result = agent.run_sync("hi")
    assert (result.content, result.degraded) == ("bad answer", True)


def test_extra_fields_and_headers_reach_the_provider() -> None:
    agent, provider = ladder(GOOD)
    agent.run_sync("hi", top_k=5, headers={"X-Trace": "1"}, seed=3, stop="END")
    request = provider.calls[0][1]
    assert (request.extra, request.headers) == ({"top_k": 5}, {"X-Trace": "1"})
    assert (request.seed, request.stop) == (3, ("END",))


def test_a_complexity_hint_is_told() -> None:
    agent, _ = ladder(GOOD)
    assert agent.run_sync("hi").complexity == "simple"
    assert agent.run_sync("hi", complexity_hint="complex").complexity == "complex"


# --- conversations --------------------------------------------------------------------------------


def test_the_messages_of_a_result_continue_the_conversation() -> None:
    agent, provider = ladder(GOOD)
    first = agent.run_sync("Capital of France?", system_prompt="Be brief.")
    agent.run_sync("And of Italy?", messages=first.messages)
    assert list(provider.calls[1][1].messages) == [
        {"role": "user", "content": "Capital of France?"},
        {"role": "assistant", "content": "Paris."},
        {"role": "user", "content": "And of Italy?"},
    ]


def test_each_model_gets_its_own_system_prompt() -> None:
    provider = Scripted({"small": BAD, "large": GOOD})
    models = [
        ModelConfig("small", provider, cost=1, system_prompt="You are small."),
        ModelConfig("large", provider, cost=1),
    ]
    CascadeAgent(models, estimator=Marked()).run_sync(HI)
    small, large = (request.messages for _, request in provider.calls)
    assert small == ({"role": "system", "content": "You are small."}, *HI)
    assert large == tuple(HI)


# --- the same answer by every way -----------------------------------------------------------------

VARYING = ("id", "latency_ms", "first_token_ms", "draft_latency_ms", "verifier_latency_ms")


def lasting_facts(told: dict[str, Any]) -> dict[str, Any]:
    rows = [{**row, "latency_ms": 0} for row in told["attempts"]]
    return {key: value for key, value in told.items() if key not in VARYING} | {"attempts": rows}


@pytest.mark.parametrize("draft", [GOOD, BAD, [*text("half")]], ids=["kept", "poor", "broken"])
def test_run_execute_collect_and_managers_give_the_same_result(draft: Script) -> None:
    async def body() -> None:
        agent, _ = ladder(draft)
        manager = agent.text_streaming_manager
        assert manager is not None
        results = [
            await agent.run("hi"),
            await agent.execute("hi"),
            await collect(agent.stream_events("hi")),
            await collect(manager.stream("hi")),
            await collect(StreamManager(agent.cascade).stream("hi")),
        ]
        told = [lasting_facts(result.to_dict()) for result in results]
        assert all(one == told[0] for one in told)
        assert len({result.id for result in results}) == 5

    asyncio.run(body())


def test_the_manager_takes_the_documented_arguments() -> None:
    async def body() -> None:
        agent, provider = ladder(GOOD)
        manager = StreamManager(agent.cascade)
        stream = manager.stream(
            "hi", max_tokens=7, temperature=0, complexity="complex", routing_strategy="direct", n=1
        )
        result = await collect(stream)
        assert (result.strategy, result.complexity) == ("direct", "complex")
        model, request = provider.calls[0]
        assert (model, request.max_tokens, request.temperature) == ("large", 7, 0)
        assert request.extra == {"n": 1}
        with pytest.raises(ConfigError, match="'cascade', 'direct'"):
            manager.stream("hi", routing_strategy="fast")

    asyncio.run(body())


def test_the_old_name_of_the_manager_warns() -> None:
    agent, _ = ladder(GOOD)
    with pytest.warns(DeprecationWarning, match="text_streaming_manager"):
        assert agent.streaming_manager is agent.text_streaming_manager


def test_visible_text_is_the_answer() -> None:
    async def body() -> None:
        agent, _ = ladder(BAD)
        visible = VisibleText()
        async for event in agent.stream_events("hi"):
            visible.feed(event)
        assert visible.text == "Paris."

    asyncio.run(body())


def test_a_failure_raises_and_loses_nothing() -> None:
    down = ProviderError("down", kind="overloaded")
    agent, _ = ladder([ProviderError("no", kind="auth")], [*text("half"), down])
    with pytest.raises(CascadeError) as caught:
        agent.run_sync("hi")
    error = caught.value
    assert (error.kind, error.result.content) == ("overloaded", "half")
    assert [row["error"] for row in error.result.attempts] == ["auth", "overloaded"]
    assert isinstance(error.__cause__, ProviderError)
    assert agent.spent == error.result.total_cost > 0


def test_run_sync_inside_a_loop_says_what_to_do() -> None:
    async def body() -> None:
        agent, _ = ladder(GOOD)
        with pytest.raises(RuntimeError, match="run"):
            agent.run_sync("hi")

    asyncio.run(body())
    gc.collect()


# --- money ----------------------------------------------------------------------------------------


def test_spent_counts_every_query_as_soon_as_it_is_over() -> None:
    async def body() -> None:
        agent, _ = ladder(BAD)
        result = await agent.run("hi")
        assert agent.spent == result.total_cost
        async for event in agent.stream_events("hi"):
            if event.type == "complete":
                assert agent.spent == 2 * result.total_cost
        await types_of(agent.stream_events("hi"))
        assert agent.spent == 3 * result.total_cost

    asyncio.run(body())


def test_spent_counts_what_was_cancelled() -> None:
    async def body() -> None:
        agent, _ = ladder([*text("four"), Pause(60)])
        stream = agent.stream_events("hi")
        async for event in stream:
            if event.type == "chunk":
                break
        assert agent.spent == 0
        await stream.aclose()
        # Five tokens of the prompt are an estimate: four for its frame and one for "hi".
        assert agent.spent == 5 + 1

    asyncio.run(body())


def test_a_stream_never_read_costs_nothing_and_sends_nothing() -> None:
    async def body() -> None:
        agent, provider = ladder(GOOD)
        stream = agent.stream_events("hi")
        await stream.aclose()
        del stream
        agent.stream_events("hi")
        gc.collect()
        await asyncio.sleep(0)
        assert (agent.spent, provider.calls) == (0, [])

    asyncio.run(body())


def test_one_agent_serves_four_threads_and_counts_every_cent() -> None:
    agent, _ = ladder(BAD, [Pause(0.001), *GOOD])
    failures: list[BaseException] = []

    async def many() -> None:
        results = await asyncio.gather(*(agent.run("hi") for _ in range(20)))
        assert {result.content for result in results} == {"Paris."}

    def thread() -> None:
        try:
            asyncio.run(many())
        except BaseException as failure:  # noqa: BLE001 - told in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=thread) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert agent.spent == 80 * agent.run_sync("hi").total_cost


@pytest.mark.parametrize("seen", [1, 2, 3])
def test_a_stream_left_open_at_the_end_of_its_loop_ends_without_a_complaint(
    caplog: pytest.LogCaptureFixture, seen: int
) -> None:
    streams: list[AsyncGenerator[StreamEvent, None]] = []

    async def body() -> None:
        for _ in range(8):
            agent, _ = ladder([*text("four"), Pause(60)] if seen > 2 else [Pause(60)])
            streams.append(agent.stream_events("hi"))
            for _ in range(seen):
                await anext(streams[-1])

    asyncio.run(body())
    assert caplog.records == []


def test_verbose_logs_each_attempt_without_content(caplog: pytest.LogCaptureFixture) -> None:
    agent, _ = ladder(BAD, verbose=True)
    with caplog.at_level(logging.INFO, logger="cascadeflow"):
        agent.run_sync("a secret question")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "small rejected" in told[0]
    assert "large answered" in told[1]
    assert not any("secret" in line or "Paris" in line or "bad" in line for line in told)


def test_without_verbose_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    agent, _ = ladder(BAD)
    with caplog.at_level(logging.DEBUG, logger="cascadeflow"):
        agent.run_sync("hi")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"policy": 0.7}, r"policy is 0\.7; it must be an object with a method `decide`"),
        ({"estimator": "best"}, "estimator is 'best'; it must be an object with `observe`"),
    ],
)
def test_a_judge_that_cannot_judge_is_refused_when_the_agent_is_made(
    settings: dict[str, Any], told: str
) -> None:
    models = [ModelConfig("a", Scripted({"a": [Stop("stop")]}), cost=0)]
    with pytest.raises(ConfigError, match=told):
        CascadeAgent(models, **settings)


def test_a_threshold_that_is_no_number_is_refused() -> None:
    threshold: Any = "high"
    with pytest.raises(ConfigError, match="accept_at is 'high'; it must be a number"):
        ThresholdPolicy(threshold)
