"""Workers, one process for each client, and rounds in which they take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from .peers import interpreter, missing, search_path

Told = dict[str, Any]
"""What a worker tells of one order: `Figures`, with its lists shortened."""


class Post(NamedTuple):
    """Where a client works."""

    client: str
    peer: str = ""
    """The environment; empty: the one that runs the benchmark."""
    uvloop: bool = False


class Worker:
    """A process that obeys orders."""

    def __init__(self, post: Post) -> None:
        python = str(interpreter(post.peer)) if post.peer else sys.executable
        command = [python, "-P", "-m", "benchmarks.worker"]
        self._process = subprocess.Popen(
            [*command, "--uvloop"] if post.uvloop else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": search_path(post.peer)},
        )

    def ask(self, order: Told) -> Told:
        """Have an order carried out.

        Raises:
            RuntimeError: it failed, or the process ended.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        told: Told = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        if "error" in told:
            raise RuntimeError(told["error"])
        return told

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Task(NamedTuple):
    """An order for a client at its post."""

    post: Post
    order: Told


class Crew:
    """The workers of a benchmark."""

    def __init__(self) -> None:
        self._workers: dict[Post, Worker] = {}
        self.skipped: dict[str, str] = {}
        """Who did not take part in what, and why."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for worker in self._workers.values():
            worker.close()

    def rounds(
        self, title: str, tasks: Mapping[str, Task], count: int, *, fresh: bool = False
    ) -> dict[str, list[Told]]:
        """What each was told in `count` rounds, by turns; before them one that warms up.

        `fresh`: each order has a process of its own, without warming up.
        """
        told: dict[str, list[Told]] = {name: [] for name in tasks}
        for turn in range(count if fresh else count + 1):
            for name, task in tasks.items():
                if f"{title}: {name}" in self.skipped:
                    continue
                try:
                    figures = self._ask(task, fresh=fresh)
                except RuntimeError as error:
                    self.skipped[f"{title}: {name}"] = str(error)
                    continue
                if turn or fresh:
                    told[name].append(figures)
        return {name: figures for name, figures in told.items() if figures}

    def _ask(self, task: Task, *, fresh: bool) -> Told:
        if task.post.peer and (reason := missing(task.post.peer)):
            raise RuntimeError(reason)
        order = {"client": task.post.client, **task.order}
        if fresh:
            worker = Worker(task.post)
            try:
                return worker.ask(order)
            finally:
                worker.close()
        if task.post not in self._workers:
            self._workers[task.post] = Worker(task.post)
        return self._workers[task.post].ask(order)
