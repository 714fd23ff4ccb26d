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
    from .embedded import ThreadedServer, embedded_url, run, serve_in_thread
    from .questions import KINDS, Question, generate
    from .record import RecordedRequest
    from .server import INSTANT, SimulatedServer, Timing

__all__ = [
    "INSTANT",
    "KINDS",
    "Question",
    "RecordedRequest",
    "SimulatedServer",
    "ThreadedServer",
    "Timing",
    "embedded_url",
    "generate",
    "is_small",
    "run",
    "serve_in_thread",
]

_HOMES = {
    "INSTANT": "server",
    "KINDS": "questions",
    "Question": "questions",
    "RecordedRequest": "record",
    "SimulatedServer": "server",
    "ThreadedServer": "embedded",
    "Timing": "server",
    "embedded_url": "embedded",
    "generate": "questions",
    "run": "embedded",
    "serve_in_thread": "embedded",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return vars(import_module(f".{_HOMES[name]}", __name__))[name]
