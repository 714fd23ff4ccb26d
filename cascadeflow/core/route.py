"""Which tiers will be asked: the decision before the first request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from .economics import Costs
from .events import Routed, Strategy
from .judge import Judge
from .policy import Observer
from .tier import Rules, Tier


def judges(tiers: Sequence[Tier], judge: Judge) -> tuple[Judge, ...]:
    """The judge of each tier; a policy that asks for prices gets those expected for the query."""
    if not judge.priced:
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
    ladder, reason = _ladder(tiers, rules, judges)
    models = tuple(tiers[i].model for i in ladder)
    strategy: Strategy = "cascade" if len(models) > 1 else "direct"
    return ladder, Routed(strategy, models, rules.complexity, reason, turn)


def _ladder(tiers: Sequence[Tier], rules: Rules, judges: Sequence[Judge]) -> tuple[Ladder, str]:
    last = len(tiers) - 1
    if rules.direct or not last:
        return {last: None}, rules.direct or "single_model"
    ladder: Ladder = {}
    left_out: list[str] = []
    for i, tier in enumerate(tiers[:-1]):
        found = _suited(tier, judges[i])
        if isinstance(found, str):
            left_out.append(f"{tier.model}: {found}")
        else:
            ladder[i] = found
    return ladder | {last: None}, "; ".join(left_out) or "cascade"


def _suited(tier: Tier, judge: Judge) -> Observer | str:
    """Who watches this draft, or why it is not worth asking."""
    window = tier.context_window
    if window is not None and tier.input_estimate > window:
        return "context_window"
    observer = judge.observe(tier.request)
    ruling = judge.before(observer)
    return observer if ruling is None else ruling.reason
