"""Which tiers will be asked: the decision before the first request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from .economics import Costs
from .events import Routed, Strategy
from .judge import Judge, Ruling
from .policy import Observer
from .tier import Rules, Tier


def judges(tiers: Sequence[Tier], judge: Judge) -> tuple[Judge, ...]:
    """The judge of each tier; a policy that asks for prices gets those expected for the query."""
    if judge.priced is None:
        return (judge,) * len(tiers)
    strong = float(tiers[-1].expected)
    return tuple(judge.at(Costs(float(tier.expected), strong)) for tier in tiers)


Ladder: TypeAlias = dict[int, Observer | None]
"""Indexes of the tiers to ask, cheapest first; who watches each draft, None for the last tier."""


def route(
    tiers: Sequence[Tier], rules: Rules, judges: Sequence[Judge], turn: int
) -> tuple[Ladder, Routed]:
    """The tiers to ask, and the event that tells them.

    The last tier is always among them. A draft is left out if its prompt cannot fit, or if the
    estimate from the request alone is hopeless.
    """
    ladder: Ladder = {}
    left_out: list[str] = []
    for place, tier in enumerate(() if rules.direct else tiers[:-1]):
        if tier.context_window is not None and tier.input_estimate > tier.context_window:
            left_out.append(f"{tier.model}: context_window")
            continue
        observer = judges[place].observe(tier.request)
        found = judges[place].look(observer, "before")
        if isinstance(found, Ruling):
            left_out.append(f"{tier.model}: {found.reason}")
        else:
            ladder[place] = observer
    ladder[len(tiers) - 1] = None
    usual = "cascade" if len(tiers) > 1 else "single_model"
    reason = rules.direct or "; ".join(left_out) or usual
    models = tuple(tiers[place].model for place in ladder)
    strategy: Strategy = "cascade" if len(models) > 1 else "direct"
    return ladder, Routed(strategy, models, rules.complexity, reason, turn)
