"""The cascade as a state machine. Contains no I/O, no clock, no provider and no `await`.

Tell it what happened, carry out its `commands`, pass on the events it returns. `state.py` says
which signal leads where.

Rule 1: everything that decides what happens next lives in this package.
Rule 2: a signal from an attempt that is neither current nor a hedge (`hedge.py`) is ignored, never
an error: the driver may still be draining a stream that was aborted.
Rule 3: `now` is in seconds on any monotonic clock that stands still while the consumer holds the
stream; only differences are used.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import BudgetExceeded, ProtocolError, ProviderError
from ..result import CascadeResult
from ..types import Delta, Message, Stop
from . import events, outcome
from .answer import Answer
from .consult import Hearing
from .deadlines import Deadlines
from .health import finding
from .hedge import Hedge
from .intake import Intake
from .judge import Ruling
from .ledger import Attempt, Outcome
from .purse import Purse
from .referee import Reply
from .retry import Retries
from .route import Ladder, judges, route
from .state import State as State
from .tier import Rules, Tier


class Cascade:
    """One query's way through the tiers, cheapest first; the last is never judged."""

    def __init__(
        self,
        tiers: Sequence[Tier],
        rules: Rules,
        *,
        id: str,
        conversation: Sequence[Message] = (),
        after: Cascade | None = None,
    ) -> None:
        if not tiers:
            raise ValueError("a cascade needs at least one tier")
        self.id = id
        self.state = State.IDLE
        self.over = False
        """Whether the terminal event has been told, or the consumer has left."""
        self.commands: list[events.Command] = []
        """What the driver must do now, in order; the driver empties the list."""
        self.tiers = tuple(tiers)
        self._rules = rules
        self._judges = judges(self.tiers, rules.judge)
        before = None if after is None else after._story
        self._story: outcome.Story = outcome.Story(id, conversation, self.tiers, rules, before)
        self.ledger = self._story.ledger
        self.result: CascadeResult | None = None
        """How the query ended; None before that."""
        self.told = self._story.told
        """Every answer of this turn that was decided on, and the one that ended it."""
        self._purse = Purse(self.ledger, rules.max_cost)
        self._hearing = Hearing(self.tiers, rules, self._judges, self._purse)
        self._turn: int = 1 if after is None else after._turn + 1
        self._ladder: list[int] = []
        """Tiers still to be asked, the current one first."""
        self._observers: Ladder = {}
        """Those that have judged their request, and not yet a draft."""
        self._intake = Intake(rules, self._judges, self._story, self._purse)
        self._hedge = Hedge(rules, self._purse)
        self._retries = Retries(rules.retry, rules.chance)
        self._answer: Answer | None = None
        self._deadlines = Deadlines(None, 0.0)
        self._now = 0.0
        self._out: list[events.Event] = []

    # --- what the driver tells -----------------------------------------------------------------

    def start(self, now: float) -> list[events.Event]:
        """Choose the tiers and ask the first."""
        if self.state is not State.IDLE:
            raise RuntimeError("start() called twice")
        self.state = State.ANSWERING
        self._now = now
        self._deadlines = Deadlines(self._rules.total, self._story.begin(now))
        self._observers, routed = route(self.tiers, self._rules, self._judges, self._turn)
        self._ladder = list(self._observers)
        self._story.strategy = routed.strategy
        self._out.append(routed)
        if self._purse.affords(self.tiers[self._ladder[0]]):
            self._enter()
        else:
            self._give_up(self._purse.error())
        return self._take()

    def receive(self, attempt: int, batch: Sequence[Delta], now: float) -> list[events.Event]:
        """Take in what one network read held. Where decisions fall depends on the deltas alone."""
        answer = self._answer
        if answer is None or answer.row.number != attempt:
            self.commands += self._hedge.receive(attempt, batch, now)
            return []
        self._now = now
        self._hear(answer, batch)
        if self._answer is answer:
            if now >= self._deadlines.next:
                return self.wake(now)
            if self._intake.doubted:
                self._ask_ahead(answer)
        return self._take()

    def fail(self, attempt: int, error: ProviderError, now: float) -> list[events.Event]:
        """The stream of `attempt` broke; nothing more will come from it."""
        answer = self._answer
        if answer is None or answer.row.number != attempt:
            self._hedge.fail(attempt, error, now)
            return []
        self._now = now
        self._on_failure(answer, error)
        return self._take()

    def consulted(self, attempt: int, heard: Reply, now: float) -> list[events.Event]:
        """What came of an inquiry: one network read of the answer, or why it failed."""
        return self._heard_judges(now) if self._hearing.hear(attempt, heard, now) else []

    @property
    def deadline(self) -> float:
        """When what is waited for is overdue, if nothing comes before; infinity: never."""
        return self._hearing.ends if self._answer is None else self._deadlines.next

    @property
    def alarm(self) -> float:
        """When `wake` is due: at the deadline, or before it at that of a hedge."""
        hedge, deadline = self._hedge, self.deadline
        return deadline if hedge.row is None else min(deadline, hedge.deadline)

    def wake(self, now: float) -> list[events.Event]:
        """Time has passed: give up what is overdue."""
        if now >= self._hearing.ends:
            return self._heard_judges(now)
        answer, error = self._answer, self._deadlines.missed(now)
        if answer is None or error is None:
            self.commands += self._hedge.wake(now)
            return []
        self._now = now
        self.commands.append(events.Abort(answer.row.number))
        self._on_failure(answer, error, final=now >= self._deadlines.ends)
        return self._take()

    def overdue(self, said: Sequence[Message], now: float) -> events.Event:
        """The tools took all the time; `said`: the answer that called them, and their results."""
        self.state = State.FAILED
        error = self._deadlines.total_missed()
        self._story.causes.append(error)
        failed = self._story.error(error.kind, self._story.answer, now)
        failed.result.messages += map(dict, said)
        self.result = failed.result
        return events.Errored(failed)

    def leave(self, said: Sequence[Message], now: float) -> None:
        """The consumer left while tools were at work; `said` as for `overdue`."""
        self.state = State.CLOSED
        self.result = self._story.partial(self._story.answer, now)
        self.result.messages += map(dict, said)

    def close(self, now: float) -> None:
        """The consumer left. No event follows; the ledger says what the open attempt cost."""
        if not self.over:
            self.state, self.over = State.CLOSED, True
            heard, self._answer = self._answer or self._hearing.close(now), None
            self._retries.over("nothing")
            self._hedge.drop(now)
            if heard is not None:
                self.ledger.close(heard.row, "cancelled", now)
            self.result = self._story.partial(heard, now)

    # --- asking --------------------------------------------------------------------------------

    def _enter(self) -> None:
        """Ask the first tier of the ladder for the first time, unless it was asked ahead."""
        if self._hedge.row is not None:
            self._join(self._hedge.row)
            return
        tier = self.tiers[self._ladder[0]]
        self._hedge.enter(self._retries, tier, self._now)
        self._deadlines.enter(tier.timeouts, self._now)
        self._ask(0.0)

    def _ask(self, delay: float) -> None:
        """Open one attempt on the current tier after `delay` seconds, if its breaker admits it."""
        index, at = self._ladder[0], self._now + delay
        row = self.tiers[index].open(self.ledger, index, at)
        answer = self._begin(row)
        self._deadlines.ask(at)
        if (refusal := self._retries.ask()) is not None:
            self._on_failure(answer, refusal)
        else:
            self.commands.append(events.Open(index, row.number, delay))

    def _begin(self, row: Attempt) -> Answer:
        """The answer of a new attempt on the current tier."""
        judged, request = len(self._ladder) > 1, self.tiers[row.tier].request
        unjudged: events.Phase = "verifier" if self._story.strategy == "cascade" else "direct"
        phase = "draft" if judged else unjudged
        speaker = events.Speaker(row.model, row.provider, row.number, phase, self._turn)
        observer = self._observers.pop(row.tier, None)
        if observer is not None:
            self._out.append(events.DraftStarted(speaker, self._story.strategy))
        elif judged:
            observer = self._judges[row.tier].observe(request)
        self._answer = Answer(speaker, row, observer, request, self._rules)
        return self._answer

    def _ask_ahead(self, answer: Answer) -> None:
        """Ask the next tier while a draft in doubt still streams."""
        deadlines = Deadlines(self._rules.total, self._story.begin(self._now))
        place = self._ladder[1]
        self.commands += self._hedge.open(place, self.tiers, answer.row, deadlines, self._now)

    def _join(self, row: Attempt) -> None:
        """What was asked ahead is the current attempt; hear all that it has said."""
        hedge = self._hedge
        said = hedge.take(row, self._now)
        self._retries, self._deadlines = hedge.retries, hedge.deadlines
        self.commands.append(events.Join(row.number))
        answer, since = self._begin(row), self._deadlines.since
        self._hear(answer, said)
        if self._answer is answer:
            self._deadlines.wait(since)

    # --- deltas --------------------------------------------------------------------------------

    def _hear(self, answer: Answer, batch: Sequence[Delta]) -> None:
        """Take in what was read of an answer, and do what is due."""
        due = self._intake.hear(answer, batch, self._deadlines, self._now, self._out)
        if due is None:
            return
        if not isinstance(due, Stop):
            self.commands.append(events.Abort(answer.row.number))
            self._retries.over("answer")
            answer.skip(batch, self.ledger)
        match due:
            case Stop():
                self._on_stop(answer, due)
            case Ruling():
                self._reject(answer, due, "abandoned")
            case ProtocolError():
                self._on_failure(answer, due)
            case BudgetExceeded():
                self.ledger.close(answer.row, "failed", self._now, "budget")
                self._give_up(due, answer)

    # --- judging -------------------------------------------------------------------------------

    def _on_stop(self, answer: Answer, stop: Stop) -> None:
        answer.stop = stop
        if stop.usage is not None:
            self._story.report(answer, stop.usage, final=stop.reason is not None)
        self._story.warnings += stop.warnings
        error = outcome.unfit(answer, stop)
        if error is not None:
            self._on_failure(answer, error)
            return
        self._retries.answered()
        answer.show(answer.end(), self._out)
        if answer.observer is None:
            self._keep(answer, "answered")
            return
        answer.observer.feed(stop)
        judge, left = self._judges[answer.row.tier], self._deadlines.time_left(self._now)
        asked = self._hearing.consult(answer, self.tiers[self._ladder[1]], self._now, left)
        if asked is None:
            self._judge(answer, judge.finished(answer.observer, answer.flaw))
        else:
            self._answer = None
            self.commands.append(asked)

    def _heard_judges(self, now: float) -> list[events.Event]:
        """The optional judges have spoken, or are no longer waited for."""
        self._now = now
        answer, ruling, warnings = self._hearing.rule(now)
        self._story.warnings += warnings
        self._judge(answer, ruling)
        return self._take()

    def _judge(self, answer: Answer, ruling: Ruling) -> None:
        """Keep a whole draft, or not."""
        if ruling.accepted:
            self._keep(answer, "accepted", ruling)
            return
        # Calls of a rejected draft are never executed: one with calls cannot stand in.
        if not answer.calling and not answer.flaw:
            self._story.offer(answer, ruling)
        self._reject(answer, ruling, "rejected")

    def _keep(self, answer: Answer, how: Outcome, ruling: Ruling | None = None) -> None:
        self.ledger.close(answer.row, how, self._now)
        self._reveal(answer)
        if ruling is not None:
            self._out.append(self._story.rule(answer, ruling))
        self._out += answer.ready_calls()
        self._finish(answer)

    def _reject(self, answer: Answer, ruling: Ruling, how: Outcome) -> None:
        self.ledger.close(answer.row, how, self._now)
        self._out.append(self._story.rule(answer, ruling))
        self._escalate(answer, ruling.reason)

    def _escalate(self, answer: Answer, reason: str) -> None:
        """Void what was shown and ask the next tier, if it can be paid for."""
        self._answer = None
        self._ladder.pop(0)
        if self._hedge.row is None and not self._purse.affords(self.tiers[self._ladder[0]]):
            self._give_up(self._purse.error(), answer)
            return
        self._out.append(self._story.switch(answer, self.tiers[self._ladder[0]].model, reason))
        self._enter()

    # --- failure -------------------------------------------------------------------------------

    def _on_failure(self, answer: Answer, error: ProviderError, *, final: bool = False) -> None:
        """An attempt failed: try again, let the next tier take over, or give up."""
        outcome.place(error, answer)
        self.ledger.fail(answer.row, error, self._now)
        self._retries.over(finding(error, answer.begun))
        self._answer = None
        judged = len(self._ladder) > 1
        left = self._deadlines.time_left(self._now)
        delay = None if answer.begun or final else self._retries.delay(error, judged, left)
        if delay is not None and self._purse.affords(self.tiers[self._ladder[0]]):
            self._ask(delay)
        elif judged and not final:
            self._story.causes.append(error)
            ruling = self._judges[answer.row.tier].failed(error.kind)
            self._out.append(self._story.rule(answer, ruling, error))
            self._escalate(answer, ruling.reason)
        else:
            self._give_up(error, answer)

    def _give_up(self, error: ProviderError | BudgetExceeded, answer: Answer | None = None) -> None:
        """The end without an answer, unless a complete rejected draft may stand in."""
        self._answer = None
        self._story.causes.append(error)
        best = self._story.fallback
        if self._rules.on_verifier_error == "draft" and best is not None:
            if answer and answer.observer is not None and self.told[-1].answer is not answer:
                ruling = self._judges[answer.row.tier].failed(error.kind)
                self._out.append(self._story.rule(answer, ruling, error))
            self._out += self._story.stand_in(best, answer, error)
            self._reveal(best.answer)
            self._finish(best.answer)
            return
        self.state, self.over = State.FAILED, True
        self.commands += self._hedge.drop(self._now)
        failed = self._story.error(error.kind, answer, self._now)
        self.result = failed.result
        self._out.append(events.Errored(failed))

    # --- the end -------------------------------------------------------------------------------

    def _reveal(self, answer: Answer) -> None:
        """Show what was held back of an answer that will be kept."""
        if answer.unseen:
            self._story.visible(self._now)
            self._out += answer.unseen
            answer.unseen = []

    def _finish(self, answer: Answer) -> None:
        self._answer = None
        self.state, self.over = State.DONE, True
        self.commands += self._hedge.drop(self._now)
        completed = self._story.completed(answer, self._now)
        self.result = completed.result
        self._out.append(completed)

    def _take(self) -> list[events.Event]:
        out, self._out = self._out, []
        return out
