"""What happened to a query, in words: one line each, for people.

The lines may hold names that came from a server; who prints them makes them plain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..result import CascadeResult

MOST_EVIDENCE = 6
"""Features named on one line."""

_VERBS = {
    "before": ("SKIPPED", "before it was asked"),
    "during": ("ABANDONED", "while it was speaking"),
    "after": ("REJECTED", "when it had ended"),
}
"""What a stage does to a draft, and when."""


def decision(data: Mapping[str, Any]) -> str:
    """A DRAFT_DECISION: the verdict, the probability and the threshold, the reason."""
    reason = str(data["reason"])
    if reason.startswith("draft_error:"):
        return f"FAILED ({reason.removeprefix('draft_error:')})"
    verb, when = _VERBS[data["stage"]]
    threshold = data["threshold"]
    bound = "" if threshold is None else f", threshold {threshold:.2f}"
    verdict = "ACCEPTED" if data["accepted"] else verb
    return f"{verdict} {when}: p_good {data['confidence']:.2f}{bound} ({reason})"


def evidence(data: Mapping[str, Any]) -> str:
    """The named features behind a DRAFT_DECISION; empty if there are none."""
    return few([f"{name} {value:.2f}" for name, value in data["evidence"].items()], MOST_EVIDENCE)


def few(names: Sequence[str], most: int) -> str:
    """The first of some names, and how many more there are."""
    rest = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *rest])


def switch(data: Mapping[str, Any]) -> str:
    """A SWITCH: who takes over and what is void."""
    shown = data["discard_chars"]
    void = f"; the {shown} characters above are void" if shown else ""
    return f"SWITCH {data['from_model']} -> {data['to_model']}{void}"


def footer(result: CascadeResult) -> str:
    """Who answered, what it cost and saved, how soon it came."""
    parts = [result.model_used or "no answer"]
    if result.cost_source == "unknown":
        parts.append("cost unknown (no price for a model)")
    else:
        parts.append(f"cost {dollars(result.total_cost)}")
        if result.strategy != "direct":
            alone = result.total_cost + result.cost_saved
            share = f" ({result.cost_saved / alone:.0%})" if alone > 0 else ""
            parts.append(f"saved {dollars(result.cost_saved)}{share}")
    if result.first_token_ms is not None:
        parts.append(f"first token {result.first_token_ms:.0f} ms")
    parts.append(f"all {result.latency_ms / 1e3:.1f} s")
    if result.truncated:
        parts.append("TRUNCATED (finish reason length; --max-tokens raises the limit)")
    return " | ".join(parts)


def dollars(value: float) -> str:
    """US dollars with as many decimals as a single query needs."""
    sign = "-" if value < 0 else ""
    return f"{sign}${abs(value):.6f}" if abs(value) < 1 else f"{sign}${abs(value):.2f}"
