"""Simulated language models, served over the OpenAI chat API on loopback: no key, no network.

A small model that is fast and sometimes wrong, and a large one that is slower and rarely wrong.
They compute their answers; `docs/simulated.md` says what they can. Importing this package imports
next to nothing: the rest follows on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .names import is_small

if TYPE_CHECKING:
    from .questions import KINDS, Question, generate
    from .server import (
        INSTANT,
        RecordedRequest,
        SimulatedServer,
        ThreadedServer,
        Timing,
        embedded_url,
        run,
        serve_in_thread,
    )

__all__ = [
    "INSTANT", "KINDS", "Question", "RecordedRequest", "SimulatedServer", "ThreadedServer",
    "Timing", "embedded_url", "generate", "is_small", "run", "serve_in_thread",
]  # fmt: skip


def __getattr__(name: str) -> object:
    for home in ("server", "questions") if name in __all__ else ():
        found = vars(import_module(f".{home}", __name__))
        if name in found:
            return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
