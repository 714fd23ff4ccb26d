"""Whether a model is asked, whether and when once more. Pure: time and chance are arguments.

Source: full jitter from the AWS architecture blog "Exponential Backoff and Jitter".
"""

from __future__ import annotations

from collections.abc import Callable

from ..config import RetryPolicy
from ..errors import ProviderError
from .breaker import Finding
from .health import Health

EMPTY_RETRIES = 1
"""An empty body is asked for once more: a second one is the model's answer."""


class Retries:
    """Of one query: whether the tier at hand is asked, and whether once more."""

    __slots__ = ("_chance", "_health", "_permit", "_policy", "_refusal", "tried")

    def __init__(self, policy: RetryPolicy, chance: Callable[[], float]) -> None:
        self._policy = policy
        self._chance = chance
        self._health: Health
        self._permit: int | None = None
        self._refusal: ProviderError | None = None
        self.tried = 0
        """Attempts on the tier."""

    def enter(
        self, health: Health, *, tried: int = 0, refusal: ProviderError | None = None
    ) -> None:
        """Another tier is asked. `tried`: attempts on it; `refusal`: why none goes out at once."""
        self._health = health
        self.tried = tried
        self._refusal = refusal

    def ask(self) -> ProviderError | None:
        """One more attempt begins; an error: it must not go out."""
        self.tried += 1
        refusal, self._refusal = self._refusal, None
        if refusal is not None:
            return refusal
        if not self._policy.breaker:
            return None
        admitted = self._health.admit()
        if isinstance(admitted, ProviderError):
            return admitted
        self._permit = admitted
        return None

    def answered(self) -> None:
        """The answer is whole."""
        self._health.success()
        self.over("answer")

    def over(self, found: Finding) -> None:
        """The attempt has ended. Of what is told about one attempt the first counts."""
        if self._permit is not None:
            self._health.note(self._permit, found)
            self._permit = None

    def delay(self, error: ProviderError, another_tier: bool, time_left: float) -> float | None:
        """Seconds to wait before the next attempt, which is then paid for; None: no further one.

        `error`: how the last one failed, before any visible output. `another_tier`: whether a
        stronger model could take over instead. `time_left`: seconds to the total deadline.
        """
        policy, after, allowed = self._policy, error.retry_after, self._policy.attempts
        if error.kind == "empty":
            allowed = min(allowed, 1 + EMPTY_RETRIES)
        if not error.retryable or self.tried >= allowed or (policy.breaker and self._health.open):
            return None
        delay = self._chance() * min(policy.cap, policy.base * 2 ** (self.tried - 1))
        if after is not None:
            if after > (policy.draft_wait if another_tier else policy.longest_wait):
                if policy.breaker:
                    self._health.rest(after)
                return None
            delay = after + min(delay, 0.1)
        return delay if delay < time_left and self._health.take() else None
