"""What must hold after any run, whatever went wrong in it: beside `promises.py`, all that only a
simulation knows, which is what every server said and when.

Each check yields a line for every violation, with the number of the promise that it breaks.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from cascadeflow import CascadeError
from cascadeflow.consume import AnyEvent
from cascadeflow.core.ledger import Attempt, exact_sum
from cascadeflow.types import Usage

from .answers import WORD
from .promises import broken_by_events
from .replies import HARMLESS, UNREACHED
from .scenario import Run, Seen
from .simulated_wire import Exchange

KEPT = ("accepted", "answered")
"""Outcomes of the rows whose answers were given out."""
LATE = ("cut", "framing", "eof", "stall", "pings", "no-end", "drip", "error-event")
"""Faults by which the count of tokens, after the finish, may not come, or not in time; what follows
an error is not read."""
SOON = 0.1
"""Seconds within which a connection is closed once nobody wants it."""
SLACK = 1e-3


class Query:
    """What was seen of one query, put in order."""

    def __init__(self, run: Run, seen: Seen) -> None:
        self.run = run
        self.seen = seen
        self.events = [event for _, event in seen.events]
        self.exchanges = [each for each in run.exchanges if each.query == seen.asked.number]
        self.rows = seen.rows
        sent = [row for row in self.rows if row.sent is not False]
        self.spare = len(sent) - len(self.exchanges)
        self.pairs = list(zip(sent, self.exchanges, strict=False))
        self.by_attempt = {row.number: exchange for row, exchange in self.pairs}
        ends = self.events[-1:] and self.events[-1].type in ("complete", "error")
        self.end: AnyEvent | None = self.events[-1] if ends else None
        self.result: dict[str, Any] = self.end.data["result"] if self.end else {}


def violations(run: Run) -> list[str]:
    """Everything that does not hold."""
    queries = [Query(run, seen) for seen in run.seen]
    found = [f"C10 {complaint}" for complaint in run.complaints]
    found += _tools(run, queries)
    if run.spent != exact_sum(row.usd for query in queries for row in query.rows):
        found.append(f"C8 the agent spent {run.spent}, not the sum of the rows")
    for query in queries:
        told = broken_by_events(query.events) if query.end else []
        for check in (
            _terminal,
            _result,
            _told,
            _whole,
            _takeover,
            _deadlines,
            _rows,
            _budget,
            _secret,
        ):
            told += check(query)
        found += [f"query {query.seen.asked.number}: {each}" for each in told]
    return found


def _terminal(query: Query) -> Iterator[str]:
    asked, error = query.seen.asked, query.seen.error
    if asked.leaving == "stays" and (query.end is None or error is not None):
        yield f"C1 no terminal event, but {error!r}"
    turns = len([event for event in query.events if event.type == "routing"])
    if turns > (asked.max_turns if asked.mode == "executed" else 1):
        yield f"C11 {turns} turns"
    kind = query.end.data.get("kind") if query.end is not None else None
    causes = query.end.data["error"].causes if query.end is not None and kind else ()
    if kind is not None and kind not in [cause.kind for cause in causes]:
        yield f"C13 {kind} is the kind of no cause"
    if any("in the provider" in str(cause) for cause in causes):
        yield f"C13 {causes} hides a raw exception"


def _result(query: Query) -> Iterator[str]:
    told = query.seen.told
    if len(told) != bool(query.events or query.rows):
        yield f"C8 {len(told)} results were told"
    for result in told:
        if query.end is not None and result.to_dict() != query.result:
            yield "C8 the result that was told is not that of the last event"
        if result.attempts != [row.to_dict() for row in query.rows]:
            yield "C8 the result that was told has other rows"
        waiting: set[str] = set()
        for message in result.messages:
            if message["role"] == "tool":
                waiting.discard(message["tool_call_id"])
            elif waiting:
                yield f"C11 the calls {sorted(waiting)} have no results in the conversation"
            waiting |= {call["id"] for call in message.get("tool_calls", ())}


def _told(query: Query) -> Iterator[str]:
    """C2, C9: what is shown of an attempt is how the answer to that request begins."""
    shown: dict[int, str] = {}
    for event in query.events:
        if event.type == "switch":
            shown.pop(event.data["attempt"], None)
            held = event.data["phase"] == "draft" and query.run.chosen.reveal == "held"
            if held and event.data["discard_chars"]:
                yield "C2 a held draft was shown, and discarded"
        if event.type != "chunk":
            continue
        attempt = event.data["attempt"]
        text = shown[attempt] = shown.get(attempt, "") + event.content
        exchange = query.by_attempt[attempt]
        words, said = WORD.findall(text), exchange.reply.said.text
        places = [int(place) for _, place in words]
        if any(label != exchange.label for label, _ in words) or places != sorted(set(places)):
            yield f"C2 not the answer to {exchange.label}: {text!r}"
        if exchange.reply.intact and not said.startswith(text.rstrip("\ufffd")):
            yield f"C9 {text!r} is not how {said!r} begins"


def _whole(query: Query) -> Iterator[str]:
    """C3: nothing counts as an answer that did not say why it ended, and all that did counts."""
    for row, exchange in query.pairs:
        fault = exchange.reply.fault
        if row.outcome in (*KEPT, "rejected") and not exchange.finished:
            yield f"C3 {row.outcome} without a finish: {fault}"
        if row.outcome in KEPT and fault in ("refusal", "whitespace"):
            yield f"C3 {row.outcome} in spite of {fault}"
        ours = row.error == "budget" or (row.error or "").startswith("timeout.")
        if row.error and fault in ("none", *HARMLESS) and not ours:
            yield f"C3 {row.error}, but nothing was wrong ({fault})"
    if query.end is None or query.end.type != "complete":
        return
    model, content = query.result["model_used"], query.result["content"]
    kept = [row for row in query.rows if row.model == model and row.error is None][-1]
    made = query.by_attempt[kept.number].reply
    if made.intact and content != made.said.text:
        yield f"C3 the answer is {content!r}, not {made.said.text!r}"
    if made.intact and query.result["truncated"] != (made.said.finish == "length"):
        yield f"C3 truncated={query.result['truncated']}, finish {made.said.finish}"
    if made.fault == "garbage-event" and not query.result["warnings"]:
        yield "E14 an event was lost without a word"


def _takeover(query: Query) -> Iterator[str]:
    """C4, C5: who is asked next, how often and when."""
    shown = {e.data["attempt"] for e in query.events if e.type in ("chunk", "tool_call_start")}
    turn: list[Attempt] = []
    for row in query.rows:
        if _lost(row) and not turn:
            continue  # its draft was kept
        turn.append(row)
        if len([each for each in turn if each.tier == row.tier]) > 3:
            yield f"C5 {row.model} was asked more than three times in a turn"
        if row.outcome in KEPT:
            turn = []
        elif len(turn) > 1 and not _lost(row):
            yield from _next_asked(query, turn[-2], row, shown)
    kind = query.end.data.get("kind") if query.end else None
    last = len(query.run.chosen.dialects) - 1
    if kind not in (None, "budget", "timeout.total") and all(row.tier != last for row in turn):
        yield f"C4 the last tier was not asked, but the end is {kind}"


def _lost(row: Attempt) -> bool:
    """Whether a hedge was over before anybody needed it."""
    return row.ahead is not None and (row.outcome == "cancelled" or row.latency == row.ahead)


def _next_asked(query: Query, before: Attempt, row: Attempt, shown: set[int]) -> Iterator[str]:
    if row.tier < before.tier or before.outcome in ("open", "cancelled"):
        yield f"C4 {row.model} after {before.model} ({before.outcome})"
    if row.tier != before.tier:
        return
    if before.outcome != "failed" or before.number in shown:
        yield f"C2 {row.model} was asked again after attempt {before.number} was {before.outcome}"
    first, again = query.by_attempt.get(before.number), query.by_attempt.get(row.number)
    if first is None or again is None or first.reply.wait is None or first.told_at is None:
        return
    if again.arrived < first.told_at + first.reply.wait - SLACK:
        yield f"C5 asked again after {again.arrived - first.told_at} s, not {first.reply.wait}"


def _deadlines(query: Query) -> Iterator[str]:
    """C6, C10: nothing is waited for beyond its time, nothing is left open."""
    seen, limits = query.seen, query.run.chosen.timeouts
    took, total = seen.ended - seen.started - seen.held, limits.total or 0.0
    if seen.asked.leaving == "stays" and took > total + SLACK:
        yield f"C6 {took} s, of {total} s in all"
    kind = query.end.data.get("kind") if query.end is not None else None
    if kind == "timeout.total" and took < total - SLACK:
        yield f"C6 given up after {took} s, of {total} s in all"
    waits = {"timeout.first_token": limits.first_token or 0.0, "timeout.idle": limits.idle or 0.0}
    for row, exchange in query.pairs:
        if exchange.closed_at is None or exchange.closed_at > seen.ended + SOON:
            yield f"C10 {exchange.label} was closed at {exchange.closed_at}, not {seen.ended}"
            continue
        waited, fault = exchange.closed_at - exchange.content_at, exchange.reply.fault
        if waited > max(waits.values()) + SLACK and not (exchange.finished or seen.asked.pause):
            yield f"C6 {waited} s without content ({fault})"
        sure = exchange.reply.intact and "content-encoding" not in exchange.reply.headers
        if sure and waited < waits.get(row.error or "", 0.0) - SLACK:
            yield f"C6 {row.error} after {waited} s ({fault})"


def _rows(query: Query) -> Iterator[str]:
    """C8: every attempt is a row, every row is exact, the sums are sums."""
    rows = query.rows
    if query.spare:
        yield f"C8 {query.spare} rows too many for the requests that were seen"
    for row in rows:
        if row.sent is False and (row.usd or not _unasked(row, rows)):
            yield f"C8 {row.outcome}, {row.error}, {row.usd} dollars, but nothing was sent"
        tokens = row.usage.input_tokens + row.usage.output_tokens
        if row.outcome == "open" or row.usd * 1000 != tokens:
            yield f"C8 {row.outcome}, {row.usd} dollars for {tokens} tokens"
        if row.error == "circuit_open":
            all_rows = [each for seen in query.run.seen for each in seen.rows]
            others = [each for each in all_rows if each.tier == row.tier and each is not row]
            few = len(others) < 5 or len([each for each in others if each.error]) < 3
            if row.usd or (few and not _asked_to_wait(query.run, row.tier)):
                yield f"C8 {row.model} was left alone after {len(others)} attempts, {row.usd}"
    for row, exchange in query.pairs:
        yield from _usage(row, exchange)
    if query.result and query.result["attempts"] != [row.to_dict() for row in rows]:
        yield "C8 the attempts of the result are not the rows of the ledger"


def _asked_to_wait(run: Run, tier: int) -> bool:
    """Whether a server of this tier named a pause."""
    told = [each.reply.headers for each in run.exchanges if each.tier == tier]
    return any("retry-after" in headers or "retry-after-ms" in headers for headers in told)


def _unasked(row: Attempt, rows: Sequence[Attempt]) -> bool:
    """Given up while it waited, or not asked since its model, or a hedge's, is left alone."""
    told = [each.error for each in rows if each.tier == row.tier and each.ahead is not None]
    return row.outcome == "cancelled" or row.error in ("timeout.total", "circuit_open", *told)


def _usage(row: Attempt, exchange: Exchange) -> Iterator[str]:
    made = exchange.reply
    if row.outcome in (*KEPT, "rejected") and made.intact and made.fault not in LATE:
        told = row.usage.input_tokens, row.usage.output_tokens
        if made.said.usage is not None and (told != made.said.usage or row.source != "reported"):
            yield f"C8 {told} tokens ({row.source}), reported were {made.said.usage}"
        if made.said.usage is None and row.source != "estimated":
            yield f"C8 {row.source}, though no usage was told ({made.said.usage_form})"
    declined = made.status >= 400 or made.fault in UNREACHED.keys() - {"lost-before-head"}
    if row.source == "reported" and row.usd and not exchange.finished:
        yield f"C8 the usage of an unfinished answer is taken for exact ({made.fault})"
    if row.error is not None and not row.error.startswith("timeout.") and declined and row.usd:
        yield f"C8 {row.usd} dollars for {made.fault} {made.status}"


def _budget(query: Query) -> Iterator[str]:
    """C8: nothing is asked for once the money is spent, and what streams ends within a chunk."""
    limit = Decimal(str(query.run.chosen.max_cost or "Infinity"))
    spent = slack = Decimal(0)
    for row in query.rows:
        if row.ahead is None:
            slack = Decimal(0)
        if spent > limit:
            if row.ahead is None:
                yield f"C8 row {row.number} was opened with {spent} of {limit} dollars spent"
            return  # what its draft was billed in the end may be more than was left
        spent += row.usd
        if row.source == "estimated" and row.number in query.by_attempt:
            told = row.reported or Usage()
            unknown = max(0, told.input_tokens - row.input_estimate) + told.output_tokens
            piece = query.by_attempt[row.number].reply.largest // 4 + 1
            slack += row.price.usd(Usage(output_tokens=unknown + piece))
            if spent > limit + slack:
                yield f"C8 {spent} dollars, more than a chunk beyond {limit}"


def _tools(run: Run, queries: Sequence[Query]) -> Iterator[str]:
    """C11: a call runs at most once, whole, valid, and of an answer that was kept."""
    refs = [ref for _, ref in run.tools]
    for ref, again in pairwise(sorted(refs)):
        if ref == again:
            yield f"C11 {ref} ran more than once"
    known = {pair[1].label: (query, *pair) for query in queries for pair in query.pairs}
    for at, ref in run.tools:
        label, _, place = ref.partition("w")
        if label not in known or not place.isdigit():
            continue  # mangled on its way
        query, row, exchange = known[label]
        if row.outcome not in KEPT or not exchange.finished or at < exchange.content_at:
            yield f"C11 {ref} ran, but its answer is {row.outcome}"
        if query.seen.asked.mode != "executed":
            yield f"C11 {ref} ran where tools are only offered"
        _, name, arguments = exchange.reply.said.calls[int(place)]
        if exchange.reply.intact and (name != "look" or arguments != f'{{"ref": "{ref}"}}'):
            yield f"C11 {ref} ran as {name}({arguments})"


def _secret(query: Query) -> Iterator[str]:
    """C12: no credential, nor a part of one, anywhere."""
    told = [repr(query.events), *query.run.logged]
    error = query.end.data.get("error") if query.end is not None else None
    if isinstance(error, CascadeError):
        told += traceback.format_exception(error)
        told += [repr(vars(cause)) for cause in error.causes]
    key = query.run.chosen.key
    if any(key[:9] in text or key[-8:] in text for text in told):
        yield "C12 the key can be read"


def differences(streamed: Sequence[Seen], collected: Sequence[Seen]) -> Iterator[str]:
    """C1: `run` gives what the stream gives."""
    for one, other in zip(streamed, collected, strict=True):
        told = dict(one.events[-1][1].data["result"])
        result = other.error.result if isinstance(other.error, CascadeError) else other.result
        same = {} if result is None else result.to_dict()
        if {**told, "id": ""} != {**same, "id": ""}:
            yield f"query {one.asked.number}: C1 the stream gives {told}, collect gives {same}"
