"""Which tiers will be asked: the decision before the first request."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import Usage
from .economics import TYPICAL_OUTPUT, Costs, Priced
from .events import Routed, Strategy
from .judge import Judge
from .tier import Rules, Tier


def judges(tiers: Sequence[Tier], rules: Rules) -> tuple[Judge, ...]:
    """The judge of each tier; a policy that asks for prices gets those expected for the query."""
    judge = Judge(rules.estimator, rules.policy)
    if not isinstance(rules.policy, Priced):
        return (judge,) * len(tiers)
    strong = _expected(tiers[-1])
    return tuple(judge.at(Costs(_expected(tier), strong)) for tier in tiers)


def _expected(tier: Tier) -> float:
    limit = tier.request.max_tokens
    output = TYPICAL_OUTPUT if limit is None else min(limit, TYPICAL_OUTPUT)
    usage = Usage(input_tokens=tier.input_estimate, output_tokens=output)
    return float(tier.price.usd(usage))


def route(
    tiers: Sequence[Tier], rules: Rules, judges: Sequence[Judge], turn: int
) -> tuple[list[int], Routed]:
    """Indexes of the tiers to ask, cheapest first, and the event that tells them.

    The last tier is always among them. A draft is left out if its prompt cannot fit, or if the
    estimate from the request alone is hopeless.
    """
    ladder, reason = _ladder(tiers, rules, judges)
    models = tuple(tiers[i].model for i in ladder)
    strategy: Strategy = "cascade" if len(models) > 1 else "direct"
    return ladder, Routed(strategy, models, rules.complexity, reason, turn)


def _ladder(tiers: Sequence[Tier], rules: Rules, judges: Sequence[Judge]) -> tuple[list[int], str]:
    last = len(tiers) - 1
    if rules.direct or not last:
        return [last], rules.direct or "single_model"
    left_out = {i: why for i in range(last) if (why := _unsuited(tiers[i], judges[i]))}
    ladder = [i for i in range(len(tiers)) if i not in left_out]
    return ladder, "; ".join(f"{tiers[i].model}: {why}" for i, why in left_out.items()) or "cascade"


def _unsuited(tier: Tier, judge: Judge) -> str:
    """Why this draft is not worth asking; empty if it is."""
    window = tier.context_window
    if window is not None and tier.input_estimate > window:
        return "context_window"
    ruling = judge.before(tier.request)
    return "" if ruling is None else ruling.reason
