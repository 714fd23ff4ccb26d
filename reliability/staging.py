"""One query against misbehaving servers, in an event loop of its own, and all that was seen of it.

The model under test stands where its `Position` says: as the draft, with a healthy model behind it,
or as the last model, behind a healthy draft that is rejected. The healthy answers begin with "V: "
and "D: ". All prices are a dollar for a thousand tokens.
Units: seconds.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias, TypeVar

from cascadeflow import CascadeAgent, CascadeError, ModelConfig, RetryPolicy, ThresholdPolicy
from cascadeflow.config import Timeouts
from cascadeflow.consume import AnyEvent, collect
from cascadeflow.result import CascadeResult
from cascadeflow.streaming import StreamManager, ToolStreamManager
from cascadeflow.types import Delta, Estimate, Request
from tests.faultserver import DEFAULT_TEXT, ThreadedFaultServer, blackhole_port, closed_port

T = TypeVar("T")
Dialect: TypeAlias = Literal["openai", "anthropic"]
Position: TypeAlias = Literal["draft", "verifier"]
Place: TypeAlias = Literal["server", "elsewhere", "refused", "unknown host", "no TLS", "silent"]
"""Where the model under test is looked for."""
DIALECTS: tuple[Dialect, ...] = ("openai", "anthropic")
POSITIONS: tuple[Position, ...] = ("draft", "verifier")
QUESTION = "Tell me about the capital of France."
KEY = "sk-canary-0123456789abcdefghij"
QUICK = Timeouts(connect=0.3, first_token=0.4, idle=0.4)
"""Of the model under test, where a deadline is to pass."""
SETTLING = 2.0
"""How long the server may take to notice that a connection is over."""


class World:
    """The servers that all queries share, and the log records in which the key was found."""

    def __init__(self) -> None:
        self.server = ThreadedFaultServer()
        self.elsewhere = ThreadedFaultServer()
        """Another origin: of the healthy models, and where redirects lead."""
        self.leaks: list[str] = []
        self._numbers = itertools.count(1)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self.server)
        self._open.enter_context(self.elsewhere)
        refused, silent = closed_port(), self._open.enter_context(blackhole_port())
        self._urls: dict[Place, str] = {
            "server": self.server.url,
            "elsewhere": self.elsewhere.url,
            "refused": f"http://127.0.0.1:{refused}",
            "unknown host": "http://no-such-host.invalid",
            "no TLS": self.server.url.replace("http:", "https:"),
            "silent": f"http://127.0.0.1:{silent}",
        }
        logger, listener = logging.getLogger("cascadeflow"), _Listener(self.leaks)
        logger.addHandler(listener)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        self._open.callback(logger.removeHandler, listener)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def url(self, place: Place) -> str:
        """The base URL of the model under test."""
        return f"{self._urls[place]}/v1"

    def own(self, spec: str) -> str:
        """A model name that shows this fault and has counters of its own."""
        spec = spec.replace("ELSEWHERE", f"{self.elsewhere.url}/__sink")
        mark = "&" if "?" in spec.rpartition("|")[2] else "?"
        return f"fault:{spec}{mark}k={next(self._numbers):05}"

    def requests(self, models: Sequence[str]) -> list[dict[str, Any]]:
        """What the server noted of the requests to these models, in order."""
        records = [*self.server.server.records, *self.elsewhere.server.records]
        return [dict(row) for row in records if row.get("model") in models]

    async def settled(self, models: Sequence[str]) -> list[dict[str, Any]]:
        """The same, once every one of them is over, or `SETTLING` seconds have passed."""
        last = time.monotonic() + SETTLING
        requests = self.requests(models)
        while not all(row["outcome"] for row in requests) and time.monotonic() < last:
            await asyncio.sleep(0.002)
            requests = self.requests(models)
        return requests

    def model(self, fault: str, dialect: Dialect, place: Place = "server") -> ModelConfig:
        """A model that shows this fault."""
        return ModelConfig(self.own(fault), dialect, 1.0, api_key=KEY, base_url=self.url(place))


class _Listener(logging.Handler):
    def __init__(self, leaks: list[str]) -> None:
        super().__init__()
        self._leaks = leaks

    def emit(self, record: logging.LogRecord) -> None:
        if KEY in self.format(record):
            self._leaks.append(self.format(record))


class Firm:
    """An estimator and observer of one opinion."""

    def __init__(self, p_good: float) -> None:
        self._p_good = p_good

    def observe(self, request: Request) -> Firm:
        return self

    def feed(self, delta: Delta) -> None:
        pass

    def estimate(self) -> Estimate:
        return Estimate(self._p_good)


class Weather:
    """A tool, and what it was called with."""

    def __init__(self) -> None:
        self.ran: list[dict[str, str]] = []

    def __call__(self, location: str, unit: str | None = None) -> str:
        self.ran.append({"location": location} | ({"unit": unit} if unit else {}))
        return f"22 C in {location}"

    def offered(self) -> dict[str, Any]:
        """The tool as it is offered."""
        units = {"enum": ["celsius", "fahrenheit"]}
        parameters = {
            "type": "object",
            "properties": {"location": {"type": "string"}, "unit": units},
            "required": ["location"],
            "additionalProperties": False,
        }
        return {
            "name": "get_weather",
            "description": "Current weather of a place",
            "parameters": parameters,
            "function": self,
        }


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The model under test and what stands around it."""

    fault: str
    """For the fault server, see its docstring; ELSEWHERE is the URL of another origin."""
    last: str = ""
    """The same where it is on the last model; empty: `fault`."""
    place: Place = "server"
    behind: str = "ok?tag=V"
    """The model behind a faulty draft."""
    tools: bool = False
    """Offer a tool, and run it when it is called."""
    timeouts: Timeouts | None = None
    """Of the model under test."""
    steady: bool = True
    """No accident of timing decides how much text is read."""
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of the agent."""
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of the query."""


@dataclass(kw_only=True)
class Seen:
    """One query, after it."""

    dialect: Dialect
    position: Position
    model: str
    """The model under test."""
    events: list[AnyEvent] = field(default_factory=list[AnyEvent])
    times: list[float] = field(default_factory=list[float])
    """When each event came, on the clock of the server's log."""
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The server's log."""
    ran: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Arguments of every execution of the tool."""
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of CPU of the thread of the client."""
    left: list[str] = field(default_factory=list[str])
    """Tasks that were left, and complaints of the event loop."""
    spent: float = 0.0
    """What the agent says it spent in all, US dollars."""
    steady: bool = True
    """No accident of timing decides how much text is read."""
    again: CascadeResult | CascadeError | None = None
    """The same query by way of `run` or `collect`."""

    def of(self, *types: str) -> list[AnyEvent]:
        """The events of these types."""
        return [event for event in self.events if event.type in types]

    @property
    def result(self) -> dict[str, Any]:
        """What the last event tells."""
        found: dict[str, Any] = self.events[-1].data["result"]
        return found

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The ledger."""
        found: list[dict[str, Any]] = self.result["attempts"]
        return found

    @property
    def reasons(self) -> list[str]:
        """Why drafts were kept or not."""
        return [event.data["reason"] for event in self.of("draft_decision")]


@dataclass(frozen=True)
class Stage:
    """A scene in one dialect and position of a world."""

    world: World
    scene: Scene
    dialect: Dialect
    position: Position

    def play(self) -> Seen:
        """The query as a stream, then once more as a result."""
        complaints: list[str] = []
        seen = asyncio.run(self._bounded(self._stream(), complaints))
        seen.left += complaints
        seen.again = asyncio.run(self._bounded(self._fold(), complaints))
        return seen

    async def _bounded(self, query: Coroutine[None, None, T], complaints: list[str]) -> T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: complaints.append(str(told)))
        async with asyncio.timeout(30):
            return await query

    def _models(self) -> list[ModelConfig]:
        scene, world = self.scene, self.world
        drafting = self.position == "draft"
        fault = scene.fault if drafting else scene.last or scene.fault
        other = scene.behind if drafting else "ok?tag=D"
        model = world.model(fault, self.dialect, scene.place)
        if scene.timeouts is not None:
            model = replace(model, timeouts=scene.timeouts)
        # Another origin: a kept connection that breaks would be replaced without a trace.
        healthy = world.model(other, self.dialect, "elsewhere")
        return [model, healthy] if drafting else [healthy, model]

    def _agent(self, models: list[ModelConfig]) -> CascadeAgent:
        settings: dict[str, Any] = {
            "estimator": Firm(0.9 if self.position == "draft" else 0.3),
            "policy": ThresholdPolicy(),
            "retry": RetryPolicy(base=0.01, cap=0.02),
            "verbose": True,
        }
        return CascadeAgent(models, **(settings | self.scene.settings))

    def _ask(self, agent: CascadeAgent, weather: Weather) -> AsyncGenerator[AnyEvent, None]:
        if not self.scene.tools:
            return StreamManager(agent.cascade).stream(QUESTION, **self.scene.options)
        manager = ToolStreamManager(agent.cascade)
        return manager.stream(QUESTION, [weather.offered()], **self.scene.options)

    async def _stream(self) -> Seen:
        models, weather = self._models(), Weather()
        tested = models[POSITIONS.index(self.position)].name
        seen = Seen(dialect=self.dialect, position=self.position, model=tested)
        seen.steady = self.scene.steady
        began, cpu = time.monotonic(), time.thread_time()
        async with self._agent(models) as agent:
            async for event in self._ask(agent, weather):
                seen.events.append(event)
                seen.times.append(time.time())
            seen.seconds, seen.cpu = time.monotonic() - began, time.thread_time() - cpu
            names, tasks = [model.name for model in models], asyncio.all_tasks()
            seen.left += [repr(task) for task in tasks - {asyncio.current_task()}]
            seen.requests = await self.world.settled(names)
            seen.spent, seen.ran = agent.spent, weather.ran
        return seen

    async def _fold(self) -> CascadeResult | CascadeError:
        async with self._agent(self._models()) as agent:
            try:
                if self.scene.tools:
                    return await collect(self._ask(agent, Weather()))
                return await agent.run(QUESTION, **self.scene.options)
            except CascadeError as error:
                return error


PIECES = tuple(
    DEFAULT_TEXT[round(k * len(DEFAULT_TEXT) / 8) : round((k + 1) * len(DEFAULT_TEXT) / 8)]
    for k in range(8)
)
"""The answer as the server cuts it."""
