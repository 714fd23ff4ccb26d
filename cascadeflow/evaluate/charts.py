"""Pictures of a workload: what a share of escalations buys, and whether `p_good` is true.

    cost and quality   x: dollars, strong alone = 1; y: correctness. Judge, oracle, query length,
                       random; what the policy decided as a dot
    reliability        estimated against observed; the diagonal is a calibrated judge
    histogram          drafts by p_good, right and wrong ones apart

A picture is a Vega-Lite specification, which altair checks. Only numbers go into it, at most
`MOST_POINTS` a line. Source: https://vega.github.io/vega-lite/docs/
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, TypeAlias

import altair as alt
import numpy as np

from .metrics import Floats, reliability, run_ends
from .workload import QUERY, Mask, Workload

Spec: TypeAlias = dict[str, Any]
"""Vega-Lite as JSON types."""

MOST_POINTS: Final = 200
CELLS: Final = 20
"""Of the histogram, over [0, 1]."""
SIZE: Final = {"width": 300, "height": 240}
GREEN, RED, GREY, BLUE = "#2a9d5c", "#b3261e", "#8a8a8a", "#1b6ca8"
LINES: Final = {"judge": BLUE, "oracle": GREEN, "query length": "#c98a1b", "random": GREY}
DRAFTS: Final = {"right": GREEN, "wrong": RED}


def picture(workload: Workload) -> alt.HConcatChart:
    """The three side by side; without rows that have both labels the first is left out."""
    labels, paired = workload.judged, workload.paired
    parts = [_trade(workload, paired)] if paired.any() else []
    parts += [_reliability(workload, labels), _histogram(workload, labels)]
    apart = {"scale": {"color": "independent"}}
    return alt.HConcatChart.from_dict({"title": workload.name, "hconcat": parts, "resolve": apart})


def _trade(workload: Workload, paired: Mask) -> Spec:
    weak, strong = workload.column("weak")[paired], workload.column("strong")[paired]
    draft, alone = _dollars(workload, paired)
    kept = workload.kept[paired]
    here = {
        "cost": float((draft.sum() + alone[~kept].sum()) / alone.sum()),
        "correct": float(np.where(kept, weak, strong).mean()),
    }
    scores = {
        "judge": workload.column("score")[paired],
        "oracle": weak - strong,
        "query length": workload.column(QUERY)[paired],
        "random": None,
    }
    points = [
        {"line": name, "cost": cost, "correct": correct}
        for name, score in scores.items()
        for cost, correct in _walk(score, strong - weak, draft, alone, float(weak.mean()))
    ]
    encoding = {
        "x": {"field": "cost", "type": "quantitative", "title": "cost, strong alone = 1"},
        "y": {"field": "correct", "type": "quantitative", "scale": {"zero": False}},
    }
    lines = {
        "data": {"values": points},
        "mark": "line",
        "encoding": encoding | {"order": {"field": "cost"}, "color": _colour("line", LINES)},
    }
    dot = {
        "data": {"values": [here]},
        "mark": {"type": "point", "filled": True, "size": 90, "color": RED},
        "encoding": encoding,
    }
    return {**SIZE, "title": "Cost and quality (dot: the policy)", "layer": [lines, dot]}


def _dollars(workload: Workload, paired: Mask) -> tuple[Floats, Floats]:
    """Of drafts and verifiers; without prices the share escalated stands for the cost."""
    draft = np.nan_to_num(workload.column("draft_dollars"))[paired]
    alone = np.nan_to_num(workload.column("strong_dollars"))[paired]
    if alone.sum() <= 0:
        return np.zeros(len(draft)), np.ones(len(alone))
    return draft, alone


def _walk(
    score: Floats | None, gain: Floats, draft: Floats, alone: Floats, least: float
) -> Iterator[tuple[float, float]]:
    """(cost, correctness) as more and more is escalated, the lowest scores first.

    Without a score (random) the line goes straight from one end to the other.
    """
    if score is None:
        start = float(draft.sum() / alone.sum())
        yield start, least
        yield start + 1, least + float(gain.mean())
        return
    order = np.argsort(score, kind="stable")
    gained = np.concatenate([[0.0], np.cumsum(gain[order])])
    paid = np.concatenate([[0.0], np.cumsum(alone[order])]) + draft.sum()
    # Between equal scores there is no order: the line goes straight over them.
    stops = np.concatenate([[0], run_ends(score[order]) + 1])
    for stop in np.unique(np.linspace(0, len(stops) - 1, MOST_POINTS).astype(np.intp)):
        at = stops[stop]
        yield float(paid[at] / alone.sum()), least + float(gained[at]) / len(order)


def _reliability(workload: Workload, labels: Mask) -> Spec:
    bins = reliability(workload.column("p_good")[labels], workload.column("weak")[labels])
    seen = [
        {"p": p, "right": right} for p, right in zip(bins.estimated, bins.observed, strict=True)
    ]
    unit = {"domain": [0, 1]}
    encoding = {
        "x": {"field": "p", "type": "quantitative", "title": "p_good", "scale": unit},
        "y": {"field": "right", "type": "quantitative", "title": "share right", "scale": unit},
    }
    diagonal = {
        "data": {"values": [{"p": end, "right": end} for end in (0, 1)]},
        "mark": {"type": "line", "color": GREY, "strokeDash": [4, 4]},
        "encoding": encoding,
    }
    line = {
        "data": {"values": seen},
        "mark": {"type": "line", "point": True, "color": BLUE},
        "encoding": encoding,
    }
    return {**SIZE, "title": "Reliability", "layer": [diagonal, line]}


def _histogram(workload: Workload, labels: Mask) -> Spec:
    p_good = workload.column("p_good")[labels]
    right = workload.column("weak")[labels] >= 0.5
    cells = [*_cells("right", p_good[right]), *_cells("wrong", p_good[~right])]
    return {
        **SIZE,
        "title": "p_good of right and wrong drafts",
        "data": {"values": cells},
        "mark": {"type": "bar", "opacity": 0.6},
        "encoding": {
            "x": {"field": "low", "bin": "binned", "type": "quantitative", "title": "p_good"},
            "x2": {"field": "high"},
            "y": {"field": "rows", "type": "quantitative", "stack": None},
            "color": _colour("draft", DRAFTS),
        },
    }


def _cells(draft: str, p_good: Floats) -> Iterator[Spec]:
    counts, edges = np.histogram(p_good, bins=CELLS, range=(0, 1))
    for count, (low, high) in zip(counts.tolist(), pairwise(edges.tolist()), strict=True):
        yield {"draft": draft, "low": low, "high": high, "rows": count}


def _colour(field: str, colours: dict[str, str]) -> Spec:
    scale = {"domain": [*colours], "range": [*colours.values()]}
    return {"field": field, "type": "nominal", "title": None, "scale": scale}
