from __future__ import annotations

from decimal import Decimal, Inexact, localcontext

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.config import RetryPolicy
from cascadeflow.core import events
from cascadeflow.core.ledger import FlatPrice
from cascadeflow.providers.scripted import Scripted
from cascadeflow.types import (
    ReasoningDelta,
    Stop,
    UsageDelta,
)

from .play import Fail, make_rules, play, text, tier, tokens, whole

GOOD = whole("Paris.", 3)
BAD = whole("bad answer", 2)
ONCE = RetryPolicy(attempts=1)


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


def test_money_is_exact_in_any_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 2
        context.traps[Inexact] = True
        config = ModelConfig("m", Scripted({"m": GOOD}), 0.123456789)
        result = CascadeAgent([config], max_cost=1.23456789).run_sync("Capital of France?")
    assert result.content == "Paris."


def test_a_budget_just_reached_is_not_overrun() -> None:
    assert play(whole("Paris.", 3), rules=make_rules(max_cost=3)).result.total_cost == 3.0
