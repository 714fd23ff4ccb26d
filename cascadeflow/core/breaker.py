"""A circuit breaker: an endpoint that fails again and again is left alone for a while.

    closed ── 5 failures in a row, or half of 5 and more in 60 s ──▶ open for 10 s
       ▲                                                               │
       └── answered ── one probe ◀── the pause is over ────────────────┤
                          └── failed ──▶ open, the pause doubled up to 120 s

Failures are often quicker than answers: attempts that are under way count as if they succeeded.
An endpoint that says how long to leave it alone is left alone for so long, up to 120 s.
While a probe is out nobody else is admitted. One that has told nothing for 60 s is given up, and
the next query may try: nobody knows whether its consumer will ever read on.

Pure: `now` is in seconds, of one monotonic clock for all who ask.
Source: the circuit breaker of Polly (failure ratio 0.5, minimum throughput 5, sampling 60 s), whose
one probe and rolling slices it has too; the doubling is exponential backoff.
https://www.pollydocs.org/strategies/circuit-breaker.html
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Finding: TypeAlias = Literal["answer", "failure", "nothing"]
"""What an attempt found out about the endpoint. nothing: it had its fill, or nobody waited."""
State: TypeAlias = Literal["closed", "open", "probing"]
"""closed: it is asked; open: left alone; probing: one query is on its way, the others wait."""

IN_A_ROW = 5
"""Failures without an answer between them, however long they take; more if more are under way."""
LEAST = 5
"""Attempts that ended in the last `WINDOW` seconds, below which their ratio says nothing."""
RATIO = 0.5
"""Of failures among them."""
WINDOW = 60.0
SLICE = 6.0
"""Seconds whose attempts are counted together: the window moves in such steps."""
SHORTEST = 10.0
LONGEST = 120.0
"""The pause at first, and at most."""
PATIENCE = 60.0
"""For which a probe that tells nothing keeps the others out."""


class _Slice(msgspec.Struct):
    """Attempts of `SLICE` seconds."""

    since: float
    attempts: int = 0
    failures: int = 0


class Breaker:
    """Whether one endpoint is asked at all.

    `admit` gives a permit, and whoever got it notes what it found, once. What became of an attempt
    from before the breaker opened or closed is of no interest any more: its permit is void.
    """

    __slots__ = ("_era", "_pause", "_row", "_slices", "_under_way", "state", "until")

    def __init__(self) -> None:
        self._era = 0
        """Counts openings, probes and closings; a permit is its value when it was given."""
        self._pause = SHORTEST
        self._under_way: int
        """Attempts admitted since the breaker closed that have told nothing yet."""
        self.state: State
        self.until: float | None
        """When the next probe may go out; None: closed."""
        self._row: int
        """Failures since the last answer."""
        self._slices: list[_Slice]
        self._close()

    def admit(self, now: float) -> int | None:
        """A permit to ask; None: not before `until`."""
        if self.until is not None:
            if now < self.until:
                return None
            self.state, self.until = "probing", now + PATIENCE
            self._era += 1
        else:
            self._under_way += 1
        return self._era

    def note(self, permit: int, found: Finding, now: float) -> None:
        """What came of an attempt."""
        if permit != self._era:
            return
        if self.until is None:
            self._under_way -= 1
            if found != "nothing":
                self._count(found == "failure", now)
            return
        match found:
            case "answer":
                self._close()
            case "failure":
                self._open(now, min(2 * self._pause, LONGEST))
            case "nothing":
                self.state, self.until = "open", now

    def rest(self, now: float, seconds: float) -> None:
        """The endpoint asked to be left alone for so long."""
        if self.until is None or self.until < now + seconds:
            self._open(now, min(seconds, LONGEST))

    def _close(self) -> None:
        self._era += 1
        self.state, self.until = "closed", None
        self._row, self._slices, self._under_way = 0, [], 0

    def _open(self, now: float, pause: float) -> None:
        self._era += 1
        self._pause = pause
        self.state, self.until = "open", now + pause

    def _count(self, failed: bool, now: float) -> None:
        slices = [each for each in self._slices if each.since > now - WINDOW]
        if not slices or now >= slices[-1].since + SLICE:
            slices.append(_Slice(now))
        slices[-1].attempts += 1
        slices[-1].failures += failed
        self._slices = slices
        self._row = self._row + 1 if failed else 0
        attempts = sum(each.attempts for each in slices)
        failures = sum(each.failures for each in slices)
        most = attempts >= LEAST and failures >= RATIO * (attempts + self._under_way)
        if failed and (most or self._row >= max(IN_A_ROW, self._under_way)):
            self._open(now, SHORTEST)
