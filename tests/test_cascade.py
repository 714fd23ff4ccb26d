from __future__ import annotations

from decimal import Decimal

import pytest

from cascadeflow.config import RetryPolicy
from cascadeflow.core import events
from cascadeflow.core.cascade import Cascade
from cascadeflow.core.ledger import FlatPrice
from cascadeflow.types import (
    Delta,
    ReasoningDelta,
    Stop,
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
    # Who judged the request of the draft watched it too; nobody watched the last tier.
    assert len(estimator.observed) == 1


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
    script: list[Delta] = [ReasoningDelta("hm, "), TextDelta("Paris"), Stop("stop")]
    quiet, loud = play(script), play(script, rules=make_rules(reasoning=True))
    assert quiet.brief == "ROUTING CHUNK COMPLETE"
    assert loud.brief == "ROUTING REASONING CHUNK COMPLETE"
    assert quiet.result.content == loud.result.content == "Paris"


def test_thinking_is_paid_for() -> None:
    result = play([ReasoningDelta("x" * 400), TextDelta("a"), Stop("stop")]).result
    assert result.total_cost == 101.0


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
