"""What holds of every query, whatever the models do. `Play` itself checks the grammar of the
events, the sums of the ledger, and that the visible text is the answer."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from cascadeflow.config import RetryPolicy, Timeouts
from cascadeflow.core import events
from cascadeflow.core.cascade import State
from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.core.tier import Rules
from cascadeflow.errors import ErrorKind
from cascadeflow.types import (
    Delta,
    ReasoningDelta,
    Started,
    Stop,
    StopReason,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageDelta,
)

from .play import HANG, Fail, Play, Script, Step, Wait, make_rules, name, tier

usages = st.builds(
    Usage,
    input_tokens=st.integers(0, 9),
    output_tokens=st.integers(-1, 60),
    cached_tokens=st.just(0),
)
pieces = st.sampled_from(
    ["a", " ", "é😀", "bad ", "hopeless " * 6, "word " * 10, "\n", "漢字" * 20]
)
deltas = st.one_of(
    st.builds(TextDelta, pieces),
    st.builds(TextDelta, pieces),
    st.builds(ReasoningDelta, st.sampled_from(["", "hm", "so " * 9])),
    st.builds(UsageDelta, usages),
    st.builds(Started, st.just("r")),
    st.builds(
        ToolCallDelta,
        st.sampled_from([None, 0, 1]),
        id=st.sampled_from(["", "c0", "c1"]),
        name=st.sampled_from(["", "f", "g"]),
        arguments=st.sampled_from(["", "{", '{"a": 1}', "}"]),
        closed=st.booleans(),
    ),
)
stops = st.builds(
    Stop,
    st.sampled_from([None, *get_args(StopReason)]),
    usage=st.none() | usages,
    warnings=st.sampled_from([(), ("odd",)]),
    damaged=st.booleans(),
)
good_stops = st.builds(Stop, st.sampled_from(["stop", "length"]), usage=st.none() | usages)
fails = st.builds(
    Fail,
    st.sampled_from(get_args(ErrorKind)),
    retryable=st.booleans(),
    retry_after=st.sampled_from([None, 0.0, 1.0, 3.0, 90.0]),
)
steps: st.SearchStrategy[Step] = st.one_of(
    deltas,
    deltas,
    st.lists(deltas, max_size=4),
    st.builds(Wait, st.sampled_from([0.0, 1.0, 4.0, 20.0])),
)
ends: st.SearchStrategy[Step] = st.one_of(
    good_stops, good_stops, stops, fails, st.just(HANG), st.just(Wait(0.0))
)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Steps, an end, and what a server may say after it."""
    body = draw(st.lists(steps, max_size=6))
    return [*body, draw(ends), *draw(st.lists(deltas, max_size=1))]


timeouts = st.builds(
    Timeouts,
    first_token=st.sampled_from([2.0, 30.0]),
    idle=st.sampled_from([2.0, 30.0]),
    total=st.sampled_from([None, 5.0, 100.0]),
)


@st.composite
def all_rules(draw: st.DrawFn) -> Rules:
    return make_rules(
        reveal=draw(st.sampled_from(["live", "held"])),
        reasoning=draw(st.booleans()),
        max_cost=draw(st.sampled_from([None, None, 0, 5, 40])),
        on_verifier_error=draw(st.sampled_from(["error", "draft"])),
        total=draw(st.sampled_from([None, 10.0])),
        direct=draw(st.sampled_from(["", "", "", "forced_direct"])),
        retry=RetryPolicy(attempts=draw(st.integers(1, 3))),
        chance=draw(st.floats(0, 1, exclude_max=True)),
        policy=ThresholdPolicy(hedge_below=draw(st.sampled_from([None, 0.5, 0.95]))),
    )


@st.composite
def plays(draw: st.DrawFn, *, leave: bool = False) -> Play:
    ladder = draw(st.lists(st.lists(scripts(), min_size=1, max_size=3), min_size=1, max_size=3))
    tiers = [tier(f"m{i}", timeouts=draw(timeouts)) for i in range(len(ladder))]
    leave_after = draw(st.integers(0, 8)) if leave else math.inf
    return Play(ladder, draw(all_rules()), tiers, leave_after=leave_after)


@settings(max_examples=300)
@given(plays())
def test_every_query_ends_in_one_terminal_event(done: Play) -> None:
    terminal = [event for event in done.told if name(event) in ("COMPLETE", "ERROR")]
    assert terminal == done.told[-1:]
    assert done.cascade.state in (State.DONE, State.FAILED)


@settings(max_examples=150)
@given(plays(leave=True))
def test_a_consumer_may_leave_at_any_time(done: Play) -> None:
    assert done.cascade.over
    if done.cascade.state is State.CLOSED:
        assert all(name(event) not in ("COMPLETE", "ERROR") for event in done.told)
        assert "cancelled" in [outcome for _, outcome, _ in done.outcomes]


@settings(max_examples=60)
@given(plays())
def test_attempts_stay_within_the_policy_and_tiers_only_rise(done: Play) -> None:
    asked = [opened.tier for opened in done.opened]
    assert asked == sorted(asked)
    assert all(asked.count(one) <= 3 for one in asked)


def same(told: list[events.Event]) -> list[object]:
    """What a reader sees of the events: neither times nor costs."""
    seen: list[object] = []
    for event in told:
        match event:
            case events.Chunk(piece, speaker) | events.Reasoned(piece, speaker):
                seen.append((name(event), piece, speaker.attempt))
            case events.Decided(ruling):
                seen.append(ruling)
            case events.Switched():
                seen.append((event.reason, event.discard_chars, len(event.discarded_calls)))
            case events.Completed(result):
                seen.append((result.content, result.finish_reason, result.tool_calls))
            case events.Errored(error):
                seen.append((error.kind, error.result.content))
            case _:
                seen.append(name(event))
    return seen


@settings(max_examples=100)
@given(
    draft=st.lists(deltas, max_size=12),
    stop=good_stops,
    verifier=st.lists(deltas, max_size=6),
    cuts=st.lists(st.integers(0, 13), max_size=6),
    rules=all_rules(),
)
def test_any_batching_of_the_same_deltas_gives_the_same_events_and_decision(
    draft: list[Delta], stop: Stop, verifier: list[Delta], cuts: list[int], rules: Rules
) -> None:
    deltas = [*draft, stop]
    edges = [0, *sorted(cuts), len(deltas)]
    batches: Script = [deltas[a:b] for a, b in pairwise(edges)]
    ends: list[Delta] = [*verifier, Stop("stop")]
    # What is paid for the rest of a read may differ, so the budget may too.
    rules = make_rules(reveal=rules.reveal, reasoning=rules.reasoning)
    at_once = Play([[[deltas]], [[ends]]], rules)
    one_by_one = Play([[deltas], [ends]], rules)
    cut = Play([[batches], [ends]], rules)
    assert same(at_once.told) == same(one_by_one.told) == same(cut.told)


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=300), st.lists(st.integers(1, 299), max_size=8))
def test_any_cut_of_the_text_discards_what_was_shown(said: str, cuts: list[int]) -> None:
    edges = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    chunks = [TextDelta(said[a:b]) for a, b in pairwise(edges)]
    done = Play([[[*chunks, Fail("incomplete")]], [[TextDelta("x"), Stop("stop")]]], make_rules())
    assert done.switches[0].discard_chars == len(said)
