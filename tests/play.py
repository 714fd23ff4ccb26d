"""Plays scripts against the pure cascade in virtual time: no event loop, no socket, no waiting.

`Play` does what the driver does, with one difference: it also tells the cascade about streams that
were aborted, so that every test shows that stale signals change nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from cascadeflow.config import RetryPolicy, Timeouts
from cascadeflow.core import events
from cascadeflow.core.cascade import Cascade
from cascadeflow.core.health import Health
from cascadeflow.core.judge import Judge
from cascadeflow.core.ledger import FlatPrice, exact_sum
from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.core.tier import OnVerifierError, Reveal, Rules, Tier
from cascadeflow.errors import CascadeError, ErrorKind, ProviderError
from cascadeflow.result import CascadeResult
from cascadeflow.types import Delta, Estimate, Request, Stop, TextDelta, Usage

HI = Request(messages=({"role": "user", "content": "hi"},))
DOLLAR = FlatPrice(input=Decimal(0), output=Decimal(1_000_000))
"""A dollar for each token generated, nothing for the prompt: costs are easy to read."""


@dataclass(frozen=True)
class Wait:
    """Silence, in seconds of the virtual clock."""

    seconds: float


@dataclass(frozen=True)
class Fail:
    """The stream breaks; each time it is played with an error of its own."""

    kind: ErrorKind = "server"
    retryable: bool = False
    retry_after: float | None = None

    def error(self) -> ProviderError:
        return ProviderError(
            "it broke", kind=self.kind, retryable=self.retryable, retry_after=self.retry_after
        )


HANG = Wait(math.inf)

Step: TypeAlias = Delta | Sequence[Delta] | Fail | Wait
Script: TypeAlias = Sequence[Step]


# --- estimators -----------------------------------------------------------------------------------


class Marked:
    """An estimator that reads the verdict in the draft itself.

    "bad" in the text: 0.3, which is rejected at the end; "hopeless": 0.01; `before` is the estimate
    of the request alone, by the last user message.
    """

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        self.before = before or {}
        self.observed: list[MarkedObserver] = []

    def observe(self, request: Request) -> MarkedObserver:
        asked = str(request.messages[-1].get("content"))
        observer = MarkedObserver(self.before.get(asked, 0.9))
        self.observed.append(observer)
        return observer


class MarkedObserver:
    def __init__(self, p_good: float) -> None:
        self.p_good = p_good
        self.text = ""
        self.seen: list[Delta] = []

    def feed(self, delta: Delta) -> None:
        self.seen.append(delta)
        if isinstance(delta, TextDelta):
            self.text += delta.text

    def estimate(self) -> Estimate:
        if "hopeless" in self.text:
            return Estimate(0.01, {"marked": 1.0})
        return Estimate(0.3 if "bad" in self.text else self.p_good, {"length": len(self.text)})


# --- what a cascade is made of --------------------------------------------------------------------


def tier(
    model: str,
    *,
    price: FlatPrice = DOLLAR,
    timeouts: Timeouts | None = None,
    prompt: str = "hi",
    input_estimate: int = 4,
    context_window: int | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Tier:
    return Tier(
        model=model,
        provider="test",
        request=Request(messages=({"role": "user", "content": prompt},)),
        price=price,
        timeouts=timeouts or Timeouts(),
        health=Health(clock),
        input_estimate=input_estimate,
        context_window=context_window,
    )


def make_rules(
    *,
    estimator: Marked | None = None,
    reveal: Reveal = "live",
    reasoning: bool = False,
    max_cost: float | None = None,
    on_verifier_error: OnVerifierError = "error",
    total: float | None = None,
    direct: str = "",
    retry: RetryPolicy | None = None,
    chance: float = 0.5,
    policy: ThresholdPolicy | None = None,
) -> Rules:
    return Rules(
        judge=Judge(estimator or Marked(), policy or ThresholdPolicy()),
        retry=retry or RetryPolicy(),
        reveal=reveal,
        reasoning=reasoning,
        max_cost=None if max_cost is None else Decimal(str(max_cost)),
        on_verifier_error=on_verifier_error,
        total=total,
        direct=direct,
        chance=lambda: chance,
    )


def tokens(output: int, prompt: int = 4) -> Usage:
    return Usage(input_tokens=prompt, output_tokens=output)


def text(*pieces: str) -> list[TextDelta]:
    return [TextDelta(piece) for piece in pieces]


def whole(said: str, output: int | None = None) -> list[Delta]:
    """One whole answer in one network read."""
    return [TextDelta(said), Stop("stop", usage=None if output is None else tokens(output))]


# --- the grammar of a stream ----------------------------------------------------------------------

SAID = r"(?:(?:CHUNK|REASONING|TOOL_CALL_START|TOOL_CALL_DELTA) )"
READY = r"(?:TOOL_CALL_COMPLETE )"
REJECTED = rf"(?:DRAFT_START {SAID}*DRAFT_DECISION- SWITCH )"
ACCEPTED = rf"(?:DRAFT_START {SAID}*DRAFT_DECISION\+ {READY}*)"
LAST = rf"(?:{SAID}|{READY})*"
TOLD = rf"ROUTING {REJECTED}*(?:DRAFT_START {SAID}*(?:DRAFT_DECISION- )?|{LAST})"
"""All that can have been told before an ERROR."""

WHOLE = re.compile(rf"ROUTING {REJECTED}*(?:{ACCEPTED}|{LAST})COMPLETE ")
BROKEN = re.compile(rf"{TOLD}ERROR ")
DEGRADED = re.compile(rf"{TOLD}(?:SWITCH )?{SAID}*COMPLETE ")
"""A rejected draft stands in: what the failed tier showed is voided, the draft is shown again."""
LEFT = re.compile(rf"(?:{TOLD})?")
"""The consumer left before the end."""


NAMES: dict[type, str] = {
    events.Routed: "ROUTING",
    events.DraftStarted: "DRAFT_START",
    events.Chunk: "CHUNK",
    events.Reasoned: "REASONING",
    events.CallStarted: "TOOL_CALL_START",
    events.CallArguments: "TOOL_CALL_DELTA",
    events.CallReady: "TOOL_CALL_COMPLETE",
    events.Switched: "SWITCH",
    events.Completed: "COMPLETE",
    events.Errored: "ERROR",
}


def name(event: events.Event) -> str:
    """The name of the public event; a decision with its sign."""
    if isinstance(event, events.Decided):
        return "DRAFT_DECISION+" if event.ruling.accepted else "DRAFT_DECISION-"
    return NAMES[type(event)]


def names(told: Sequence[events.Event]) -> str:
    return "".join(name(event) + " " for event in told)


def brief(told: Sequence[events.Event]) -> str:
    """The names with runs of chunks as one."""
    return re.sub(r"(CHUNK )+", "CHUNK ", names(told)).strip()


# --- the play -------------------------------------------------------------------------------------


class Stream:
    """A script on its way: what comes next, and when."""

    def __init__(self, script: Script, at: float, attempt: int) -> None:
        self.attempt = attempt
        self.over = False
        self._steps: Iterator[Step] = iter(script)
        self.at = at
        self.next: Sequence[Delta] | Fail = ()
        self.advance()

    def advance(self) -> None:
        for step in self._steps:
            match step:
                case Wait(seconds):
                    self.at += seconds
                case Fail() | Sequence():
                    self.next = step
                    return
                case _:
                    self.next = [step]
                    return
        # What the driver says of a stream that ends without a `Stop`.
        self.next = Fail("incomplete")


def ended(step: Step) -> bool:
    return isinstance(step, Sequence) and any(isinstance(delta, Stop) for delta in step)


class Play:
    """One query, played to its end; `scripts[i][n]` is attempt n of tier i, the last repeats.

    `leave_after`: the consumer leaves after so many signals.
    """

    def __init__(
        self,
        scripts: Sequence[Sequence[Script]],
        rules: Rules,
        tiers: Sequence[Tier] | None = None,
        *,
        leave_after: float = math.inf,
    ) -> None:
        given = [tier(f"m{i}") for i in range(len(scripts))] if tiers is None else tiers
        self.cascade = Cascade(given, rules, id="q", conversation=HI.messages)
        self.scripts = scripts
        self.told: list[events.Event] = []
        self.commands: list[events.Command] = []
        self.opened: list[events.Open] = []
        self.now = 0.0
        self._asked = [0] * len(scripts)
        self._stream: Stream | None = None
        self._hedge: Stream | None = None
        self._tell(self.cascade.start(0.0))
        signals = 0
        while not self.cascade.over and signals < leave_after:
            self._signal()
            signals += 1
        self.cascade.close(self.now)
        self._check()

    # --- driving -------------------------------------------------------------------------------

    def _signal(self) -> None:
        cascade = self.cascade
        stream = min(filter(None, (self._stream, self._hedge)), key=lambda each: each.at)
        if stream.at > cascade.alarm:
            self._reach(cascade.alarm)
            self._tell(cascade.wake(self.now))
            return
        assert stream.at < math.inf, "nobody would ever wake this query"
        self._reach(stream.at)
        step = stream.next
        if isinstance(step, Fail):
            told = cascade.fail(stream.attempt, step.error(), self.now)
        else:
            told = cascade.receive(stream.attempt, step, self.now)
        stream.advance()
        if stream is self._hedge and isinstance(step, Fail):
            self._hedge = None
        elif stream is self._hedge and ended(step):
            stream.at, stream.over = math.inf, True
        self._tell(told)

    def _reach(self, moment: float) -> None:
        self.now = max(self.now, moment)
        for row in self.cascade.ledger.rows:
            if row.outcome == "open" and self.now >= row.opened:
                row.sent = None

    def _tell(self, told: Sequence[events.Event]) -> None:
        self.told += told
        commands, self.cascade.commands = self.cascade.commands, []
        self.commands += commands
        for command in commands:
            match command:
                case events.Open(ahead=True):
                    self._hedge = self._open(command)
                case events.Open():
                    self._stream = self._open(command)
                case events.Join(attempt):
                    self._stream, self._hedge = self._hedge, None
                    assert self._stream is not None
                    assert self._stream.attempt == attempt
                case events.Abort(attempt) if self._hedge and self._hedge.attempt == attempt:
                    self._hedge = None
                case _:
                    pass
        self._haunt()

    def _open(self, command: events.Open) -> Stream:
        self.opened.append(command)
        scripts = self.scripts[command.tier]
        script = scripts[min(self._asked[command.tier], len(scripts) - 1)]
        self._asked[command.tier] += 1
        return Stream(script, self.now + command.delay, command.attempt)

    def _haunt(self) -> None:
        """Streams that are no longer current speak again: nobody listens."""
        live = [each for each in (self._stream, self._hedge) if each and not each.over]
        current = [] if self.cascade.over else [each.attempt for each in live]
        for row in self.cascade.ledger.rows:
            if row.number not in current:
                before = row.to_dict()
                late: list[Delta] = [TextDelta("late"), Stop("stop", usage=tokens(7))]
                assert self.cascade.receive(row.number, late, self.now) == []
                assert self.cascade.fail(row.number, Fail().error(), self.now) == []
                assert row.to_dict() == before
        if self.cascade.over:
            assert self.cascade.wake(self.now + 1e6) == []
            assert self.cascade.deadline == math.inf
        assert self.cascade.commands == []

    # --- what holds of every play --------------------------------------------------------------

    def _check(self) -> None:
        ledger = self.cascade.ledger
        assert ledger.total == exact_sum(row.usd for row in ledger.rows)
        assert all(row.outcome != "open" for row in ledger.rows)
        asked = [open_.attempt for open_ in self.opened]
        rest = [row for row in ledger.rows if row.number not in asked]
        assert asked == sorted(set(asked))
        assert all(row.error and row.sent is False and row.usd == 0 for row in rest)
        assert self.grammar.fullmatch(names(self.told)), names(self.told)
        visible = self._visible()
        if self.told and isinstance(self.told[-1], events.Completed | events.Errored):
            result = self.result
            assert result.total_cost == float(ledger.total)
            assert len(result.attempts) == len(ledger.rows)
            assert abs(result.draft_cost + result.verifier_cost - result.total_cost) < 1e-9
            if isinstance(self.told[-1], events.Completed):
                assert visible == result.content
                assert result.content.strip() or self.told[-1].calls

    @property
    def grammar(self) -> re.Pattern[str]:
        match self.told[-1]:
            case events.Errored():
                return BROKEN
            case events.Completed(result):
                return DEGRADED if result.degraded else WHOLE
            case _:
                return LEFT

    def _visible(self) -> str:
        """What a reader sees; checks on the way that SWITCH says what to take back."""
        shown: dict[int, str] = {}
        for event in self.told:
            match event:
                case events.Chunk(piece, speaker):
                    assert piece
                    shown[speaker.attempt] = shown.get(speaker.attempt, "") + piece
                    assert len(shown) == 1, "two attempts are shown at once"
                case events.Switched(speaker=speaker, discard_chars=count):
                    assert count == len(shown.pop(speaker.attempt, ""))
                case _:
                    pass
        return "".join(shown.values())

    # --- for the tests -------------------------------------------------------------------------

    @property
    def brief(self) -> str:
        return brief(self.told)

    @property
    def result(self) -> CascadeResult:
        """The result of COMPLETE, or what ERROR holds."""
        match self.told[-1]:
            case events.Completed(result):
                return result
            case events.Errored(error):
                return error.result
            case other:
                raise AssertionError(f"the play ended with {name(other)}")

    @property
    def error(self) -> CascadeError:
        last = self.told[-1]
        assert isinstance(last, events.Errored), name(last)
        return last.error

    @property
    def switches(self) -> list[events.Switched]:
        return [event for event in self.told if isinstance(event, events.Switched)]

    @property
    def decisions(self) -> list[events.Decided]:
        return [event for event in self.told if isinstance(event, events.Decided)]

    @property
    def outcomes(self) -> list[tuple[str, str, str | None]]:
        """Model, outcome and error of each row."""
        return [(row.model, row.outcome, row.error) for row in self.cascade.ledger.rows]


def play(*scripts: Script, rules: Rules | None = None, tiers: Sequence[Tier] | None = None) -> Play:
    """One script for each tier, the same for every attempt."""
    return Play([[script] for script in scripts], rules or make_rules(), tiers)
