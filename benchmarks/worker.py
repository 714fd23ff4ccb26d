"""One process in which clients run: reads orders from stdin, writes figures to stdout, JSON lines.

    python -P -m benchmarks.worker [--uvloop]

Its environment may be a peer's own, so this file needs nothing but the standard library.
CPU time is that of the process, from `resource.getrusage`; seconds throughout.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .clients import Read, client


@dataclass(kw_only=True)
class Order:
    """What to run: `streams` at once, each reading `times` answers one after the other."""

    client: str
    urls: list[str]
    chunks: int
    """Of one answer; fewer is a failure."""
    prompt: str = "Go"
    streams: int = 1
    times: int = 1
    warm: bool = False
    """Whether a short query goes before, which is not measured."""
    probe: float | None = None
    """Seconds between two looks at how late the loop is; 0 finds the longest step instead."""
    limit: float = 60.0
    """Seconds after which it is given up."""


@dataclass(kw_only=True)
class Figures:
    """What came of an order."""

    cpu: float
    wall: float
    memory: int
    """Bytes by which the peak of the process grew; only its first large order tells it."""
    firsts: list[float] = field(default_factory=list[float])
    """For each answer, the time to its first chunk."""
    totals: list[float] = field(default_factory=list[float])
    late: list[float] = field(default_factory=list[float])
    """How late the loop was; with a probe of 0, the CPU time of its single steps."""


def cpu() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak() -> int:
    """Bytes of memory at most so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


async def _answers(read: Read, order: Order, figures: Figures) -> None:
    for _ in range(order.times):
        began = time.perf_counter()

        def mark(began: float = began) -> None:
            figures.firsts.append(time.perf_counter() - began)

        seen = await read(order.prompt, mark)
        figures.totals.append(time.perf_counter() - began)
        if seen < order.chunks:
            raise ValueError(f"{order.client} saw {seen} of {order.chunks} chunks")


async def _probe(every: float, late: list[float]) -> None:
    if every:
        while True:
            due = time.perf_counter() + every
            await asyncio.sleep(every)
            late.append(time.perf_counter() - due)
    while True:
        began = time.thread_time()
        await asyncio.sleep(0)
        late.append(time.thread_time() - began)


async def _measure(read: Read, order: Order) -> Figures:
    figures = Figures(cpu=0.0, wall=0.0, memory=0)
    probe = None
    if order.probe is not None:
        probe = asyncio.create_task(_probe(order.probe, figures.late))
    memory, used, began = peak(), cpu(), time.perf_counter()
    async with asyncio.timeout(order.limit), asyncio.TaskGroup() as group:
        for _ in range(order.streams):
            group.create_task(_answers(read, order, figures))
    figures.wall, figures.cpu = time.perf_counter() - began, cpu() - used
    figures.memory = peak() - memory
    if probe is not None:
        probe.cancel()
    return figures


async def obey(order: Order) -> Figures:
    """Run an order."""
    async with client(order.client)(order.urls) as read:
        if order.warm:
            await read("Go", lambda: None)
        return await _measure(read, order)


def summary(figures: Figures) -> dict[str, Any]:
    """The figures with their lists shortened."""
    return {
        **asdict(figures),
        "firsts": statistics.median(figures.firsts),
        "totals": quantiles(figures.totals),
        "late": quantiles(figures.late),
    }


def quantiles(values: Sequence[float]) -> list[float]:
    """Median, 99th percentile and the greatest; zeros of nothing."""
    if not values:
        return [0.0, 0.0, 0.0]
    ranked = sorted(values)
    return [statistics.median(ranked), ranked[int(0.99 * (len(ranked) - 1))], ranked[-1]]


def reason(error: BaseException) -> str:
    """What went wrong, in one line; of many streams, with the first."""
    told = traceback.TracebackException.from_exception(error)
    while told.exceptions:
        told = told.exceptions[0]
    return " ".join("".join(told.format_exception_only()).split())[:200]


def _loop(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    return importlib.import_module(name).new_event_loop if name else asyncio.new_event_loop


def main() -> None:
    loop = _loop("uvloop" if "--uvloop" in sys.argv else "")
    told_to, sys.stdout = sys.stdout, sys.stderr  # libraries may print
    with asyncio.Runner(loop_factory=loop) as runner:
        for line in sys.stdin:
            try:
                told = summary(runner.run(obey(Order(**json.loads(line)))))
            except Exception as error:  # noqa: BLE001 - a peer may raise whatever it likes
                traceback.print_exc()
                told = {"error": reason(error)}
            print(json.dumps(told), file=told_to, flush=True)


if __name__ == "__main__":
    main()
