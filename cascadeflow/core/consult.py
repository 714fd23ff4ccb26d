"""The hearing of a finished draft: what the judges are asked, what they said, what it costs.

Rule 1: they are asked only if it can change something: the draft is a text without a flaw, its
observer can take advice, and its estimate is neither hopeless nor already clear.
Rule 2: they are asked only if the whole hearing and the prompt of the next tier can be paid for.
Rule 3: whatever goes wrong with them is a warning; the draft is then judged as without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from ..errors import ProviderError
from ..types import Delta, Request, Stop, Usage
from .answer import Answer, note
from .economics import TYPICAL_OUTPUT
from .events import Consult, Inquiry
from .judge import Judge, Ruling
from .ledger import Attempt, estimate_input, exact_sum
from .policy import Advisable
from .purse import Purse
from .referee import Expert, Panel, Reply
from .tier import Rules, Tier

_NOBODY = Panel(())


class _Question(msgspec.Struct, eq=False):
    """One inquiry that may be made."""

    judge: int
    """Place of the judge in the panel."""
    who: Tier | Expert
    line: int
    """Place of the provider among those of the driver."""
    request: Request
    tokens: int
    """Estimated tokens of the request."""


class _Asked(msgspec.Struct, eq=False):
    """One inquiry that was made."""

    judge: int
    row: Attempt
    deltas: list[Delta] = msgspec.field(default_factory=list[Delta])
    error: ProviderError | None = None

    @property
    def reply(self) -> Reply:
        return self.deltas if self.error is None else self.error


class Hearing:
    """The judges' part of one query. At most one draft is heard at a time."""

    __slots__ = (
        "_answer", "_asked", "_experts", "_judges", "_ledger", "_panel", "_purse", "_tiers", "ends",
    )  # fmt: skip

    def __init__(
        self, tiers: Sequence[Tier], rules: Rules, judges: Sequence[Judge], purse: Purse
    ) -> None:
        self._tiers = tiers
        self._judges = judges
        self._panel = rules.panel or _NOBODY
        self._experts = rules.experts or (None,) * len(self._panel.judges)
        self._ledger = purse.ledger
        self._purse = purse
        self._answer: Answer | None = None
        self._asked: list[_Asked] = []
        self.ends = math.inf
        """When the judges are no longer waited for; infinity: nobody was asked."""

    def consult(
        self, answer: Answer, following: Tier, now: float, time_left: float
    ) -> Consult | None:
        """What to ask about a finished draft, whose observer has seen the `Stop`; None: nothing.

        `following`: the tier that would take over. `time_left`: seconds to the end of the query or
        of the draft's tier.
        """
        if not self._panel.judges or not self._doubtful(answer):
            return None
        questions = self._questions(answer)
        if not questions or not self._affordable(questions, answer, following):
            return None
        answer.row.latency = max(now - answer.row.opened, 0.0)
        self._answer = answer
        self.ends = now + min(self._panel.timeout, time_left)
        return Consult(tuple(self._ask(each, answer.row.tier, now) for each in questions))

    def _doubtful(self, answer: Answer) -> bool:
        observer = answer.observer
        if not isinstance(observer, Advisable) or answer.calling or answer.flaw:
            return False
        if isinstance(self._judges[answer.row.tier].look(observer, "during"), Ruling):
            return False
        least, clear = self._panel.unsure
        return least <= observer.estimate().p_good < clear

    def _questions(self, answer: Answer) -> list[_Question]:
        tier = self._tiers[answer.row.tier]
        judges = zip(self._panel.judges, self._experts, strict=True)
        return [
            _Question(
                judge=place,
                who=tier if expert is None else expert,
                line=answer.row.tier if expert is None else expert.line,
                request=request,
                tokens=estimate_input(request),
            )
            for place, (judge, expert) in enumerate(judges)
            for request in judge.inquiries(tier.request, answer.text)
        ]

    def _affordable(self, asked: list[_Question], answer: Answer, following: Tier) -> bool:
        if self._purse.limit is None:
            return True
        longest = max(TYPICAL_OUTPUT, answer.row.tokens().output_tokens)
        amounts = [following.price.usd(Usage(input_tokens=following.input_estimate))]
        for each in asked:
            limit = each.request.max_tokens
            output = longest if limit is None else limit
            usage = Usage(input_tokens=each.tokens, output_tokens=output)
            amounts.append(each.who.price.usd(usage))
        return self._purse.spares(answer.row, exact_sum(amounts))

    def _ask(self, question: _Question, tier: int, now: float) -> Inquiry:
        who = question.who
        row = self._ledger.open(
            model=who.model,
            provider=who.provider,
            tier=tier,
            price=who.price,
            input_estimate=question.tokens,
            now=now,
        )
        row.judging = True
        self._asked.append(_Asked(question.judge, row))
        return Inquiry(question.line, who.model, row.number, question.request)

    # --- answers -------------------------------------------------------------------------------

    def hear(self, attempt: int, heard: Sequence[Delta] | ProviderError, now: float) -> bool:
        """Take in what came of an inquiry; whether it was the last that was open."""
        asked = next((each for each in self._open() if each.row.number == attempt), None)
        if asked is None:
            return False
        if isinstance(heard, ProviderError):
            self._fail(asked, heard, now)
        else:
            for delta in heard:
                asked.deltas.append(delta)
                note(self._ledger, asked.row, delta, now)
                if isinstance(delta, Stop):
                    self._ledger.close(asked.row, "judged", now)
                    break
        return not self._open()

    def _open(self) -> list[_Asked]:
        return [asked for asked in self._asked if asked.row.outcome == "open"]

    def _fail(self, asked: _Asked, error: ProviderError, now: float) -> None:
        asked.error = error
        self._ledger.fail(asked.row, error, now)

    # --- the end -------------------------------------------------------------------------------

    def rule(self, now: float) -> tuple[Answer, Ruling, tuple[str, ...]]:
        """Close the hearing: its draft, what is decided on it, and warnings. While one is open."""
        answer = self._answer
        if answer is None or answer.observer is None:
            raise RuntimeError("no draft is heard")
        for asked in self._open():
            late = ProviderError("it did not answer in time", kind="timeout.total")
            self._fail(asked, late, now)
        opinions, warnings = self._advise(answer)
        self._forget()
        judge = self._judges[answer.row.tier]
        return answer, judge.finished(answer.observer, answer.flaw, opinions), warnings

    def _advise(self, answer: Answer) -> tuple[dict[str, float], tuple[str, ...]]:
        """Tell the observer every opinion; `p_good` by the judge's name, and who had none."""
        opinions: dict[str, float] = {}
        warnings: list[str] = []
        request = self._tiers[answer.row.tier].request
        for place, judge in enumerate(self._panel.judges):
            replies = [asked.reply for asked in self._asked if asked.judge == place]
            if not replies:
                continue
            opinion = judge.opinion(request, answer.text, replies)
            if opinion is None:
                errors = [str(reply) for reply in replies if isinstance(reply, ProviderError)]
                why = errors[0] if errors else "unclear answer"
                warnings.append(f"the judge {judge.judge} gave no opinion: {why}")
            elif isinstance(answer.observer, Advisable):
                answer.observer.advise(opinion)
                count = sum(name.startswith(opinion.judge) for name in opinions)
                name = f"{opinion.judge}_{count + 1}" if count else opinion.judge
                opinions[name] = opinion.p_good
        return opinions, tuple(warnings)

    def close(self, now: float) -> Answer | None:
        """The consumer left: nobody waits for the judges; the draft they were asked about."""
        answer = self._answer
        for asked in self._open():
            self._ledger.close(asked.row, "cancelled", now)
        self._forget()
        return answer

    def _forget(self) -> None:
        self._answer, self._asked, self.ends = None, [], math.inf
