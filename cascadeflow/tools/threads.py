"""Threads for functions that block: daemons, bounded in number, given up rather than waited for.

No thread can be stopped from outside. One that does not return in time is abandoned: another
takes its place, so it holds up nobody, and as a daemon it does not keep the interpreter from
exiting. Past `MOST_LOST` abandoned threads their places are no longer filled, so a tool that never
returns cannot take up all memory; calls then wait for a place until their own time is up.

A thread ends when no work is left: starting one takes some 50 microseconds, far less than a tool.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from ..forking import renew_in_child

MOST_BUSY: Final = 64
"""Threads at work at once."""
MOST_LOST: Final = 64
"""Abandoned threads whose places are filled again."""


class Threads:
    """Runs pieces of work, at most `limit` at a time; any thread and event loop may use it."""

    def __init__(self, limit: int = MOST_BUSY) -> None:
        self._limit = limit
        renew_in_child(self)
        self.renew()

    def renew(self) -> None:
        """No work, and no thread: they are not in a forked child."""
        self._lock = threading.Lock()
        self._waiting: OrderedDict[Future[Any], Callable[[], Any]] = OrderedDict()
        self._busy = 0
        self._lost: set[Future[Any]] = set()
        """Abandoned, and another thread took the place of theirs."""

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Run `work` as soon as there is a place. It must not raise: it returns what came of it.

        Raises:
            RuntimeError: the system starts no thread, and none is there that could do it.
        """
        future: Future[Any] = Future()
        with self._lock:
            self._waiting[future] = work
            if self._busy == self._limit:
                return future
            self._busy += 1
        try:
            self._start()
        except RuntimeError:  # the system has no more threads
            with self._lock:
                self._busy -= 1
                if self._waiting.pop(future, None) is not None:
                    raise
        return future

    def abandon(self, future: Future[Any]) -> None:
        """Expect nothing more of it: it never starts, or runs on without being heard."""
        with self._lock:
            if future.cancel():
                self._waiting.pop(future, None)
                return
            if future.done() or future in self._lost or len(self._lost) == MOST_LOST:
                return
            self._lost.add(future)
            if not self._waiting:
                self._busy -= 1
                return
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._work, name="cascadeflow-tool", daemon=True).start()

    def _work(self) -> None:
        """Do what waits, in the thread at hand, until nothing is left."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy -= 1
                    return
                future, work = self._waiting.popitem(last=False)
            if future.set_running_or_notify_cancel():
                future.set_result(work())
            with self._lock:
                if future in self._lost:
                    self._lost.remove(future)
                    return
