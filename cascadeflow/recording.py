"""Recordings of what was asked, answered and decided: rows that `cascadeflow eval` reads.

One line of JSON for each judged query, and one for each feedback:

    {"id", "time", "query" | "messages", "tools", "draft", "verifier", "p_good", "accepted", ...}
    {"feedback": id, "correct": 0..1, "time"}

They hold content, so recording is off unless asked for, and the file is its owner's alone. A query
without a judged draft (direct, or whose draft failed) is not recorded: there is no decision to
learn from. A row that cannot be written is lost, with a warning a minute; the query is not.

Each turn of a tool loop is a row, its id `<id>:<turn>`; feedback to `<id>` goes to the last.
Units: `time` in seconds since 1970, tokens are counts, `cost` is US dollars, `latency_s` seconds.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, SupportsFloat

import msgspec

from .appending import LineFile
from .core.answer import Answer
from .core.cascade import Cascade
from .errors import ConfigError
from .logs import logger_named
from .types import Request

MAX_BYTES = 256 * 1024 * 1024
WARN_EVERY = 60.0
"""Seconds from one warning to the next."""
LOOPS = 10_000
"""Tool loops whose last turn is remembered for feedback."""
LEAST_BYTES = 4096

logger = logger_named("cascadeflow")


class Recorder:
    """Appends rows to a JSONL file. Safe from several threads; `appending.py` says what survives.

    Args:
        path: of the file; its directory must exist.
        max_bytes: size at which it is renamed (`calls.jsonl` to `calls.1.jsonl`, replacing that)
            and begun anew; at least 4,096.

    Raises:
        ConfigError: the file cannot be opened, or `max_bytes` is too small.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> None:
        if max_bytes < LEAST_BYTES:
            raise ConfigError(f"record: max_bytes is {max_bytes}; it must be >= {LEAST_BYTES}")
        self._lines = LineFile(path, max_bytes)
        self._last_turns: OrderedDict[str, str] = OrderedDict()
        """Of tool loops: id of the query -> id of its last row."""
        self._lock = threading.Lock()
        self._warned = -math.inf

    def write(self, cascade: Cascade, turn: int | None = None) -> None:
        """Append what a finished cascade did. Never raises on account of the disk.

        Args:
            cascade: its query is over.
            turn: of a tool loop, from 1; None: the query has no other.
        """
        id = cascade.id if turn is None else f"{cascade.id}:{turn}"
        row = row_of(cascade, id)
        if row is None:
            return
        if turn is not None:
            self._remember(cascade.id, id)
        self._append(row)

    def feedback(self, id: str, correct: float) -> None:
        """Append how right the answer was that the caller saw.

        Raises:
            ConfigError: `correct` is not from 0 to 1.
        """
        if not (isinstance(correct, SupportsFloat) and 0 <= float(correct) <= 1):
            raise ConfigError(f"correct is {correct!r}; it must be from 0 (wrong) to 1 (right)")
        if not isinstance(id, str):
            raise ConfigError(f"id is {id!r}; it must be the `id` of a result")
        with self._lock:
            id = self._last_turns.get(id, id)
        self._append({"feedback": id, "correct": float(correct), "time": time.time()})

    def close(self) -> None:
        """Close the file; what is written later opens it again."""
        self._lines.close()

    def _remember(self, query: str, row: str) -> None:
        with self._lock:
            self._last_turns[query] = row
            self._last_turns.move_to_end(query)
            if len(self._last_turns) > LOOPS:
                self._last_turns.popitem(last=False)

    def _append(self, row: Mapping[str, Any]) -> None:
        try:
            self._lines.append(_encode(row))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            self._warn(f"{type(error).__name__}: {error}")

    def _warn(self, problem: str) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._warned < WARN_EVERY:
                return
            self._warned = now
        logger.warning("not recorded in %s: %s", self._lines.path, problem)


def row_of(cascade: Cascade, id: str) -> dict[str, Any] | None:
    """A finished cascade as a row; None if no draft was judged.

    With several drafts it is about the first; `verifier` is the answer that took its place.
    """
    asked = (told for told in cascade.told if told.answer.row.outcome != "failed")
    draft = next((told for told in asked if told.ruling is not None), None)
    if draft is None or (ruling := draft.ruling) is None:
        return None
    last = cascade.told[-1]
    final = last.answer if last.answer.row.outcome in ("accepted", "answered") else None
    return {
        "id": id,
        "time": time.time(),
        **_asked(cascade.tiers[draft.answer.row.tier].request),
        "draft": _answer(draft.answer),
        "verifier": None if final is None or final is draft.answer else _answer(final),
        "p_good": ruling.estimate.p_good,
        "benefit": ruling.estimate.benefit,
        "accepted": ruling.accepted,
        "threshold": ruling.threshold,
        "stage": ruling.stage,
        "reason": ruling.reason,
        "evidence": ruling.estimate.evidence,
    }


def _asked(request: Request) -> dict[str, Any]:
    """The request's part of a row; a lone question is a `query`."""
    asked: dict[str, Any] = {"tools": request.tools or None}
    match request.messages:
        case ({"role": "user", "content": str(query), **rest},) if not rest:
            asked["query"] = query
        case messages:
            asked["messages"] = messages
    if request.tool_choice is not None:
        asked["tool_choice"] = request.tool_choice
    if request.response_format is not None:
        asked["response_format"] = request.response_format
    return asked


def _answer(answer: Answer) -> dict[str, Any]:
    row, stop = answer.row, answer.stop
    calls = [
        {"id": call.id, "name": call.name, "arguments": call.arguments} for call in answer.calls
    ]
    return {
        "model": row.model,
        "content": answer.text or None,
        "tool_calls": calls or None,
        "tokens_in": row.usage.input_tokens,
        "tokens_out": row.usage.output_tokens,
        "cost": None if row.price.source == "unknown" else float(row.usd),
        "logprobs": answer.logprobs or None,
        "latency_s": row.latency,
        "finish_reason": None if stop is None else stop.reason,
    }


def _encode(row: Mapping[str, Any]) -> bytes:
    """One line of JSON. What msgspec refuses, such as half a surrogate pair, is escaped.

    Raises:
        TypeError, ValueError, RecursionError: it has no form in JSON.
    """
    try:
        return msgspec.json.encode(row)
    except (TypeError, ValueError):
        return json.dumps(row, default=repr).encode()
