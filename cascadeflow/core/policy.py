"""When to keep a draft, when to give up on it. Pure arithmetic on estimates and prices."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from ..config import is_number
from ..errors import ConfigError
from ..types import Delta, Estimate, Request

Verdict: TypeAlias = Literal["continue", "accept", "escalate", "hedge"]
"""hedge: go on, and ask the next tier meanwhile; see `core/hedge.py`."""
Stage: TypeAlias = Literal["before", "during", "after"]
"""Before the draft is asked for, while it streams, after its last token."""


@runtime_checkable
class Observer(Protocol):
    """Watches one draft; before the first `feed` it knows only the request.

    `feed` runs on the event loop: microseconds, no I/O. It sees all text and calls of the answer,
    the `Stop` last; consecutive pieces of text may come as one delta. `estimate` may have been
    asked for before the first of them.
    """

    def feed(self, delta: Delta) -> None:
        """Take in the next delta."""
        ...

    def estimate(self) -> Estimate:
        """How good the draft looks now.

        Asked once before the draft, then each time it has grown by an eighth, at least by 48 bytes,
        and after the `Stop`: once, or twice where optional judges are asked. On the event loop too.
        """
        ...


class Opinion(msgspec.Struct, frozen=True):
    """What an optional judge thinks of a finished draft; see `cascadeflow.judges`."""

    judge: Literal["self_check", "agreement", "model"]
    p_good: float
    """Probability in [0, 1] that the draft is good, not calibrated."""


@runtime_checkable
class Advisable(Protocol):
    """An observer that can use an outside opinion."""

    def advise(self, opinion: Opinion) -> None:
        """Take in an opinion, after the `Stop`; the next `estimate` heeds it."""
        ...


@runtime_checkable
class Estimator(Protocol):
    """Makes one `Observer` for each draft."""

    def observe(self, request: Request) -> Observer:
        """Begin to watch the answer to `request`."""
        ...


@runtime_checkable
class Policy(Protocol):
    """Turns an estimate into a verdict."""

    def decide(self, estimate: Estimate, stage: Stage) -> tuple[Verdict, str]:
        """The verdict and a short reason for it.

        `before`: "continue" or "escalate"; `during`: these or "hedge"; `after`: "accept" or
        "escalate".
        """
        ...


@runtime_checkable
class Thresholded(Protocol):
    """A policy that can name the probability at which it accepts, for the events."""

    @property
    def accept_at(self) -> float:
        """Least `p_good` that is accepted."""
        ...


class ThresholdPolicy(msgspec.Struct, frozen=True):
    """Keep a finished draft at `accept_at`; skip or abandon one that falls below `hopeless`.

    Args:
        accept_at: least `p_good` of a finished draft that is kept.
        hopeless: a draft whose `p_good` is lower is not asked for, or given up.
        hedge_below: while `p_good` of a draft that streams is lower, the next model is asked
            already, at most once a turn: seconds for dollars. None: never; 1: always.

    Raises:
        ConfigError: unless 0 <= hopeless <= accept_at <= 1 and hopeless <= hedge_below <= 1.
    """

    accept_at: float = 0.6
    hopeless: float = 0.15
    hedge_below: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("accept_at", self.accept_at), ("hopeless", self.hopeless)):
            if not is_number(value):
                raise ConfigError(f"ThresholdPolicy: {name} is {value!r}; it must be a number")
        if not 0 <= self.hopeless <= self.accept_at <= 1:
            raise ConfigError(
                f"ThresholdPolicy: hopeless={self.hopeless}, accept_at={self.accept_at}; "
                "it must hold that 0 <= hopeless <= accept_at <= 1"
            )
        doubt = self.hedge_below
        if doubt is not None and not (is_number(doubt) and self.hopeless <= doubt <= 1):
            raise ConfigError(
                f"ThresholdPolicy: hedge_below is {doubt!r}; it must be None, or a number from "
                f"hopeless ({self.hopeless}) to 1"
            )

    def decide(self, estimate: Estimate, stage: Stage) -> tuple[Verdict, str]:
        """Compare `p_good` with the bounds."""
        match stage:
            case "before" | "during" if estimate.p_good < self.hopeless:
                return "escalate", "hopeless"
            case "during" if self.hedge_below is not None and estimate.p_good < self.hedge_below:
                return "hedge", "in_doubt"
            case "before" | "during":
                return "continue", ""
            case "after" if estimate.p_good >= self.accept_at:
                return "accept", "quality_passed"
            case "after":
                return "escalate", "quality_insufficient"
