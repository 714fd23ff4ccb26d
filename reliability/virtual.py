"""An event loop in virtual time: idle, it jumps to its next timer. Deterministic, and never waits.

What would hang for ever is found at once: nothing is ready and no timer is set. So is what turns
for ever without getting anywhere.

Units: seconds of virtual time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

TICK = 1e-9
"""Every turn of the loop takes this long: as in the world, time never stands quite still."""
MOST_TURNS = 1_000_000
"""Turns of the loop after which it is taken to go round in circles."""


class Stuck(Exception):
    """Nothing will ever happen again, or always the same."""


class _NoFiles(selectors.BaseSelector):
    """Waits for timers alone, by moving the time on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._turns = 0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401 -- as its base
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, number, events, data)
        self._keys[number] = self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401 -- as its base
        key = self._keys.pop(fileobj)
        self._keys.pop(key.fd, None)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns += 1
        if timeout is None:
            raise Stuck(f"at {self.now:.6f} s nothing is ready and no timer is set")
        if self._turns > MOST_TURNS:
            raise Stuck(f"at {self.now:.6f} s the loop has turned {MOST_TURNS} times")
        self.now += max(timeout, TICK)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tasks, futures and timers; no sockets, no threads, no signals, no subprocesses."""

    def __init__(self) -> None:
        self._virtual = _NoFiles()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._virtual.now
