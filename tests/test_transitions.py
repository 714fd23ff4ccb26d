"""Draws every transition of the machine by trying all kinds of signals in every order."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from cascadeflow.config import RetryPolicy
from cascadeflow.core import state as module
from cascadeflow.core.cascade import Cascade, State
from cascadeflow.core.ledger import FlatPrice
from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.core.tier import Rules
from cascadeflow.errors import ProviderError
from cascadeflow.types import Delta, Stop, TextDelta, UsageDelta

from . import advising
from .play import make_rules, tier, tokens

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"
TIERS = 2

Table = dict[tuple[str, str], set[str]]
Signal = tuple[str, Callable[[Cascade, int, float], object]]


def hears(*deltas: Delta) -> Signal:
    return "receive", lambda cascade, attempt, now: cascade.receive(attempt, deltas, now)


def replies(*deltas: Delta) -> Signal:
    """To a judge."""
    return "consulted", lambda cascade, attempt, now: cascade.consulted(attempt, deltas, now)


def fails(*, retryable: bool) -> Signal:
    def fail(cascade: Cascade, attempt: int, now: float) -> object:
        error = ProviderError("broken", kind="connect", retryable=retryable)
        return cascade.fail(attempt, error, now)

    return "fail", fail


def wakes(seconds: float) -> Signal:
    return "wake", lambda cascade, _, now: cascade.wake(now + seconds)


def leaves(cascade: Cascade, _: int, now: float) -> None:
    cascade.close(now)


SIGNALS: tuple[Signal, ...] = (
    hears(TextDelta("good")),
    hears(TextDelta("bad"), Stop("stop")),
    hears(TextDelta("hopeless " * 9)),
    hears(UsageDelta(tokens(50))),
    hears(Stop("stop")),
    hears(Stop(None)),
    fails(retryable=True),
    fails(retryable=False),
    wakes(0.0),
    wakes(31.0),
    wakes(400.0),
    replies(TextDelta("0.9"), Stop("stop")),
    replies(TextDelta("0.2"), Stop("stop", usage=tokens(50))),
    ("close", leaves),
)
PRICE = FlatPrice(input=Decimal(1_000_000), output=Decimal(1_000_000))
"""A dollar for each token; the prompt of `play.tier` has four."""
SETTINGS: tuple[Rules, ...] = (
    make_rules(total=300.0),
    make_rules(total=300.0, on_verifier_error="draft", retry=RetryPolicy(attempts=2)),
    make_rules(max_cost=20),
    make_rules(max_cost=20, on_verifier_error="draft"),
    make_rules(max_cost=3),
    make_rules(total=300.0, policy=ThresholdPolicy(hedge_below=0.95)),
    advising.make_rules(advising.Asks(), total=300.0),
    advising.make_rules(advising.Asks(count=2), total=300.0),
    advising.make_rules(advising.Asks(), max_cost=30),
)


def place(cascade: Cascade) -> tuple[State, int, int]:
    """State, tier and attempt."""
    rows = cascade.ledger.rows
    return cascade.state, rows[-1].tier if rows else 0, len(rows)


def heard(cascade: Cascade) -> bool:
    """Whether judges are asked: the stream of their draft has ended, and says nothing more."""
    return any(row.judging and row.outcome == "open" for row in cascade.ledger.rows)


def follow(before: tuple[State, int, int], after: tuple[State, int, int]) -> str:
    if after[0] is State.ANSWERING and before[0] is State.ANSWERING:
        if after[1] > before[1]:
            return "NEXT"
        return "RETRY" if after[2] > before[2] else "ANSWERING"
    return after[0].name


def explore(depth: int) -> Table:
    """Every (state, signal) with what came of it: each order of signals, on a new machine."""
    table: Table = defaultdict(set)

    def note(cascade: Cascade, name: str, signal: Callable[[Cascade, int, float], object]) -> None:
        before = place(cascade)
        if name in ("receive", "fail") and heard(cascade):
            return
        signal(cascade, before[2], float(before[2]))
        table[before[0].name, name].add(follow(before, place(cascade)))

    for rules in SETTINGS:
        for name, signal in SIGNALS:
            note(machine(rules), name, signal)
        for order in itertools.product(SIGNALS, repeat=depth):
            cascade = machine(rules)
            note(cascade, "start", lambda cascade, _, now: cascade.start(now))
            for name, signal in order:
                note(cascade, name, signal)
    return table


def machine(rules: Rules) -> Cascade:
    return Cascade([tier(f"m{i}", price=PRICE) for i in range(TIERS)], rules, id="q")


ORDER = ("ANSWERING", "RETRY", "NEXT", "DONE", "FAILED", "CLOSED")


def documented() -> Table:
    """The table of the module's docstring."""
    rows = re.findall(r"^ {4}([A-Z]+) +(\w+) +-> (.+)$", str(module.__doc__), re.MULTILINE)
    return {(state, signal): set(ends.split(" | ")) for state, signal, ends in rows}


def mermaid(table: Table) -> str:
    """The same as a diagram for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> IDLE"]
    for state, signal in sorted(table, key=lambda edge: (edge[0] != "IDLE", edge[1])):
        for end in sorted(table[state, signal], key=ORDER.index):
            target = "ANSWERING" if end in ("RETRY", "NEXT") else end
            note = {"RETRY": ": same tier again", "NEXT": ": next tier"}.get(end, "")
            lines.append(f"    {state} --> {target}: {signal}{note}")
    lines += [f"    {state} --> [*]" for state in ("DONE", "FAILED", "CLOSED")]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def table() -> Table:
    return explore(depth=3)


def test_the_documented_transitions_are_all_there_are(table: Table) -> None:
    changing = {edge: ends for edge, ends in table.items() if ends != {edge[0]}}
    assert changing == documented()


def test_the_end_is_the_end(table: Table) -> None:
    for (state, signal), ends in table.items():
        if state in ("DONE", "FAILED", "CLOSED"):
            assert ends == {state}, signal


def test_before_the_start_only_leaving_changes_anything(table: Table) -> None:
    for signal in ("receive", "fail", "wake"):
        assert table["IDLE", signal] == {"IDLE"}


def test_every_state_is_drawn(table: Table) -> None:
    assert {state for state, _ in table} == {state.name for state in State}


def test_the_page_shows_the_same_diagram() -> None:
    assert mermaid(documented()) in PAGE.read_text("utf-8")
