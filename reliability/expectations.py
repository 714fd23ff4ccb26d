"""What a row of the catalogue expects, said once and meant in both positions.

An expectation knows what follows when its fault is on the draft, with a healthy model behind it,
and when it is on the last model. `problems` yields what is wrong, in words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from cascadeflow.consume import AnyEvent
from cascadeflow.errors import ErrorKind

from .promises import brief
from .staging import PIECES, Position, Seen

ANSWER = "".join(PIECES)
CELSIUS = {"location": "Paris", "unit": "celsius"}
MOST_CALLS = 128
"""In one answer."""
REPORTED = (11, 42)
"""Tokens in and out, as the server counts them."""


class Expectation(Protocol):
    """What must be true of a query."""

    def told(self, position: Position) -> str:
        """In a few words."""
        ...

    def problems(self, seen: Seen) -> Iterator[str]:
        """What is wrong."""
        ...


@dataclass(frozen=True)
class Completes:
    """The model under test gives the whole answer, perhaps in a further attempt."""

    text: str = ANSWER
    _: KW_ONLY
    attempts: int = 1
    finish: str = "stop"
    usage: tuple[int, int] | None = REPORTED
    """None: the tokens are estimated, and the row says so."""
    warning: str | None = ""
    """Part of a warning; empty: there is none; None: there may be some."""
    wait: tuple[float, float] = (0.0, math.inf)
    """Least and most seconds that the query may take."""

    def told(self, position: Position) -> str:
        retried = f", attempt {self.attempts} answers" if self.attempts > 1 else ""
        cut = ", truncated" if self.finish == "length" else ""
        guess = ", tokens estimated" if self.usage is None else ""
        warned = ", with a warning" if self.warning else ""
        return f"complete{retried}{cut}{guess}{warned}"

    def problems(self, seen: Seen) -> Iterator[str]:
        if seen.events[-1].type != "complete":
            yield f"it ended in {seen.events[-1].data['kind']}"
            return
        result, row = seen.result, seen.rows[-1]
        yield from _differs("text", result["content"], self.text)
        yield from _differs("model", result["model_used"], seen.model)
        yield from _differs("cascaded", result["cascaded"], seen.position == "verifier")
        yield from _differs("finish reason", result["finish_reason"], self.finish)
        last = "accepted" if seen.position == "draft" else "answered"
        outcomes = ["failed"] * (self.attempts - 1) + [last]
        found = [each["outcome"] for each in seen.rows if each["model"] == seen.model]
        yield from _differs("attempts", found, outcomes)
        counted = (row["usage"]["input_tokens"], row["usage"]["output_tokens"])
        yield from _differs("source", row["source"], "reported" if self.usage else "estimated")
        if self.usage is not None:
            yield from _differs("tokens", counted, self.usage)
        yield from self._warned(result["warnings"])
        if not self.wait[0] <= seen.seconds <= self.wait[1]:
            yield f"time: it took {seen.seconds:.2f} s, expected {self.wait}"

    def _warned(self, warnings: list[str]) -> Iterator[str]:
        if self.warning == "" and warnings:
            yield f"warnings {warnings}"
        elif self.warning and self.warning not in str(warnings):
            yield f"warnings {warnings}, expected {self.warning!r}"


@dataclass(frozen=True)
class Fails:
    """A draft is taken over by the model behind it; of the last model it is an error."""

    kind: ErrorKind
    attempts: int | None = 1
    """None: as many as come before the first text."""
    partial: bool | None = False
    """Some of the text was shown before; None: that depends on what came in one piece."""
    within: float = math.inf
    """Most seconds."""

    def told(self, position: Position) -> str:
        tries = f" after {self.attempts} attempts" if (self.attempts or 1) > 1 else ""
        if position == "draft":
            return f"taken over: {self.kind}{tries}"
        return f"error: {self.kind}{tries}{', partial text' if self.partial else ''}"

    def problems(self, seen: Seen) -> Iterator[str]:
        yield from self._taken_over(seen) if seen.position == "draft" else self._ended(seen)
        mine = [row for row in seen.rows if row["model"] == seen.model]
        errors = [self.kind] * (len(mine) if self.attempts is None else self.attempts)
        yield from _differs("errors", [row["error"] for row in mine], errors)
        if seen.seconds > self.within:
            yield f"time: it took {seen.seconds:.2f} s"

    def _taken_over(self, seen: Seen) -> Iterator[str]:
        yield from _differs("decision", seen.reasons, [f"draft_error:{self.kind}"])
        yield from _differs("switches", len(seen.of("switch")), 1)
        yield from _differs("answer", seen.result["content"], f"V: {ANSWER}")
        yield from _differs("end", seen.events[-1].type, "complete")
        decision = seen.of("draft_decision")[:1]
        if any(event.data["confidence"] != 0.0 for event in decision):
            yield "a draft that failed has a confidence"
        erased = any(event.data["discard_chars"] for event in seen.of("switch"))
        if self.partial is not None:
            yield from _differs("text of the draft was shown", erased, self.partial)

    def _ended(self, seen: Seen) -> Iterator[str]:
        yield from _errored(seen, self.kind)
        if seen.events[-1].type == "error":
            shown: str = seen.events[-1].data["partial_text"]
            if self.partial is not None:
                yield from _differs("partial text", bool(shown), self.partial)
            if seen.position == "verifier":
                yield from _differs("draft", seen.events[-1].data["draft"], f"D: {ANSWER}")


@dataclass(frozen=True)
class Ends:
    """The query ends in an error in both positions: no other model can help."""

    kind: ErrorKind

    def told(self, position: Position) -> str:
        return f"error: {self.kind}, partial text"

    def problems(self, seen: Seen) -> Iterator[str]:
        yield from _errored(seen, self.kind)
        if seen.events[-1].type == "error" and not seen.events[-1].data["partial_text"]:
            yield "no partial text"
        yield from _differs("source", seen.rows[-1]["source"], "estimated")


@dataclass(frozen=True)
class Calls:
    """The calls are put together and executed once each; then the model answers in words."""

    arguments: tuple[dict[str, str], ...] = (CELSIUS,)
    finish: str = "stop"
    turns: int = 2

    def told(self, position: Position) -> str:
        times = "once" if len(self.arguments) == 1 else f"{len(self.arguments)} times"
        return f"executed {times}, {self.finish}"

    def problems(self, seen: Seen) -> Iterator[str]:
        yield from _differs("end", seen.events[-1].type, "complete")
        yield from _differs("executed", seen.ran, list(self.arguments))
        yield from _differs("finish reason", seen.result["finish_reason"], self.finish)
        asked = sum(row["model"] == seen.model for row in seen.rows)
        yield from _differs("model calls", asked, self.turns)
        ready = [event.data["tool_call"] for event in seen.of("tool_call_complete")]
        yield from _differs("names", {call["name"] for call in ready}, {"get_weather"})
        first = [e.data["tool_call"]["id"] for e in seen.of("tool_call_start") if _tested(seen, e)]
        announced = [call["id"] for call in ready]
        yield from _differs("ids", first, announced)
        per_turn = announced[: len(self.arguments) // max(1, self.turns - 1)]
        if not all(announced) or len(set(per_turn)) != len(per_turn):
            yield f"ids {announced}"


@dataclass(frozen=True)
class BadCall:
    """Nothing may be executed: a draft is taken over, the last model is told what was wrong."""

    why: str
    """Part of what the model is told."""

    def told(self, position: Position) -> str:
        if position == "draft":
            return "taken over: invalid_tool_call"
        return "not executed, told to the model, mended"

    def problems(self, seen: Seen) -> Iterator[str]:
        yield from _differs("end", seen.events[-1].type, "complete")
        yield from _differs("executed", seen.ran, [CELSIUS])
        if seen.position == "draft":
            yield from _differs("decision", seen.reasons[:1], ["invalid_tool_call"])
            phases = {event.data["phase"] for event in seen.of("tool_call_complete")}
            yield from _differs("phases of complete calls", phases, {"verifier"})
            discarded = seen.of("switch")[0].data["discarded_tool_calls"]
            yield from _differs("discarded calls", len(discarded), 1)
            yield from _differs("warnings", seen.result["warnings"], [])
            return
        errors = [event.content for event in seen.of("tool_error")]
        if len(errors) != 1 or self.why not in errors[0] or not errors[0].isprintable():
            yield f"the model was told {errors}"


@dataclass(frozen=True)
class CutCall:
    """A call that a token limit cut is never executed."""

    def told(self, position: Position) -> str:
        if position == "draft":
            return "taken over: invalid_tool_call"
        return "not executed, complete, truncated"

    def problems(self, seen: Seen) -> Iterator[str]:
        if seen.position == "draft":
            yield from BadCall("").problems(seen)
            return
        yield from _differs("executed", seen.ran, [])
        yield from _differs("finish reason", seen.result["finish_reason"], "length")
        yield from _differs("truncated", seen.result["truncated"], True)
        yield from _differs("calls", seen.result["tool_calls"], [])


@dataclass(frozen=True)
class FailedCall:
    """An answer whose calls break a bound, or are cut off: nothing of it is executed."""

    kind: ErrorKind

    def told(self, position: Position) -> str:
        return f"{'taken over' if position == 'draft' else 'error'}: {self.kind}, not executed"

    def problems(self, seen: Seen) -> Iterator[str]:
        begun = Counter(event.data["attempt"] for event in seen.of("tool_call_start"))
        if max(begun.values(), default=0) > MOST_CALLS:
            yield f"calls begun in each attempt: {begun}"
        if seen.position == "draft":
            yield from _differs("decision", set(seen.reasons), {f"draft_error:{self.kind}"})
            yield from _differs("executed", seen.ran, [CELSIUS])
        else:
            yield from _errored(seen, self.kind)
            yield from _differs("executed", seen.ran, [])


@dataclass(frozen=True)
class DraftStandsIn:
    """The last model fails, and the draft that was rejected is returned, marked."""

    def told(self, position: Position) -> str:
        return "complete with the draft, degraded"

    def problems(self, seen: Seen) -> Iterator[str]:
        yield from _differs("end", seen.events[-1].type, "complete")
        yield from _differs("degraded", seen.result["degraded"], True)
        yield from _differs("answer", seen.result["content"], f"D: {ANSWER}")


@dataclass(frozen=True)
class BothFail:
    """A draft that is overloaded, and a server behind it that breaks down."""

    def told(self, position: Position) -> str:
        return "error: server, both causes"

    def problems(self, seen: Seen) -> Iterator[str]:
        yield from _differs("end", seen.events[-1].type, "error")
        causes = [cause.kind for cause in seen.events[-1].data["error"].causes]
        yield from _differs("causes", causes, ["overloaded", "server"])
        yield from _differs("cost", seen.result["total_cost"], 0.0)


@dataclass(frozen=True)
class Either:
    """Different expectations of the two positions."""

    draft: Expectation
    verifier: Expectation

    def of(self, position: Position) -> Expectation:
        """The one that holds."""
        return self.draft if position == "draft" else self.verifier

    def told(self, position: Position) -> str:
        return self.of(position).told(position)

    def problems(self, seen: Seen) -> Iterator[str]:
        return self.of(seen.position).problems(seen)


def outcome(seen: Seen) -> str:
    """What happened, in a few words."""
    last = seen.events[-1]
    rows = f"{len(seen.rows)} attempt{'s' * (len(seen.rows) != 1)}"
    if last.type == "error":
        return f"error: {last.data['kind']}, {len(last.data['partial_text'])} characters, {rows}"
    taken = [reason for reason in seen.reasons if reason.startswith(("draft_error", "invalid"))]
    how = f"taken over: {taken[0].removeprefix('draft_error:')}" if taken else "complete"
    ran = f", {len(seen.ran)} executed" if seen.ran else ""
    return f"{how}, {len(seen.result['content'])} characters{ran}, {rows}"


def _errored(seen: Seen, kind: ErrorKind) -> Iterator[str]:
    last = seen.events[-1]
    if last.type != "error":
        yield f"no error: {brief(seen.events)}"
        return
    yield from _differs("kind", last.data["kind"], kind)
    if not last.data["error"].causes:
        yield "no cause"
    if seen.position == "draft" and seen.of("switch"):
        yield "it was taken over"


def _tested(seen: Seen, event: AnyEvent) -> bool:
    return bool(event.data["model"] == seen.model)


def _differs(what: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield f"{what}: {found!r:.160}, expected {expected!r:.160}"
