"""Pictures of a workload: what a share of escalations buys, and whether `p_good` is true.

    cost and quality   x: dollars, strong alone = 1; y: correctness. Judge, oracle, query length,
                       random; what the policy decided as a dot
    reliability        estimated against observed; the diagonal is a calibrated judge
    histogram          drafts by p_good, right and wrong ones apart

A picture is a Vega-Lite specification, which altair checks. Only numbers go into it, at most
`MOST_POINTS` a line. Source: https://vega.github.io/vega-lite/docs/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import altair as alt
import numpy as np

from .metrics import Floats, reliability, run_ends
from .workload import QUERY, Mask, Workload

Layers: TypeAlias = alt.LayerChart | alt.FacetChart

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
    parts: list[alt.Chart | Layers] = [_trade(workload, paired)] if paired.any() else []
    p_good, weak = workload.column("p_good")[labels], workload.column("weak")[labels]
    parts += [_reliability(p_good, weak), _histogram(p_good, weak >= 0.5)]
    apart = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    return alt.HConcatChart(hconcat=parts, title=workload.name, resolve=apart)


def _trade(workload: Workload, paired: Mask) -> Layers:
    weak, strong = workload.column("weak")[paired], workload.column("strong")[paired]
    draft = np.nan_to_num(workload.column("draft_dollars"))[paired]
    alone = np.nan_to_num(workload.column("strong_dollars"))[paired]
    if alone.sum() <= 0:  # without prices the share escalated stands for the cost
        draft, alone = np.zeros(len(draft)), np.ones(len(alone))
    kept = workload.kept[paired]
    here = {
        "cost": float((draft.sum() + alone[~kept].sum()) / alone.sum()),
        "correct": float(np.where(kept, weak, strong).mean()),
    }
    scores = {
        "judge": workload.column("score")[paired],
        "oracle": weak - strong,
        "query length": workload.column(QUERY)[paired],
        "random": np.zeros(len(weak)),
    }
    points = [
        {"line": name, "cost": cost, "correct": correct}
        for name, score in scores.items()
        for cost, correct in _walk(score, strong - weak, draft, alone, float(weak.mean()))
    ]
    x = alt.X("cost:Q", title="cost, strong alone = 1")
    y = alt.Y("correct:Q", scale=alt.Scale(zero=False))
    lines = _chart(points).mark_line()
    lines = lines.encode(x=x, y=y, order="cost:Q", color=_colour("line", LINES))
    dot = _chart([here]).mark_point(filled=True, size=90, color=RED).encode(x=x, y=y)
    return alt.layer(lines, dot, title="Cost and quality (dot: the policy)", **SIZE)


def _walk(
    score: Floats, gain: Floats, draft: Floats, alone: Floats, least: float
) -> Iterator[tuple[float, float]]:
    """(cost, correctness) as more and more is escalated, the lowest scores first."""
    order = np.argsort(score, kind="stable")
    gained = np.concatenate([[0.0], np.cumsum(gain[order])])
    paid = np.concatenate([[0.0], np.cumsum(alone[order])]) + draft.sum()
    # Between equal scores there is no order: the line goes straight over them.
    stops = np.concatenate([[0], run_ends(score[order]) + 1])
    for stop in np.unique(np.linspace(0, len(stops) - 1, MOST_POINTS).astype(np.intp)):
        at = stops[stop]
        yield float(paid[at] / alone.sum()), least + float(gained[at]) / len(order)


def _reliability(p_good: Floats, weak: Floats) -> Layers:
    seen = [{"p": p, "right": right} for p, right, _ in reliability(p_good, weak)]
    unit = alt.Scale(domain=[0, 1])
    x = alt.X("p:Q", title="p_good", scale=unit)
    y = alt.Y("right:Q", title="share right", scale=unit)
    ends = _chart({"p": end, "right": end} for end in (0, 1))
    diagonal = ends.mark_line(color=GREY, strokeDash=[4, 4]).encode(x=x, y=y)
    line = _chart(seen).mark_line(point=True, color=BLUE).encode(x=x, y=y)
    return alt.layer(diagonal, line, title="Reliability", **SIZE)


def _histogram(p_good: Floats, right: Mask) -> alt.Chart:
    edges = np.linspace(0, 1, CELLS + 1).tolist()
    cells = [
        {"draft": draft, "low": low, "high": high, "rows": count}
        for draft, drafts in (("right", p_good[right]), ("wrong", p_good[~right]))
        for count, low, high in zip(
            np.histogram(drafts, edges)[0].tolist(), edges, edges[1:], strict=False
        )
    ]
    title = "p_good of right and wrong drafts"
    bars = _chart(cells).mark_bar(opacity=0.6).properties(title=title, **SIZE)
    chart: alt.Chart = bars.encode(
        x=alt.X("low:Q", bin="binned", title="p_good"),
        x2="high",
        y=alt.Y("rows:Q", stack=None),
        color=_colour("draft", DRAFTS),
    )
    return chart


def _chart(values: Iterable[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData([*values]))


def _colour(field: str, colours: dict[str, str]) -> alt.Color:
    scale = alt.Scale(domain=[*colours], range=[*colours.values()])
    return alt.Color(f"{field}:N", title=None, scale=scale)
