"""Estimators that heed the optional judges, and judges that say what a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from cascadeflow.config import ModelConfig
from cascadeflow.core.judge import Judge
from cascadeflow.core.policy import Opinion, ThresholdPolicy
from cascadeflow.core.referee import Expert, JudgeName, Panel, Referee, Reply
from cascadeflow.core.tier import Rules
from cascadeflow.judges.base import text_of
from cascadeflow.types import Delta, Estimate, Request, Stop

from .play import HI, Marked


class Heedful:
    """Thinks `p_good` of every draft, until it is advised: then the last opinion."""

    def __init__(self, p_good: float = 0.5) -> None:
        self.p_good = p_good
        self.observed: list[HeedfulObserver] = []

    def observe(self, request: Request) -> HeedfulObserver:
        self.observed.append(HeedfulObserver(self.p_good))
        return self.observed[-1]


class HeedfulObserver:
    def __init__(self, p_good: float) -> None:
        self.p_good = p_good
        self.finished = False
        self.opinions: list[Opinion] = []

    def feed(self, delta: Delta) -> None:
        self.finished = self.finished or isinstance(delta, Stop)

    def advise(self, opinion: Opinion) -> None:
        assert self.finished, "advised before the end of the draft"
        self.opinions.append(opinion)
        self.p_good = opinion.p_good

    def estimate(self) -> Estimate:
        return Estimate(self.p_good, {"own": 0.5})


class Asks(msgspec.Struct, frozen=True):
    """Asks `count` times; its opinion is the text of the last answer that came, as a number."""

    count: int = 1
    max_tokens: int | None = 1
    judge: JudgeName = "self_check"
    model: ModelConfig | None = None

    def inquiries(self, request: Request, draft: str) -> Sequence[Request]:
        asked = msgspec.structs.replace(HI, max_tokens=self.max_tokens)
        return [asked] * self.count

    def opinion(self, request: Request, draft: str, replies: Sequence[Reply]) -> Opinion | None:
        said = [text for reply in replies if (text := text_of(reply)) is not None]
        return Opinion(self.judge, float(said[-1])) if said else None


def make_rules(
    *judges: Referee,
    estimator: Heedful | Marked | None = None,
    experts: tuple[Expert | None, ...] = (),
    unsure: tuple[float, float] = (0.0, 0.95),
    timeout: float = 10.0,
    total: float | None = None,
    max_cost: float | None = None,
) -> Rules:
    return Rules(
        judge=Judge(estimator or Heedful(), ThresholdPolicy()),
        panel=Panel(judges, unsure=unsure, timeout=timeout),
        experts=experts,
        total=total,
        max_cost=None if max_cost is None else Decimal(str(max_cost)),
    )
