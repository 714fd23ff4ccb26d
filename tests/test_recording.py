from __future__ import annotations

import asyncio
import errno
import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cascadeflow.agent import CascadeAgent
from cascadeflow.config import ModelConfig
from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.errors import CascadeError, ConfigError, ProviderError
from cascadeflow.evaluate.dataset import files, read
from cascadeflow.evaluate.replay import replay
from cascadeflow.judges import Panel, SelfCheck
from cascadeflow.providers.scripted import Answers, Script, Scripted
from cascadeflow.recording import Recorder
from cascadeflow.tools import ToolExecutor, tool
from cascadeflow.types import Stop, TextDelta, ToolCallDelta, Usage

from .advising import Heedful
from .play import Marked, whole

GOOD, BAD = whole("Paris.", 3), whole("bad answer", 2)
DOWN: Script = [ProviderError("down", kind="auth")]


def ladder(
    path: Path | Recorder,
    draft: Script | Answers,
    verifier: Script | Answers = GOOD,
    **settings: Any,
) -> CascadeAgent:
    """A recording agent of two models that cost 1 and 10 dollars for a token."""
    provider = Scripted({"small": draft, "large": verifier})
    models = [ModelConfig("small", provider, cost=1000), ModelConfig("large", provider, cost=10000)]
    settings.setdefault("estimator", Marked())
    return CascadeAgent(models, record=path, **settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def lookup(city: str) -> str:
    """Look a city up."""
    return f"{city} is fine"


def test_a_row_tells_what_was_asked_answered_and_decided(path: Path) -> None:
    result = ladder(path, BAD).run_sync("Capital of France?")
    (row,) = rows(path)
    assert row["id"] == result.id
    assert (row["query"], row["tools"], "messages" in row) == ("Capital of France?", None, False)
    assert (row["draft"]["model"], row["draft"]["content"]) == ("small", "bad answer")
    assert (row["verifier"]["model"], row["verifier"]["content"]) == ("large", "Paris.")
    assert row["draft"]["tokens_out"] == 2
    assert row["draft"]["cost"] == result.draft_cost
    assert row["verifier"]["cost"] == result.verifier_cost
    assert row["draft"]["latency_s"] >= 0
    assert (row["accepted"], row["reason"]) == (False, "quality_insufficient")
    assert row["p_good"] == result.confidence
    assert isinstance(row["evidence"], dict)
    assert row["time"] > 1.7e9


def test_the_verifier_of_an_accepted_draft_was_not_asked(path: Path) -> None:
    ladder(path, GOOD).run_sync("hi")
    (row,) = rows(path)
    assert (row["accepted"], row["verifier"]) == (True, None)


def test_the_evaluation_reads_what_was_recorded_and_how_it_was_rated(path: Path) -> None:
    agent = ladder(path, Answers(GOOD, BAD))
    accepted, replaced = agent.run_sync("one"), agent.run_sync("two")
    agent.feedback(accepted.id, correct=True)
    agent.feedback(replaced.id, correct=0.25)
    first, second = read(path)
    assert (first.id, first.query, first.draft.content) == (accepted.id, "one", "Paris.")
    assert (first.draft_correct, first.verifier_correct) == (1.0, None)
    assert (second.draft_correct, second.verifier_correct) == (None, 0.25)


def test_conversations_tools_and_forms_are_recorded_as_they_were_sent(path: Path) -> None:
    call: Script = [ToolCallDelta(0, "c1", "lookup", '{"city": "Rome"}'), Stop("tool_calls")]
    agent = ladder(path, call)
    history = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    agent.run_sync("Rome?", tools=[lookup], messages=history, tool_choice="required")
    (row,) = rows(path)
    assert [message["content"] for message in row["messages"]] == ["hi", "hello", "Rome?"]
    assert row["tools"][0]["name"] == "lookup"
    assert row["tool_choice"] == "required"
    assert row["draft"]["tool_calls"] == [
        {"id": "c1", "name": "lookup", "arguments": '{"city": "Rome"}'}
    ]
    assert row["draft"]["content"] is None


def test_log_probabilities_are_recorded(path: Path) -> None:
    draft: Script = [TextDelta("Pa", (-0.5,)), TextDelta("ris", (-0.1, -0.2)), Stop("stop")]
    ladder(path, draft).run_sync("hi")
    assert rows(path)[0]["draft"]["logprobs"] == [-0.5, -0.1, -0.2]


def test_opinions_of_judges_are_recorded_and_replayed(path: Path) -> None:
    doubt: Script = [TextDelta("false", (math.log(0.9),)), Stop("stop")]
    panel = Panel([SelfCheck()], timeout=5)
    agent = ladder(path, Answers(GOOD, doubt), estimator=Heedful(), judges=panel)
    result = agent.run_sync("Capital of France?")
    (row,) = read(path)
    assert [(each.judge, round(each.p_good, 2)) for each in row.opinions] == [("self_check", 0.1)]
    assert replay(row, Heedful()).estimate.p_good == row.p_good == result.confidence


def test_an_unknown_price_is_no_price(path: Path) -> None:
    provider = Scripted({"small": GOOD, "large": GOOD})
    models = [ModelConfig("small", provider), ModelConfig("large", provider, cost=1)]
    CascadeAgent(models, record=path, estimator=Marked()).run_sync("hi")
    assert rows(path)[0]["draft"]["cost"] is None


def test_a_query_without_a_judged_draft_is_not_recorded(path: Path) -> None:
    ladder(path, GOOD).run_sync("hi", force_direct=True)
    ladder(path, DOWN).run_sync("hi")
    assert rows(path) == []


def test_a_draft_whose_verifier_failed_is_recorded_without_one(path: Path) -> None:
    with pytest.raises(CascadeError):
        ladder(path, BAD, DOWN).run_sync("hi")
    (row,) = rows(path)
    assert (row["draft"]["content"], row["verifier"]) == ("bad answer", None)


def test_a_stream_that_is_left_after_the_decision_is_recorded(path: Path) -> None:

    async def leave() -> None:
        stream = ladder(path, BAD).stream_events("hi")
        async for event in stream:
            if event.type == "switch":
                break
        await stream.aclose()

    asyncio.run(leave())
    (row,) = rows(path)
    assert (row["accepted"], row["verifier"]) == (False, None)


def test_each_turn_of_a_tool_loop_is_a_row_and_feedback_goes_to_the_last(path: Path) -> None:
    call: Script = [ToolCallDelta(0, "c1", "lookup", '{"city": "Rome"}'), Stop("tool_calls")]
    agent = ladder(path, Answers(call, GOOD))
    manager = agent.tool_streaming_manager
    assert manager is not None

    async def converse() -> dict[str, Any]:
        stream = manager.stream("Rome?", tools=[tool(lookup)], tool_executor=ToolExecutor([lookup]))
        result: dict[str, Any] = [event async for event in stream][-1].data["result"]
        return result

    result = asyncio.run(converse())
    agent.feedback(result["id"], correct=True)
    first, second = read(path)
    assert [first.id, second.id] == [f"{result['id']}:1", f"{result['id']}:2"]
    assert (first.draft_correct, second.draft_correct) == (None, 1.0)


def test_text_that_is_no_unicode_is_recorded_escaped(path: Path) -> None:
    ladder(path, GOOD).run_sync("half a pair: \ud800")
    assert rows(path)[0]["query"] == "half a pair: \ud800"


def test_concurrent_queries_are_all_recorded(path: Path) -> None:
    agent = ladder(path, GOOD)

    async def ask() -> list[str]:
        return [each.id for each in await asyncio.gather(*(agent.run(str(i)) for i in range(50)))]

    asked = asyncio.run(ask())
    assert {row["id"] for row in rows(path)} == set(asked)


def test_a_recorder_bounds_its_files_and_all_of_them_are_read_in_order(
    path: Path, tmp_path: Path
) -> None:
    agent = ladder(Recorder(path, max_bytes=4096), GOOD)
    for number in range(120):
        agent.run_sync(str(number))
    assert all(each.stat().st_size <= 4096 for each in tmp_path.iterdir())
    found = files([tmp_path])
    assert len(found) > 11
    assert [each.query for each in read(*found)] == [str(number) for number in range(120)]
    assert {each.file for each in read(*found)} == {"calls"}


def test_a_disk_that_refuses_costs_a_warning_and_no_query(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gone" / "calls.jsonl"
    path.parent.mkdir()
    agent = ladder(path, GOOD)
    path.unlink()
    path.parent.rmdir()
    with caplog.at_level(logging.WARNING, "cascadeflow"):
        assert agent.run_sync("one").content == agent.run_sync("two").content == "Paris."
    (told,) = caplog.messages
    assert str(path) in told
    assert os.strerror(errno.ENOENT) in told


def test_what_has_no_form_in_json_is_recorded_as_it_prints(path: Path) -> None:
    message: Mapping[str, Any] = {"role": "user", "content": "hi", "mark": {1, 2}.__iter__}
    ladder(path, GOOD).run_sync([message])
    assert "method-wrapper" in rows(path)[0]["messages"][0]["mark"]


@pytest.mark.parametrize("correct", [-0.1, 1.1, float("nan")])
def test_feedback_is_a_degree_from_wrong_to_right(tmp_path: Path, correct: float) -> None:
    agent = ladder(tmp_path / "calls.jsonl", GOOD)
    with pytest.raises(ConfigError, match="from 0"):
        agent.feedback("any", correct=correct)


def test_feedback_without_a_recording_is_a_config_error() -> None:
    provider = Scripted({"small": GOOD})
    with pytest.raises(ConfigError, match="record=path"):
        CascadeAgent([ModelConfig("small", provider, cost=1)]).feedback("any", correct=True)


@pytest.mark.parametrize("record", [7, b"calls.jsonl", True])
def test_what_is_no_path_is_a_config_error(record: object) -> None:
    settings: dict[str, Any] = {"record": record}
    with pytest.raises(ConfigError, match="record"):
        CascadeAgent([ModelConfig("small", Scripted({"small": GOOD}), cost=1)], **settings)


def test_a_bound_too_small_for_a_row_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="4096"):
        Recorder(tmp_path / "calls.jsonl", max_bytes=10)


def test_a_closed_agent_may_go_on_recording(path: Path) -> None:
    agent = ladder(path, GOOD, policy=ThresholdPolicy())

    async def twice() -> None:
        await agent.run("one")
        await agent.aclose()
        await agent.run("two")
        await agent.aclose()

    asyncio.run(twice())
    assert [row["query"] for row in rows(path)] == ["one", "two"]


def test_tokens_are_those_of_the_ledger(path: Path) -> None:
    usage = Usage(input_tokens=11, output_tokens=5)
    ladder(path, [TextDelta("Paris."), Stop("stop", usage)]).run_sync("hi")
    draft = rows(path)[0]["draft"]
    assert (draft["tokens_in"], draft["tokens_out"], draft["finish_reason"]) == (11, 5, "stop")
