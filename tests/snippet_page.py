"""Runs the documents' snippets as a reader would, and reports what they did.

`python -m tests.snippet_page REPORT` runs every snippet of the table in each of its situations,
one after the other in one process, against the simulated models on loopback, and writes the list
of `Run`s as JSON. The page supplies what the pages around a snippet supply: the imports made
before, an agent, a query, tools; and nothing that a snippet binds itself. Scripts run as
`__main__` without a loop around them; so does every snippet that awaits nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import logging
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

import msgspec

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.providers.simulated import ThreadedServer, Timing, serve_in_thread

from .snippet_code import BODY, Code
from .snippet_table import TABLE, Situation, Snippet

TIMING = Timing(first_token=0.03, per_token=0.0005, large=1.0)
"""Fast, but no snippet can have a token within the 10 ms that one of them waits."""

IMPORTS = {
    "asyncio": "import asyncio",
    "dataclass": "from dataclasses import dataclass",
    "json": "import json",
    **{name: f"from typing import {name}" for name in ("Any", "Dict", "List", "Optional")},
    "AsyncIterator": "from typing import AsyncIterator",
    "CascadeAgent": "from cascadeflow import CascadeAgent",
    "ModelConfig": "from cascadeflow import ModelConfig",
    **{
        name: f"from cascadeflow.streaming import {name}"
        for name in ("StreamEvent", "StreamEventType", "ToolStreamEvent", "ToolStreamEventType")
    },
}
"""Imports that the pages make before, or plainly imply, by the name they give."""


class Run(msgspec.Struct, kw_only=True):
    """What one run of a snippet did; values as JSON, by `repr` where JSON has no word for them."""

    snippet: str
    situation: Situation
    stdout: str = ""
    error: str | None = None
    """The traceback of what the snippet raised."""
    unraisable: list[str] = []
    """Errors in finalizers."""
    warnings: list[tuple[str, str]] = []
    """Category and message."""
    logged: list[tuple[str, str, str]] = []
    """Logger, level and message."""
    returned: Any = None
    values: list[Any] = []
    """Of the expression statements; streams as the list of their events."""
    names: dict[str, Any] = {}
    """Names that the snippet, or what follows it, has bound."""
    sent: list[str] = []
    """What went through `websocket`."""
    asked: list[dict[str, Any]] = []
    """The bodies of the requests that reached the simulated models."""


class Websocket:
    """The web page that a snippet sends its updates to."""

    def __init__(self, sent: list[str]) -> None:
        self._sent = sent

    async def send(self, message: str) -> None:
        self._sent.append(message)


class Page:
    """One snippet in one situation, and the objects the page around it supplies."""

    def __init__(self, snippet: Snippet, situation: Situation, run: Run) -> None:
        self._snippet = snippet
        self._situation = situation
        self._run = run

    @property
    def query(self) -> str:
        """A question of the snippet's kind."""
        weather = "What's the weather in Paris in celsius?"
        return "What is Python?" if self._snippet.kind == "text" else weather

    def models(self) -> list[ModelConfig]:
        """The ladder of the situation."""
        large = ModelConfig("gpt-4o", "openai", 0.00625)
        if self._situation == "single":
            return [large]
        refusing = self._situation == "escalated"
        name = "gpt-4o-mini-refuse" if refusing else "gpt-4o-mini"
        return [ModelConfig(name, "openai", 0.00015), large]

    def tools(self) -> list[Any]:
        """The weather as a tool: a function to run, or a description in the universal format."""
        return [get_weather] if self._situation == "callable" else [described()]

    async def event(self) -> object:
        """A real event of the snippet's kind; of tools, the completed call."""
        agent = CascadeAgent(self.models())
        if self._snippet.kind == "text":
            texts = [event async for event in agent.stream_events(self.query)]
            return texts[0]
        told = [event async for event in agent.stream_events(self.query, tools=[described()])]
        return next(event for event in told if event.type == "tool_call_complete")

    def supply(self, wanted: frozenset[str], namespace: dict[str, Any]) -> None:
        """Put those of the wanted names that a page supplies into `namespace`."""
        makers: dict[str, Callable[[], object]] = {
            "agent": lambda: CascadeAgent(self.models()),
            "event": lambda: asyncio.run(self.event()),
            "logger": lambda: logging.getLogger("page"),
            "my_executor": lambda: my_executor,
            "query": lambda: self.query,
            "tools": self.tools,
            "weather_tools": lambda: [described(required=())],
            "websocket": lambda: Websocket(self._run.sent),
            "page_models": self.models,
            "page_tools": lambda: [described()],
            "page_parameters": lambda: described()["parameters"],
            "page_properties": lambda: described()["parameters"]["properties"],
            "page_function": described,
            "page_rest": lambda: {key: described()[key] for key in ("description", "parameters")},
            "page_values": lambda: self._run.values,
        }
        for name in sorted(wanted):
            if name in IMPORTS:
                exec(IMPORTS[name], namespace)
            elif name in makers:
                namespace[name] = makers[name]()


def get_weather(location: str, unit: str = "celsius") -> str:
    """Get current weather for a location.

    Args:
        location: City name
        unit: celsius or fahrenheit
    """
    return f"{location}: 22°C, sunny" if unit == "celsius" else f"{location}: 72°F, sunny"


def described(required: tuple[str, ...] = ("location",)) -> dict[str, Any]:
    """`get_weather` in the universal format."""
    return {
        "name": "get_weather",
        "description": "Get current weather for a location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "City name"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": list(required),
        },
    }


async def my_executor(call: dict[str, Any]) -> str:
    """The reader's own way to execute a call."""
    return get_weather(**call["arguments"])


def execute(snippet: Snippet, situation: Situation, run: Run) -> None:
    """Run the snippet, then what follows it; everything it leaves goes into `run`."""
    if snippet.script:
        runpy.run_path(str(snippet.path), run_name="__main__")
        return
    body = Code(snippet.path.read_text("utf-8"), snippet.path.name)
    then = Code(snippet.then or "pass", f"after {snippet.path.name}")
    module = ModuleType("page")
    sys.modules["page"] = module  # Dataclasses look up the module they are made in.
    namespace = vars(module)
    Page(snippet, situation, run).supply(body.wanted | (then.wanted - body.bound), namespace)
    if not body.asynchronous:
        with showing(run.values):
            exec(body.interactive(), namespace)
    asyncio.run(finish(body, then, namespace, run))
    run.names = {name: namespace[name] for name in body.bound | then.bound if name in namespace}


async def finish(body: Code, then: Code, namespace: dict[str, Any], run: Run) -> None:
    """All that needs a loop: the body if it awaits, the streams it only made, what follows."""
    if body.asynchronous:
        run.returned = await call(body, namespace)
    await call(then, namespace)
    for place, value in enumerate(run.values):
        if is_stream(value):
            run.values[place] = [event async for event in value]


def is_stream(value: object) -> TypeGuard[AsyncGenerator[object, None]]:
    """True for a stream of events, of text or of tools."""
    return isinstance(value, AsyncGenerator)


async def call(code: Code, namespace: dict[str, Any]) -> object:
    """Run code within an `async def`; its names go into `namespace`."""
    exec(code.coroutine(), namespace)
    function: Callable[[], Awaitable[object]] = namespace[BODY]
    return await function()


@contextlib.contextmanager
def showing(values: list[Any]) -> Generator[None]:
    """Collect the values of expression statements, as the interactive interpreter shows them."""
    before, sys.displayhook = sys.displayhook, values.append
    try:
        yield
    finally:
        sys.displayhook = before


class _Log(logging.Handler):
    def __init__(self, logged: list[tuple[str, str, str]]) -> None:
        super().__init__()
        self._logged = logged

    def emit(self, record: logging.LogRecord) -> None:
        self._logged.append((record.name, record.levelname, record.getMessage()))


@contextlib.contextmanager
def watched(run: Run) -> Generator[None]:
    """Record output, warnings, logs and errors in finalizers until the snippet's last object."""

    def unraisable(seen: sys.UnraisableHookArgs) -> None:
        run.unraisable.append(repr(seen.exc_value))

    before, sys.unraisablehook = sys.unraisablehook, unraisable
    log = _Log(run.logged)
    logging.root.addHandler(log)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            yield
            gc.collect()
        run.warnings = [(one.category.__name__, str(one.message)) for one in seen]
    finally:
        run.stdout = out.getvalue()
        logging.root.removeHandler(log)
        sys.unraisablehook = before


def report(snippet: Snippet, situation: Situation, server: ThreadedServer) -> Run:
    """Run one snippet in one situation."""
    broken = situation == "broken"
    os.environ["OPENAI_BASE_URL"] = server.url.replace("/v1", "/gone/v1") if broken else server.url
    server.requests.clear()
    run = Run(snippet=snippet.name, situation=situation)
    with watched(run):
        try:
            execute(snippet, situation, run)
        except Exception:  # noqa: BLE001 - whatever a snippet raises is what the report is for
            run.error = traceback.format_exc()
    run.asked = [request.body for request in server.requests]
    # Read back, so that no object of this run lives on into the next.
    return msgspec.json.decode(msgspec.json.encode(run, enc_hook=repr), type=Run)


def main(path: Path) -> None:
    """Run all and write the report to `path`."""
    logging.root.setLevel(logging.INFO)
    with serve_in_thread(timing=TIMING) as server:
        os.environ["GROQ_BASE_URL"] = server.url
        for provider in ("OPENAI", "GROQ"):
            os.environ[f"{provider}_API_KEY"] = "made-up"
        runs = [report(one, situation, server) for one in TABLE for situation in one.situations]
    path.write_bytes(msgspec.json.encode(runs))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
