"""Hedges in virtual time: the next tier is asked while a draft in doubt still streams."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cascadeflow import ConfigError, RetryPolicy, ThresholdPolicy, Timeouts
from cascadeflow.core import events
from cascadeflow.core.cascade import Cascade
from cascadeflow.core.hedge import MOST_BYTES, MOST_DELTAS
from cascadeflow.core.judge import Judge
from cascadeflow.core.ledger import FlatPrice
from cascadeflow.core.tier import Rules, Tier
from cascadeflow.types import (
    Delta,
    Estimate,
    ReasoningDelta,
    Started,
    Stop,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

from .advising import Asks, Heedful
from .advising import make_rules as advised
from .play import (
    HI,
    Fail,
    Play,
    Script,
    Wait,
    brief,
    make_rules,
    play,
    text,
    tier,
    tokens,
    whole,
)

DOUBT = ThresholdPolicy(hedge_below=0.95)
"""Every draft of `Marked` is in doubt at its first look, and kept if nothing is "bad" in it."""
LONG = "word " * 10
"""Enough for a first look."""
GOOD: Script = [TextDelta(LONG), Wait(2), TextDelta("and so on"), Wait(2), *whole(".", 20)]
POOR: Script = [TextDelta(LONG), Wait(2), TextDelta("bad"), Wait(2), Stop("stop", usage=tokens(20))]
CALL = ToolCallDelta(0, id="c1", name="look", arguments='{"at": 1}', closed=True)


def hedged(*scripts: Script, tiers: Sequence[Tier] | None = None, **settings: Any) -> Play:
    return play(*scripts, rules=rules(**settings), tiers=tiers)


def rules(policy: ThresholdPolicy = DOUBT, **settings: Any) -> Rules:
    return make_rules(policy=policy, **settings)


def opened(done: Play) -> list[tuple[int, bool]]:
    return [(each.tier, each.ahead) for each in done.opened]


# --- the two ways it ends -------------------------------------------------------------------------


def test_a_draft_in_doubt_that_is_kept_ends_the_hedge_and_both_are_paid_for() -> None:
    done = hedged(GOOD, [*text("It "), Wait(9), *whole("is.")])
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION+ COMPLETE"
    assert opened(done) == [(0, False), (1, True)]
    assert done.outcomes == [("m0", "accepted", None), ("m1", "cancelled", None)]
    loser = done.cascade.ledger.rows[1]
    assert (loser.source, loser.usage.input_tokens, loser.usage.output_tokens) == (
        "estimated",
        4,
        1,
    )
    assert (done.result.draft_cost, done.result.verifier_cost, done.result.total_cost) == (
        20,
        1,
        21,
    )
    assert done.result.hedge_ms == 4000
    assert done.commands[-1] == events.Abort(2)
    assert not done.result.cascaded


def test_what_the_next_model_said_meanwhile_follows_the_switch_at_once() -> None:
    done = hedged(POOR, [Wait(1), *text("It ", "is "), Wait(9), *whole("Paris.", 9)])
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    switch = next(i for i, event in enumerate(done.told) if isinstance(event, events.Switched))
    assert [event.text for event in done.told[switch + 1 :] if isinstance(event, events.Chunk)] == [
        "It ", "is ", "Paris.",
    ]  # fmt: skip
    assert events.Join(2) in done.commands
    result = done.result
    assert (result.content, result.hedge_ms, result.latency_ms) == ("It is Paris.", 4000, 10_000)
    assert done.outcomes == [("m0", "rejected", None), ("m1", "answered", None)]
    assert done.cascade.ledger.rows[1].first_token == 1
    assert result.usage["output_tokens"] == 29
    assert done.now == play(GOOD, GOOD).now + 6


def test_an_answer_that_was_whole_before_the_draft_was_rejected_ends_the_query() -> None:
    done = hedged(POOR, [Started("r1"), Wait(1), *whole("Paris.", 9)])
    assert (done.result.content, done.result.latency_ms) == ("Paris.", 4000)
    row = done.cascade.ledger.rows[1]
    assert (row.outcome, row.latency, row.source, row.request_id) == (
        "answered",
        1,
        "reported",
        "r1",
    )


def test_a_whole_answer_that_nobody_needs_costs_what_the_provider_counted() -> None:
    row = hedged(GOOD, [UsageDelta(tokens(1)), *whole("Paris.", 9)]).cascade.ledger.rows[1]
    assert (row.outcome, row.usd, row.source) == ("cancelled", Decimal(9), "reported")


def test_a_draft_that_fails_is_taken_over_by_the_hedge() -> None:
    done = hedged([TextDelta(LONG), Wait(3), Fail()], [*text("It "), Wait(9), *whole("is.")])
    assert done.outcomes == [("m0", "failed", "server"), ("m1", "answered", None)]
    assert (done.result.content, done.result.hedge_ms) == ("It is.", 3000)


def test_a_draft_that_is_given_up_leaves_the_hedge() -> None:
    done = hedged([TextDelta(LONG), Wait(1), TextDelta("hopeless " * 9), Wait(99)], GOOD)
    assert done.outcomes == [("m0", "abandoned", None), ("m1", "answered", None)]
    assert done.commands[2:] == [events.Abort(1), events.Join(2)]


def test_a_held_draft_is_hedged_like_any_other() -> None:
    done = hedged(POOR, whole("Paris."), reveal="held")
    assert done.switches[0].discard_chars == 0
    assert done.result.content == "Paris."


def test_tool_calls_of_a_hedge_are_ready_only_once_the_draft_is_rejected() -> None:
    answer: Script = [CALL, Stop("tool_calls")]
    done = hedged(POOR, answer)
    assert done.brief.endswith("SWITCH TOOL_CALL_START TOOL_CALL_DELTA TOOL_CALL_COMPLETE COMPLETE")
    assert "TOOL_CALL" not in hedged(GOOD, answer).brief
    draft: Script = [
        ToolCallDelta(0, id="c1", name="look", arguments=f'{{"at": "{LONG}"'),
        Wait(1),
    ]
    kept = hedged(
        [*draft, ToolCallDelta(0, arguments="}", closed=True), Stop("tool_calls")], answer
    )
    assert [row.outcome for row in kept.cascade.ledger.rows] == ["accepted", "cancelled"]


def test_a_middle_tier_that_was_asked_ahead_is_judged_like_any_draft() -> None:
    bad = [TextDelta("bad"), Wait(0.5), *whole(" word" * 20)]
    done = hedged(POOR, bad, whole("Paris."))
    assert done.brief == (
        "ROUTING DRAFT_START CHUNK DRAFT_DECISION- SWITCH "
        "DRAFT_START CHUNK DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    )
    assert [model for model, _, _ in done.outcomes] == ["m0", "m1", "m2"]
    assert opened(done) == [(0, False), (1, True), (2, False)], "at most one hedge a turn"


def test_judges_are_heard_while_the_hedge_goes_on() -> None:
    doubting = msgspec.structs.replace(advised(Asks()), judge=Judge(Heedful(), DOUBT))
    for opinion, outcome in (("0.9", "cancelled"), ("0.2", "answered")):
        cascade = Cascade([tier("m0"), tier("m1")], doubting, id="q", conversation=HI.messages)
        cascade.start(0.0)
        cascade.receive(1, [TextDelta(LONG)], 1.0)
        cascade.receive(1, [Stop("stop")], 2.0)
        cascade.receive(2, whole("Paris."), 3.0)
        told = brief(cascade.consulted(3, whole(opinion), 4.0))
        kept = outcome == "cancelled"
        assert told == (
            "DRAFT_DECISION+ COMPLETE" if kept else "DRAFT_DECISION- SWITCH CHUNK COMPLETE"
        )
        assert cascade.ledger.rows[1].outcome == outcome
        assert cascade.ledger.rows[1].ahead == 3.0


# --- when there is none ---------------------------------------------------------------------------


def test_a_draft_beyond_doubt_is_not_hedged() -> None:
    done = hedged(GOOD, GOOD, policy=ThresholdPolicy(hedge_below=0.9))
    assert opened(done) == [(0, False)]
    assert done.result.hedge_ms is None


def test_a_draft_that_ends_in_the_same_read_is_not_hedged() -> None:
    assert opened(hedged([whole(LONG)], GOOD)) == [(0, False)]


def test_there_is_one_hedge_in_a_turn() -> None:
    more = [each for _ in range(9) for each in (TextDelta(LONG), Wait(1))]
    done = hedged([*more, *whole("bad")], [Fail(), Fail()], whole("Paris."))
    assert [each for each in done.opened if each.ahead] == [events.Open(1, 2, ahead=True)]


def test_a_model_that_is_left_alone_is_not_asked_ahead() -> None:
    tiers = [tier("m0"), tier("m1")]
    for _ in range(5):
        play([Fail("auth")], [Fail("connect")], tiers=tiers)
    done = hedged(GOOD, GOOD, tiers=tiers)
    assert done.outcomes == [("m0", "accepted", None)]
    assert done.result.hedge_ms is None


def test_a_probe_that_was_not_needed_lets_the_next_query_try() -> None:
    now = 0.0
    tiers = [tier("m0"), tier("m1", clock=lambda: now)]
    for _ in range(5):
        play([Fail("auth")], [Fail("connect")], tiers=tiers)
    now = 11.0
    assert hedged(GOOD, [Wait(99)], tiers=tiers).outcomes[1] == ("m1", "cancelled", None)
    assert play([Fail("auth")], whole("Paris."), tiers=tiers).result.content == "Paris."


# --- a hedge that fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [[], text("It ")])
def test_a_hedge_that_fails_is_forgotten_and_its_tier_asked_when_it_is_needed(
    begun: list[Delta],
) -> None:
    answers: list[Script] = [[*begun, Fail("incomplete")], whole("Paris.")]
    done = Play([[POOR], answers], rules(retry=RetryPolicy(attempts=1)))
    assert done.outcomes == [
        ("m0", "rejected", None), ("m1", "failed", "incomplete"), ("m1", "answered", None),
    ]  # fmt: skip
    assert done.result.content == "Paris."
    assert opened(done) == [(0, False), (1, True), (1, False)]
    kept = Play([[GOOD], answers], rules())
    assert kept.outcomes == [("m0", "accepted", None), ("m1", "failed", "incomplete")]


def test_a_hedge_counts_among_the_tries_of_its_tier() -> None:
    done = Play([[POOR], [[Fail(retryable=True)]]], rules())
    assert [row.tier for row in done.cascade.ledger.rows] == [0, 1, 1, 1]


def test_the_time_to_wait_that_a_hedge_was_told_is_waited_before_its_tier_is_asked_again() -> None:
    busy = Fail("rate_limit", retryable=True, retry_after=10)
    done = Play([[POOR], [[busy], whole("Paris.")]], rules())
    assert done.result.content == "Paris."
    assert done.now >= 10
    gone = Play([[POOR], [[longer(busy, 1000)], whole("Paris.")]], rules())
    assert gone.error.kind == "rate_limit"
    past = Play([[POOR], [[longer(busy, 1)], whole("Paris.")]], rules())
    assert past.now == 4


def longer(fail: Fail, seconds: float) -> Fail:
    return Fail(fail.kind, fail.retryable, seconds)


def test_its_deadlines_hold_while_the_draft_streams() -> None:
    tiers = [tier("m0"), tier("m1", timeouts=Timeouts(first_token=1, idle=1))]
    silences: list[Script] = [
        [Wait(99)],
        [Wait(0.5), *text("It "), Wait(99)],
        [Started("r"), Wait(99)],
    ]
    for script in silences:
        done = Play([[GOOD], [script]], rules(), tiers)
        row = done.cascade.ledger.rows[1]
        assert row.error in ("timeout.first_token", "timeout.idle")
        assert events.Abort(2) in done.commands
        assert row.latency == row.ahead == 1 + (row.first_token or 0)


def test_its_deadlines_go_on_where_they_were_once_it_is_current() -> None:
    tiers = [tier("m0"), tier("m1", timeouts=Timeouts(idle=5))]
    done = Play([[POOR], [[*text("It "), Wait(99)]]], rules(), tiers)
    assert done.error.kind == "timeout.idle"
    assert done.now == 5


def test_the_total_deadline_ends_both() -> None:
    done = hedged([TextDelta(LONG), Wait(99)], [*text("It "), Wait(99)], total=5)
    assert done.error.kind == "timeout.total"
    assert done.outcomes == [("m0", "failed", "timeout.total"), ("m1", "cancelled", None)]


@pytest.mark.parametrize(
    "said",
    [[TextDelta("x" * (MOST_BYTES + 1))], [ReasoningDelta("")] * (MOST_DELTAS + 1)],
    ids=["bytes", "deltas"],
)
def test_what_is_kept_of_a_hedge_is_bounded(said: list[Delta]) -> None:
    done = hedged(GOOD, [said, Wait(99)])
    assert done.outcomes == [("m0", "accepted", None), ("m1", "failed", "protocol")]
    assert events.Abort(2) in done.commands


# --- money ----------------------------------------------------------------------------------------


def test_a_hedge_is_asked_only_if_two_usual_answers_can_be_paid_for() -> None:
    assert len(hedged(GOOD, GOOD, max_cost=400).opened) == 1
    assert len(hedged(GOOD, GOOD, max_cost=600).opened) == 2


def test_the_budget_bounds_the_sum_of_both() -> None:
    more = [each for _ in range(99) for each in (TextDelta("word " * 40), Wait(1))]
    done = hedged(more, more, max_cost=600)
    assert done.error.kind == "budget"
    assert {row.outcome for row in done.cascade.ledger.rows} == {"failed", "cancelled"}
    assert 600 < done.result.total_cost <= 600 + 2 * 50


def test_what_is_spent_on_a_hedge_counts_for_the_draft() -> None:
    free = FlatPrice(input=Decimal(0), output=Decimal(0))
    more = [each for _ in range(30) for each in (TextDelta("word " * 40), Wait(1))]
    tiers = [tier("m0", price=free), tier("m1")]
    done = hedged(
        [*more, Stop("stop")], [TextDelta("x" * 3000), Wait(99)], max_cost=600, tiers=tiers
    )
    assert done.error.kind == "budget"
    assert done.outcomes[1] == ("m1", "failed", "budget")


# --- leaving --------------------------------------------------------------------------------------


@pytest.mark.parametrize("signals", range(1, 12))
def test_a_consumer_may_leave_at_any_time(signals: int) -> None:
    done = Play([[POOR], [GOOD]], rules(), leave_after=signals)
    assert all(row.outcome != "open" for row in done.cascade.ledger.rows)


def test_leaving_closes_both_rows() -> None:
    cascade = Cascade([tier("m0"), tier("m1")], rules(), id="q", conversation=HI.messages)
    cascade.start(0.0)
    cascade.receive(1, [TextDelta(LONG)], 1.0)
    cascade.receive(2, [TextDelta("It ")], 2.0)
    cascade.close(3.0)
    assert [row.outcome for row in cascade.ledger.rows] == ["cancelled", "cancelled"]
    assert cascade.alarm == float("inf")


# --- the policy -----------------------------------------------------------------------------------


@pytest.mark.parametrize("doubt", [0.1, 1.1, -1, True, float("nan")])
def test_a_doubt_that_is_no_probability_above_hopeless_is_refused(doubt: float) -> None:
    with pytest.raises(ConfigError, match=r"hedge_below is .*from hopeless"):
        ThresholdPolicy(hedge_below=doubt)


def test_doubt_is_a_verdict_of_the_stream_alone() -> None:
    policy = ThresholdPolicy(hedge_below=0.5)
    assert policy.decide(Estimate(0.4), "during") == ("hedge", "in_doubt")
    assert policy.decide(Estimate(0.1), "during") == ("escalate", "hopeless")
    assert policy.decide(Estimate(0.4), "before")[0] == "continue"
    assert policy.decide(Estimate(0.4), "after")[0] == "escalate"
    assert ThresholdPolicy().decide(Estimate(0.4), "during")[0] == "continue"
