"""The outcome of one query: the answer, how it was decided, what it cost.

Units: US dollars, milliseconds (`*_ms`), tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from .providers.lenient import is_mapping


@dataclass(slots=True, kw_only=True)
class CascadeResult:
    """One finished (or failed) query. Each fact once; `to_dict()` gives JSON types only."""

    id: str
    content: str = ""
    """The answer; after a failure, the partial text of the last attempt."""
    parsed: Any = None
    """The value of a structured answer (`response_format`), else None."""
    model_used: str | None = None
    """Who gave `content`."""
    draft_accepted: bool | None = None
    """A judged tier answered; None in direct mode."""
    cascaded: bool = False
    """At least one SWITCH took place."""
    degraded: bool = False
    """A rejected draft is returned because the verifier failed (`on_verifier_error="draft"`)."""
    total_cost: float = 0.0
    draft_cost: float = 0.0
    """All tiers but the last."""
    verifier_cost: float = 0.0
    cost_saved: float = 0.0
    """Against the last tier answering alone with the tokens measured; negative when a draft was
    paid in vain."""
    cost_source: str = "unknown"
    """Where the prices come from: "priced", "configured" or "unknown" (the weakest of all tiers
    that were asked)."""
    latency_ms: float = 0.0
    """From the start to the end, without the time the consumer held the stream."""
    first_token_ms: float | None = None
    """Until the first visible token."""
    draft_latency_ms: float = 0.0
    verifier_latency_ms: float = 0.0
    hedge_ms: float | None = None
    """How long a hedge had been asked when its draft was decided on, all turns together; None:
    nothing was hedged."""
    confidence: float | None = None
    """Estimated probability that the last judged draft was good."""
    threshold: float | None = None
    reason: str = ""
    """Of the last decision."""
    complexity: str = "simple"
    strategy: str = "direct"
    finish_reason: str | None = None
    truncated: bool = False
    tool_calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The conversation, the answer included: pass it as `messages` to continue."""
    usage: dict[str, int] = field(default_factory=dict[str, int])
    """Sum over all attempts: input_tokens, output_tokens, cached_tokens, reasoning_tokens."""
    attempts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The ledger: one row for each attempt opened, refused connections included. Keys: number,
    model, provider, tier, outcome, error (the kind), message (its words), reason (of the decision),
    usage, usd, source ("reported" or "estimated"), latency_ms, request_id. `docs/costs.md` says how
    each is found."""
    warnings: list[str] = field(default_factory=list[str])

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON types."""
        made: dict[str, Any] = msgspec.to_builtins(self, enc_hook=_plain)
        return made


def _plain(value: object) -> object:
    """What a caller's own type in a message is in JSON types."""
    if is_mapping(value):
        return {**value}
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return repr(value)
