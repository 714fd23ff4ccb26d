"""The optional judges alone: what they ask, and what they make of any reply."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow import ConfigError, ModelConfig
from cascadeflow.errors import ProviderError
from cascadeflow.judges import Agreement, JudgeModel, Panel, Referee, Reply, SelfCheck
from cascadeflow.judges.agreement import outcome
from cascadeflow.judges.questions import GRADED, SAID
from cascadeflow.types import Delta, Request, Stop, TextDelta, ToolCallDelta

DOWN = ProviderError("down", kind="server")
CHOICE = "Which is a planet?\nA. Mars\nB. Sirius\nC. The Moon"
TOOL = {"name": "find", "description": "", "parameters": {"type": "object"}}


def asking(query: str = "What is 6 * 7?", **given: object) -> Request:
    return Request(messages=({"role": "user", "content": query},), **given)  # type: ignore[arg-type]  # any field


def reply(text: str, *logprobs: float) -> list[Delta]:
    return [TextDelta(text, logprobs), Stop("stop")]


def judge_model(**given: object) -> JudgeModel:
    return JudgeModel(model=ModelConfig("wise", "openai", api_key="k", cost=0), **given)  # type: ignore[arg-type]  # any field


def p(judge: Referee, *replies: Reply, draft: str = "42", request: Request | None = None) -> float:
    opinion = judge.opinion(request or asking(), draft, replies)
    assert opinion is not None
    return opinion.p_good


# --- self-check -----------------------------------------------------------------------------------


def test_self_check_puts_one_token_s_question_behind_the_draft() -> None:
    request = asking(max_tokens=100, temperature=0.7, stop=("\n",), response_format={"type": "x"})
    (asked,) = SelfCheck().inquiries(request, "42")
    assert [message["role"] for message in asked.messages] == ["user", "assistant", "user"]
    assert asked.messages[1]["content"] == "42"
    assert (asked.max_tokens, asked.temperature, asked.stop) == (1, 0.0, ())
    assert asked.response_format is None
    assert asked.logprobs is None, "wherever the provider offers them"


def test_a_model_that_thinks_first_gets_no_limit() -> None:
    (asked,) = SelfCheck().inquiries(asking(), "42")
    assert asked.max_tokens is None


def test_tools_are_kept_only_where_the_conversation_called_some() -> None:
    (asked,) = SelfCheck().inquiries(asking(tools=(TOOL,), tool_choice="required"), "42")
    assert (asked.tools, asked.tool_choice) == ((), None)
    called = Request(
        messages=({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},),
        tools=(TOOL,),
    )
    (asked,) = SelfCheck().inquiries(called, "42")
    assert (asked.tools, asked.tool_choice) == ((TOOL,), "none")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (reply("true", math.log(0.8)), 0.8),
        (reply("False", math.log(0.9)), 0.1),
        (reply(" True.", math.log(0.6), -5.0), 0.6),
        ([TextDelta("\n", (-9.0,)), TextDelta("yes", (math.log(0.7),)), Stop("length")], 0.7),
        (reply("True"), SAID[0]),
        (reply("No"), SAID[1]),
        (reply("**true**"), SAID[0]),
        (reply("true", math.log(0.9999)), 0.9999),
        (reply("true", 0.5), 1.0),
        (reply("false", -0.0), 0.0),
        (reply("true", -1e9), 0.0),
    ],
)
def test_self_check_reads_the_probability_of_true(said: list[Delta], expected: float) -> None:
    assert p(SelfCheck(), said) == pytest.approx(expected)


@pytest.mark.parametrize(
    "said",
    [
        reply("perhaps"),
        reply("42"),
        reply("   "),
        [Stop("length")],
        [],
        [ToolCallDelta(0, "1", "true", "{}"), Stop("tool_calls")],
        DOWN,
    ],
)
def test_a_reply_that_says_neither_is_no_opinion(said: Reply) -> None:
    assert SelfCheck().opinion(asking(), "42", [said]) is None


# --- agreement ------------------------------------------------------------------------------------


def test_agreement_asks_for_drafts_that_may_differ() -> None:
    asked = Agreement(k=2).inquiries(asking(seed=7, temperature=0.0, max_tokens=100), "42")
    assert [each.seed for each in asked] == [8, 9]
    assert {each.temperature for each in asked} == {0.7}
    assert all(each.messages == asking().messages for each in asked)
    (one,) = Agreement(k=1).inquiries(asking(temperature=1.2), "42")
    assert one.temperature == 1.2


def test_agreement_asks_nothing_about_an_open_text() -> None:
    essay = "It depends on many things, and people differ about them. " * 20
    assert Agreement().inquiries(asking("Is art useful?"), essay) == ()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("42", "It is 42.", "6 * 7 = 42, so the answer is 42"), 4 / 5),
        (("42", "41", "40"), 2 / 5),
        (("41", "41", "41"), 1 / 5),
        (("42",), 2 / 3),
    ],
)
def test_agreement_counts_those_that_settle_on_the_same(
    texts: Sequence[str], expected: float
) -> None:
    assert p(Agreement(), *map(reply, texts)) == pytest.approx(expected)


def test_drafts_that_failed_do_not_count_and_calls_of_tools_disagree_with_nothing() -> None:
    called: list[Delta] = [ToolCallDelta(0, "1", "find", "{}"), Stop("tool_calls")]
    assert p(Agreement(), reply("42"), DOWN, called) == pytest.approx(2 / 3)
    assert Agreement().opinion(asking(), "42", [DOWN, called]) is None


@pytest.mark.parametrize(
    ("query", "one", "other", "same"),
    [
        ("What is 600 * 2?", "1,200", "The result is $1200.00.", True),
        ("What is 6 * 7?", "#### 42", "\\boxed{42}", True),
        ("What is 6 * 7?", "The answer is 42 because 6 * 7 = 42", "42", True),
        ("What is 1 - 6?", "-5", "5", False),
        (CHOICE, "A", "The answer is (A).", True),
        (CHOICE, "A", "The answer is B.", False),
        ("Capital of France?", "Paris", "The capital of France is Paris.", True),
        ("Capital of France?", "Paris", "The capital is not Paris.", False),
        ("Capital of France?", "Paris", "Lyon", False),
        ("Give JSON", '{"a": 1, "b": 2}', '```json\n{"b": 2, "a": 1}\n```', True),
        ("Give JSON", '{"a": 1}', '{"a": 2}', False),
    ],
)
def test_two_answers_settle_on_the_same(query: str, one: str, other: str, same: bool) -> None:
    first, second = outcome(query, one), outcome(query, other)
    assert first is not None
    assert second is not None
    assert first.agrees(second) == second.agrees(first) == same


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_answer_agrees_with_itself(query: str, text: str) -> None:
    found = outcome(query, text)
    assert found is None or found.agrees(found)


def test_a_long_hostile_draft_is_read_quickly() -> None:
    for piece in ("1", "1a", "1,", "answer is ", "{[", "-"):
        outcome("What is 6 * 7?", piece * (100_000 // len(piece)))


# --- a judge model --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("8", 0.8),
        ("8.5", 0.85),
        ("7/10", 0.7),
        ("Grade: 9", 0.9),
        ("**Grade:** 6", 0.6),
        ("I would rate it 3 out of 10, for 2 reasons.", 0.3),
        ('{"score": 4}', 0.4),
        ("10", 0.95),
        ("0", 0.05),
        ("Yes", GRADED[0]),
        ("No.", GRADED[1]),
    ],
)
def test_a_grade_is_read_however_it_is_put(said: str, expected: float) -> None:
    assert p(judge_model(), reply(said)) == pytest.approx(expected)


@pytest.mark.parametrize("said", ["", "good", "11", "100", "between 3 and 7", "Grade: -5"])
def test_what_is_no_grade_is_no_opinion(said: str) -> None:
    assert judge_model().opinion(asking(), "42", [reply(said)]) is None


def test_a_word_of_yes_or_no_may_be_asked_for_instead() -> None:
    assert p(judge_model(scale="yes_no"), reply("Yes", math.log(0.9))) == pytest.approx(0.9)
    assert p(judge_model(scale="yes_no"), reply("Yes", -0.0)) == 0.99


def test_the_judge_model_is_asked_as_it_is_configured() -> None:
    model = ModelConfig(
        "wise", "openai", api_key="k", system_prompt="You grade.", extra={"top_k": 1}
    )
    signed = {"role": "assistant", "content": "a", "thinking_blocks": [1], "thinking_model": "m"}
    request = Request(
        messages=({"role": "system", "content": "Be brief."}, signed),
        headers={"authorization": "of another"},
        extra={"min_p": 0.1},
        seed=3,
    )
    (asked,) = JudgeModel(model=model).inquiries(request, "42")
    assert asked.messages[0] == {"role": "system", "content": "You grade."}
    assert asked.messages[1] == {"role": "assistant", "content": "a"}
    assert len(asked.messages) == 4
    assert (asked.headers, asked.extra, asked.seed) == ({}, {"top_k": 1}, None)
    assert (asked.max_tokens, asked.temperature) == (16, 0.0)


def test_a_judge_model_that_thinks_first_gets_no_limit() -> None:
    (asked,) = JudgeModel(model=ModelConfig("o3", "openai")).inquiries(asking(), "42")
    assert asked.max_tokens is None


# --- all of them ----------------------------------------------------------------------------------

JUDGES: tuple[Referee, ...] = (
    SelfCheck(), Agreement(), judge_model(), judge_model(scale="yes_no")
)  # fmt: skip


@given(
    st.sampled_from(JUDGES),
    st.text(max_size=80),
    st.lists(
        st.one_of(
            st.just(DOWN),
            st.lists(
                st.builds(
                    TextDelta,
                    st.text(min_size=1, max_size=30),
                    st.lists(st.floats(-50, 1), max_size=3).map(tuple),
                ),
                max_size=3,
            ),
        ),
        max_size=4,
    ),
)
def test_whatever_is_replied_an_opinion_is_a_probability(
    judge: Referee, draft: str, replies: list[Reply]
) -> None:
    opinion = judge.opinion(asking(), draft, replies)
    assert opinion is None or (0 <= opinion.p_good <= 1 and opinion.judge == judge.judge)
    assert isinstance(judge.inquiries(asking(), draft), Sequence)


def test_what_is_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="k is 0"):
        Agreement(k=0)
    with pytest.raises(ConfigError, match="temperature is 0"):
        Agreement(temperature=0)
    with pytest.raises(ConfigError, match="'wise'"):
        JudgeModel(model="wise")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigError, match="scale is 'stars'"):
        judge_model(scale="stars")
    with pytest.raises(ConfigError, match="unsure"):
        Panel((), unsure=(0.9, 0.1))
    with pytest.raises(ConfigError, match="timeout is 0"):
        Panel((), timeout=0)
    with pytest.raises(ConfigError, match="judges holds"):
        Panel((SelfCheck,))  # type: ignore[arg-type]  # the class, not an object
