"""Policies that weigh quality against money. Pure arithmetic on estimates and prices.

A cascade pays for every draft: it costs `draft + e * strong` a query, where `e` is the share of
drafts replaced, and beats the strong model alone only while `e < 1 - draft / strong`.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Protocol, runtime_checkable

import msgspec

from ..errors import ConfigError
from ..types import Estimate
from .policy import Policy, Stage, Verdict

TYPICAL_OUTPUT = 256
"""Tokens of an answer assumed before there is one, where no smaller limit is set."""
GOLDEN = 0.6180339887498949
"""Multiples of it, less their whole part, fill [0, 1) evenly however many there are."""


class Costs(msgspec.Struct, frozen=True):
    """US dollars of one query, expected before it is asked."""

    draft: float
    """Of the draft at hand."""
    strong: float
    """Of the last tier."""


@runtime_checkable
class Priced(Protocol):
    """A policy that wants to know what the query at hand costs."""

    def priced(self, costs: Costs) -> Policy:
        """The policy for one draft of one query."""
        ...


class ExpectedCostPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a draft if replacing it would cost more than the errors it would save are worth.

    Replacing a draft pays for the strong model and saves `benefit` errors on average, each worth
    `dollars_per_error`; `benefit` is P(strong is right) - P(draft is right), taken from the
    estimate or, where it has none, as `p_strong - p_good`. Before the draft, the last tier is asked
    at once if the cascade is expected to cost more than that: the draft's price, plus the strong
    model's with probability `1 - p_good`, against the strong model's alone.

    Args:
        dollars_per_error: what a wrong answer costs you, in US dollars; > 0.
        p_strong: assumed probability that the last tier is right, in (0, 1].
        hopeless: a draft whose `p_good` falls below it while it streams is abandoned, in [0, 1].

    Raises:
        ConfigError: a number is out of range.
    """

    dollars_per_error: float
    p_strong: float = 0.95
    hopeless: float = 0.15
    costs: Costs | None = None
    """Of the query at hand; set by the cascade."""

    def __post_init__(self) -> None:
        if not self.dollars_per_error > 0:
            raise ConfigError(
                f"ExpectedCostPolicy: dollars_per_error is {self.dollars_per_error}; it must be > 0"
            )
        if not (0 < self.p_strong <= 1 and 0 <= self.hopeless <= 1):
            raise ConfigError(
                f"ExpectedCostPolicy: p_strong={self.p_strong}, hopeless={self.hopeless}; they "
                "must be probabilities, p_strong > 0"
            )

    def priced(self, costs: Costs) -> ExpectedCostPolicy:
        """The policy for a query that costs this much."""
        return msgspec.structs.replace(self, costs=costs)

    def decide(self, estimate: Estimate, stage: Stage) -> tuple[Verdict, str]:
        """Compare what replacing the draft costs with what it saves."""
        costs = self.costs or Costs(0.0, 0.0)
        match stage:
            case "before":
                pays = costs.draft + (1 - estimate.p_good) * costs.strong <= costs.strong
                return ("continue", "") if pays else ("escalate", "cascade_cannot_pay")
            case "during":
                hopeless = estimate.p_good < self.hopeless and self._saves(estimate, costs)
                return ("escalate", "hopeless") if hopeless else ("continue", "")
            case "after" if self._saves(estimate, costs):
                return "escalate", "error_costs_more"
            case "after":
                return "accept", "keeping_costs_less"

    def _saves(self, estimate: Estimate, costs: Costs) -> bool:
        benefit = estimate.benefit
        if benefit is None:
            benefit = self.p_strong - estimate.p_good
        return benefit * self.dollars_per_error > costs.strong


class ShareOfStrongPolicy:
    """Spend about a given share of what the strong model alone would cost, where it helps most.

    It keeps the scores of the last queries and replaces a draft if it is among the worst of them:
    the worst `share - draft / strong`, since every draft is paid for. Of equal scores that share is
    replaced, evenly spread. Drafts abandoned while they stream come on top. One object serves all
    queries of an agent; the order in which they end decides, so two runs may differ.

    Args:
        share: of the strong model's cost, drafts included, in (0, 1].
        hopeless: a draft whose `p_good` falls below it while it streams is abandoned, in [0, 1].
        window: finished drafts remembered, at least 20. Until so many have been seen, a draft is
            compared with the few there are.

    Raises:
        ConfigError: a number is out of range.
    """

    def __init__(self, share: float, *, hopeless: float = 0.15, window: int = 256) -> None:
        if not (0 < share <= 1 and 0 <= hopeless <= 1):
            raise ConfigError(
                f"ShareOfStrongPolicy: share={share}, hopeless={hopeless}; share must be in "
                "(0, 1], hopeless in [0, 1]"
            )
        if window < 20:
            raise ConfigError(f"ShareOfStrongPolicy: window is {window}; it must be >= 20")
        self._share = share
        self._hopeless = hopeless
        self._scores = _Scores(deque(maxlen=window))

    def priced(self, costs: Costs) -> Policy:
        """The policy for a query that costs this much. It shares the scores."""
        ratio = costs.draft / costs.strong if costs.strong > 0 else 0.0
        policy = copy(self)
        policy._share = max(0.0, self._share - ratio)
        return policy

    def decide(self, estimate: Estimate, stage: Stage) -> tuple[Verdict, str]:
        """Compare the draft with the last ones; where no price is known it counts as free."""
        match stage:
            case "during" if estimate.p_good < self._hopeless:
                return "escalate", "hopeless"
            case "before" | "during":
                return "continue", ""
            case "after":
                score = estimate.p_good if estimate.benefit is None else -estimate.benefit
                rank = self._scores.rank(score)
                if rank < self._share and self._scores.seen > 1:
                    return "escalate", "among_the_worst"
                return "accept", "not_among_the_worst"


class _Scores(msgspec.Struct):
    """Those of the last drafts."""

    kept: deque[float]
    seen: int = 0

    def rank(self, score: float) -> float:
        """Remember a score; the part of all that is worse, with equal ones spread evenly."""
        self.kept.append(score)
        self.seen += 1
        kept = tuple(self.kept)  # queries in other threads may add theirs meanwhile
        equal = kept.count(score) * (self.seen * GOLDEN % 1)
        return (sum(known < score for known in kept) + equal) / len(kept)
