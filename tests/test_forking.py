"""Children forked while threads of the parent are at work."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.appending import LineFile
from cascadeflow.forking import Lock
from cascadeflow.providers.simulated import embedded_url
from cascadeflow.providers.transport import Transport
from cascadeflow.providers.wire import Headers, Wire, WireResponse
from cascadeflow.tools.threads import Threads

from .faultserver import ThreadedFaultServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")

PATIENCE = 10
"""Seconds after which a child is taken for hung."""
RIGHT = 7
SIMULATED = [ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]


def forked(work: Callable[[], bool]) -> bool:
    """Whether `work` is true in a forked child."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        code = 1
        try:
            code = RIGHT if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == RIGHT


@contextmanager
def thread(work: Callable[[threading.Event], None]) -> Generator[None]:
    """Run `work` beside the block, and set its event at the end."""
    over = threading.Event()
    running = threading.Thread(target=work, args=(over,))
    running.start()
    try:
        yield
    finally:
        over.set()
        running.join()


def test_a_lock_that_a_thread_holds_is_free_in_a_forked_child() -> None:
    lock, held = Lock(), threading.Event()

    def hold(over: threading.Event) -> None:
        with lock:
            held.set()
            over.wait()

    def take() -> bool:
        with lock:
            return True

    with thread(hold):
        held.wait()
        assert forked(take)


def test_forked_children_append_lines_while_a_thread_of_the_parent_does(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    file = LineFile(path, 1_000_000)
    children = 20

    def write(over: threading.Event) -> None:
        while not over.is_set():
            file.append(b"parent")

    def add() -> bool:
        file.append(b"child")
        return True

    with thread(write):
        assert all(forked(add) for _ in range(children))
    file.close()
    lines = path.read_bytes().splitlines()
    assert set(lines) == {b"parent", b"child"}
    assert lines.count(b"child") == children


def test_a_forked_child_has_all_the_places_for_tools() -> None:
    threads, blocked = Threads(limit=1), threading.Event()
    first = threads.submit(lambda: blocked.wait(PATIENCE))
    assert forked(lambda: threads.submit(lambda: "done").result(PATIENCE) == "done")
    blocked.set()
    assert first.result(PATIENCE)


def test_an_agent_that_threads_use_answers_in_forked_children(tmp_path: Path) -> None:
    with ThreadedFaultServer() as server:
        models = [
            ModelConfig(name, "openai", 1.0, api_key="k", base_url=f"{server.url}/v1")
            for name in ("fault:ok", "fault:ok?tag=V")
        ]
        agent = CascadeAgent(models, record=tmp_path / "calls.jsonl")

        def ask(over: threading.Event) -> None:
            while not over.is_set():
                agent.run_sync("Go")

        def answered() -> bool:
            return "Paris" in agent.run_sync("Go").content

        with thread(ask), thread(ask):
            assert all(forked(answered) for _ in range(10))
        asyncio.run(agent.aclose())


class Noting:
    """A wire that notes where requests go."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.urls: list[str] = []

    async def post(
        self, url: str, *, headers: Headers, body: bytes, connect_timeout: float | None = None
    ) -> WireResponse:
        self.urls.append(url)
        return await self._wire.post(
            url, headers=headers, body=body, connect_timeout=connect_timeout
        )


def test_a_forked_child_asks_a_simulated_server_of_its_own() -> None:
    wire = Noting(Transport())
    agent = CascadeAgent(SIMULATED, wire=lambda _: wire)
    ours = embedded_url()

    def asked(url: str) -> bool:
        wire.urls.clear()
        assert "408" in agent.run_sync("What is 12 * 34?").content
        return all(each.startswith(url) for each in wire.urls)

    assert asked(ours)
    assert forked(lambda: embedded_url() != ours and asked(embedded_url()))
    assert asked(ours)


def test_a_query_imports_nothing_that_the_agent_has_not_imported() -> None:
    code = """
import sys
from cascadeflow import CascadeAgent, ModelConfig
assert "aiohttp" not in sys.modules
url = sys.argv[1].replace("127.0.0.1", "localhost")
names = "fault:401", "fault:ok"
agent = CascadeAgent([ModelConfig(n, "openai", 1, api_key="k", base_url=url) for n in names])
known = set(sys.modules)
assert "Paris" in agent.run_sync("Go").content
print(*sorted(set(sys.modules) - known))
"""
    with ThreadedFaultServer() as server:
        done = subprocess.run(
            [sys.executable, "-c", code, f"{server.url}/v1"],
            capture_output=True,
            check=True,
            text=True,
        )
    assert done.stdout == "\n"
