"""What all queries of an agent know about one model at its endpoint.

Source of the budget: gRPC's retry throttling (proposal A6) and Finagle's RetryBudget.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from ..errors import ErrorKind, ProviderError
from .breaker import Breaker, Finding, State

OUTAGES: frozenset[ErrorKind] = frozenset((
    "connect", "dns", "tls", "timeout.connect", "timeout.first_token", "timeout.idle",
    "timeout.server", "overloaded", "server",
))  # fmt: skip
"""Failures that speak of the endpoint, not of the request, the account or the answer."""
_BROKEN: frozenset[ErrorKind] = frozenset(("incomplete", "protocol", "decode"))
"""Where the connection or its framing was to blame, asking again may help."""

CAPACITY = 100
COST = 5
"""Tokens of the retry budget, and what a retry takes of them."""


def finding(error: ProviderError, begun: bool) -> Finding:
    """What a failed attempt says about the endpoint: refusing what it was asked, it is well.

    One that limits the rate answers others: that says neither, or a busy minute would leave out a
    model that answers most.

    Args:
        error: how it failed.
        begun: something of the answer had come. Then it was only slow if the query's time was up.
    """
    if error.kind == "rate_limit":
        return "nothing"
    broken = error.kind in _BROKEN and error.retryable
    silent = error.kind == "timeout.total" and not begun
    return "failure" if error.kind in OUTAGES or broken or silent else "answer"


class Health:
    """Retry budget and circuit breaker of one model, shared by all queries.

    The budget bounds what retries add to the load of an endpoint that fails for everybody. It is a
    bucket of `CAPACITY` tokens: a retry takes `COST`, a whole answer gives 1 back; none are granted
    while less than half are left.

    Args:
        clock: seconds, monotonic, the same for all queries: unlike the time of a cascade it does
            not stand still while somebody's consumer does.
        guard: entered around every change; a lock where queries run in several threads.
        changed: told when the breaker opens or opens anew, with the seconds until a probe and
            whether the server asked for them; with None when it closes.
    """

    __slots__ = ("_breaker", "_changed", "_clock", "_guard", "_tokens")

    def __init__(
        self,
        clock: Callable[[], float],
        guard: AbstractContextManager[object] | None = None,
        changed: Callable[[float | None, bool], None] | None = None,
    ) -> None:
        self._tokens = CAPACITY
        self._breaker = Breaker()
        self._clock = clock
        self._guard = guard or nullcontext()
        self._changed = changed

    @property
    def open(self) -> bool:
        """Whether the breaker keeps queries out, but for a probe."""
        return self._breaker.until is not None

    def state(self) -> tuple[State, float | None]:
        """Of the breaker; if it keeps queries out, also the seconds until the next probe."""
        with self._guard:
            state, until = self._breaker.state, self._breaker.until
        return state, None if until is None else max(0.0, until - self._clock())

    def admit(self) -> int | ProviderError:
        """A permit for one attempt, or why there must not be one."""
        with self._guard:
            now = self._clock()
            permit = self._breaker.admit(now)
            if permit is not None:
                return permit
            left = (self._breaker.until or now) - now
        return ProviderError(
            "not asked, since its last attempts failed; "
            f"it is left alone for at most another {left:.3g} s",
            kind="circuit_open",
            retry_after=left,
        )

    def note(self, permit: int, found: Finding) -> None:
        """What came of an attempt that was admitted."""
        with self._guard:
            before = self._breaker.state
            self._breaker.note(permit, found, self._clock())
            after = self._breaker.state
        if after != before:
            self._tell(asked=False)

    def rest(self, seconds: float) -> None:
        """The server asked for a pause that no query waits for."""
        with self._guard:
            before = self._breaker.state
            self._breaker.rest(self._clock(), seconds)
            after = self._breaker.state
        if after != before:
            self._tell(asked=True)

    def _tell(self, *, asked: bool) -> None:
        state, left = self.state()
        if self._changed is not None and (left or state == "closed"):
            self._changed(left, asked)

    def take(self) -> bool:
        """Pay for one retry; False: there must not be one."""
        with self._guard:
            granted = self._tokens - COST >= CAPACITY / 2
            if granted:
                self._tokens -= COST
        return granted

    def success(self) -> None:
        """A whole answer came: it pays for retries."""
        with self._guard:
            self._tokens = min(CAPACITY, self._tokens + 1)
