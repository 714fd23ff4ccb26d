"""Rows of the catalogue that are no single query: leaving, tools of one's own, many callers, time.

A trial yields what is wrong, in words.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from cascadeflow import CascadeAgent, CascadeError, ModelConfig, ThresholdPolicy
from cascadeflow.streaming import ToolStreamManager
from cascadeflow.tools import ToolExecutor

from .cuts import WAYS as CUTS
from .cuts import own_streams, sweep
from .leaving import WAYS, Leave
from .promises import CLOSED_WITHIN
from .staging import Dialect, Firm, Weather, World

Play = Callable[[World, Dialect], AsyncIterator[str]]
SLOW = "ok-slow?n=400&delay=0.02"
LAG = 0.2
"""Seconds for which the event loop may stand still."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """One row that is played by code of its own."""

    id: str
    fault: str
    expected: str
    play: Play
    slow: bool = False
    alone: bool = False
    """It must be played when nothing else is."""

    def problems(self, world: World, dialect: Dialect) -> list[str]:
        """What is wrong."""
        complaints: list[str] = []

        async def body() -> list[str]:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, told: complaints.append(f"C10: {told}"))
            async with asyncio.timeout(30):
                return [told async for told in self.play(world, dialect)]

        return asyncio.run(body()) + complaints


def _agent(models: list[ModelConfig], **settings: Any) -> CascadeAgent:
    return CascadeAgent(models, estimator=Firm(0.9), policy=ThresholdPolicy(), **settings)


# --- leaving --------------------------------------------------------------------------------------


def leaving(leave: Leave, *, draft: bool) -> Play:
    """The trial of one way to leave."""

    async def play(world: World, dialect: Dialect) -> AsyncIterator[str]:
        models = [world.model(SLOW, dialect)] + [world.model("ok", dialect)] * draft
        agent = _agent(models)
        left = await leave(agent)
        requests = await world.settled([model.name for model in models])
        ended = [request["t_client_gone"] for request in requests]
        if len(ended) != 1 or not ended[0]:
            yield f"C10: the requests ended at {ended}"
        elif ended[0] - left > CLOSED_WITHIN:
            yield f"time: C10: the socket was closed after {ended[0] - left:.2f} s"
        if asyncio.all_tasks() != {asyncio.current_task()}:
            yield "C10: a task is left"
        if not agent.spent:
            yield "C8: what was read is not paid"
        await agent.aclose()

    return play


async def never_read(world: World, dialect: Dialect) -> AsyncIterator[str]:
    """A stream that nobody reads."""
    model = world.model("ok", dialect)
    stream = _agent([model]).stream_events("Go")
    del stream
    gc.collect()
    await asyncio.sleep(0.05)
    if world.requests([model.name]):
        yield "a request was sent"


# --- the caller's own tools -----------------------------------------------------------------------


def _raises(location: str, unit: str = "") -> str:
    raise ValueError(f"no weather in {location}")


def _exits(location: str, unit: str = "") -> str:
    raise SystemExit(3)


def _odd(location: str, unit: str = "") -> object:
    return object()


def _huge(location: str, unit: str = "") -> str:
    return "x" * 10_000_000


def _blocks(location: str, unit: str = "") -> str:
    time.sleep(0.4)
    return "22 C"


async def _never(location: str, unit: str = "") -> str:
    await asyncio.sleep(3600)
    return ""


def tool(function: Callable[..., object], told: str, *, failed: bool = True) -> Play:
    """The trial of a tool that misbehaves; `told`: part of what the model hears of it."""

    async def play(world: World, dialect: Dialect) -> AsyncIterator[str]:
        offered = {**Weather().offered(), "function": function}
        executor = ToolExecutor([offered], timeout=1.0)
        lags: list[float] = []
        watch = asyncio.create_task(_watch(lags))
        async with _agent([world.model("tool-ok", dialect)]) as agent:
            stream = ToolStreamManager(agent.cascade).stream(
                "Go", [offered], tool_executor=executor
            )
            events = [event async for event in stream]
        watch.cancel()
        if events[-1].type != "complete":
            yield f"it ended in {events[-1].data['kind']}"
        heard = [event for event in events if event.type in ("tool_result", "tool_error")]
        kinds = [event.type for event in heard]
        if kinds != ["tool_error" if failed else "tool_result"]:
            yield f"the tool ended in {kinds}"
        elif told not in str(heard[0].data)[:5000] or len(str(heard[0].data)) > 600_000:
            yield f"the model hears {str(heard[0].data)[:200]}"
        if max(lags, default=0) > LAG:
            yield f"time: the loop stood still for {max(lags):.2f} s"

    return play


async def _watch(lags: list[float]) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - before - 0.01)


# --- time, cuts, many callers, a full disk --------------------------------------------------------


async def clock_jumps(world: World, dialect: Dialect) -> AsyncIterator[str]:
    """The wall clock jumps by an hour, back and forth, at every reading."""
    real, signs = time.time, itertools.cycle((3600, -3600))

    def jumping() -> float:
        return real() + next(signs)

    began = time.monotonic()
    with mock.patch("time.time", jumping):
        async with _agent([world.model("ok-slow?n=8&delay=0.01", dialect)]) as agent:
            result = await agent.run("Go")
    most = (time.monotonic() - began) * 1000
    times = (result.latency_ms, result.first_token_ms, result.verifier_latency_ms)
    if not all(0 <= (milliseconds or 0) <= most for milliseconds in times):
        yield f"times {times}"


async def cut_anywhere(world: World, dialect: Dialect) -> AsyncIterator[str]:
    """A few streams, cut, reset and damaged at every 29th byte."""
    streams = await asyncio.to_thread(own_streams, world.server.url, dialect)
    for stream in streams[:5]:
        for way in CUTS:
            for problem in (await sweep(stream, dialect, way, stride=29)).problems[:3]:
                yield problem


async def for_ever_503(world: World, dialect: Dialect) -> AsyncIterator[str]:
    """A server that is overloaded for everybody, asked by 50 callers, one after the other."""
    asked, kinds, seconds = await _storm(world, dialect, callers=50, together=1)
    if not set(kinds) <= {"overloaded", "circuit_open"} or kinds[-1] != "circuit_open":
        yield f"the calls ended in {kinds}"
    if asked > 10:
        yield f"{asked} requests"
    if seconds[-1] > 0.05:
        yield f"time: a call that asks nobody took {seconds[-1]:.2f} s"


async def retry_storm(world: World, dialect: Dialect) -> AsyncIterator[str]:
    """The same by 200 callers at once."""
    asked, kinds, _ = await _storm(world, dialect, callers=200, together=200)
    if len(kinds) != 200 or not set(kinds) <= {"overloaded", "circuit_open"}:
        yield f"{len(kinds)} of 200 calls failed: {set(kinds)}"
    if asked > 1.2 * 200:
        yield f"{asked} requests of 200 callers"


async def _storm(
    world: World, dialect: Dialect, *, callers: int, together: int
) -> tuple[int, list[str], list[float]]:
    """Requests that arrived; how and after how many seconds each call failed."""
    model, gate = world.model("503", dialect), asyncio.Semaphore(together)
    kinds: list[str] = []
    seconds: list[float] = []

    async def call() -> None:
        async with gate:
            began = time.monotonic()
            try:
                await agent.run("Go")
            except CascadeError as error:
                kinds.append(error.kind)
            seconds.append(time.monotonic() - began)

    async with _agent([model]) as agent:
        await asyncio.gather(*(call() for _ in range(callers)))
    return len(world.requests([model.name])), kinds, seconds


def loops_and_threads(world: World, dialect: Dialect) -> Iterator[str]:
    """One agent in two event loops, one after the other, then in four threads at once."""
    agent = _agent([world.model("ok", dialect), world.model("ok?tag=V", dialect)])
    texts = [asyncio.run(agent.run("Go")).content for _ in range(2)]

    def work() -> None:
        texts.extend(agent.run_sync("Go").content for _ in range(3))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    if len(texts) != 14 or len(set(texts)) != 1:
        yield f"{len(texts)} answers of 14, {len(set(texts))} different"


async def _loops_and_threads(world: World, dialect: Dialect) -> AsyncIterator[str]:
    for told in await asyncio.to_thread(lambda: list(loops_and_threads(world, dialect))):
        yield told


async def lost_recording(world: World, dialect: Dialect) -> AsyncIterator[str]:
    """What is recorded cannot be written."""
    models = [world.model("ok", dialect), world.model("ok?tag=V", dialect)]
    warned: list[str] = []
    listener, logger = _Warnings(warned), logging.getLogger("cascadeflow")
    logger.addHandler(listener)
    with tempfile.TemporaryDirectory() as place:
        agent = _agent(models, record=Path(place) / "calls.jsonl")
    async with agent:
        results = [await agent.run("Go") for _ in range(3)]
    logger.removeHandler(listener)
    if not all(result.draft_accepted for result in results):
        yield "the queries were affected"
    if len(warned) != 1:
        yield f"the log says {warned}"


class _Warnings(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._found = found
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._found.append(record.getMessage())


CLOSED = "socket closed within 0.1 s, no task left, paid"
TRIALS = (
    Trial(id="N12", fault="the wall clock jumps by an hour", play=clock_jumps, alone=True,
          expected="no deadline passes, all times >= 0"),
    Trial(id="N22", fault="cut, reset or damaged at byte k", play=cut_anywhere, slow=True,
          expected="C1, C2, C3, C8 hold (all of it: --bytes)"),
    Trial(id="S13", fault="503 for ever, 50 callers", play=for_ever_503, slow=True,
          expected="the circuit opens, no further request"),
    Trial(id="T14", fault="the tool raises", play=tool(_raises, "no weather in Paris"),
          expected="told to the model"),
    Trial(id="T14", fault="the tool exits", play=tool(_exits, "SystemExit"),
          expected="told to the model, nothing else ends"),
    Trial(id="T14", fault="the tool returns what is no JSON", play=tool(_odd, ""),
          expected="told to the model"),
    Trial(id="T14", fault="the tool returns 10 MB", play=tool(_huge, "262144"),
          expected="refused, told to the model"),
    Trial(id="T14", fault="the tool blocks its thread", play=tool(_blocks, "22 C", failed=False),
          expected="the event loop goes on",
          alone=True),
    Trial(id="T14", fault="the tool never returns", play=tool(_never, "1"), slow=True,
          expected="its deadline passes, told to the model"),
    *(Trial(id="L05", fault=f"leaving a draft {way.__name__.replace('_', ' ')}", expected=CLOSED,
            play=leaving(way, draft=True)) for way in WAYS),
    *(Trial(id="L05", fault=f"leaving an answer {way.__name__.replace('_', ' ')}", expected=CLOSED,
            play=leaving(way, draft=False)) for way in WAYS),
    Trial(id="L05", fault="a stream that is never read", expected="nothing is sent",
          play=never_read),
    Trial(id="L06", fault="several event loops and threads", play=_loops_and_threads,
          expected="every query is answered"),
    Trial(id="L09", fault="the disk of the recording is lost", play=lost_recording,
          expected="queries unaffected, one warning"),
    Trial(id="L11", fault="503, 200 callers at once", play=retry_storm, slow=True,
          expected="at most 1.2 requests for each caller"),
)  # fmt: skip
ELSEWHERE = {
    "L07": "a thousand streams: `python -m reliability.load`",
    "L08": "a slow consumer: `python -m reliability.load`",
    "L10": "the end of a server process: no part of the library",
    "L12": "random faults by seed: `python -m reliability.simulate`",
}
"""Rows that are played by another command, or do not apply."""
