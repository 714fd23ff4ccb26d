"""Queries driven for real: own providers, and a loop that must be left as it was found."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from cascadeflow.config import Timeouts
from cascadeflow.core import events
from cascadeflow.core.cascade import Cascade
from cascadeflow.core.tier import Rules
from cascadeflow.providers.base import Provider
from cascadeflow.providers.scripted import Pause, Scripted
from cascadeflow.runner import drive
from cascadeflow.types import Delta, Request, TextDelta

from .play import brief, make_rules, tier, whole

FOR_EVER = Pause(3600)
GOOD = whole("Paris.", 3)
QUICK = Timeouts(first_token=0.08, idle=0.08, total=0.3)


class Query:
    """One query: its cascade, its stream, and what came out of it."""

    def __init__(
        self,
        *providers: Provider,
        rules: Rules | None = None,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        tiers = [tier(f"m{i}", timeouts=timeouts) for i in range(len(providers))]
        self.cascade = Cascade(tiers, rules or make_rules(), id="q")
        self.finished = 0
        self.told: list[events.Event] = []
        self.stream = drive(self.cascade, providers, clock, self._done)

    def _done(self, _: Cascade) -> None:
        self.finished += 1

    async def read(self) -> Query:
        async for batch in self.stream:
            self.told += batch
        return self

    @property
    def brief(self) -> str:
        return brief(self.told)

    @property
    def outcomes(self) -> list[tuple[str, str, str | None]]:
        return [(row.model, row.outcome, row.error) for row in self.cascade.ledger.rows]

    @property
    def text(self) -> str:
        last = self.told[-1]
        assert isinstance(last, events.Completed)
        return last.result.content


class Own:
    """A provider of somebody's: any generator function, watched for how often it is closed."""

    def __init__(self, body: Callable[[], AsyncGenerator[list[Delta], None]]) -> None:
        self._body = body
        self.opened = self.closed = 0

    async def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
        self.opened += 1
        try:
            async with contextlib.aclosing(self._body()) as batches:
                async for batch in batches:
                    yield batch
        finally:
            self.closed += 1


def lasting() -> Own:
    """Says something, then nothing more."""

    async def body() -> AsyncGenerator[list[Delta], None]:
        yield [TextDelta("four")]
        await asyncio.sleep(3600)

    return Own(body)


def playing(*steps: Any) -> Scripted:
    """The same script for whichever tier."""
    return Scripted({"m0": steps, "m1": steps})


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test, and see that it leaves no task and no complaint of the loop."""
    complaints: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: complaints.append(str(told)))
        async with asyncio.timeout(10):
            await body()
        await settled()

    asyncio.run(main())
    gc.collect()
    assert complaints == []


async def settled() -> None:
    """Let callbacks run, then see that nobody else is at work."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
