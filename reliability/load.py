"""`make load`: many streams, slow consumers, cancellations and a server that is down, measured.

Prints a table of figures, each beside its goal; exit code 1 if a goal is missed. The server runs in
a process of its own, and so does each measurement, so that memory is that of one alone.

Units: seconds, bytes; KiB and MiB where printed.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple

import aiohttp

from cascadeflow import CascadeAgent
from cascadeflow.core.breaker import IN_A_ROW, SHORTEST
from cascadeflow.errors import CascadeError
from cascadeflow.streaming import StreamEvent

from .measuring import Figure, Server, agent, apart, open_files, resident, serving

STREAMS = 1_000
PACED = "fault:ok-slow?n=20&delay=0.05"
"""About one second of answer."""
LATER, TRIES = 1.0, 3
"""How much later than with the bare client the last stream may begin. Other programs on the machine
may be in the way of either client: one of so many tries must do."""
FLOOD = "fault:flood?mb=50"
SHORT = "fault:ok-slow?n=6&delay=0.002"
REQUESTS, WARM, AT_ONCE = 10_000, 2_000, 64
"""Requests with cancellations in all; of them before memory is first looked at; at a time."""
CALLERS = 200
MIB = 1024 * 1024


class Rush(NamedTuple):
    """Many streams at once, as their consumers saw them."""

    first: float
    """Seconds until the last of them had its first chunk."""
    wall: float
    busy: float
    """Seconds of the processor in all."""
    whole: int
    """Streams that came to their end."""
    grown: int
    """Resident bytes at the height of it, beyond those before."""


# --- a thousand streams --------------------------------------------------------------------------


class _Watch:
    """Notes when streams begin, and what memory they take when all have."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._before = resident()
        self._begun, self._busy = time.monotonic(), time.process_time()
        self._first = self._grown = 0

    def first_chunk(self) -> None:
        self._first += 1
        if self._first == self._count:
            self.slowest = time.monotonic() - self._begun
            self._grown = resident() - self._before

    def end(self, whole: int) -> Rush:
        slowest = self.slowest if self._first == self._count else float("inf")
        busy = time.process_time() - self._busy
        return Rush(slowest, time.monotonic() - self._begun, busy, whole, self._grown)


async def _bare(url: str, count: int) -> Rush:
    body = {"model": PACED, "stream": True, "messages": [{"role": "user", "content": "Go"}]}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        watch = _Watch(count)

        async def consume() -> bool:
            seen = b""
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                async for chunk in response.content.iter_any():
                    if not seen:
                        watch.first_chunk()
                    seen = chunk
            return seen.endswith(b"[DONE]\n\n")

        return watch.end(sum(await asyncio.gather(*(consume() for _ in range(count)))))


async def _ours(url: str, count: int) -> Rush:
    async with agent(url, PACED) as cascade:
        watch = _Watch(count)

        async def consume() -> bool:
            begun, last = False, ""
            async for event in cascade.stream_events("Go"):
                if event.type == "chunk" and not begun:
                    begun = True
                    watch.first_chunk()
                last = event.type
            return last == "complete"

        return watch.end(sum(await asyncio.gather(*(consume() for _ in range(count)))))


def _rushes(server: Server) -> tuple[Rush, Rush]:
    bare: Rush = apart(_bare, server.url, STREAMS)
    server.reset()
    return bare, apart(_ours, server.url, STREAMS)


def streams(server: Server) -> list[Figure]:
    """As many streams at once, by us and by a bare client."""
    bare, ours = _rushes(server)
    for _ in range(TRIES - 1):
        if ours.first - bare.first > LATER:
            bare, ours = _rushes(server)
    peak = server.get("state")["peak_active"]
    extra = (ours.grown - bare.grown) / STREAMS / 1024
    return [
        Figure(
            f"{STREAMS} streams: last first chunk after",
            f"{ours.first:.2f} s, bare client {bare.first:.2f} s",
            f"{LATER:g} s more at most",
            ours.first - bare.first <= LATER,
        ),
        Figure("wall", f"{ours.wall:.2f} s, bare client {bare.wall:.2f} s"),
        Figure("processor", f"{ours.busy:.2f} s, bare client {bare.busy:.2f} s"),
        Figure("streams lost", str(STREAMS - ours.whole), "0", ours.whole == STREAMS),
        Figure("at once at the server", str(peak), str(STREAMS), peak == STREAMS),
        Figure("memory of a stream", f"{extra:.0f} KiB above bare", "60 KiB", extra <= 60),
    ]


# --- a consumer that does not read ---------------------------------------------------------------


async def _sit(url: str) -> tuple[int, int, int]:
    """Bytes held by a stream nobody reads; what the server had sent early and late."""
    server = Server(url)
    async with agent(url, FLOOD) as cascade:
        tracemalloc.start()
        async with aclosing(cascade.stream_events("Go")) as stream:
            await anext(event async for event in stream if event.type == "chunk")
            before = tracemalloc.get_traced_memory()[0]
            await asyncio.sleep(2)
            early = (await asyncio.to_thread(server.requests))[-1]["sent_bytes"]
            await asyncio.sleep(2)
            held = tracemalloc.get_traced_memory()[0] - before
            late = (await asyncio.to_thread(server.requests))[-1]["sent_bytes"]
    return held, early, late


def slow_consumer(server: Server) -> list[Figure]:
    """A flood that nobody reads stays where it comes from."""
    held, early, late = apart(_sit, server.url)
    sent = f"{early / MIB:.1f} and {late / MIB:.1f} of 50 MiB"
    return [
        Figure("not read: held by us", f"{held / MIB:.2f} MiB", "2 MiB", held <= 2 * MIB),
        Figure("not read: sent after 2 s and 4 s", sent, "no more", early == late < 25 * MIB),
    ]


# --- requests that are cancelled -----------------------------------------------------------------


class Churn(NamedTuple):
    """What is left of many requests."""

    seconds: float
    cancelled: int
    tasks: int
    files: int
    traced: int
    """Bytes of Python objects that came after the warm-up and stayed."""
    resident: int


async def _leave(stream: AsyncGenerator[StreamEvent, None], chance: random.Random) -> bool:
    """Read a stream, perhaps not to its end; whether it was left."""
    most = chance.choice((0, 1, 3, 100, 100, 100))
    async with aclosing(stream):
        seen = 0
        async for _ in stream:
            seen += 1
            if seen > most:
                return True
    return False


async def _one(cascade: CascadeAgent, chance: random.Random) -> bool:
    left = _leave(cascade.stream_events("Go"), chance)
    if chance.random() < 0.6:
        return await left
    task = asyncio.create_task(left)
    await asyncio.sleep(chance.random() * 0.03)
    task.cancel()
    return bool((await asyncio.gather(task, return_exceptions=True))[0])


async def _churn(url: str, seed: int) -> Churn:
    chance, files = random.Random(seed), open_files()
    begun, cancelled, done = time.monotonic(), 0, 0
    async with agent(url, SHORT) as cascade:

        async def work(goal: int) -> None:
            nonlocal cancelled, done
            while done < goal:
                done += 1
                left = await _one(cascade, chance)
                cancelled += left

        async def all_of(goal: int) -> tuple[int, int]:
            await asyncio.gather(*(work(goal) for _ in range(AT_ONCE)))
            await asyncio.sleep(1)  # answers that were whole may linger half a second
            gc.collect()
            return tracemalloc.get_traced_memory()[0], resident()

        tracemalloc.start()
        warm = await all_of(WARM)
        end = await all_of(REQUESTS)
        tasks = len(asyncio.all_tasks()) - 1
    await asyncio.sleep(0.1)
    seconds = time.monotonic() - begun
    left = open_files() - files
    return Churn(seconds, cancelled, tasks, left, end[0] - warm[0], end[1] - warm[1])


def cancellations(server: Server) -> list[Figure]:
    """Nothing stays behind of requests that were left in every way."""
    left = apart(_churn, server.url, 1)
    each, grown = left.traced / (REQUESTS - WARM), left.resident / MIB
    return [
        Figure(f"{REQUESTS} requests, {left.cancelled} left early", f"{left.seconds:.0f} s"),
        Figure("tasks left", str(left.tasks), "0", left.tasks == 0),
        Figure("sockets left", str(left.files), "0", left.files <= 0),
        Figure("Python memory left", f"{each:.1f} bytes a request", "25", each <= 25),
        Figure("resident memory left", f"{grown:.1f} MiB", "8 MiB", grown <= 8),
    ]


# --- a server that is down -----------------------------------------------------------------------


async def _storm(url: str, count: int) -> int:
    async with agent(url, "fault:503") as cascade:

        async def call() -> bool:
            try:
                await cascade.run("Go")
            except CascadeError:
                return True
            return False

        return sum(await asyncio.gather(*(call() for _ in range(count))))


def storm(server: Server) -> list[Figure]:
    """Many callers do not become many more requests."""
    server.reset()
    failed = apart(_storm, server.url, CALLERS)
    sent = len(server.requests())
    return [
        Figure(
            f"server down, {CALLERS} callers: requests",
            f"{sent} ({sent / CALLERS:.2f} a caller)",
            "1.2 a caller and 20",
            sent <= 1.2 * CALLERS + 20 and failed == CALLERS,
        )
    ]


class Rest(NamedTuple):
    """A server that is down and comes back, seen through the circuit breaker."""

    opened: int
    """Requests it took to open."""
    local: float
    """Seconds for a hundred callers after that."""
    probes: int
    """Requests while fifty callers came after the pause."""
    answered: int
    """Of fifty callers after the probe."""


async def _recover(url: str) -> Rest:
    server = Server(url)
    down = "|".join(["503"] * IN_A_ROW)
    async with agent(url, f"fault:{down}|ok-slow?n=5&delay=0.1") as cascade:

        async def answered(count: int) -> int:
            calls = (cascade.run("Go") for _ in range(count))
            ended = await asyncio.gather(*calls, return_exceptions=True)
            return sum(not isinstance(end, CascadeError) for end in ended)

        async def requests() -> int:
            return len(await asyncio.to_thread(server.requests))

        for _ in range(IN_A_ROW):
            await answered(1)
        opened, begun = await requests(), time.monotonic()
        await answered(100)
        local = time.monotonic() - begun
        await asyncio.sleep(SHORTEST + 0.5 - local)
        before = await requests()
        await answered(50)
        return Rest(opened, local, await requests() - before, await answered(50))


def breaker(server: Server) -> list[Figure]:
    """A server that is down is left alone, asked once, and trusted again."""
    server.reset()
    rest = apart(_recover, server.url)
    return [
        Figure("breaker: requests until it opened", str(rest.opened), "5", rest.opened == IN_A_ROW),
        Figure("a failure of its own", f"{rest.local * 10:.2f} ms", "5 ms", rest.local * 10 < 5),
        Figure("probes, with 50 callers waiting", str(rest.probes), "1", rest.probes == 1),
        Figure("answered after it, of 50", str(rest.answered), "50", rest.answered == 50),
    ]


# --- the table -----------------------------------------------------------------------------------


CHECKS: Sequence[Callable[[Server], list[Figure]]] = (
    streams, slow_consumer, cancellations, storm, breaker,
)  # fmt: skip


def main() -> int:
    """Measure and print."""
    missed = 0
    sys.stdout.write(f"{'':3}{'figure':46}{'measured':38}goal\n")
    with serving() as server:
        for check in CHECKS:
            for figure in check(server):
                missed += not figure.met
                mark = " " if figure.met else "!"
                sys.stdout.write(f"{mark:3}{figure.what:46}{figure.seen:38}{figure.goal}\n")
                sys.stdout.flush()
    sys.stdout.write("every goal is met\n" if not missed else f"{missed} goals are missed\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
