"""Asks the estimator and the policy about one draft, at each stage of its life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from ..errors import ConfigError
from ..types import Estimate, Request
from .economics import Costs, Priced
from .policy import Estimator, Observer, Policy, Stage, Thresholded, Verdict

_GOING_ON: Final[tuple[Verdict, ...]] = ("continue", "accept", "escalate", "hedge")
"""Verdicts on a draft that is not finished; "accept" has nothing to accept yet."""
_FINAL: Final[tuple[Verdict, ...]] = ("accept", "escalate")


class Ruling(msgspec.Struct, frozen=True):
    """What was decided about a draft, and on what grounds."""

    accepted: bool
    estimate: Estimate
    threshold: float | None
    """Least `p_good` that is accepted; None if the policy has no such number."""
    reason: str
    """A short code, from the policy or one of those in `docs/events.md`."""
    stage: Stage


class Judge:
    """An estimator and a policy, as one. Holds no state of a query: one serves many at once."""

    __slots__ = ("_estimator", "_policy", "_threshold", "priced")

    def __init__(self, estimator: Estimator, policy: Policy) -> None:
        self._estimator = estimator
        self._policy = policy
        # Asking what an object can do takes as long as looking at a whole draft.
        self.priced = policy if isinstance(policy, Priced) else None
        """The policy, if it wants to know what a query costs."""
        self._threshold = policy.accept_at if isinstance(policy, Thresholded) else None

    def observe(self, request: Request) -> Observer:
        """Begin to watch a draft."""
        return self._estimator.observe(request)

    def at(self, costs: Costs) -> Judge:
        """The same for a draft of a known price, if the policy wants to know it."""
        return self if self.priced is None else Judge(self._estimator, self.priced.priced(costs))

    def look(self, observer: Observer, stage: Stage, flaw: str = "") -> Ruling | Verdict:
        """Whether a draft is worth asking for, or must be given up while it streams.

        A `Ruling` is against it; with a `flaw` there is always one.

        Raises:
            ConfigError: the estimator or the policy returns what it must not.
        """
        estimate = _estimate(observer)
        verdict: Verdict
        verdict, reason = ("escalate", flaw) if flaw else self._decide(estimate, stage)
        if verdict != "escalate":
            return verdict
        return Ruling(False, estimate, self._threshold, reason or "hopeless", stage)

    def finished(
        self, observer: Observer, flaw: str = "", opinions: Mapping[str, float] | None = None
    ) -> Ruling:
        """Whether the whole draft is kept, its `Stop` included; with a `flaw`: never.

        `opinions`: of the optional judges by name, told as evidence; the observer knows them.

        Raises:
            ConfigError: the estimator or the policy returns what it must not.
        """
        estimate = _estimate(observer)
        if opinions:
            evidence = {**opinions, **estimate.evidence}
            estimate = msgspec.structs.replace(estimate, evidence=evidence)
        verdict, reason = self._decide(estimate, "after")
        accepted = verdict == "accept" and not flaw
        return Ruling(accepted, estimate, self._threshold, flaw or reason, "after")

    def _decide(self, estimate: Estimate, stage: Stage) -> tuple[Verdict, str]:
        found: object = self._policy.decide(estimate, stage)
        allowed = _FINAL if stage == "after" else _GOING_ON
        match found:
            case (str(verdict), str(reason)):
                for known in allowed:
                    if verdict == known:
                        return known, reason
            case _:
                pass
        raise ConfigError(
            f"{type(self._policy).__name__}.decide returned {found!r} for the stage {stage!r}; it "
            f"must be one of {', '.join(allowed)} and a reason, e.g. ('escalate', 'too_short')"
        )

    def failed(self, kind: str) -> Ruling:
        """A draft that broke is rejected without being asked for its quality."""
        return Ruling(False, Estimate(0.0), self._threshold, f"draft_error:{kind}", "during")


def _estimate(observer: Observer) -> Estimate:
    estimate: object = observer.estimate()
    if not isinstance(estimate, Estimate):
        raise ConfigError(
            f"{type(observer).__name__}.estimate returned {estimate!r}; it must be an Estimate"
        )
    return estimate
