"""Whole queries in virtual time, thousands of them, each from a seed that replays it exactly.

    python -m reliability.simulate --seeds 10000     run seeds 0 to 9,999 on all cores
    python -m reliability.simulate --seed 17         replay one: what it chose, all that happened

A seed chooses models, answers, faults at random bytes, deadlines, budgets and what consumers do;
the package itself is the real one, from the managers down to the decoders. Only the network is
simulated, and time. What must hold afterwards is in `invariants.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from multiprocessing import Pool
from typing import NamedTuple

from .invariants import Query, differences, violations
from .promises import brief
from .scenario import Chosen, Run, Seen, choose, perform
from .virtual import Stuck

TWINS = 8
"""Every so many seeds, the run is repeated with `collect` in place of the stream."""

Check = Callable[[Run], list[str]]


class Verdict(NamedTuple):
    """What came of one seed."""

    seed: int
    violations: tuple[str, ...]
    states: frozenset[str]
    """For each query: its events in order, the faults it met, and how it ended."""
    digest: str
    """Of all that happened, with its times: equal for equal runs."""


def try_seed(seed: int, check: Check = violations) -> Verdict:
    """Run one seed, and see whether everything holds."""
    chosen = choose(seed)
    try:
        run = perform(chosen)
        found = [*check(run), *(_twins(chosen) if seed % TWINS == 0 else ())]
    except Stuck as error:
        return Verdict(seed, (f"C1 it hangs: {error}",), frozenset(), "")
    digest = sha256("\n".join(history(run)).encode("utf-8", "surrogatepass")).hexdigest()
    return Verdict(seed, tuple(found), frozenset(_states(run)), digest)


def _twins(chosen: Chosen) -> Iterator[str]:
    """The same queries, all read to their end, streamed and collected."""
    patient = (asked._replace(leaving="stays", pause=0.0) for asked in chosen.queries)
    chosen = chosen._replace(queries=tuple(patient))
    return differences(perform(chosen).seen, perform(chosen, collected=True).seen)


def _states(run: Run) -> Iterator[str]:
    for seen in run.seen:
        query = Query(run, seen)
        faults = sorted({exchange.reply.fault for exchange in query.exchanges})
        yield f"{brief(query.events)}: {'+'.join(faults)} {_outcome(query)}"


def _outcome(query: Query) -> str:
    if query.end is None:
        return query.seen.asked.leaving
    if query.end.type == "error":
        return str(query.end.data["kind"])
    return "degraded" if query.result["degraded"] else str(query.result["finish_reason"])


def history(run: Run) -> list[str]:
    """All that happened, in order, without what is different each time: the ids of queries."""
    lines = [
        (exchange.arrived, f"{exchange.label} asks m{exchange.tier}: {exchange.reply.fault}")
        for exchange in run.exchanges
    ]
    lines += [(at, f"tool runs for {ref}") for at, ref in run.tools]
    for seen in run.seen:
        lines += _told(seen)
    return [f"{at - 1000:.9f} {line}" for at, line in sorted(lines, key=lambda line: line[0])]


def _told(seen: Seen) -> Iterator[tuple[float, str]]:
    name = f"query {seen.asked.number}"
    for at, event in seen.events:
        told = f"{event.content!r} {event.data}"
        result = event.data.get("result")
        yield at, f"{name} {event.type} {told.replace(result['id'], '-') if result else told}"
    for row in seen.rows:
        told = f"{row.model} {row.outcome} {row.error} ${row.usd} {row.source}"
        yield seen.ended, f"{name} row {row.number}: {told}"
    yield seen.ended, f"{name} ends: {seen.error!r}"


def report(verdict: Verdict) -> str:
    """What was violated by a seed, and how to see it again."""
    lines = [f"seed {verdict.seed}:", *verdict.violations]
    return "\n  ".join([*lines, f"replay: python -m reliability.simulate --seed {verdict.seed}"])


def replay(seed: int) -> int:
    """Print one seed in full; the exit code."""
    chosen = choose(seed)
    print(chosen)
    verdict = try_seed(seed)
    if verdict.digest:
        print("\n".join(line[:300] for line in history(perform(chosen))))
    print(f"log {verdict.digest}")
    print(report(verdict) if verdict.violations else f"seed {seed}: everything holds")
    return 1 if verdict.violations else 0


def simulate(first: int, count: int, jobs: int) -> int:
    """Run many seeds side by side, print what fails; the exit code."""
    began = time.monotonic()
    states: set[str] = set()
    failed = 0
    with Pool(jobs) as pool:
        for verdict in pool.imap_unordered(try_seed, range(first, first + count), chunksize=50):
            states |= verdict.states
            if verdict.violations:
                failed += 1
                print(report(verdict), flush=True)
    took = time.monotonic() - began
    print(f"{count - failed} of {count} seeds hold everything; {len(states)} distinct states;")
    print(f"{took:.0f} s on {jobs} cores")
    return 1 if failed else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m reliability.simulate")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--first", type=int, default=0, help="the first of many")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed)
    return simulate(given.first, given.seeds, given.jobs)


if __name__ == "__main__":
    sys.exit(main())
