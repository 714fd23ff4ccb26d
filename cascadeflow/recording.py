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
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, SupportsFloat

import msgspec

from .appending import LineFile
from .core.answer import Answer
from .core.cascade import Cascade
from .core.judge import Ruling
from .errors import ConfigError
from .forking import Lock
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

    The directory of `path` must exist. At `max_bytes`, at least 4,096, the file is renamed
    (`calls.jsonl` to `calls.1.jsonl`, the next time to `calls.2.jsonl`) and begun anew.

    Raises:
        ConfigError: the file cannot be opened, or `max_bytes` is too small.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> None:
        if max_bytes < LEAST_BYTES:
            raise ConfigError(f"record: max_bytes is {max_bytes}; it must be >= {LEAST_BYTES}")
        self._lines = LineFile(path, max_bytes)
        self._last_turns: OrderedDict[str, str] = OrderedDict()
        """Of tool loops: id of the query -> id of its last row."""
        self._lock = Lock()
        self._warned = -math.inf

    def write(self, cascade: Cascade, turn: int | None = None) -> None:
        """Append what a finished cascade did. Never raises on account of the disk.

        `turn`: of a tool loop, from 1; None: the query has no other.
        """
        id = cascade.id if turn is None else f"{cascade.id}:{turn}"
        row = _row(cascade, id)
        if row is None:
            return
        if turn is not None:
            with self._lock:
                self._last_turns[cascade.id] = id
                self._last_turns.move_to_end(cascade.id)
                if len(self._last_turns) > LOOPS:
                    self._last_turns.popitem(last=False)
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

    def _append(self, row: Mapping[str, Any]) -> None:
        try:
            try:
                line = msgspec.json.encode(row)
            except (TypeError, ValueError):  # such as half a surrogate pair, which is escaped
                line = json.dumps(row, default=repr).encode()
            self._lines.append(line)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            now = time.monotonic()
            with self._lock:
                if now - self._warned < WARN_EVERY:
                    return
                self._warned = now
            problem = f"{type(error).__name__}: {error}"
            logger.warning("not recorded in %s: %s", self._lines.path, problem)


def judged(cascade: Cascade) -> tuple[Answer, Ruling] | None:
    """The first draft that a finished cascade judged, and the ruling; None: it judged none."""
    for told in cascade.told:
        if told.ruling is not None and told.answer.row.outcome != "failed":
            return told.answer, told.ruling
    return None


def _row(cascade: Cascade, id: str) -> dict[str, Any] | None:
    """A finished cascade as a row; None if no draft was judged.

    With several drafts it is about the first; `verifier` is the answer that took its place.
    """
    first = judged(cascade)
    if first is None:
        return None
    draft, ruling = first
    last = cascade.told[-1].answer
    replaced = last is not draft and last.row.outcome in ("accepted", "answered")
    return {
        "id": id,
        "time": time.time(),
        **_asked(cascade.tiers[draft.row.tier].request),
        "draft": _answer(draft),
        "verifier": _answer(last) if replaced else None,
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
    more = {"tool_choice": request.tool_choice, "response_format": request.response_format}
    return asked | {name: value for name, value in more.items() if value is not None}


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
