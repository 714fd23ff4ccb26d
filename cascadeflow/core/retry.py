"""Whether and when to ask the same model again. Pure: time and chance are arguments.

Sources: full jitter from the AWS architecture blog "Exponential Backoff and Jitter"; the budget
from gRPC's retry throttling (proposal A6) and Finagle's RetryBudget.
"""

from __future__ import annotations

from collections.abc import Callable

from ..config import RetryPolicy
from ..errors import ProviderError

EMPTY_RETRIES = 1
"""An empty body is asked for once more: a second one is the model's answer."""


class RetryBudget:
    """Bounds what retries add to the load of an endpoint that fails for everybody.

    A bucket of 100 tokens: a retry takes 5, a success gives 1 back; none are granted while less
    than half are left. Shared by all queries of an agent to one model.
    """

    __slots__ = ("tokens",)
    CAPACITY = 100.0
    COST = 5.0

    def __init__(self) -> None:
        self.tokens = self.CAPACITY

    def take(self) -> bool:
        """Pay for one retry; False if there is nothing left to pay with."""
        if self.tokens - self.COST < self.CAPACITY / 2:
            return False
        self.tokens -= self.COST
        return True

    def success(self) -> None:
        """An answer came: give a little back."""
        self.tokens = min(self.CAPACITY, self.tokens + 1)


class Retries:
    """Of one query: whether the tier at hand is asked once more."""

    __slots__ = ("_budget", "_chance", "_policy", "tried")

    def __init__(self, policy: RetryPolicy, chance: Callable[[], float]) -> None:
        self._policy = policy
        self._chance = chance
        self._budget = RetryBudget()
        self.tried = 0
        """Attempts on the tier."""

    def enter(self, budget: RetryBudget) -> None:
        """Another tier is asked for the first time; `budget`: of its model."""
        self._budget = budget
        self.tried = 0

    def delay(self, error: ProviderError, another_tier: bool, time_left: float) -> float | None:
        """Seconds to wait before the next attempt, which is then paid for; None: no further one."""
        delay = retry_delay(
            self._policy,
            error,
            tried=self.tried,
            chance=self._chance(),
            another_tier=another_tier,
            time_left=time_left,
        )
        return delay if delay is not None and self._budget.take() else None


def retry_delay(
    policy: RetryPolicy,
    error: ProviderError,
    *,
    tried: int,
    chance: float,
    another_tier: bool,
    time_left: float,
) -> float | None:
    """Seconds to wait before the same model is asked again; None: do not ask it again.

    Args:
        policy: the bounds.
        error: how the last attempt failed, before any visible output.
        tried: attempts on this model so far, at least 1.
        chance: uniform in [0, 1).
        another_tier: whether a stronger model could take over instead of waiting.
        time_left: seconds to the total deadline.
    """
    allowed = min(policy.attempts, 1 + EMPTY_RETRIES) if error.kind == "empty" else policy.attempts
    if not error.retryable or tried >= allowed:
        return None
    jitter = chance * min(policy.cap, policy.base * 2 ** (tried - 1))
    if error.retry_after is None:
        delay = jitter
    else:
        longest = policy.draft_wait if another_tier else policy.longest_wait
        if error.retry_after > longest:
            return None
        delay = error.retry_after + min(jitter, 0.1)
    return delay if delay < time_left else None
