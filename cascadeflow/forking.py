"""What a forked child must begin anew: it has a single thread, whatever the parent's were doing.

A lock that another thread held would stay held for ever. Servers that load the program before they
fork their workers meet that sooner or later.

Source: https://docs.python.org/3/library/os.html#os.register_at_fork
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Protocol
from weakref import WeakSet


class Heir(Protocol):
    """Something that is not the same in a forked child."""

    def renew(self) -> None:
        """Called in the child, before anything else runs there. It must not wait."""
        ...


_heirs: WeakSet[Heir] = WeakSet()


def renew_in_child(heir: Heir) -> None:
    """Have `heir` renewed in every forked child for as long as it lives."""
    _heirs.add(heir)


class Lock:
    """A lock for `with` that is free in a forked child, whoever held it in the parent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_child(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Let go of what the parent's threads held."""
        self._lock = threading.Lock()


def _renew() -> None:
    for heir in tuple(_heirs):
        heir.renew()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_renew)
