"""The hearing of a finished draft: what the judges are asked, what they said, what it costs.

Rule 1: they are asked only if it can change something: the draft is a text without a flaw, its
observer can take advice, and its estimate is neither hopeless nor already clear.
Rule 2: they are asked only if the whole hearing and the prompt of the next tier can be paid for.
Rule 3: whatever goes wrong with them is a warning; the draft is then judged as without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from ..errors import ErrorKind, ProviderError
from ..types import Delta, Request, Stop, Usage
from .answer import Answer, note
from .economics import TYPICAL_OUTPUT
from .events import Consult, Inquiry
from .judge import Judge, Ruling
from .ledger import Attempt, Outcome, estimate_input, exact_sum
from .policy import Advisable
from .purse import Purse
from .referee import Expert, Panel, Referee, Reply
from .tier import Rules, Tier

_NOBODY = Panel(())


class Ruled(msgspec.Struct, frozen=True):
    """What came of a hearing."""

    answer: Answer
    """The draft."""
    ruling: Ruling
    warnings: tuple[str, ...]


class _Asked(msgspec.Struct, eq=False):
    """One inquiry on its way."""

    judge: int
    """Place of the judge in the panel."""
    who: Tier | Expert
    line: int
    """Place of the provider among those of the driver."""
    request: Request
    tokens: int
    """Estimated tokens of the request."""
    row: Attempt | None = None
    """Once it is asked."""
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
        """What to ask about a finished draft; None: nothing.

        Args:
            answer: the draft; its observer has seen the `Stop`.
            following: the tier that would take over.
            now: seconds.
            time_left: seconds to the end of the query or of the draft's tier.
        """
        if not self._panel.judges or not self._doubtful(answer):
            return None
        asked = self._inquiries(answer)
        if not asked or not self._affordable(asked, answer, following):
            return None
        answer.row.latency = max(now - answer.row.opened, 0.0)
        self._answer, self._asked = answer, asked
        self.ends = now + min(self._panel.timeout, time_left)
        return Consult(tuple(self._open(each, answer, now) for each in asked))

    def _doubtful(self, answer: Answer) -> bool:
        observer = answer.observer
        if not isinstance(observer, Advisable) or answer.calling or answer.flaw:
            return False
        if isinstance(self._judges[answer.row.tier].running(observer), Ruling):
            return False
        least, clear = self._panel.unsure
        return least <= observer.estimate().p_good < clear

    def _inquiries(self, answer: Answer) -> list[_Asked]:
        tier = self._tiers[answer.row.tier]
        judges = zip(self._panel.judges, self._experts, strict=True)
        return [
            _Asked(
                judge=place,
                who=tier if expert is None else expert,
                line=answer.row.tier if expert is None else expert.line,
                request=request,
                tokens=estimate_input(request),
            )
            for place, (judge, expert) in enumerate(judges)
            for request in judge.inquiries(tier.request, answer.text)
        ]

    def _affordable(self, asked: list[_Asked], answer: Answer, following: Tier) -> bool:
        if not self._purse.limited:
            return True
        longest = max(TYPICAL_OUTPUT, answer.row.tokens().output_tokens)
        amounts = [_dollars(each, longest) for each in asked]
        prompt = Usage(input_tokens=following.input_estimate)
        return self._purse.spares(answer.row, exact_sum([*amounts, following.price.usd(prompt)]))

    def _open(self, asked: _Asked, answer: Answer, now: float) -> Inquiry:
        asked.row = row = self._ledger.open(
            model=asked.who.model,
            provider=asked.who.provider,
            tier=answer.row.tier,
            price=asked.who.price,
            input_estimate=asked.tokens,
            now=now,
        )
        row.judging = True
        return Inquiry(asked.line, asked.who.model, row.number, asked.request)

    # --- answers -------------------------------------------------------------------------------

    def hear(self, attempt: int, heard: Sequence[Delta] | ProviderError, now: float) -> bool:
        """Take in what came of an inquiry; whether it was the last that was open."""
        row = next((row for row in self._open_rows() if row.number == attempt), None)
        if row is None:
            return False
        asked = next(each for each in self._asked if each.row is row)
        if isinstance(heard, ProviderError):
            asked.error = heard
            self._ledger.fail(row, heard, now)
        else:
            for delta in heard:
                asked.deltas.append(delta)
                note(self._ledger, row, delta, now)
                if isinstance(delta, Stop):
                    self._ledger.close(row, "judged", now)
                    break
        return not self._open_rows()

    def _open_rows(self) -> list[Attempt]:
        rows = (asked.row for asked in self._asked)
        return [row for row in rows if row is not None and row.outcome == "open"]

    # --- the end -------------------------------------------------------------------------------

    def rule(self, now: float) -> Ruled:
        """Close the hearing and decide on its draft. Only while one is open."""
        answer = self._answer
        if answer is None or answer.observer is None:
            raise RuntimeError("no draft is heard")
        for asked in self._asked:
            if asked.row in self._open_rows():
                asked.error = ProviderError("it did not answer in time", kind="timeout.total")
        self._close_rows("failed", now, "timeout.total")
        opinions, warnings = self._advise(answer)
        self._forget()
        judge = self._judges[answer.row.tier]
        return Ruled(answer, judge.finished(answer.observer, answer.flaw, opinions), warnings)

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
                warnings.append(_silence(judge, replies))
            elif isinstance(answer.observer, Advisable):
                answer.observer.advise(opinion)
                opinions[_free_name(opinion.judge, opinions)] = opinion.p_good
        return opinions, tuple(warnings)

    def close(self, now: float) -> None:
        """The consumer left: nobody waits for the judges, nor for what becomes of the draft."""
        if self._answer is not None:
            self._close_rows("cancelled", now)
            self._ledger.close(self._answer.row, "cancelled", now)
            self._forget()

    def _close_rows(self, how: Outcome, now: float, error: ErrorKind | None = None) -> None:
        for row in self._open_rows():
            self._ledger.close(row, how, now, error)

    def _forget(self) -> None:
        self._answer, self._asked, self.ends = None, [], math.inf


def _dollars(asked: _Asked, longest: int) -> Decimal:
    """The most an inquiry is expected to cost; without a limit it may be as long as the draft."""
    limit = asked.request.max_tokens
    output = longest if limit is None else limit
    return asked.who.price.usd(Usage(input_tokens=asked.tokens, output_tokens=output))


def _free_name(name: str, taken: dict[str, float]) -> str:
    """`name`, numbered from the second opinion of this name on."""
    count = sum(other.startswith(name) for other in taken)
    return f"{name}_{count + 1}" if count else name


def _silence(judge: Referee, replies: Sequence[Reply]) -> str:
    errors = [str(reply) for reply in replies if isinstance(reply, ProviderError)]
    return f"the judge {judge.judge} gave no opinion: {errors[0] if errors else 'unclear answer'}"
