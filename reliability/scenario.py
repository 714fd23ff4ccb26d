"""One run in virtual time: what a seed chooses, and everything that was seen of it.

Units: seconds of virtual time; US dollars.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Literal, NamedTuple, TypeAlias

from cascadeflow import CascadeError, ModelConfig, RetryPolicy, Timeouts, collect
from cascadeflow.core.cascade import Cascade
from cascadeflow.core.ledger import Attempt
from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.core.tier import OnVerifierError, Reveal
from cascadeflow.ladder import Ladder, Settings
from cascadeflow.result import CascadeResult
from cascadeflow.streaming import StreamEvent, StreamManager, ToolStreamEvent, ToolStreamManager
from cascadeflow.tools import ToolConfig, ToolExecutor
from tests.play import Marked

from .answers import TOOL
from .simulated_wire import Exchange, SimulatedWire
from .virtual import VirtualLoop

AnyEvent: TypeAlias = StreamEvent | ToolStreamEvent
Mode: TypeAlias = Literal["text", "offered", "executed"]
"""Text alone; tools offered; tools offered and run."""
Leaving: TypeAlias = Literal["stays", "closes", "drops", "raises", "cancelled"]
"""What the consumer does: reads all, or leaves after some events, or is cancelled at a time."""
LEAVING: tuple[Leaving, ...] = ("closes", "drops", "raises", "cancelled")
PROVIDERS = {"chat": "vllm", "messages": "anthropic"}
TOOL_TIMEOUT = 5.0


class Asked(NamedTuple):
    """One query of a run."""

    number: int
    mode: Mode
    leaving: Leaving
    after: int
    """Events after which the consumer leaves."""
    at: float
    """When it is cancelled."""
    pause: float
    """Seconds for which it holds each event."""
    starts: float
    direct: bool
    max_turns: int


class Chosen(NamedTuple):
    """What a seed chooses."""

    seed: int
    key: str
    weather: float
    dialects: tuple[str, ...]
    reveal: Reveal
    reasoning: bool
    on_verifier_error: OnVerifierError
    max_cost: float | None
    timeouts: Timeouts
    queries: tuple[Asked, ...]
    hedge_below: float | None


@dataclass(eq=False)
class Seen:
    """What came of one query."""

    asked: Asked
    events: list[tuple[float, AnyEvent]] = field(default_factory=list[tuple[float, AnyEvent]])
    result: CascadeResult | None = None
    """Where it was not streamed but collected."""
    error: BaseException | None = None
    """What came out of the stream, or of `collect`."""
    started: float = 0.0
    ended: float = 0.0
    held: float = 0.0
    """Seconds for which the consumer had the stream."""
    rows: list[Attempt] = field(default_factory=list[Attempt])
    """Of the ledger."""
    told: list[CascadeResult] = field(default_factory=list[CascadeResult])
    """As `on_result` gets them."""


@dataclass(eq=False)
class Run:
    """A run and all that was seen of it."""

    chosen: Chosen
    seen: list[Seen]
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    tools: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """When which call ran."""
    spent: Decimal = Decimal(0)
    complaints: list[str] = field(default_factory=list[str])
    """Of the loop, and tasks that were left."""
    logged: list[str] = field(default_factory=list[str])


def choose(seed: int) -> Chosen:
    """The run that belongs to a seed."""
    chance = Random(seed)
    return Chosen(
        seed=seed,
        key=f"sk-canary-{chance.randrange(16**24):024x}",
        weather=chance.choice((0.0, 0.15, 0.4, 0.7, 1.0)),
        dialects=tuple(chance.choice(("chat", "messages")) for _ in range(chance.randint(1, 3))),
        reveal=chance.choice(("live", "live", "held")),
        reasoning=chance.random() < 0.3,
        on_verifier_error=chance.choice(("error", "draft")),
        max_cost=10 ** chance.uniform(-2.5, 0.0) if chance.random() < 0.25 else None,
        timeouts=Timeouts(
            connect=chance.choice((0.5, 5.0)),
            first_token=chance.choice((1.0, 3.0, 30.0)),
            idle=chance.choice((0.5, 3.0, 30.0)),
            total=chance.choice((2.0, 10.0, 60.0, 300.0)),
        ),
        queries=tuple(_ask(chance, n) for n in range(chance.choice((1, 1, 1, 2, 3, 8)))),
        hedge_below=chance.choice((None, None, 0.5, 0.95)),
    )


def _ask(chance: Random, number: int) -> Asked:
    return Asked(
        number,
        chance.choice(("text", "text", "offered", "executed", "executed")),
        "stays" if chance.random() < 0.5 else chance.choice(LEAVING),
        after=chance.randrange(1, 25),
        at=chance.choice((0.0, chance.uniform(0, 0.5), chance.uniform(0, 10))),
        pause=chance.choice((0.0, 0.0, 0.0, 0.01, 0.7)),
        starts=chance.choice((0.0, 0.0, 0.2, chance.uniform(0, 60))),
        direct=chance.random() < 0.1,
        max_turns=chance.choice((1, 2, 3, 5)),
    )


def perform(chosen: Chosen, *, collected: bool = False) -> Run:
    """Carry out a run; `collected`: by `collect` instead of event by event.

    Raises:
        Stuck: it would never end.
    """
    run = Run(chosen, [Seen(asked) for asked in chosen.queries])
    logger, handler = logging.getLogger("cascadeflow"), _Logged(run.logged)
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(_world(run, collected))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
    return run


async def _world(run: Run, collected: bool) -> None:
    loop, chosen = asyncio.get_running_loop(), run.chosen
    loop.set_exception_handler(lambda _, told: run.complaints.append(str(told)))
    wire = SimulatedWire(chosen.seed, chosen.key, chosen.weather, chosen.dialects)
    ladder = _Watched(run, wire)
    run.exchanges = wire.exchanges
    consumers = [asyncio.create_task(_consume(run, ladder, seen, collected)) for seen in run.seen]
    for seen, consumer in zip(run.seen, consumers, strict=True):
        if seen.asked.leaving == "cancelled":
            loop.call_later(seen.asked.starts + seen.asked.at, consumer.cancel)
    await asyncio.wait(consumers)
    # What a dropped generator has to close is closed by a task of its own.
    await asyncio.sleep(0.1)
    run.spent = ladder.spent
    left = asyncio.all_tasks() - {asyncio.current_task()}
    run.complaints += [f"a task is left: {task.get_coro()!r}" for task in left]


class _Watched(Ladder):
    """The ladder of the run; the rows of every query that ends are noted."""

    def __init__(self, run: Run, wire: SimulatedWire) -> None:
        chosen = run.chosen
        models = [_model(chosen, tier) for tier in range(len(chosen.dialects))]
        settings = Settings(
            estimator=Marked(),
            policy=ThresholdPolicy(0.6, 0.15, chosen.hedge_below),
            reveal=chosen.reveal,
            reasoning=chosen.reasoning,
            max_cost=chosen.max_cost,
            on_verifier_error=chosen.on_verifier_error,
            timeouts=chosen.timeouts,
            retry=RetryPolicy(),
            verbose=True,
        )
        chance = Random(chosen.seed).random
        clock = asyncio.get_running_loop().time
        super().__init__(models, settings, wire, {}, clock=clock, chance=chance)
        self._run = run

    def account(self, cascade: Cascade, since: int = 0, turn: int | None = None) -> None:
        """As always, and where it can be seen."""
        super().account(cascade, since, turn)
        query = int(cascade.tiers[0].request.headers["x-query"])
        self._run.seen[query].rows = list(cascade.ledger.rows)

    def tell(self, cascade: Cascade) -> None:
        """As always, and where it can be seen."""
        super().tell(cascade)
        query = int(cascade.tiers[0].request.headers["x-query"])
        if cascade.result is not None:
            self._run.seen[query].told.append(cascade.result)


def _model(chosen: Chosen, tier: int) -> ModelConfig:
    return ModelConfig(
        f"m{tier}",
        PROVIDERS[chosen.dialects[tier]],
        api_key=chosen.key,
        base_url=f"http://tier-{tier}/v1",
        cost=1.0,
    )


async def _consume(run: Run, ladder: Ladder, seen: Seen, collected: bool) -> None:
    """Ask, and read the stream as the consumer of the run does."""
    clock = asyncio.get_running_loop().time
    await asyncio.sleep(seen.asked.starts)
    seen.started = clock()
    stream = _stream(run, ladder, seen.asked)
    try:
        if collected:
            seen.result = await collect(stream)
        else:
            await _read(stream, seen)
    except (asyncio.CancelledError, CascadeError, _Left) as error:
        # Its frames hold the stream, which is to be dropped.
        seen.error = error.with_traceback(None)
    finally:
        seen.ended = clock()


async def _read(stream: AsyncGenerator[AnyEvent, None], seen: Seen) -> None:
    asked, clock = seen.asked, asyncio.get_running_loop().time
    close = contextlib.aclosing(stream) if asked.leaving == "closes" else contextlib.nullcontext()
    async with close:
        async for event in stream:
            since = clock()
            seen.events.append((since, event))
            if asked.pause:
                await asyncio.sleep(asked.pause)
            seen.held += clock() - since
            if len(seen.events) >= asked.after:
                if asked.leaving in ("closes", "drops"):
                    break
                if asked.leaving == "raises":
                    raise _Left


class _Left(Exception):
    """The consumer's own trouble."""


def _stream(run: Run, ladder: Ladder, asked: Asked) -> AsyncGenerator[AnyEvent, None]:
    given: dict[str, Any] = {
        "headers": {"x-query": str(asked.number)},
        "force_direct": asked.direct,
    }
    if asked.mode == "text":
        return StreamManager(ladder).stream("Why?", **given)
    tool = ToolConfig("look", "Looks something up", TOOL, _tool(run))
    return ToolStreamManager(ladder).stream(
        "Why?",
        [tool],
        execute_tools=asked.mode == "executed",
        max_turns=asked.max_turns,
        tool_executor=ToolExecutor([tool], timeout=TOOL_TIMEOUT),
        **given,
    )


def _tool(run: Run) -> Any:  # noqa: ANN401 -- an async function of any kind
    async def look(ref: str) -> str:
        run.tools.append((asyncio.get_running_loop().time(), ref))
        chance = Random(f"{run.chosen.seed} {ref}")
        await asyncio.sleep(chance.choice((0.0, 0.0, 0.1, 1.0, 100.0)))
        if chance.random() < 0.2:
            raise ValueError(f"nothing under {ref}")
        return f"found {ref}"

    return look


class _Logged(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
