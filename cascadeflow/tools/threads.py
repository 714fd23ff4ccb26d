"""Threads for functions that block: daemons, bounded in number, given up rather than waited for.

No thread can be stopped from outside. One that does not return in time is abandoned: another
takes its place, so it holds up nobody, and as a daemon it does not keep the interpreter from
exiting. Past `MOST_LOST` abandoned threads their places are no longer filled, so a tool that never
returns cannot take up all memory; calls then wait for a place until their own time is up.

A thread ends when no work is left: starting one takes some 50 microseconds, far less than a tool.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

MOST_BUSY: Final = 64
"""Threads at work at once."""
MOST_LOST: Final = 64
"""Abandoned threads whose places are filled again."""


class Job:
    """A piece of work that waits, runs, or is done."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self.lost = False
        """It was abandoned, and another thread took the place of its own."""
        self._work = work

    @property
    def started(self) -> bool:
        """Whether a thread has taken it up."""
        return self.future.running() or self.future.done()

    def run(self) -> None:
        """Do the work, in the thread at hand, unless it was given up."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(self._work())


class Threads:
    """Runs pieces of work, at most `limit` at a time; any thread and event loop may use it."""

    def __init__(self, limit: int = MOST_BUSY) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._busy = 0
        self._lost = 0

    def submit(self, work: Callable[[], Any]) -> Job:
        """Run `work` as soon as there is a place. It must not raise: it returns what came of it."""
        job = Job(work)
        with self._lock:
            if self._busy == self._limit:
                self._waiting.append(job)
                return job
            self._busy += 1
        self._start(job)
        return job

    def abandon(self, job: Job) -> None:
        """Expect nothing more of `job`: it never starts, or runs on without being heard."""
        with self._lock:
            if job.future.cancel():
                if job in self._waiting:
                    self._waiting.remove(job)
                return
            if job.future.done() or job.lost or self._lost == MOST_LOST:
                return
            job.lost = True
            self._lost += 1
            successor = self._next()
        if successor is not None:
            self._start(successor)

    def _next(self) -> Job | None:
        """The job that takes a place that became free; under the lock."""
        if self._waiting:
            return self._waiting.popleft()
        self._busy -= 1
        return None

    def _start(self, job: Job) -> None:
        threading.Thread(
            target=self._work, args=(job,), name="cascadeflow-tool", daemon=True
        ).start()

    def _work(self, job: Job | None) -> None:
        while job is not None:
            job.run()
            with self._lock:
                if job.lost:
                    self._lost -= 1
                    return
                job = self._next()
