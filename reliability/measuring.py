"""What the measurements of `load` share: figures, a server and processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from cascadeflow import CascadeAgent, ModelConfig


class Figure(NamedTuple):
    """One measured number and what it should be."""

    what: str
    seen: str
    goal: str = ""
    met: bool = True


class Server:
    """The fault server in another process, and what it knows."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """A control endpoint."""
        with urllib.request.urlopen(f"{self.url}/__{path}", timeout=60) as answer:
            return json.load(answer)

    def requests(self) -> list[dict[str, Any]]:
        """One record for each request since the last reset."""
        found: list[dict[str, Any]] = self.get("log")
        return found

    def reset(self) -> None:
        """Forget the requests."""
        self.get("reset")


@contextmanager
def serving() -> Generator[Server, None, None]:
    """Run the fault server."""
    command = [sys.executable, "-u", "-m", "tests.faultserver", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process.stdout.readline().split()[2])
        finally:
            process.terminate()


def agent(url: str, *models: str, **settings: Any) -> CascadeAgent:
    """A cascade of models of the fault server."""
    configs = [
        ModelConfig(model, "openai", 1.0, api_key="k", base_url=f"{url}/v1") for model in models
    ]
    return CascadeAgent(configs, **settings)


def resident() -> int:
    """Bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def open_files() -> int:
    """File descriptors of this process, sockets included."""
    return len(os.listdir("/proc/self/fd"))


def apart(measure: Callable[..., Awaitable[Any]], *given: object) -> Any:  # noqa: ANN401
    """Run a measurement in a fresh process; its result."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run, measure, *given).result()


def _run(measure: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401
    return asyncio.run(measure(*given))
