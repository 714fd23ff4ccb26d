"""What must hold of every query of the fault server, whatever breaks.

Each check yields what is wrong, in words; a line that begins with "time: " may be the fault of a
busy machine. `docs/when_things_break.md` says the promises C1 to C13 in full.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, get_args

from cascadeflow import CascadeError, ProviderError
from cascadeflow.consume import AnyEvent, VisibleText
from cascadeflow.errors import BudgetExceeded, ErrorKind
from tests.tool_streams import BROKEN, EXECUTED, PART, SAID, TURN, WHOLE

from .staging import KEY, SETTLING, Seen

CLOSED_WITHIN = 0.1
"""Seconds from the end of a query to the end of its last connection."""
UNREACHED = {"circuit_open", "connect", "dns", "tls", "timeout.connect"}
"""Failures of which the server knows nothing."""
DEGRADED = re.compile(rf"(?:{TURN}{EXECUTED})*{PART}(?:switch )?{SAID}*complete ")
"""A rejected draft stands in: what the failed model showed is voided, the draft is shown again."""


def broken(seen: Seen) -> list[str]:
    """Every promise that a query broke."""
    told = broken_by_events(seen.events)
    return told or [*_same_again(seen), *_all_paid(seen), *_closed(seen), *_secret(seen)]


def broken_by_events(events: Sequence[AnyEvent]) -> list[str]:
    """Every promise that the events alone show to be broken."""
    ends = [event.type for event in events if event.type in ("complete", "error")]
    if not ends or ends != [event.type for event in events[-1:]]:
        return [f"C1: the terminal events are {ends}, the last event is {events[-1:]!r:.100}"]
    result: dict[str, Any] = events[-1].data["result"]
    return [
        *_grammar(events, result),
        *_commit(events, result),
        *_whole(events[-1], result),
        *_sums(result),
        *_unicode(events),
    ]


def brief(events: Sequence[AnyEvent]) -> str:
    """The types of events, runs of one type as one."""
    return " ".join(type for type, _ in groupby(str(event.type) for event in events))


def _grammar(events: Sequence[AnyEvent], result: dict[str, Any]) -> Iterator[str]:
    grammar = BROKEN if events[-1].type == "error" else WHOLE
    if result["degraded"]:
        grammar = DEGRADED
    if not grammar.fullmatch("".join(f"{_signed(event)} " for event in events)):
        yield f"C1: the events come in a wrong order: {brief(events)[:300]}"


def _signed(event: AnyEvent) -> str:
    if event.type != "draft_decision":
        return str(event.type)
    return "draft_decision+" if event.data["accepted"] else "draft_decision-"


def _commit(events: Sequence[AnyEvent], result: dict[str, Any]) -> Iterator[str]:
    """Nothing is said twice, no two answers are glued, a switch says how much to erase."""
    visible, shown, void = VisibleText(), dict[int, int](), set[int]()
    for event in events:
        if event.type == "routing":
            visible, shown = VisibleText(), {}
        visible.feed(event)
        if event.type == "chunk":
            attempt = event.data["attempt"]
            shown[attempt] = shown.get(attempt, 0) + len(event.content)
            if attempt in void and not result["degraded"]:
                yield f"C2: attempt {attempt} speaks after it was voided"
        elif event.type == "switch":
            attempt = event.data["attempt"]
            void.add(attempt)
            if event.data["discard_chars"] != shown.pop(attempt, 0):
                yield f"C2: a wrong discard_chars, {event.data['discard_chars']}"
    if len(shown) > 1:
        yield f"C2: text of the attempts {sorted(shown)} stands side by side"
    # Of a draft that is held back nothing is seen, though it is the partial text of an error.
    held = not visible.text and events[-1].type == "error"
    if visible.text != result["content"] and not held:
        yield f"C2: {visible.text[:80]!r} is visible, not {result['content'][:80]!r}"


def _whole(last: AnyEvent, result: dict[str, Any]) -> Iterator[str]:
    if last.type == "error":
        if last.data["partial_text"] != result["content"]:
            yield "C3: partial_text is not the content of the result"
        if last.data["kind"] not in get_args(ErrorKind):
            yield f"C13: unknown kind {last.data['kind']!r}"
        causes = last.data["error"].causes
        if not all(isinstance(cause, ProviderError | BudgetExceeded) for cause in causes):
            yield f"C13: {causes!r}"
    elif result["finish_reason"] is None:
        yield "C3: COMPLETE without a finish reason"
    elif result["truncated"] != (result["finish_reason"] in ("length", "pause")):
        yield f"C3: truncated is {result['truncated']} at {result['finish_reason']!r}"


def _sums(result: dict[str, Any]) -> Iterator[str]:
    rows: list[dict[str, Any]] = result["attempts"]
    if [row["number"] for row in rows] != list(range(1, len(rows) + 1)):
        yield "C8: the rows of the ledger are not numbered from 1"
    if abs(result["total_cost"] - sum(row["usd"] for row in rows)) > 1e-9:
        yield f"C8: the total is {result['total_cost']}, not the sum of the rows"
    if abs(result["total_cost"] - result["draft_cost"] - result["verifier_cost"]) > 1e-9:
        yield "C8: the costs of drafts and verifier are not the total"
    for row in rows:
        tokens = row["usage"]["input_tokens"] + row["usage"]["output_tokens"]
        if abs(row["usd"] - tokens / 1000) > 1e-9:
            yield f"C8: {row['usd']} dollars for {tokens} tokens"
        if row["outcome"] == "open" or (row["error"] is None) == (row["outcome"] == "failed"):
            yield f"C8: a row ends {row['outcome']!r} with the error {row['error']!r}"


def _unicode(events: Sequence[AnyEvent]) -> Iterator[str]:
    for event in events:
        if event.type in ("chunk", "reasoning") and not event.content:
            yield f"C9: an empty {event.type}"
        try:
            event.content.encode()
        except UnicodeEncodeError:
            yield "C9: half a surrogate pair"


def _same_again(seen: Seen) -> Iterator[str]:
    """A stream and a result of the same query tell the same."""
    again, last = seen.again, seen.events[-1]
    kind = again.kind if isinstance(again, CascadeError) else None
    result = again.result if isinstance(again, CascadeError) else again
    if result is None or kind != last.data.get("kind"):
        yield f"C1: run() ends with {again!r:.90}, the stream with {last.data.get('kind')}"
        return
    told = result.to_dict()
    for key in _SAME if seen.steady else _FIXED:
        if told[key] != seen.result[key]:
            yield f"C1: {key} is {told[key]!r:.90} of run(), {seen.result[key]!r:.90} of the stream"


_FIXED = ("draft_accepted", "cascaded", "degraded", "finish_reason", "truncated", "reason")
_SAME = (*_FIXED, "content", "usage", "total_cost", "warnings")


def _all_paid(seen: Seen) -> Iterator[str]:
    reached = [row for row in seen.rows if row["error"] not in UNREACHED]
    if len(reached) != len(seen.requests):
        yield f"C8: {len(reached)} rows for {len(seen.requests)} requests that arrived"
    if abs(seen.spent - seen.result["total_cost"]) > 1e-9:
        yield f"C8: the agent spent {seen.spent}, the query {seen.result['total_cost']}"
    for row in seen.rows:
        if row["error"] in UNREACHED and row["usd"]:
            yield f"C8: {row['usd']} dollars for a connection that failed"


def _closed(seen: Seen) -> Iterator[str]:
    if seen.left:
        yield f"C10: {seen.left[0]} was left behind"
    for row in seen.requests:
        if not row["outcome"]:
            yield f"time: C10: a connection is open {SETTLING:g} s after the end"
        late = (row.get("t_client_gone") or 0.0) - seen.times[-1]
        if late > CLOSED_WITHIN:
            yield f"time: C10: a connection was closed {late:.2f} s after the end"


_PIECES = ("chunk", "tool_call_delta")


def _secret(seen: Seen) -> Iterator[str]:
    told = [repr(event.data) for event in seen.events if event.type not in _PIECES]
    told += ["".join(event.content for event in seen.events), repr(seen.again)]
    errors = [event.data["error"] for event in seen.of("error")]
    told += ["".join(traceback.format_exception(error)) for error in errors]
    if any(KEY in text for text in told):
        yield "C12: the key is in an event, an error or its traceback"
