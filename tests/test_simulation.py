"""Whole queries in virtual time, from seeds; and the checks, which must be able to fail."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import monotonic

import pytest

from reliability.invariants import violations
from reliability.scenario import Run, choose, perform
from reliability.simulate import report, try_seed
from reliability.virtual import Stuck, VirtualLoop

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_everything_holds_whatever_breaks(first: int) -> None:
    verdicts = [try_seed(seed) for seed in range(first, first + 50)]
    assert [report(verdict) for verdict in verdicts if verdict.violations] == []
    assert len(frozenset[str]().union(*(verdict.states for verdict in verdicts))) > 40


def test_a_seed_replays_in_every_detail_in_another_process_too() -> None:
    here = [try_seed(seed) for seed in (2, 11, 331)]
    assert here == [try_seed(seed) for seed in (2, 11, 331)]
    command = [sys.executable, "-m", "reliability.simulate", "--seed", "331"]
    told = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"log {here[2].digest}\n" in told.stdout


# --- the checks can fail --------------------------------------------------------------------------


@cache
def switched() -> int:
    """The first seed whose first query is switched to another model and answered in words."""
    for seed in range(1000):
        run = perform(choose(seed))
        types = [str(event.type) for _, event in run.seen[0].events]
        if types[-3:] == ["chunk", "chunk", "complete"] and "switch" in types:
            return seed
    raise AssertionError("no seed does")


def chunks(run: Run) -> list[int]:
    """Places of the text that stands in the end."""
    events = [event for _, event in run.seen[0].events]
    begin = max(place for place, event in enumerate(events) if event.type == "switch")
    return [at for at, event in enumerate(events) if event.type == "chunk" and at > begin]


def repeat_a_chunk(run: Run) -> None:
    events = run.seen[0].events
    events.insert(chunks(run)[0], events[chunks(run)[0]])


def glue_another_answer(run: Run) -> None:
    _, event = run.seen[0].events[chunks(run)[-1]]
    event.content += "q9a99w000 "


def lose_the_end(run: Run) -> None:
    run.seen[0].events.pop()


def go_on_after_the_end(run: Run) -> None:
    run.seen[0].events.append(run.seen[0].events[-2])


def charge_too_much(run: Run) -> None:
    run.seen[0].rows[0].usd += Decimal("0.001")


def lose_a_row(run: Run) -> None:
    run.seen[0].rows.pop(0)


def leave_a_connection_open(run: Run) -> None:
    run.exchanges[0].closed_at = None


def take_too_long(run: Run) -> None:
    run.seen[0].ended += 1000


def run_a_tool_of_nobody(run: Run) -> None:
    run.tools += [(0.0, f"{run.exchanges[0].label}w000")] * 2


def print_the_key(run: Run) -> None:
    run.logged.append(f"authorization: Bearer {run.chosen.key}")


@pytest.mark.parametrize(
    ("tamper", "promise"),
    [
        (repeat_a_chunk, "C2"), (glue_another_answer, "C2"), (lose_the_end, "C1"),
        (go_on_after_the_end, "C1"), (charge_too_much, "C8"), (lose_a_row, "C8"),
        (leave_a_connection_open, "C10"), (take_too_long, "C6"), (run_a_tool_of_nobody, "C11"),
        (print_the_key, "C12"),
    ],
)  # fmt: skip
def test_a_broken_promise_is_seen(tamper: Callable[[Run], None], promise: str) -> None:
    run = perform(choose(switched()))
    assert violations(run) == []
    tamper(run)
    assert promise in " ".join(violations(run))


def test_a_failing_seed_names_itself_what_was_violated_and_how_to_replay_it() -> None:
    verdict = try_seed(17, check=lambda _: ["C1 on purpose"])
    assert report(verdict).split("\n") == [
        "seed 17:",
        "  C1 on purpose",
        "  replay: python -m reliability.simulate --seed 17",
    ]


# --- virtual time ---------------------------------------------------------------------------------


def test_an_hour_passes_at_once() -> None:
    async def wait() -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.sleep(1e6)
        return asyncio.get_running_loop().time() - began

    began = monotonic()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(wait()) == pytest.approx(3600)
    assert monotonic() - began < 60


def test_a_wait_for_nothing_is_found_instead_of_waited_for() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(wait())
