"""Structured answers end to end: scripted and simulated models, and both dialects over HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Coroutine, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.errors import CascadeError, ConfigError, ProviderError
from cascadeflow.providers.scripted import Answers, Script, Scripted
from cascadeflow.request import ResponseFormat
from cascadeflow.result import CascadeResult
from cascadeflow.streaming.base import StreamEvent
from cascadeflow.types import Delta, Stop, StopReason, TextDelta, ToolCallDelta

from . import anthropic_events, chat_events
from .loopback import CHUNKED, Peer, serving
from .play import Marked, text, whole


class City(BaseModel):
    name: str
    people: int


GOOD = '{"name": "Paris", "people": 2100000}'
VALUE = {"name": "Paris", "people": 2100000}
WRONG = '{"name": "Paris", "people": "many"}'
"""JSON, but not of the schema; only the end shows that."""
OTHER = '{"name": "Rome", "people": 2800000}'
SCHEMA = City.model_json_schema()
WEATHER = {"name": "weather", "description": "", "parameters": {"type": "object"}}


def ladder(
    draft: Script | Answers, last: Script | Answers = (), **settings: Any
) -> tuple[CascadeAgent, Scripted]:
    provider = Scripted({"small": draft, "large": last or whole(OTHER, 3)})
    models = [ModelConfig("small", provider, cost=1000), ModelConfig("large", provider, cost=10000)]
    return CascadeAgent(models, estimator=Marked(), **settings), provider


def stream(agent: CascadeAgent, form: ResponseFormat | None = City) -> list[StreamEvent]:
    async def main() -> list[StreamEvent]:
        events = agent.stream_events("Which city?", response_format=form)
        return [event async for event in events]

    return asyncio.run(main())


def one(told: Sequence[StreamEvent], kind: str) -> dict[str, Any]:
    (data,) = (event.data for event in told if event.type == kind)
    return data


def decision(told: Sequence[StreamEvent]) -> tuple[bool, str, str]:
    """Whether the draft was kept, at which stage, and why not."""
    data = one(told, "draft_decision")
    return data["accepted"], data["stage"], data["reason"]


def run(agent: CascadeAgent, form: ResponseFormat | None = City, **given: Any) -> CascadeResult:
    return agent.run_sync("Which city?", response_format=form, **given)


# --- what becomes of an answer --------------------------------------------------------------------


@pytest.mark.parametrize("form", [City, SCHEMA, {"type": "json_object"}])
@pytest.mark.parametrize("said", [GOOD, f"```json\n{GOOD}\n```"])
def test_a_good_draft_is_kept_and_its_value_is_in_the_result(
    form: ResponseFormat, said: str
) -> None:
    agent, provider = ladder(whole(said))
    result = run(agent, form)
    assert (result.draft_accepted, result.content) == (True, said)
    assert result.parsed == VALUE
    assert result.warnings == []
    assert City.model_validate(result.parsed) == City(name="Paris", people=2100000)
    assert json.loads(json.dumps(result.to_dict()))["parsed"] == VALUE
    assert [model for model, _ in provider.calls] == ["small"]


def test_a_draft_that_does_not_fit_is_rejected_and_the_next_model_is_asked() -> None:
    agent, provider = ladder(whole(WRONG))
    told = stream(agent)
    assert decision(told) == (False, "after", "invalid_structure")
    assert one(told, "draft_decision")["detail"].startswith("people is 'many'")
    assert one(told, "switch")["reason"] == "invalid_structure"
    assert one(told, "switch")["discard_chars"] == len(WRONG)
    result = one(told, "complete")["result"]
    assert result["parsed"] == {"name": "Rome", "people": 2800000}
    assert result["warnings"] == []
    assert [model for model, _ in provider.calls] == ["small", "large"]


@pytest.mark.parametrize(
    "pieces", [("Sure", "! Here it is: ", GOOD), ("```json\n", "[", GOOD), ("# ", "Paris")]
)
def test_a_draft_that_cannot_become_the_json_is_abandoned_at_once(pieces: Sequence[str]) -> None:
    agent, provider = ladder([*text(*pieces), Stop("stop")])
    told = stream(agent)
    assert decision(told) == (False, "during", "invalid_structure")
    assert one(told, "switch")["discard_chars"] < len("".join(pieces))
    assert provider.closed_early == 1
    assert one(told, "complete")["result"]["attempts"][0]["outcome"] == "abandoned"


def test_a_member_of_a_wrong_type_ends_a_draft_before_its_end() -> None:
    long = '{"people": "very many", "name": "' + "Paris " * 20
    agent, provider = ladder([*text(*long), Stop("stop")])
    told = stream(agent)
    assert decision(told) == (False, "during", "invalid_structure")
    assert "people is 'very many'" in one(told, "draft_decision")["detail"]
    assert provider.closed_early == 1


def test_of_a_truncated_draft_nothing_is_kept() -> None:
    cut: list[Delta] = [TextDelta(GOOD[:20]), Stop("length")]
    agent, _ = ladder(cut)
    told = stream(agent)
    assert decision(told) == (False, "after", "invalid_structure")
    assert "ends too early" in one(told, "draft_decision")["detail"]


@pytest.mark.parametrize("said", [WRONG, "I cannot say.", GOOD[:12]])
@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("alone", [True, False])
def test_the_last_model_completes_without_a_value_and_says_why(
    said: str, finish: StopReason, alone: bool
) -> None:
    end: list[Delta] = [TextDelta(said), Stop(finish)]
    agent, provider = ladder(whole("no JSON"), end)
    result = run(agent, force_direct=alone)
    assert (result.content, result.parsed) == (said, None)
    assert (result.finish_reason, result.truncated) == (finish, finish == "length")
    (warning,) = result.warnings
    assert warning.startswith("the answer is not in the form asked for: ")
    assert [model for model, _ in provider.calls] == (["large"] if alone else ["small", "large"])


def test_the_last_model_is_not_cut_off_and_its_fence_is_taken_off() -> None:
    fenced = f"```json\n{OTHER}\n```"
    agent, _ = ladder(whole("no JSON"), [*text(*fenced), Stop("stop")])
    result = run(agent)
    assert result.parsed == json.loads(OTHER)
    assert result.content == fenced


def test_poor_quality_is_still_a_reason_to_escalate() -> None:
    agent, _ = ladder(whole('{"name": "bad", "people": 1}'))
    assert decision(stream(agent)) == (False, "after", "quality_insufficient")


def test_without_a_format_nothing_is_parsed() -> None:
    for form in (None, {"type": "text"}):
        agent, provider = ladder(whole(GOOD))
        result = run(agent, form)
        assert (result.draft_accepted, result.parsed) == (True, None)
        assert provider.calls[0][1].response_format is None


def test_a_held_draft_that_does_not_fit_is_never_seen() -> None:
    agent, _ = ladder(whole(WRONG), reveal="held")
    told = stream(agent)
    assert "".join(event.content for event in told if event.type == "chunk") == OTHER
    assert one(told, "switch")["discard_chars"] == 0


def test_a_draft_that_does_not_fit_cannot_stand_in_for_a_model_that_failed() -> None:
    down = [ProviderError("down", kind="auth")]
    agent, _ = ladder(whole(WRONG), down, on_verifier_error="draft")
    with pytest.raises(CascadeError) as caught:
        run(agent)
    assert caught.value.result.parsed is None
    agent, _ = ladder(whole('{"name": "bad", "people": 1}'), down, on_verifier_error="draft")
    result = run(agent)
    assert (result.degraded, result.parsed) == (True, {"name": "bad", "people": 1})


def test_the_managers_take_a_format_too() -> None:
    async def main() -> None:
        agent, _ = ladder(whole(GOOD))
        assert agent.text_streaming_manager is not None
        events = agent.text_streaming_manager.stream("Which city?", response_format=City)
        told = [event async for event in events]
        assert one(told, "complete")["result"]["parsed"] == VALUE

    asyncio.run(main())


def test_a_call_of_a_tool_is_no_structured_answer_and_text_may_come_before_it() -> None:
    async def last(*script: Delta) -> dict[str, Any]:
        agent, _ = ladder(list(script))
        events = agent.stream_events("Which city?", tools=[WEATHER], response_format=City)
        told = [event async for event in events]
        return {**told[-1].data["result"], "reasons": [e.data.get("reason") for e in told]}

    async def main() -> None:
        call = ToolCallDelta(0, "c1", "weather", "{}", closed=True)
        called = await last(TextDelta("Let me see. "), call, Stop("tool_calls"))
        assert (called["parsed"], called["finish_reason"]) == (None, "tool_calls")
        assert called["warnings"] == []
        assert called["draft_accepted"] is True
        said = await last(*whole(GOOD))
        assert said["parsed"] == VALUE
        wrong = await last(*whole(WRONG))
        assert wrong["draft_accepted"] is False
        assert "invalid_structure" in wrong["reasons"]

    asyncio.run(main())


@settings(max_examples=30)
@given(
    st.sampled_from([GOOD, f" ```json\n{GOOD}\n``` ", WRONG, "Sure, Paris.", GOOD[:-1]]),
    st.lists(st.integers(0, 60), max_size=10),
)
def test_the_verdict_does_not_depend_on_how_the_network_cut_the_answer(
    said: str, cuts: list[int]
) -> None:
    edges = sorted({0, *(min(cut, len(said)) for cut in cuts), len(said)})
    pieces = [said[a:b] for a, b in pairwise(edges)]
    agent, _ = ladder([*text(*pieces), Stop("stop")])
    result = run(agent)
    assert result.draft_accepted == (GOOD in said)
    assert result.parsed == (VALUE if GOOD in said else json.loads(OTHER))


# --- what is refused, and when --------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", {"type": "xml"}, {}, {"$ref": "https://x.org/s"}, 7])
def test_a_wrong_format_is_an_error_of_the_call_itself(form: object) -> None:
    agent, provider = ladder(whole(GOOD))
    given: dict[str, Any] = {"response_format": form}
    manager = agent.text_streaming_manager
    assert manager is not None
    with pytest.raises(ConfigError, match="response_format"):
        manager.stream("Which city?", **given)
    with pytest.raises(ConfigError, match="response_format"):
        agent.run_sync("Which city?", **given)
    assert provider.calls == []


@pytest.mark.parametrize("package", ["pydantic", "jsonschema_rs"])
def test_without_the_extra_the_error_names_it_and_any_object_can_still_be_asked_for(
    package: str,
) -> None:
    form = "int" if package == "pydantic" else "{'type': 'object'}"
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from cascadeflow import CascadeAgent, ModelConfig\n"
        "from cascadeflow.errors import ConfigError\n"
        "from cascadeflow.providers.scripted import Scripted\n"
        "from cascadeflow.types import Stop, TextDelta\n"
        "said = [TextDelta('{\"a\": 1}'), Stop('stop')]\n"
        "agent = CascadeAgent([ModelConfig('m', Scripted({'m': said}))])\n"
        "free = agent.run_sync('?', response_format={'type': 'json_object'})\n"
        "assert free.parsed == {'a': 1}, free\n"
        "try:\n"
        f"    agent.stream_events('?', response_format={form})\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert package.replace("_", "-") in done.stdout
    assert "[tools]" in done.stdout


# --- on the wire ----------------------------------------------------------------------------------


def ask(
    provider: str, model: str, form: ResponseFormat | None, answer: bytes, **given: Any
) -> tuple[Any, CascadeResult]:
    """The body a server received, and the result of its answer."""
    bodies: list[Any] = []

    async def reply(peer: Peer) -> None:
        _, body = await peer.request()
        bodies.append(json.loads(body))
        await peer.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer), answer))

    async def main() -> CascadeResult:
        async with serving(reply) as url:
            config = ModelConfig(model, provider, base_url=url, api_key="k")
            async with CascadeAgent([config]) as agent:
                return await agent.run("Which city?", response_format=form, **given)

    result = run_bounded(main())
    return bodies[0], result


def run_bounded(body: Coroutine[Any, Any, CascadeResult]) -> CascadeResult:
    async def bounded() -> CascadeResult:
        async with asyncio.timeout(20):
            return await body

    return asyncio.run(bounded())


CHAT = chat_events.encoded(
    chat_events.said(GOOD[:9]), chat_events.said(GOOD[9:]), chat_events.chunk({}, "stop"), b"[DONE]"
)
MESSAGES = anthropic_events.OPEN + anthropic_events.text(GOOD) + anthropic_events.END


def test_openai_is_sent_the_schema_and_more_room_for_the_answer() -> None:
    sent, result = ask("openai", "gpt-4o-mini", City, CHAT)
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "City",
            "strict": True,
            "schema": {
                "title": "City",
                "type": "object",
                "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
                "required": ["name", "people"],
                "additionalProperties": False,
            },
        },
    }
    assert sent["messages"] == [{"role": "user", "content": "Which city?"}]
    assert sent["max_tokens"] == 1000
    assert result.parsed == VALUE


def test_anthropic_is_sent_the_schema_as_its_output_format() -> None:
    sent, result = ask("anthropic", "claude-sonnet-4-5", City, MESSAGES)
    assert sent["output_config"]["format"]["type"] == "json_schema"
    schema = sent["output_config"]["format"]["schema"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "people"]
    assert "system" not in sent
    assert result.parsed == VALUE


@pytest.mark.parametrize(
    ("provider", "model", "form", "answer", "field"),
    [
        ("deepseek", "deepseek-chat", City, CHAT, {"type": "json_object"}),
        ("perplexity", "sonar", {"type": "json_object"}, CHAT, None),
        ("anthropic", "claude-sonnet-4-5", {"type": "json_object"}, MESSAGES, None),
        ("anthropic", "claude-3-5-haiku-latest", City, MESSAGES, None),
        ("openai", "gpt-3.5-turbo", City, CHAT, {"type": "json_object"}),
        ("openai", "gpt-4", City, CHAT, None),
    ],
)
def test_what_a_server_lacks_the_system_prompt_asks_for(
    provider: str, model: str, form: ResponseFormat, answer: bytes, field: object
) -> None:
    sent, result = ask(provider, model, form, answer, system_prompt="Be brief.")
    assert sent.get("response_format") == field
    assert "output_config" not in sent
    prompt = sent["system"] if provider == "anthropic" else sent["messages"][0]["content"]
    assert prompt.startswith("Be brief.\n\nAnswer with a single JSON ")
    assert ('"people"' in prompt) == (form is City)
    assert result.parsed == VALUE


# --- simulated models -----------------------------------------------------------------------------


def test_the_simulated_models_answer_in_the_form_asked_for() -> None:
    class Sum(BaseModel):
        answer: str
        value: int

    models = [ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    result = CascadeAgent(models).run_sync("What is 12 * 34?", response_format=Sum, temperature=0)
    assert Sum.model_validate(result.parsed).value == 408
