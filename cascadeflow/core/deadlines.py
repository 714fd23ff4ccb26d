"""The deadlines of one query, compared with a time that others tell. Seconds, monotonic."""

from __future__ import annotations

import math

from ..config import Timeouts
from ..errors import ErrorKind, ProviderError


def _seconds(limit: float | None) -> float:
    return math.inf if limit is None else limit


class Deadlines:
    """When to stop waiting: for the query, for the tier, for the next piece of content."""

    __slots__ = (
        "_begun", "_bound", "_patience", "_tier_ends", "_tier_total", "_timeouts", "_total",
        "ends", "next", "since",
    )  # fmt: skip

    def __init__(self, total: float | None, now: float) -> None:
        self._total = _seconds(total)
        self.ends = now + self._total
        """When the whole query is overdue."""
        self._tier_total = self._tier_ends = math.inf
        self._timeouts: Timeouts
        self.since = self._patience = math.inf
        """When content came last, or the request went out."""
        self.next = self._bound = self.ends
        """The earliest deadline; infinity if there is none."""
        self._begun = False

    def enter(self, timeouts: Timeouts, now: float) -> None:
        """Another tier is asked for the first time."""
        self._timeouts = timeouts
        self._tier_total = _seconds(timeouts.total)
        self._tier_ends = now + self._tier_total
        self._bound = min(self.ends, self._tier_ends)

    def ask(self, at: float) -> None:
        """A request goes out: the first token is awaited from `at` on."""
        self._patience = _seconds(self._timeouts.first_token)
        self._begun = False
        self.wait(at)

    def heard(self, now: float) -> None:
        """Content came: an answer, a call or thinking, not a comment or a ping."""
        if not self._begun:
            self._begun = True
            self._patience = _seconds(self._timeouts.idle)
        self.wait(now)

    def wait(self, since: float) -> None:
        """The next piece is awaited since then."""
        self.since = since
        limit = since + self._patience
        self.next = limit if limit < self._bound else self._bound

    def time_left(self, now: float) -> float:
        """Seconds to the end of the query or of the tier."""
        return self._bound - now

    def missed(self, now: float) -> ProviderError | None:
        """The deadline that has passed, as an error."""
        if now < self.next:
            return None
        kind: ErrorKind
        if now >= self.ends:
            return self.total_missed()
        if now >= self._tier_ends:
            kind, what, limit = "timeout.total", "no complete answer", self._tier_total
        elif self._begun:
            kind, what, limit = "timeout.idle", "no further content", self._patience
        else:
            kind, what, limit = "timeout.first_token", "no token", self._patience
        return ProviderError(f"{what} within {limit:g} s", kind=kind)

    def total_missed(self) -> ProviderError:
        """The deadline of the whole query, as an error."""
        return ProviderError(f"no complete answer within {self._total:g} s", kind="timeout.total")
