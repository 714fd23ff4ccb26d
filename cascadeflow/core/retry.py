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


_VOID = -1
"""A permit that no breaker gives."""


class Retries:
    """Of one query: whether the tier at hand is asked, and whether once more."""

    __slots__ = ("_chance", "_health", "_permit", "_policy", "_refusal", "tried")

    def __init__(self, policy: RetryPolicy, chance: Callable[[], float]) -> None:
        self._policy = policy
        self._chance = chance
        self._health: Health
        self._permit = _VOID
        self._refusal: ProviderError | None = None
        self.tried = 0
        """Attempts on the tier."""

    def enter(
        self, health: Health, *, tried: int = 0, refusal: ProviderError | None = None
    ) -> None:
        """Another tier is asked.

        Args:
            health: of its model.
            tried: attempts on it so far.
            refusal: why the next one must not go out at once.
        """
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
        if self._permit != _VOID:
            self._health.note(self._permit, found)
            self._permit = _VOID

    def delay(self, error: ProviderError, another_tier: bool, time_left: float) -> float | None:
        """Seconds to wait before the next attempt, which is then paid for; None: no further one."""
        if self._policy.breaker and self._health.open:
            return None
        delay = retry_delay(
            self._policy,
            error,
            tried=self.tried,
            chance=self._chance(),
            another_tier=another_tier,
            time_left=time_left,
        )
        return delay if delay is not None and self._health.take() else None


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
