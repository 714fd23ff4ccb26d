from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from cascadeflow.config import RetryPolicy
from cascadeflow.core import events
from cascadeflow.core.cascade import Cascade
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

from .play import HI, Fail, Marked, Play, make_rules, name, play, text, tier, tokens, whole

GOOD = whole("Paris.", 3)
BAD = whole("bad answer", 2)
ONCE = RetryPolicy(attempts=1)


# --- keeping and replacing ------------------------------------------------------------------------


def test_a_good_draft_is_kept_and_the_verifier_is_never_asked() -> None:
    done = play(GOOD, GOOD)
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION+ COMPLETE"
    result = done.result
    assert (result.content, result.model_used, result.strategy) == ("Paris.", "m0", "cascade")
    assert (result.draft_accepted, result.cascaded, result.degraded) == (True, False, False)
    assert (result.confidence, result.threshold, result.reason) == (0.9, 0.6, "quality_passed")
    assert result.finish_reason == "stop"
    assert not result.truncated
    assert done.outcomes == [("m0", "accepted", None)]
    assert (result.total_cost, result.verifier_cost) == (3.0, 0.0)


def test_what_a_kept_draft_saves_is_the_price_of_the_last_tier_for_its_tokens() -> None:
    dear = FlatPrice(input=Decimal(0), output=Decimal(10_000_000))
    done = play(GOOD, GOOD, tiers=[tier("m0"), tier("m1", price=dear)])
    assert done.result.cost_saved == 30.0 - 3.0


def test_a_poor_draft_is_replaced_and_both_are_paid_for() -> None:
    done = play(BAD, GOOD)
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    result = done.result
    assert (result.content, result.model_used) == ("Paris.", "m1")
    assert (result.draft_accepted, result.cascaded) == (False, True)
    assert done.outcomes == [("m0", "rejected", None), ("m1", "answered", None)]
    assert (result.draft_cost, result.verifier_cost, result.total_cost) == (2.0, 3.0, 5.0)
    assert result.cost_saved == -2.0
    assert result.usage["output_tokens"] == 5


def test_switch_names_both_models_and_the_attempt_to_erase() -> None:
    switch = play(BAD, GOOD).switches[0]
    assert (switch.from_model, switch.to_model) == ("m0", "m1")
    assert (switch.reason, switch.speaker.attempt) == ("quality_insufficient", 1)
    assert switch.speaker.phase == "draft"


def test_discarded_characters_are_code_points_not_bytes_or_utf16_units() -> None:
    said = "bad 😀é漢" + "\U0001f468\u200d\U0001f469"
    done = play([TextDelta(said[:5]), TextDelta(said[5:]), Stop("stop")], GOOD)
    assert done.switches[0].discard_chars == len(said) == 10


def test_a_verifier_speaks_in_its_own_phase() -> None:
    told = play(BAD, GOOD).told
    phases = [event.speaker.phase for event in told if isinstance(event, events.Chunk)]
    assert phases == ["draft", "verifier"]


def test_three_tiers_are_really_three_tiers() -> None:
    done = play(BAD, BAD, GOOD)
    assert done.brief == (
        "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH "
        "DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    )
    assert [opened.tier for opened in done.opened] == [0, 1, 2]
    assert done.result.model_used == "m2"
    assert (done.result.draft_cost, done.result.verifier_cost) == (4.0, 3.0)


def test_the_middle_tier_may_keep_the_answer() -> None:
    done = play(BAD, GOOD, BAD)
    assert done.result.model_used == "m1"
    assert done.result.draft_accepted
    assert done.outcomes[-1] == ("m1", "accepted", None)


def test_the_last_tier_is_never_judged() -> None:
    estimator = Marked()
    done = play(BAD, BAD, rules=make_rules(estimator=estimator))
    assert done.result.content == "bad answer"
    # One watched each draft's beginning, one the draft itself; nobody the last tier.
    assert len([seen for seen in estimator.observed if seen.seen]) == 1


def test_one_model_answers_directly() -> None:
    done = play(BAD)
    assert done.brief == "ROUTING CHUNK COMPLETE"
    routed = done.told[0]
    assert isinstance(routed, events.Routed)
    assert (routed.strategy, routed.models, routed.reason) == ("direct", ("m0",), "single_model")
    assert done.result.draft_accepted is None
    assert done.result.confidence is None


def test_a_direct_query_asks_the_last_tier_alone() -> None:
    done = play(GOOD, GOOD, rules=make_rules(direct="forced_direct"))
    assert done.brief == "ROUTING CHUNK COMPLETE"
    assert done.result.model_used == "m1"
    assert done.result.strategy == "direct"


def test_a_cascade_needs_a_tier_and_starts_once() -> None:
    with pytest.raises(ValueError, match="at least one tier"):
        Cascade([], make_rules(), id="q")
    cascade = Cascade([tier("m0")], make_rules(), id="q")
    cascade.start(0.0)
    with pytest.raises(RuntimeError, match="twice"):
        cascade.start(0.0)


# --- giving up on a draft -------------------------------------------------------------------------


def test_a_hopeless_draft_is_abandoned_before_it_ends() -> None:
    batch: list[Delta] = [
        *text("hopeless " * 6),
        TextDelta("never shown "),
        UsageDelta(tokens(20)),
        TextDelta("nor this"),
    ]
    done = play([batch, Stop("stop", usage=tokens(1000))], GOOD)
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    assert done.switches[0].discard_chars == 54
    assert done.decisions[0].ruling.stage == "during"
    abort = events.Abort(1)
    assert done.commands.index(abort) < done.commands.index(events.Open(1, 2))
    # What came in the same read was paid for: the count in it, not the text behind the decision.
    assert done.result.attempts[0]["outcome"] == "abandoned"
    assert done.result.attempts[0]["usage"]["output_tokens"] == 20


def test_text_behind_the_decision_is_not_counted_whatever_the_read_held() -> None:
    shown, unseen = "hopeless " * 6, "é" * 40
    done = play([[*text(shown, unseen)], Stop("stop")], GOOD)
    row = done.result.attempts[0]
    assert row["source"] == "estimated"
    assert row["usage"]["output_tokens"] == -(-54 // 4)


def test_a_closing_count_in_the_rest_of_the_read_is_the_truth() -> None:
    done = play([[TextDelta("hopeless " * 6), Stop("stop", usage=tokens(9))]], GOOD)
    row = done.result.attempts[0]
    assert (row["source"], row["usage"]["output_tokens"]) == ("reported", 9)


def test_a_count_without_a_finish_in_the_rest_of_the_read_is_no_closing_count() -> None:
    done = play([[TextDelta("hopeless " * 6), Stop(None, usage=tokens(2))]], GOOD)
    row = done.result.attempts[0]
    assert (row["source"], row["usage"]["output_tokens"]) == ("estimated", 14)


def test_a_draft_hopeless_before_it_is_asked_does_not_appear() -> None:
    estimator = Marked({"hard": 0.05})
    tiers = [tier("m0", prompt="hard"), tier("m1"), tier("m2")]
    done = play(GOOD, BAD, GOOD, rules=make_rules(estimator=estimator), tiers=tiers)
    routed = done.told[0]
    assert isinstance(routed, events.Routed)
    assert (routed.models, routed.reason) == (("m1", "m2"), "m0: hopeless")
    assert [opened.tier for opened in done.opened] == [1, 2]


def test_with_every_draft_hopeless_the_last_tier_answers_directly() -> None:
    tiers = [tier("m0", prompt="hard"), tier("m1")]
    done = play(GOOD, GOOD, rules=make_rules(estimator=Marked({"hard": 0.05})), tiers=tiers)
    assert done.brief == "ROUTING CHUNK COMPLETE"
    assert done.result.strategy == "direct"
    assert done.result.model_used == "m1"


def test_a_prompt_longer_than_the_window_skips_the_draft() -> None:
    tiers = [tier("m0", input_estimate=900, context_window=800), tier("m1")]
    routed = play(GOOD, GOOD, tiers=tiers).told[0]
    assert isinstance(routed, events.Routed)
    assert (routed.models, routed.reason) == (("m1",), "m0: context_window")


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


# --- held reveal ----------------------------------------------------------------------------------


def test_a_held_draft_is_shown_only_once_it_is_accepted() -> None:
    tiers = [tier("m0"), tier("m1")]
    cascade = Cascade(tiers, make_rules(reveal="held"), id="q", conversation=HI.messages)
    cascade.start(0.0)
    assert cascade.receive(1, text("Pa", "ris"), 1.0) == []
    told = cascade.receive(1, [Stop("stop")], 3.0)
    assert [name(event) for event in told] == ["CHUNK", "CHUNK", "DRAFT_DECISION+", "COMPLETE"]
    last = told[-1]
    assert isinstance(last, events.Completed)
    assert last.result.first_token_ms == 3000.0
    assert last.result.content == "Paris"


def test_a_rejected_held_draft_leaves_nothing_to_discard() -> None:
    done = play(BAD, GOOD, rules=make_rules(reveal="held"))
    assert done.brief == "ROUTING DRAFT_START DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    assert done.switches[0].discard_chars == 0


def test_held_thinking_and_calls_wait_too() -> None:
    call = ToolCallDelta(0, id="c", name="f", arguments="{}", closed=True)
    script: list[Delta] = [ReasoningDelta("hm"), TextDelta("a"), call, Stop("tool_calls")]
    rules = make_rules(reveal="held", reasoning=True)
    assert play(script, GOOD, rules=rules).brief == (
        "ROUTING DRAFT_START REASONING CHUNK TOOL_CALL_START TOOL_CALL_DELTA DRAFT_DECISION+ "
        "TOOL_CALL_COMPLETE COMPLETE"
    )
    live = play([*script[:-1], Fail("server")], GOOD, rules=rules)
    assert live.brief == "ROUTING DRAFT_START DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    assert live.switches[0].discarded_calls == ()


def test_the_last_tier_is_shown_live_even_if_drafts_are_held() -> None:
    cascade = Cascade([tier("m0")], make_rules(reveal="held"), id="q")
    cascade.start(0.0)
    assert [name(event) for event in cascade.receive(1, text("Pa"), 1.0)] == ["CHUNK"]


# --- thinking -------------------------------------------------------------------------------------


def test_thinking_is_told_only_if_asked_for_and_is_never_text() -> None:
    script = [ReasoningDelta("hm, "), TextDelta("Paris"), Stop("stop")]
    quiet, loud = play(script), play(script, rules=make_rules(reasoning=True))
    assert quiet.brief == "ROUTING CHUNK COMPLETE"
    assert loud.brief == "ROUTING REASONING CHUNK COMPLETE"
    assert quiet.result.content == loud.result.content == "Paris"


def test_thinking_is_paid_for() -> None:
    result = play([ReasoningDelta("x" * 400), TextDelta("a"), Stop("stop")]).result
    assert result.total_cost == 101.0


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
    hopeless = [*text("hopeless " * 9), Stop("stop")]
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


def test_without_the_rule_a_failed_verifier_is_an_error() -> None:
    assert play(BAD, [Fail("server")]).error.kind == "server"


# --- money ----------------------------------------------------------------------------------------


def test_a_query_that_cannot_pay_its_first_prompt_asks_nobody() -> None:
    priced = FlatPrice(input=Decimal(1_000_000), output=Decimal(0))
    done = play(GOOD, rules=make_rules(max_cost=3), tiers=[tier("m0", price=priced)])
    assert done.brief == "ROUTING ERROR"
    assert done.error.kind == "budget"
    assert done.opened == []
    assert "max_cost=3" in str(done.error)


def test_the_budget_stops_a_stream_inside_one_read() -> None:
    batch = text(*["four"] * 10)
    done = play([batch, Stop("stop")], GOOD, rules=make_rules(max_cost=3))
    assert done.brief == "ROUTING DRAFT_START CHUNK ERROR"
    assert sum(isinstance(event, events.Chunk) for event in done.told) == 4
    assert events.Abort(1) in done.commands
    assert done.error.result.content == "four" * 4
    assert done.outcomes == [("m0", "failed", "budget")]


def test_the_budget_is_never_a_reason_to_ask_the_next_tier() -> None:
    for failing in ([UsageDelta(tokens(5))], [ReasoningDelta("x" * 20)], text("x" * 20)):
        done = play([*failing, *GOOD], GOOD, rules=make_rules(max_cost=3))
        assert [opened.tier for opened in done.opened] == [0]
        assert done.error.kind == "budget"


def test_a_rejected_draft_may_use_up_what_the_verifier_needs() -> None:
    priced = FlatPrice(input=Decimal(1_000_000), output=Decimal(0))
    tiers = [tier("m0"), tier("m1", price=priced, input_estimate=2)]
    done = play(BAD, GOOD, rules=make_rules(max_cost=3), tiers=tiers)
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION- ERROR"
    assert done.error.kind == "budget"


def test_a_retry_that_cannot_be_paid_is_not_made() -> None:
    # A connection lost before the first token is paid for: the prompt was sent.
    priced = FlatPrice(input=Decimal(1_000_000), output=Decimal(0))
    tiers = [tier("m0", price=priced, input_estimate=2)]
    script = [Fail("incomplete", retryable=True)]
    done = play(script, rules=make_rules(max_cost=3), tiers=tiers)
    assert len(done.opened) == 1
    assert done.error.kind == "incomplete"


def test_a_budget_just_reached_is_not_overrun() -> None:
    assert play(whole("Paris.", 3), rules=make_rules(max_cost=3)).result.total_cost == 3.0


# --- tool calls -----------------------------------------------------------------------------------

CALL = ToolCallDelta(0, id="c1", name="weather", arguments='{"city": "Paris"}', closed=True)


def test_a_drafts_call_is_complete_only_after_it_is_accepted() -> None:
    done = play([CALL, Stop("tool_calls")], GOOD)
    assert done.brief == (
        "ROUTING DRAFT_START TOOL_CALL_START TOOL_CALL_DELTA DRAFT_DECISION+ "
        "TOOL_CALL_COMPLETE COMPLETE"
    )


def test_a_call_of_the_last_tier_is_complete_when_it_is_closed() -> None:
    assert play([CALL, TextDelta("wait"), Stop("tool_calls")]).brief == (
        "ROUTING TOOL_CALL_START TOOL_CALL_DELTA TOOL_CALL_COMPLETE CHUNK COMPLETE"
    )


def test_switch_names_the_calls_that_were_shown() -> None:
    done = play([CALL, Fail("server")], GOOD)
    assert [call.name for call in done.switches[0].discarded_calls] == ["weather"]
    assert "TOOL_CALL_COMPLETE" not in done.brief


def test_too_many_calls_are_a_failure_of_the_draft() -> None:
    many = [ToolCallDelta(i, id=f"c{i}", name="f", arguments="{}") for i in range(129)]
    done = play([[*many, TextDelta("x")]], GOOD)
    assert done.switches[0].reason == "draft_error:protocol"
    assert events.Abort(1) in done.commands


# --- leaving --------------------------------------------------------------------------------------


def test_closing_writes_the_row_of_the_open_attempt() -> None:
    done = Play([[[TextDelta("four"), Stop("stop")]]], make_rules(), leave_after=1)
    assert done.outcomes == [("m0", "cancelled", None)]
    assert done.cascade.ledger.total == 1
    assert done.brief == "ROUTING CHUNK"


def test_closing_before_the_start_and_after_the_end_changes_nothing() -> None:
    unstarted = Cascade([tier("m0")], make_rules(), id="q")
    unstarted.close(0.0)
    assert unstarted.over
    assert list(unstarted.ledger.rows) == []
    done = play(GOOD)
    done.cascade.close(9.0)
    assert done.outcomes == [("m0", "answered", None)]
