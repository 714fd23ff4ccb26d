"""Which tiers will be asked: the decision before the first request."""

from __future__ import annotations

from collections.abc import Sequence

from .judge import Judge
from .tier import Rules, Tier


def route(tiers: Sequence[Tier], rules: Rules, judge: Judge) -> tuple[list[int], str]:
    """Indexes of the tiers to ask, cheapest first, and the reason.

    The last tier is always among them. A draft is left out if its prompt cannot fit, or if the
    estimate from the request alone is hopeless.
    """
    last = len(tiers) - 1
    if rules.direct or not last:
        return [last], rules.direct or "single_model"
    left_out = {i: why for i in range(last) if (why := _unsuited(tiers[i], judge))}
    ladder = [i for i in range(len(tiers)) if i not in left_out]
    return ladder, "; ".join(f"{tiers[i].model}: {why}" for i, why in left_out.items()) or "cascade"


def _unsuited(tier: Tier, judge: Judge) -> str:
    """Why this draft is not worth asking; empty if it is."""
    window = tier.context_window
    if window is not None and tier.input_estimate > window:
        return "context_window"
    ruling = judge.before(tier.request)
    return "" if ruling is None else ruling.reason
