"""The circuit breaker: alone in virtual time, in a cascade, and over sockets."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow import (
    CascadeAgent,
    CascadeError,
    CascadeResult,
    ConfigError,
    ModelConfig,
    ProviderError,
    RetryPolicy,
)
from cascadeflow.core import events
from cascadeflow.core.breaker import LONGEST, PATIENCE, SHORTEST, Breaker, Finding
from cascadeflow.core.cascade import Cascade
from cascadeflow.core.health import Health, finding
from cascadeflow.errors import ErrorKind
from cascadeflow.types import Stop

from .faultserver import ThreadedFaultServer
from .play import Fail, Play, make_rules, text, tier, whole

GOOD = whole("Paris.", 3)
DOWN = Fail("overloaded")
ONCE = RetryPolicy(attempts=1)


def note(breaker: Breaker, found: Finding, now: float = 0.0) -> None:
    permit = breaker.admit(now)
    assert permit is not None
    breaker.note(permit, found, now)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        note(breaker, "failure", at)
    assert breaker.until == at + SHORTEST
    return breaker


# --- alone ----------------------------------------------------------------------------------------


def test_five_failures_in_a_row_open_it_however_many_answers_came_before() -> None:
    breaker = Breaker()
    for _ in range(100):
        note(breaker, "answer")
    for _ in range(5):
        assert breaker.until is None
        note(breaker, "failure")
    assert breaker.until is not None


def test_half_of_five_attempts_open_it_though_answers_lie_between() -> None:
    breaker = Breaker()
    for found in ("failure", "failure", "answer", "answer"):
        note(breaker, "failure" if found == "failure" else "answer")
    assert breaker.until is None
    note(breaker, "failure")
    assert breaker.until is not None


def test_fewer_than_half_do_not_open_it() -> None:
    breaker = Breaker()
    for found in itertools.islice(itertools.cycle(("answer", "answer", "failure")), 300):
        note(breaker, "failure" if found == "failure" else "answer")
    assert breaker.until is None


def test_an_answer_does_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(4):
        note(breaker, "failure")
    for _ in range(9):
        note(breaker, "answer")
        assert breaker.until is None


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    breaker = Breaker()
    for now in (0.0, 1.0, 2.0):
        note(breaker, "failure", now)
    for now in (61.0, 62.0, 63.0):
        note(breaker, "answer", now)
    note(breaker, "failure", 64.0)
    assert breaker.until is None


def test_nobody_is_admitted_while_it_is_open() -> None:
    breaker = opened(at=100.0)
    assert breaker.admit(100.0) is None
    assert breaker.admit(109.9) is None


def test_one_probe_goes_out_and_an_answer_closes_it() -> None:
    breaker = opened()
    probe = breaker.admit(10.0)
    assert probe is not None
    assert [breaker.admit(now) for now in (10.0, 11.0, 69.0)] == [None] * 3
    breaker.note(probe, "answer", 12.0)
    assert breaker.until is None
    assert breaker.admit(12.0) is not None


def test_a_failed_probe_doubles_the_pause_up_to_two_minutes_and_an_answer_resets_it() -> None:
    breaker, pauses = opened(), list[float]()
    for _ in range(6):
        now = breaker.until
        assert now is not None
        note(breaker, "failure", now)
        assert breaker.until is not None
        pauses.append(breaker.until - now)
    assert pauses == [20.0, 40.0, 80.0, LONGEST, LONGEST, LONGEST]
    note(breaker, "answer", breaker.until or 0.0)
    for _ in range(5):
        note(breaker, "failure", 1000.0)
    assert breaker.until == 1000.0 + SHORTEST


def test_a_probe_that_was_left_makes_room_for_another() -> None:
    breaker = opened()
    note(breaker, "nothing", 10.0)
    assert breaker.admit(10.0) is not None


def test_a_probe_that_tells_nothing_keeps_the_others_out_for_a_minute_only() -> None:
    breaker = opened()
    first = breaker.admit(10.0)
    assert first is not None
    assert breaker.admit(10.0 + PATIENCE - 0.1) is None
    second = breaker.admit(10.0 + PATIENCE)
    assert second is not None
    breaker.note(first, "failure", 75.0)
    assert breaker.until == 10.0 + 2 * PATIENCE
    breaker.note(second, "answer", 76.0)
    assert breaker.until is None


def test_attempts_from_before_it_opened_neither_close_it_nor_prolong_it() -> None:
    breaker = Breaker()
    early = breaker.admit(0.0)
    assert early is not None
    for _ in range(5):
        note(breaker, "failure")
    for found in get_args(Finding):
        breaker.note(early, found, 5.0)
        assert breaker.until == SHORTEST


def test_failures_quicker_than_answers_do_not_open_it() -> None:
    breaker = Breaker()
    permits = [breaker.admit(0.0) for _ in range(20)]
    for permit in permits[:9]:
        assert permit is not None
        breaker.note(permit, "failure", 0.01)
    assert breaker.until is None
    assert permits[9] is not None
    breaker.note(permits[9], "failure", 0.02)  # half of all
    assert breaker.until is not None


def test_the_pause_a_server_asks_for_is_kept_up_to_a_bound() -> None:
    breaker = Breaker()
    breaker.rest(0.0, 30.0)
    assert (breaker.state, breaker.until) == ("open", 30.0)
    breaker.rest(1.0, 5.0)
    assert breaker.until == 30.0
    breaker.rest(2.0, 3600.0)
    assert breaker.until == 2.0 + LONGEST
    assert breaker.admit(2.0 + LONGEST) is not None
    assert breaker.state == "probing"


def test_openings_and_closings_are_told_outside_the_guard() -> None:
    now, told = [0.0], list[tuple[float | None, bool]]()
    health = Health(
        lambda: now[0], threading.Lock(), lambda pause, asked: told.append((pause, asked))
    )

    def fail() -> None:
        permit = health.admit()
        assert isinstance(permit, int)
        health.note(permit, "failure")

    for _ in range(5):
        fail()
    now[0] = SHORTEST
    fail()
    assert health.state() == ("open", 2 * SHORTEST)
    now[0] += 2 * SHORTEST
    permit = health.admit()
    assert isinstance(permit, int)
    assert health.state() == ("probing", PATIENCE)
    health.note(permit, "answer")
    health.rest(4.0)
    assert told == [(SHORTEST, False), (2 * SHORTEST, False), (None, False), (4.0, True)]


@given(st.lists(st.tuples(st.sampled_from(("answer", "failure", "nothing")), st.floats(0, 30))))
def test_while_it_is_open_at_most_one_attempt_is_on_its_way(
    steps: list[tuple[Finding, float]],
) -> None:
    breaker, now, probe, since = opened(), 0.0, None, 0.0
    for found, seconds in steps:
        now += seconds
        admitted = breaker.admit(now)
        if breaker.until is None:
            return
        assert probe is None or admitted is None or now >= since + PATIENCE
        if admitted is not None:
            probe, since = admitted, now
        if probe is not None and seconds < 15:
            breaker.note(probe, found, now)
            probe = None


# --- what counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_outages_count_and_refusals_do_not(kind: ErrorKind) -> None:
    outage = kind.startswith("timeout") or kind in ("connect", "dns", "tls", "overloaded", "server")
    found: Finding = "failure" if outage else "answer"
    if kind == "rate_limit":
        found = "nothing"
    assert finding(ProviderError("", kind=kind), begun=False) == found


@pytest.mark.parametrize("kind", ["incomplete", "protocol", "decode"])
def test_a_broken_connection_counts_and_a_broken_answer_does_not(kind: ErrorKind) -> None:
    assert finding(ProviderError("", kind=kind, retryable=True), begun=True) == "failure"
    assert finding(ProviderError("", kind=kind), begun=True) == "answer"


def test_an_answer_that_was_too_long_for_the_time_left_is_no_outage() -> None:
    assert finding(ProviderError("", kind="timeout.total"), begun=True) == "answer"


# --- in a cascade ---------------------------------------------------------------------------------


class Clock:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_open_draft_is_passed_over_at_once_and_at_no_cost() -> None:
    clock = Clock()
    tiers = [tier("m0", clock=clock), tier("m1", clock=clock)]
    rules = make_rules(retry=ONCE)
    for _ in range(5):
        assert Play([[[DOWN]], [GOOD]], rules, tiers).result.reason == "draft_error:overloaded"
    done = Play([[GOOD], [GOOD]], rules, tiers)
    assert [opened.tier for opened in done.opened] == [1]
    assert done.brief == "ROUTING DRAFT_START DRAFT_DECISION- SWITCH CHUNK COMPLETE"
    assert done.result.reason == "draft_error:circuit_open"
    assert done.outcomes == [("m0", "failed", "circuit_open"), ("m1", "answered", None)]
    row = done.cascade.ledger.rows[0]
    assert (row.usd, row.source, row.latency) == (Decimal(0), "reported", 0.0)
    clock.now = SHORTEST
    assert Play([[GOOD], [GOOD]], rules, tiers).result.model_used == "m0"
    assert Play([[GOOD], [GOOD]], rules, tiers).result.model_used == "m0"


def test_while_one_query_probes_the_others_go_on_to_the_next_tier() -> None:
    clock = Clock()
    tiers = [tier("m0", clock=clock), tier("m1", clock=clock)]
    rules = make_rules(retry=ONCE)
    for _ in range(5):
        Play([[[DOWN]], [GOOD]], rules, tiers)
    clock.now = SHORTEST
    probe = Cascade(tiers, rules, id="probe")
    probe.start(0.0)
    assert [type(command) for command in probe.commands] == [events.Open]
    assert Play([[GOOD], [GOOD]], rules, tiers).result.model_used == "m1"
    probe.close(1.0)
    assert Play([[GOOD], [GOOD]], rules, tiers).result.model_used == "m0"


def test_the_last_tier_says_until_when_it_is_left_alone() -> None:
    clock, rules = Clock(), make_rules(retry=ONCE)
    tiers = [tier("m0", clock=clock)]
    for _ in range(5):
        Play([[[DOWN]]], rules, tiers)
    clock.now = 2.5
    done = Play([[GOOD]], rules, tiers)
    assert done.opened == []
    assert done.error.kind == "circuit_open"
    cause = done.error.causes[0]
    assert isinstance(cause, ProviderError)
    assert (cause.retry_after, cause.model, cause.attempt) == (7.5, "m0", 1)
    assert "another 7.5 s" in str(cause)


def test_the_failure_that_opens_it_is_told_and_not_retried() -> None:
    tiers, rules = [tier("m0")], make_rules()
    lost = Fail("connect", retryable=True)
    first, second = (Play([[[lost]]], rules, tiers) for _ in range(2))
    assert [len(first.opened), len(second.opened)] == [3, 2]
    assert second.error.kind == "connect"
    assert Play([[GOOD]], rules, tiers).error.kind == "circuit_open"


@pytest.mark.parametrize(
    "script",
    [
        [Fail("auth")],
        [Fail("bad_request")],
        [Fail("not_found")],
        [Fail("quota")],
        [Stop("content_filter")],
        [*text("half"), Stop(None)],
        [Stop("stop")],
    ],
)
def test_a_refusal_or_a_poor_answer_does_not_open_it(script: list[Fail | Stop]) -> None:
    tiers, rules = [tier("m0")], make_rules(retry=ONCE)
    for _ in range(8):
        assert len(Play([[script]], rules, tiers).opened) == 1


def test_consumers_that_leave_do_not_open_it() -> None:
    tiers, rules = [tier("m0")], make_rules(retry=ONCE)
    for _ in range(8):
        Play([[[DOWN]]], rules, tiers, leave_after=0)
    assert Play([[GOOD]], rules, tiers).result.content == "Paris."


def test_a_hopeless_draft_that_is_abandoned_was_an_answer() -> None:
    clock = Clock()
    tiers = [tier("m0", clock=clock), tier("m1", clock=clock)]
    rules = make_rules(retry=ONCE)
    for _ in range(5):
        Play([[[DOWN]], [GOOD]], rules, tiers)
    clock.now = SHORTEST
    done = Play([[[*text("hopeless " * 30)]], [GOOD]], rules, tiers)
    assert done.outcomes[0][1] == "abandoned"
    assert len(Play([[GOOD], [GOOD]], rules, tiers).opened) == 1


def test_it_can_be_switched_off() -> None:
    tiers, rules = [tier("m0")], make_rules(retry=RetryPolicy(attempts=1, breaker=False))
    for _ in range(20):
        assert len(Play([[[DOWN]]], rules, tiers).opened) == 1
    with pytest.raises(ConfigError, match="breaker is 1"):
        RetryPolicy(breaker=1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] -- the mistake


def test_changes_are_guarded() -> None:
    entered: list[str] = []

    class Guard(AbstractContextManager[None]):
        def __enter__(self) -> None:
            entered.append("in")

        def __exit__(self, *_: object) -> None:
            entered.append("out")

    health = Health(lambda: 0.0, Guard())
    permit = health.admit()
    assert isinstance(permit, int)
    health.note(permit, "answer")
    health.success()
    assert health.take()
    assert entered == ["in", "out"] * 4


# --- over sockets ---------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="server")
def fault_server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


def model(server: ThreadedFaultServer, fault: str) -> ModelConfig:
    return ModelConfig(f"fault:{fault}", "openai", cost=1, api_key="k", base_url=server.url)


def asked(server: ThreadedFaultServer, mark: str) -> int:
    return sum(mark in str(record) for record in server.log())


def ask_at_once(agent: CascadeAgent, callers: int) -> list[CascadeResult | BaseException]:
    async def body() -> list[CascadeResult | BaseException]:
        async with agent:
            queries = (agent.run("hi") for _ in range(callers))
            return await asyncio.gather(*queries, return_exceptions=True)

    return asyncio.run(body())


def test_two_hundred_callers_of_a_dead_model_add_next_to_nothing(
    server: ThreadedFaultServer,
) -> None:
    agent = CascadeAgent([model(server, "503?k=storm")], retry=RetryPolicy(base=0, cap=0))
    told = ask_at_once(agent, 200)
    assert all(isinstance(each, CascadeError) for each in told)
    assert asked(server, "k=storm") <= 1.2 * 200


def test_after_it_opened_the_verifier_answers_and_the_server_is_left_alone(
    server: ThreadedFaultServer,
) -> None:
    models = [model(server, "500?k=open"), model(server, "ok?tag=V")]
    agent = CascadeAgent(models, retry=RetryPolicy(attempts=1))
    told = [*ask_at_once(agent, 5), *ask_at_once(agent, 5)]
    assert all(isinstance(each, CascadeResult) for each in told)
    assert asked(server, "k=open") == 5
    last = told[-1]
    assert isinstance(last, CascadeResult)
    assert (last.reason, last.draft_cost) == ("draft_error:circuit_open", 0.0)
    assert last.attempts[0]["error"] == "circuit_open"
