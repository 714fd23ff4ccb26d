from __future__ import annotations

import math

import pytest

from cascadeflow.config import Timeouts
from cascadeflow.core import events
from cascadeflow.core.cascade import Cascade
from cascadeflow.core.deadlines import Deadlines
from cascadeflow.types import (
    Delta,
    ReasoningDelta,
    Started,
    Stop,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

from .play import HANG, Play, Step, Wait, make_rules, text, tier, tokens, whole

GOOD = whole("Paris.")
PATIENT = Timeouts(connect=None, first_token=10, idle=5, total=60)


def two(*draft: Step, total: float | None = None) -> Play:
    """A draft that hangs at its end, and a healthy verifier."""
    tiers = [tier("m0", timeouts=PATIENT), tier("m1", timeouts=PATIENT)]
    return Play([[[*draft, HANG]], [GOOD]], make_rules(total=total), tiers)


def test_silence_from_the_start_ends_at_the_first_token_deadline() -> None:
    done = two()
    assert done.now == 10
    assert events.Abort(1) in done.commands
    assert done.switches[0].reason == "draft_error:timeout.first_token"
    assert done.result.content == "Paris."


def test_silence_in_mid_stream_ends_at_the_idle_deadline() -> None:
    done = two(Wait(9), *text("Pa"), Wait(4), *text("r"))
    assert done.now == 9 + 4 + 5
    assert done.switches[0].reason == "draft_error:timeout.idle"
    assert done.switches[0].discard_chars == 3


@pytest.mark.parametrize(
    "content", [TextDelta("a"), ReasoningDelta("hm"), ToolCallDelta(0, arguments="{")]
)
def test_text_thinking_and_calls_all_count_as_content(content: Delta) -> None:
    done = two(Wait(9), content, Wait(4), content)
    assert done.now == 18


def test_what_is_no_content_does_not_prolong_the_wait() -> None:
    done = two(Wait(6), Started("r"), Wait(3), UsageDelta(tokens(1)), Wait(0.5), [])
    assert done.now == 10
    assert done.switches[0].reason == "draft_error:timeout.first_token"
    done = two(*text("a"), Wait(4), UsageDelta(tokens(1)), Wait(0.5), [])
    assert done.now == 5


def test_a_stream_that_never_lets_the_clock_be_looked_at_still_misses_its_deadline() -> None:
    cascade = Cascade([tier("m0", timeouts=PATIENT)], make_rules(total=30), id="q")
    cascade.start(0.0)
    assert cascade.receive(1, [UsageDelta(tokens(1))], 11.0)
    assert cascade.over
    cascade = Cascade([tier("m0", timeouts=PATIENT)], make_rules(total=30), id="q")
    cascade.start(0.0)
    cascade.receive(1, text("a"), 4.0)
    told = cascade.receive(1, text("b"), 30.0)
    assert isinstance(told[0], events.Chunk)
    assert isinstance(told[-1], events.Errored)
    assert told[-1].error.kind == "timeout.total"


def test_content_that_comes_late_but_before_anybody_looked_still_counts() -> None:
    cascade = Cascade([tier("m0", timeouts=PATIENT)], make_rules(), id="q")
    cascade.start(0.0)
    assert len(cascade.receive(1, text("a"), 12.0)) == 1
    assert not cascade.over


def test_an_answer_that_ends_past_the_deadline_is_an_answer() -> None:
    cascade = Cascade([tier("m0")], make_rules(total=30), id="q")
    cascade.start(0.0)
    told = cascade.receive(1, GOOD, 31.0)
    assert isinstance(told[-1], events.Completed)


def test_the_deadline_of_the_query_is_final() -> None:
    done = two(total=8)
    assert done.now == 8
    assert done.error.kind == "timeout.total"
    assert [opened.tier for opened in done.opened] == [0]


def test_the_deadline_of_the_query_counts_all_tiers() -> None:
    tiers = [tier("m0", timeouts=PATIENT), tier("m1", timeouts=PATIENT)]
    done = Play([[[Wait(9), *whole("bad")]], [[HANG]]], make_rules(total=15), tiers)
    assert done.now == 15
    assert done.error.kind == "timeout.total"


def test_the_total_deadline_of_one_model_lets_the_next_take_over() -> None:
    tiers = [tier("m0", timeouts=Timeouts(total=3)), tier("m1")]
    done = Play([[[*text("a"), HANG]], [GOOD]], make_rules(total=300), tiers)
    assert done.now == 3
    assert done.switches[0].reason == "draft_error:timeout.total"
    assert done.result.content == "Paris."


def test_the_last_tier_keeps_its_partial_text_at_a_deadline() -> None:
    tiers = [tier("m0", timeouts=PATIENT)]
    error = Play([[[*text("Par"), HANG]]], make_rules(), tiers).error
    assert error.kind == "timeout.idle"
    assert error.result.content == "Par"
    assert "within 5 s" in str(error)


def test_each_attempt_and_each_tier_waits_anew_for_its_first_token() -> None:
    slow: list[Step] = [Wait(9.5), *GOOD]
    tiers = [tier("m0", timeouts=PATIENT), tier("m1", timeouts=PATIENT)]
    done = Play([[[Wait(9.5), *whole("bad")]], [slow]], make_rules(), tiers)
    assert done.result.content == "Paris."
    assert done.now == 19


def test_without_deadlines_there_is_nothing_to_wake_for() -> None:
    never = Timeouts(connect=None, first_token=None, idle=None, total=None)
    cascade = Cascade([tier("m0", timeouts=never)], make_rules(), id="q")
    cascade.start(0.0)
    assert cascade.deadline == math.inf
    cascade.receive(1, text("a"), 1e9)
    assert cascade.deadline == math.inf
    assert cascade.wake(2e9) == []


def test_waking_early_changes_nothing() -> None:
    cascade = Cascade([tier("m0", timeouts=PATIENT)], make_rules(), id="q")
    cascade.start(5.0)
    cascade.commands.clear()
    assert cascade.deadline == 15.0
    assert cascade.wake(14.9) == []
    assert cascade.commands == []


def test_a_deadline_that_ends_an_attempt_costs_an_estimate() -> None:
    row = two(*text("x" * 40)).result.attempts[0]
    assert (row["source"], row["usd"], row["error"]) == ("estimated", 10.0, "timeout.idle")


def test_waiting_for_a_retry_is_not_waiting_for_a_token() -> None:
    deadlines = Deadlines(None, 0.0)
    deadlines.enter(PATIENT, 0.0)
    deadlines.ask(7.0)
    assert deadlines.next == 17.0
    assert deadlines.missed(16.9) is None
    missed = deadlines.missed(17.0)
    assert missed is not None
    assert missed.kind == "timeout.first_token"


def test_latencies_are_those_of_the_rows_and_of_the_query() -> None:
    script: list[Step] = [Wait(2), TextDelta("bad"), Wait(1), Stop("stop")]
    done = Play([[script], [[Wait(4), *GOOD]]], make_rules())
    result = done.result
    assert result.first_token_ms == 2000.0
    assert (result.draft_latency_ms, result.verifier_latency_ms) == (3000.0, 4000.0)
    assert result.latency_ms == 7000.0
