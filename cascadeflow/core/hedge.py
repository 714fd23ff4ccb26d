"""A hedge: the next tier, asked while a draft in doubt still streams.

Rule 1: what it says is kept, and neither shown nor judged, until the draft is rejected. Then it is
the current attempt, and all that it said is heard at once, as if it came just now.
Rule 2: it makes nothing worse. One that fails before that is forgotten but for its row: its tier is
asked as if there had been none, though not before a `Retry-After` has passed.
Rule 3: there is at most one in a turn, only if the breaker admits it, and only if two answers of
usual length can be paid for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ErrorKind, ProviderError
from ..types import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta
from .answer import note
from .deadlines import Deadlines
from .events import Abort, Command, Open
from .health import finding
from .ledger import Attempt, Outcome, exact_sum
from .purse import Purse
from .retry import Retries
from .tier import Rules, Tier

MOST_BYTES = 1024 * 1024
"""Of output that are kept; a hedge that says more is given up."""
MOST_DELTAS = 64 * 1024


class Hedge:
    """At most one attempt beside the current one."""

    __slots__ = (
        "_draft", "_error", "_purse", "_rules", "_until", "_used", "deadlines", "heard", "retries",
        "row", "whole",
    )  # fmt: skip

    def __init__(self, rules: Rules, purse: Purse) -> None:
        self._rules = rules
        self._purse = purse
        self._draft: Attempt
        self._used = False
        self._error: ProviderError | None = None
        """Why it failed."""
        self._until = -math.inf
        """Until when its tier asked to be left alone."""
        self.row: Attempt | None = None
        """Of the hedge on its way; None: there is none."""
        self.heard: list[Delta] = []
        """All it has said."""
        self.whole = False
        """Its `Stop` was heard."""
        self.retries: Retries
        self.deadlines: Deadlines
        """Both only of a hedge."""

    def open(
        self, place: int, tiers: Sequence[Tier], draft: Attempt, deadlines: Deadlines, now: float
    ) -> list[Command]:
        """Ask the tier at `place` beside the `draft`, if it may be asked."""
        tier = tiers[place]
        both = exact_sum((tiers[draft.tier].expected, tier.expected))
        if self._used or not self._purse.spares(draft, both):
            return []
        self._used = True
        self.retries = Retries(self._rules.retry, self._rules.chance)
        self.retries.enter(tier.health)
        if self.retries.ask() is not None:
            return []
        self._draft, self.deadlines = draft, deadlines
        deadlines.enter(tier.timeouts, now)
        deadlines.ask(now)
        self.row = self._purse.beside = tier.open(self._purse.ledger, place, now)
        return [Open(place, self.row.number, ahead=True)]

    @property
    def deadline(self) -> float:
        """When `wake` is due; infinity: never."""
        return math.inf if self.row is None or self.whole else self.deadlines.next

    # --- while the draft streams ---------------------------------------------------------------

    def receive(self, attempt: int, batch: Sequence[Delta], now: float) -> list[Command]:
        """Keep what one network read held."""
        row = self._speaking(attempt)
        if row is None:
            return []
        for delta in batch:
            self.heard.append(delta)
            note(self._purse.ledger, row, delta, now)
            if isinstance(delta, Stop):
                self.whole = True
                row.latency = max(now - row.opened, 0.0)
                break
            if isinstance(delta, TextDelta | ReasoningDelta | ToolCallDelta):
                self.deadlines.heard(now)
        if self._purse.overdraft(self._draft):
            return self.drop(now, "failed", "budget")
        if row.output_bytes > MOST_BYTES or len(self.heard) > MOST_DELTAS:
            return self.drop(now, "failed", "protocol")
        return []

    def fail(self, attempt: int, error: ProviderError, now: float) -> None:
        """Its stream broke."""
        row = self._speaking(attempt)
        if row is not None:
            self._purse.ledger.fail(row, error, now)
            self.retries.over(finding(error, row.first_token is not None))
            self._error, self._until = error, now + (error.retry_after or 0.0)
            self._leave(row, now)

    def wake(self, now: float) -> list[Command]:
        """Time has passed: give it up if it is overdue."""
        row = self.row
        error = None if row is None or self.whole else self.deadlines.missed(now)
        if row is None or error is None:
            return []
        self.fail(row.number, error, now)
        return [Abort(row.number)]

    def _speaking(self, attempt: int) -> Attempt | None:
        row = self.row
        return row if row is not None and row.number == attempt and not self.whole else None

    # --- once the draft is decided on ----------------------------------------------------------

    def drop(
        self, now: float, how: Outcome = "cancelled", error: ErrorKind | None = None
    ) -> list[Command]:
        """Give it up: nobody needs it any more, or it `failed`."""
        row = self.row
        if row is None:
            return []
        self.retries.over("nothing" if row.first_token is None else "answer")
        self._purse.ledger.close(row, how, now, error)
        self._leave(row, now)
        return [Abort(row.number)]

    def take(self, row: Attempt, now: float) -> Sequence[Delta]:
        """Its row is that of the current attempt from here on; what it has said, to be heard."""
        self._leave(row, now)
        row.output_bytes = 0  # counted again as it is heard
        return self.heard

    def enter(self, retries: Retries, tier: Tier, now: float) -> None:
        """Its tier is asked anew, or for the first time if there was no hedge that failed."""
        error, self._error = self._error, None
        refusal = error if now < self._until else None
        if refusal is not None:
            refusal.retry_after = self._until - now
        retries.enter(tier.health, tried=error is not None, refusal=refusal)

    def _leave(self, row: Attempt, now: float) -> None:
        row.ahead = max(now - row.opened, 0.0)
        self.row = self._purse.beside = None
