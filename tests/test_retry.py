from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.config import RetryPolicy, Timeouts
from cascadeflow.core import events
from cascadeflow.core.health import Health
from cascadeflow.core.retry import Retries
from cascadeflow.errors import ProviderError
from cascadeflow.types import ReasoningDelta, Stop, TextDelta, ToolCallDelta

from .play import Fail, Play, Script, Wait, make_rules, text, tier, whole

LOST = Fail("connect", retryable=True)
GOOD = whole("Paris.", 3)


def waits(done: Play) -> list[float]:
    return [opened.delay for opened in done.opened]


def attempts(*first: Script, then: Script = (), chance: float = 0.5) -> Play:
    """One tier, these scripts one after the other."""
    return Play([[*first, then or GOOD]], make_rules(chance=chance))


# --- in the cascade -------------------------------------------------------------------------------


def test_a_failure_before_the_first_output_is_retried_without_a_trace_in_the_text() -> None:
    done = attempts([LOST], [LOST])
    assert done.brief == "ROUTING CHUNK COMPLETE"
    assert done.result.content == "Paris."
    assert done.outcomes == [
        ("m0", "failed", "connect"),
        ("m0", "failed", "connect"),
        ("m0", "answered", None),
    ]
    assert done.result.total_cost == 3.0


def test_chunks_name_the_attempt_that_spoke() -> None:
    chunk = attempts([LOST]).told[1]
    assert isinstance(chunk, events.Chunk)
    assert chunk.speaker.attempt == 2


def test_a_retried_draft_starts_once() -> None:
    done = Play([[[LOST], GOOD], [GOOD]], make_rules())
    assert done.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION+ COMPLETE"


@pytest.mark.parametrize("begun", [TextDelta("P"), ToolCallDelta(0, id="c", name="f")])
def test_after_the_first_output_nothing_is_retried(begun: TextDelta | ToolCallDelta) -> None:
    done = Play([[[begun, LOST]], [GOOD]], make_rules())
    assert [opened.tier for opened in done.opened] == [0, 1]
    done = Play([[[begun, LOST]]], make_rules())
    assert len(done.opened) == 1
    assert done.error.kind == "connect"


def test_a_held_draft_that_began_is_not_retried_either() -> None:
    done = Play([[[*text("P"), LOST]], [GOOD]], make_rules(reveal="held"))
    assert [opened.tier for opened in done.opened] == [0, 1]


def test_thinking_is_no_output_so_the_attempt_may_be_repeated() -> None:
    done = attempts([ReasoningDelta("hm"), LOST])
    assert len(done.opened) == 2
    assert done.result.content == "Paris."


def test_three_attempts_are_all_and_then_the_next_tier_takes_over() -> None:
    done = Play([[[LOST]], [GOOD]], make_rules())
    assert [opened.tier for opened in done.opened] == [0, 0, 0, 1]
    assert done.brief == "ROUTING DRAFT_START DRAFT_DECISION- SWITCH CHUNK COMPLETE"


def test_the_next_tier_has_attempts_of_its_own() -> None:
    done = Play([[[LOST]], [[LOST], [LOST], GOOD]], make_rules())
    assert [opened.tier for opened in done.opened] == [0, 0, 0, 1, 1, 1]
    assert done.result.content == "Paris."


def test_the_last_tier_gives_up_after_its_attempts_with_one_cause() -> None:
    done = Play([[[LOST]]], make_rules())
    assert len(done.opened) == 3
    assert len(done.error.causes) == 1


def test_what_is_not_retryable_is_not_retried() -> None:
    assert len(Play([[[Fail("auth")]]], make_rules()).opened) == 1


def test_delays_double_and_are_drawn_from_the_whole_interval() -> None:
    assert waits(attempts([LOST], [LOST], chance=1.0)) == [0.0, 0.25, 0.5]
    assert waits(attempts([LOST], [LOST], chance=0.0)) == [0.0, 0.0, 0.0]


def test_a_short_retry_after_is_waited_for() -> None:
    wait = Fail("rate_limit", retryable=True, retry_after=1.5)
    done = Play([[[wait], GOOD], [GOOD]], make_rules())
    assert waits(done) == [0.0, 1.6]
    assert done.result.model_used == "m0"


def test_a_draft_told_to_wait_long_is_switched_from() -> None:
    wait = Fail("rate_limit", retryable=True, retry_after=2.1)
    done = Play([[[wait], GOOD], [GOOD]], make_rules())
    assert [opened.tier for opened in done.opened] == [0, 1]
    assert done.switches[0].reason == "draft_error:rate_limit"


def test_the_last_tier_waits_for_a_minute_but_no_longer() -> None:
    for seconds, opened in ((59.0, 2), (61.0, 1)):
        wait = Fail("rate_limit", retryable=True, retry_after=seconds)
        assert len(Play([[[wait], GOOD]], make_rules()).opened) == opened


def test_nobody_waits_beyond_the_total_deadline() -> None:
    wait = Fail("rate_limit", retryable=True, retry_after=10.0)
    assert len(Play([[[wait], GOOD]], make_rules(total=9.0)).opened) == 1
    own = [tier("m0", timeouts=Timeouts(total=9.0))]
    assert len(Play([[[wait], GOOD]], make_rules(), own).opened) == 1


def test_an_empty_body_is_asked_for_once_more() -> None:
    done = attempts([Stop(None)], [Stop(None)])
    assert len(done.opened) == 2
    assert done.error.kind == "empty"
    assert attempts([Stop(None)]).result.content == "Paris."


def test_an_empty_answer_with_a_finish_is_the_models_word() -> None:
    assert len(attempts([Stop("stop")]).opened) == 1


def test_white_space_that_was_shown_is_not_repeated() -> None:
    assert len(attempts([*text(" "), Stop(None)]).opened) == 1


def test_leaving_while_a_retry_waits_costs_nothing_more() -> None:
    wait = Fail("rate_limit", retryable=True, retry_after=1.5)
    done = Play([[[wait], GOOD]], make_rules(), leave_after=1)
    assert done.outcomes == [("m0", "failed", "rate_limit"), ("m0", "cancelled", None)]
    assert done.cascade.ledger.total == 0


def test_the_total_deadline_does_not_wait_for_a_retry() -> None:
    done = Play([[[Wait(8.0), LOST]]], make_rules(total=9.0, chance=1.0))
    assert done.now == 9.0
    assert done.error.kind == "timeout.total"


def test_a_model_that_fails_for_everybody_is_soon_asked_once_only() -> None:
    shared, rules = [tier("m0")], make_rules(retry=RetryPolicy(breaker=False))
    opened = [len(Play([[[LOST]]], rules, shared).opened) for _ in range(20)]
    assert opened[0] == 3
    assert opened[-1] == 1
    assert sum(opened) == 20 + 10


# --- the arithmetic -------------------------------------------------------------------------------


def test_successes_pay_for_later_retries() -> None:
    health = Health(lambda: 0.0)
    for successes, paid in ((0, 10), (4, 0), (1, 1), (1000, 10)):
        for _ in range(successes):
            health.success()
        for _ in range(paid):
            assert health.take()
        assert not health.take()


@given(
    tried=st.integers(1, 10),
    chance=st.floats(0, 1, exclude_max=True),
    after=st.none() | st.floats(0, 100),
    left=st.floats(0, 500),
    another=st.booleans(),
)
def test_a_delay_is_within_its_bounds_and_honours_the_server(
    tried: int, chance: float, after: float | None, left: float, another: bool
) -> None:
    policy = RetryPolicy(attempts=5)
    error = ProviderError("", kind="rate_limit", retryable=True, retry_after=after)
    retries = Retries(policy, lambda: chance)
    retries.enter(Health(lambda: 0.0), tried=tried)
    delay = retries.delay(error, another, left)
    longest = policy.draft_wait if another else policy.longest_wait
    if delay is None:
        granted = tried < 5 and (after is None or after <= longest)
        assert not granted or left <= (after or 0.0) + policy.cap
    else:
        assert tried < 5
        assert 0 <= delay < left
        if after is None:
            assert delay <= min(policy.cap, policy.base * 2 ** (tried - 1))
        else:
            assert after <= delay <= after + 0.1
            assert after <= longest
