"""What is measured: each figure of every client, in rounds that alternate."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .clients import MODULES
from .crew import Crew, Post, Task, Told
from .goals import ABANDONED, IMPORTS, IN_TURN, PYTHONS
from .judge import EVERY, RECORDED, SLOW
from .peers import ROOT, interpreter, missing
from .prompts import PROMPTS
from .scripts import Kind, Script
from .sections import BARE, KEPT, SDK, Section
from .server import cost

IDEAL = 5.0
"""Seconds that each of many paced streams takes at the least."""
PAUSE = 0.02
"""Seconds between two chunks: 50 a second."""
US, MS = 1e6, 1e3
SHAPES = "text,records"
"""Of tool arguments; `incremental_json` knows more."""


class Row(NamedTuple):
    """A client, and what each of its models answers."""

    client: str
    kinds: tuple[Kind, ...] = ("text",)
    peer: str = ""
    share: float = 1.0
    """Of the chunks of the others: what is slow need not take long to be measured."""


TWO: tuple[Kind, Kind] = ("text", "text")
OURS: dict[str, Row] = {
    KEPT: Row("ours", TWO),
    "cascadeflow, draft replaced": Row("ours", ("hopeless", "text")),
    "cascadeflow, one model": Row("ours"),
    "cascadeflow, run()": Row("ours run", TWO),
    "cascadeflow, Anthropic's dialect": Row("ours anthropic", TWO),
}
SDKS: dict[str, Row] = {
    SDK: Row("openai", share=0.2),
    "openai SDK, its helper": Row("openai helper", share=0.1),
    "anthropic SDK": Row("anthropic", share=0.5),
}
OTHERS: dict[str, Row] = {
    "httpx2 + msgspec": Row("httpx2"),
    "langchain-openai": Row("langchain", peer="langchain", share=0.1),
    "litellm": Row("litellm", peer="litellm", share=0.1),
    "cascadeflow of the index": Row("index", TWO, "index", share=0.5),
}
LATER_ROUNDS = 3
ESSENTIAL: dict[str, Row] = {BARE: Row("bare"), KEPT: OURS[KEPT], SDK: SDKS[SDK]}
EVERYONE: dict[str, Row] = {BARE: Row("bare"), **OURS, **OTHERS, **SDKS}
MANY: dict[str, Row] = {
    name: EVERYONE[name]
    for name in (BARE, KEPT, "httpx2 + msgspec", "cascadeflow of the index", SDK)
}
PROBABLE: dict[str, Row] = {
    BARE: Row("bare", ("logprobs",)),
    KEPT: Row("ours logprobs", ("logprobs", "logprobs")),
    SDK: Row("openai", ("logprobs",), share=0.2),
}
CALLS: dict[str, Row] = {
    BARE: Row("bare tools", ("tool",)),
    KEPT: Row("ours tools", ("tool", "tool")),
    SDK: Row("openai tools", ("tool",), share=0.2),
}


@dataclass(kw_only=True)
class Suite:
    """The benchmark, at a server; `sections` fills as it runs."""

    url: str
    crew: Crew
    full: bool
    rounds: int = 5
    data: Path | None = None
    """Recorded drafts to judge."""
    say: Callable[[str], None]
    sections: dict[str, Section] = field(default_factory=dict[str, Section])
    arguments: dict[str, Told] = field(default_factory=dict[str, Told])
    """What `incremental_json` found, by Python version."""
    judged: dict[str, Told] = field(default_factory=dict[str, Told])
    """What `judge` found."""
    server: dict[str, float] = field(default_factory=dict[str, float])
    """CPU seconds of the server, by section."""

    def run(self) -> None:
        """Everything, or the essential in two minutes.

        What trickles is measured before and after what comes all at once. That frees large blocks,
        by which glibc learns to keep them; until then asyncio's 256 KiB for each read are mapped
        and unmapped anew, and so it stays in a program that only streams answers.
        """
        everyone = EVERYONE if self.full else ESSENTIAL
        chunks = 20_000 if self.full else 10_000
        self._requests(everyone)
        self._first_chunks(everyone)
        self._paced("paced", 100, everyone, self.rounds)
        self._at_once("firehose", "all at once", everyone, chunks)
        self._at_once("logprobs", "with log-probabilities", PROBABLE, chunks)
        self._at_once("tools", "16-byte fragments of tool arguments", CALLS, chunks)
        self._paced("paced later", 100, ESSENTIAL, self.rounds if self.full else LATER_ROUNDS)
        for streams in (100, 500) if self.full else ():
            self._many(streams, MANY)
        self._many(1000, ESSENTIAL)
        self._imports()
        self._routing()
        self._tool_arguments()
        self._escalated()
        if self.full:
            self._visible()
        if self.full or self.data:
            self._judging()

    # --- orders --------------------------------------------------------------------------------

    def _task(self, row: Row, chunks: int, pause: float = 0.0, **more: Any) -> Task:
        scripts = [Script(chunks, kind, pause) for kind in row.kinds]
        urls = [f"{self.url}{script.path}/v1" for script in scripts]
        return Task(Post(row.client, row.peer), {"urls": urls, "chunks": chunks, **more})

    def _rounds(
        self, title: str, tasks: dict[str, Task], count: int = 0, *, fresh: bool = False
    ) -> dict[str, list[Told]]:
        self.say(title)
        for name, task in list(tasks.items()):
            needed = MODULES.get(task.post.client)
            if needed and not task.post.peer and not importlib.util.find_spec(needed):
                self.crew.skipped[f"{title}: {name}"] = f"{needed} is not installed"
        before = cost(self.url)
        told = self.crew.rounds(title, tasks, count or self.rounds, fresh=fresh)
        self.server[title] = cost(self.url) - before
        return told

    def _uvloop(self, title: str, tasks: dict[str, Task]) -> dict[str, list[Told]]:
        """The same on uvloop, in the environment that has it."""
        if not self.full or missing("uvloop"):
            return {}
        moved = {
            name: task._replace(post=Post(task.post.client, "uvloop", uvloop=True))
            for name, task in tasks.items()
            if name in (BARE, KEPT, SDK)
        }
        return self._rounds(f"{title}, on uvloop", moved)

    # --- figures -------------------------------------------------------------------------------

    def _at_once(self, key: str, title: str, rows: dict[str, Row], chunks: int) -> None:
        title = f"{title}: {chunks:,} chunks, CPU for each"
        tasks = {name: self._task(row, int(chunks * row.share)) for name, row in rows.items()}

        def figures(told: dict[str, list[Told]]) -> dict[str, list[float]]:
            return {
                name: [each["cpu"] / tasks[name].order["chunks"] * US for each in found]
                for name, found in told.items()
            }

        self.sections[key] = Section(
            title=title,
            unit="µs",
            rows=figures(self._rounds(title, tasks)),
            uvloop=figures(self._uvloop(title, tasks)),
        )

    def _requests(self, rows: dict[str, Row]) -> None:
        title, times = "one request after the other, 20 chunks each: CPU for each", 100
        tasks = {name: self._task(row, 20, times=times, warm=True) for name, row in rows.items()}
        found = figure(self._rounds(title, tasks), lambda told: told["cpu"] / times * MS)
        self.sections["request"] = Section(title=title, unit="ms", rows=found)

    def _first_chunks(self, rows: dict[str, Row]) -> None:
        title = "time to the first chunk, on a warm connection"
        rows = {name: row for name, row in rows.items() if "hopeless" not in row.kinds}
        rows.pop("cascadeflow, run()", None)
        tasks = {name: self._task(row, 2, 0.003, times=40, warm=True) for name, row in rows.items()}
        found = figure(self._rounds(title, tasks), lambda told: told["firsts"] * MS)
        self.sections["first"] = Section(title=title, unit="ms", rows=found)

    def _paced(self, key: str, streams: int, rows: dict[str, Row], count: int) -> None:
        state = "" if key == "paced" else ", in processes that freed large blocks"
        title = f"{streams} streams at 50 chunks/s{state}: CPU for each chunk"
        chunks = 100
        tasks = {
            name: self._task(row, chunks, PAUSE, streams=streams) for name, row in rows.items()
        }

        def per_chunk(told: Told) -> float:
            return float(told["cpu"]) / chunks / streams * US

        self.sections[key] = Section(
            title=title,
            unit="µs",
            rows=figure(self._rounds(title, tasks, count), per_chunk),
            uvloop=figure(self._uvloop(title, tasks), per_chunk),
        )

    def _many(self, streams: int, rows: dict[str, Row]) -> None:
        """Many streams in a fresh process each, so that its peak memory tells."""
        title, chunks = f"{streams:,} streams at 50 chunks/s for 5 s", int(IDEAL / PAUSE)
        more: Told = {"streams": streams, "probe": 0.01, "limit": 40.0}
        tasks = {name: self._task(row, chunks, PAUSE, **more) for name, row in rows.items()}
        goal = {name: tasks.pop(name) for name in (BARE, KEPT)}
        count = self.rounds if self.full and streams == 1000 else 1
        told = self._rounds(title, goal, count, fresh=True)
        if self.full:  # the others take half a minute each
            told |= self._rounds(f"{title}, others", tasks, 1, fresh=True)
        ideal = (chunks - 1) * PAUSE
        for key, what, unit, pick in (
            ("p99", "99th percentile of a stream's time, of the ideal", "x", _p99(ideal)),
            ("memory", "peak memory for each stream", "KB", _memory(streams)),
            ("late", "how late the loop is, 99th percentile", "ms", _late),
            ("cpu", "CPU for each chunk", "µs", _cpu(chunks * streams)),
        ):
            self.sections[f"{key} {streams}"] = Section(
                title=f"{title}: {what}", unit=unit, rows=figure(told, pick), bases=(BARE,)
            )

    def _routing(self) -> None:
        """The longest step of the loop in which a prompt of 100 kB is asked."""
        title = "prompts of 100 kB: longest step of the loop, CPU"
        tasks = {
            name: self._task(OURS[KEPT], 20, prompt=prompt, warm=True, probe=0.0)
            for name, prompt in PROMPTS.items()
        }
        found = figure(self._rounds(title, tasks), lambda told: told["late"][2] * MS)
        self.sections["routing"] = Section(title=title, unit="ms", rows=found)

    def _escalated(self) -> None:
        """A draft that is hopeless from its first sentence, and its verifier; 300 tokens each."""
        title = "a hopeless draft and its verifier, 300 chunks each at 50/s: total time"
        kinds: tuple[Kind, Kind] = ("hopeless", "text")
        rows = {IN_TURN: Row("bare", kinds), ABANDONED: Row("ours", kinds)}
        tasks = {
            name: self._task(row, 300, PAUSE, streams=self.rounds) for name, row in rows.items()
        }
        told = self._rounds(title, tasks, 1, fresh=True)
        found = figure(told, lambda each: each["totals"][0])
        self.sections["escalated"] = Section(title=title, unit="s", rows=found, bases=(IN_TURN,))

    def _visible(self) -> None:
        """What a reader waits for, with the draft shown as it comes, or once it is accepted."""
        title = "first visible chunk of an answer of 50 chunks at 50/s"
        tasks = {
            f"{name}, {reveal}": self._task(row._replace(client=client), 50, PAUSE, warm=True)
            for name, row in OURS.items()
            if row.client == "ours" and len(row.kinds) > 1
            for client, reveal in (("ours", "live"), ("ours held", "held"))
        }
        told = self._rounds(title, {BARE: self._task(Row("bare"), 50, PAUSE, warm=True), **tasks})
        found = figure(told, lambda each: each["firsts"] * MS)
        self.sections["visible"] = Section(title=title, unit="ms", rows=found, bases=())

    def _judging(self) -> None:
        """Decisions over recorded drafts, if there are, and drafts made to be slow."""
        self.say("judging")
        files = [str(self.data.absolute())] if self.data else []
        command = [sys.executable, "-m", "benchmarks.judge", "--json", *files]
        found: dict[str, Told] = json.loads(_run(command))
        self.judged = {name: found[name] for name in (RECORDED, SLOW, EVERY) if name in found}

    def _imports(self) -> None:
        title = "importing: CPU of a fresh process"
        statements = ["import asyncio", *IMPORTS]
        if self.full:
            statements += [f"import {name}" for name in ("aiohttp", "openai", "anthropic")]
        self.say(title)
        rows: dict[str, list[float]] = {each: [] for each in statements}
        for _ in range(self.rounds):
            for statement in statements:
                rows[statement].append(import_cpu(statement) * MS)
        bases = ("import asyncio",)
        self.sections["import"] = Section(title=title, unit="ms", rows=rows, bases=bases)

    def _tool_arguments(self) -> None:
        """The parser of tool arguments, on every Python there is."""
        self.say("tool arguments, 1 KB to 1 MB")
        here = "{}.{}".format(*sys.version_info)
        self.arguments[here] = parse_arguments(sys.executable, self.rounds)
        for version in sorted(PYTHONS - {here}):
            name = f"python{version}"
            if reason := missing(name):
                self.crew.skipped[f"tool arguments on {name}"] = reason
            else:
                self.arguments[version] = parse_arguments(str(interpreter(name)), self.rounds)


def figure(told: dict[str, list[Told]], pick: Callable[[Told], float]) -> dict[str, list[float]]:
    """One number of each order."""
    return {name: [pick(each) for each in found] for name, found in told.items()}


def _p99(ideal: float) -> Callable[[Told], float]:
    return lambda told: told["totals"][1] / ideal


def _memory(streams: int) -> Callable[[Told], float]:
    return lambda told: told["memory"] / streams / 1000


def _late(told: Told) -> float:
    return float(told["late"][1]) * MS


def _cpu(chunks: int) -> Callable[[Told], float]:
    return lambda told: told["cpu"] / chunks * US


def import_cpu(statement: str) -> float:
    """CPU seconds of a statement in a fresh process, without the start of Python itself."""
    clocked = f"import time; a = time.process_time(); {statement}; print(time.process_time() - a)"
    return float(_run([sys.executable, "-c", clocked]))


def parse_arguments(python: str, rounds: int) -> Told:
    """Microseconds and exponents of reading tool arguments in fragments."""
    command = [python, "-m", "benchmarks.incremental_json", "--json", "--shapes", SHAPES]
    found: Told = json.loads(_run([*command, "--rounds", str(rounds)]))
    return found


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=600, cwd=ROOT
    )
    return done.stdout
