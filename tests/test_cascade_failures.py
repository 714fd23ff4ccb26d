from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from cascadeflow.config import RetryPolicy
from cascadeflow.core.ledger import FlatPrice
from cascadeflow.errors import ErrorKind, ProviderError
from cascadeflow.types import (
    Delta,
    ReasoningDelta,
    Started,
    Stop,
    StopReason,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

from .play import Fail, Marked, Wait, make_rules, play, text, tier, tokens, whole

GOOD = whole("Paris.", 3)
BAD = whole("bad answer", 2)
ONCE = RetryPolicy(attempts=1)


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(ErrorKind))
@pytest.mark.parametrize("shown", ["", "half an ans"])
def test_a_draft_that_fails_is_taken_over(kind: ErrorKind, shown: str) -> None:
    done = play([*text(*shown.split()), Fail(kind)], GOOD, rules=make_rules(retry=ONCE))
    decided, switched = done.decisions[0], done.switches[0]
    assert (decided.ruling.accepted, decided.ruling.estimate.p_good) == (False, 0.0)
    assert decided.ruling.reason == switched.reason == f"draft_error:{kind}"
    assert done.told.index(decided) + 1 == done.told.index(switched)
    assert done.result.content == "Paris."
    assert done.outcomes == [("m0", "failed", kind), ("m1", "answered", None)]


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_the_last_tier_failing_is_an_error_that_keeps_everything(kind: ErrorKind) -> None:
    done = play([Fail("auth")], [*text("half", " an"), Fail(kind)], rules=make_rules(retry=ONCE))
    error = done.error
    assert error.kind == kind
    assert error.result.content == "half an"
    assert error.result.finish_reason is None
    causes = [cause.kind for cause in error.causes if isinstance(cause, ProviderError)]
    assert causes == ["auth", kind]
    assert error.__cause__ is error.causes[-1]
    assert "test/m0" in str(error)
    assert "test/m1" in str(error)
    assert error.result.total_cost == 2.0
    assert error.result.cost_saved == 0.0


def test_a_failure_says_which_attempt_it_was() -> None:
    causes = play([Fail("auth")], [Fail("auth")]).error.causes
    assert [(c.attempt, c.model) for c in causes if isinstance(c, ProviderError)] == [
        (1, "m0"),
        (2, "m1"),
    ]


def test_the_request_id_reaches_the_row() -> None:
    done = play([Started("req-7"), *GOOD], GOOD)
    assert done.result.attempts[0]["request_id"] == "req-7"


# --- ends that are no answers ---------------------------------------------------------------------

UNFIT: list[tuple[str, list[Delta], str]] = [
    ("content_filter", [TextDelta("Pa"), Stop("content_filter")], "refused"),
    ("refusal", [TextDelta("Pa"), Stop("refusal", detail="no")], "refused"),
    ("no reason", [TextDelta("Pa"), Stop(None)], "incomplete"),
    ("nothing", [Stop("stop")], "empty"),
    ("white space", [TextDelta(" \n\t"), Stop("stop")], "empty"),
    ("thinking alone", [ReasoningDelta("hm"), Stop("stop")], "empty"),
    ("filtered before it began", [Stop("content_filter")], "refused"),
]


@pytest.mark.parametrize(("deltas", "kind"), [row[1:] for row in UNFIT], ids=[r[0] for r in UNFIT])
def test_a_draft_that_is_no_answer_is_taken_over(deltas: list[Delta], kind: str) -> None:
    done = play(deltas, GOOD, rules=make_rules(retry=ONCE))
    assert done.switches[0].reason == f"draft_error:{kind}"
    assert done.outcomes[0] == ("m0", "failed", kind)
    assert done.result.content == "Paris."


@pytest.mark.parametrize(("deltas", "kind"), [row[1:] for row in UNFIT], ids=[r[0] for r in UNFIT])
def test_on_the_last_tier_it_is_an_error_with_the_text(deltas: list[Delta], kind: str) -> None:
    error = play(deltas, rules=make_rules(retry=ONCE)).error
    assert error.kind == kind
    assert error.result.content == "".join(d.text for d in deltas if isinstance(d, TextDelta))


def test_the_words_of_a_refusal_are_told() -> None:
    stop = Stop("refusal", raw_reason="refusal", detail="I may not")
    assert "I may not" in str(play([TextDelta("x"), stop]).error)


@pytest.mark.parametrize("reason", ["length", "pause"])
def test_a_truncated_draft_is_judged_and_says_so(reason: StopReason) -> None:
    result = play([TextDelta("Par"), Stop(reason)], GOOD).result
    assert result.draft_accepted
    assert result.truncated
    assert result.finish_reason == reason


def test_a_truncated_answer_of_the_last_tier_says_so() -> None:
    result = play([TextDelta("Par"), Stop("length")]).result
    assert (result.truncated, result.finish_reason) == (True, "length")


def test_the_judge_sees_how_the_draft_ended() -> None:
    estimator = Marked()
    play([TextDelta("Par"), Stop("length")], GOOD, rules=make_rules(estimator=estimator))
    assert estimator.observed[-1].seen == [TextDelta("Par"), Stop("length")]


def test_a_damaged_draft_is_rejected() -> None:
    stop = Stop("stop", damaged=True, warnings=("1 event could not be read",))
    done = play([TextDelta("Pa"), stop], GOOD)
    assert done.switches[0].reason == "draft_error:protocol"
    assert done.result.warnings == ["1 event could not be read"]


def test_a_damaged_answer_of_the_last_tier_is_kept_with_a_warning() -> None:
    stop = Stop("stop", damaged=True, warnings=("1 event could not be read",))
    result = play([TextDelta("Pa"), stop]).result
    assert (result.content, result.warnings) == ("Pa", ["1 event could not be read"])


def test_a_negative_count_is_a_warning_and_not_a_count() -> None:
    result = play([TextDelta("Paris"), Stop("stop", usage=tokens(-5))]).result
    assert "negative" in result.warnings[0]
    assert result.usage["output_tokens"] == 2


def test_what_follows_the_stop_is_ignored() -> None:
    deltas: list[Delta] = [*GOOD, TextDelta("!"), Stop("length"), UsageDelta(tokens(99))]
    for script in ([deltas], list(deltas)):
        done = play(script, GOOD)
        assert done.result.content == "Paris."
        assert done.result.total_cost == 3.0
        done = play(script)
        assert (done.result.content, done.result.truncated) == ("Paris.", False)


# --- the stand-in for a failed verifier -----------------------------------------------------------


def test_a_complete_draft_stands_in_for_a_failed_verifier() -> None:
    done = play(BAD, [*text("half"), Fail("server")], rules=make_rules(on_verifier_error="draft"))
    assert done.brief == (
        "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK SWITCH CHUNK COMPLETE"
    )
    result, switch = done.result, done.switches[1]
    assert (switch.from_model, switch.to_model) == ("m1", "m0")
    assert (switch.reason, switch.discard_chars) == ("verifier_error:server", 4)
    assert (result.content, result.model_used) == ("bad answer", "m0")
    assert (result.degraded, result.draft_accepted) == (True, False)
    assert result.messages[-1] == {"role": "assistant", "content": "bad answer"}


def test_the_stand_in_was_held_and_is_shown_once() -> None:
    rules = make_rules(on_verifier_error="draft", reveal="held")
    done = play(BAD, [*text("half"), Fail("server")], rules=rules)
    assert done.brief == "ROUTING DRAFT_START DRAFT_DECISION- SWITCH CHUNK SWITCH CHUNK COMPLETE"


def test_a_broken_draft_never_stands_in() -> None:
    rules = make_rules(on_verifier_error="draft")
    assert play([*text("half"), Fail("server")], [Fail("auth")], rules=rules).error.kind == "auth"
    assert play([TextDelta("x"), Stop(None)], [Fail("auth")], rules=rules).error.kind == "auth"
    hopeless: list[Delta] = [*text("hopeless " * 9), Stop("stop")]
    assert play(hopeless, [Fail("auth")], rules=rules).error.kind == "auth"


def test_the_stronger_of_two_rejected_drafts_stands_in() -> None:
    rules = make_rules(on_verifier_error="draft")
    done = play(BAD, whole("bad too"), [Fail("auth")], rules=rules)
    assert done.result.content == "bad too"


def test_an_earlier_draft_stands_in_if_the_later_one_broke() -> None:
    rules = make_rules(on_verifier_error="draft")
    done = play(BAD, [*text("x"), Fail("auth")], [Fail("auth")], rules=rules)
    assert (done.result.content, done.result.degraded) == ("bad answer", True)


def test_the_stand_in_comes_when_the_verifier_cannot_be_paid() -> None:
    rules = make_rules(on_verifier_error="draft", max_cost=3)
    dear = FlatPrice(input=Decimal(1_000_000), output=Decimal(1_000_000))
    tiers = [tier("m0"), tier("m1", price=dear)]
    done = play(BAD, GOOD, rules=rules, tiers=tiers)
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION- COMPLETE"
    assert done.result.degraded
    assert len(done.opened) == 1


def test_a_later_draft_that_runs_out_of_time_is_decided_on_before_an_earlier_stands_in() -> None:
    rules = make_rules(on_verifier_error="draft", total=5)
    done = play(BAD, [*text("half"), Wait(9)], GOOD, rules=rules)
    assert done.brief == (
        "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH "
        "DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    )
    assert done.decisions[1].ruling.reason == "draft_error:timeout.total"


def test_without_the_rule_a_failed_verifier_is_an_error() -> None:
    assert play(BAD, [Fail("server")]).error.kind == "server"


def test_a_rejected_draft_with_calls_never_stands_in() -> None:
    call = ToolCallDelta(0, id="c1", name="weather", arguments='{"city": "Paris"}')
    rules = make_rules(on_verifier_error="draft")
    wants: list[Delta] = [TextDelta("bad"), call, Stop("tool_calls")]
    assert play(wants, [Fail("auth")], rules=rules).error.kind == "auth"
    assert play(BAD, wants, [Fail("auth")], rules=rules).result.content == "bad answer"
