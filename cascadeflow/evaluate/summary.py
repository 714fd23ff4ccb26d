"""What a workload shows: how well the judge ranks, what the policy's decisions gave, at what cost.

Two sets of rows: *judged* ones, whose draft is labelled, give AUROC, ECE and Brier; of these the
*paired* ones, whose verifier is labelled too, give everything else. Intervals are of the bootstrap:
95 % over rows for a figure, 90 % paired for the difference to a raw signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from .baselines import QUERY, RANDOM, RAW
from .metrics import (
    DRAWS,
    Floats,
    Interval,
    OperatingPoint,
    brier,
    ece,
    interval,
    operating_point,
    oracle,
)
from .ranking import Figures, Ranking, draws
from .workload import Workload

LEAST_ROWS = 20
"""Rows that must have a raw signal for it to be a baseline."""
PAIRED_CONFIDENCE = 0.9


class Figure(msgspec.Struct, frozen=True):
    """A number and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The judge beside a raw signal, on the rows that have it."""

    signal: str
    rows: int
    judge: Figures
    raw: Figures
    difference: Interval
    """Of APGR, judge minus signal, 90 %, paired."""

    @property
    def worse(self) -> bool:
        """Whether the judge is significantly below the signal."""
        return self.difference.high < 0


class Streaming(msgspec.Struct, frozen=True, kw_only=True):
    """What giving up drafts while they stream saves and costs."""

    rate: float
    """Tokens per second."""
    rejected: int
    """Drafts abandoned, or rejected at their end."""
    abandoned: float
    """Share of the rejected."""
    used_median: float
    """Share of its tokens after which a rejected draft was given up, in the median; 1: its end."""
    saved_median: float
    """Share of its tokens that abandoning a draft saved, in the median of those abandoned."""
    tokens_saved: int
    seconds_saved: float
    apgr_lost: float
    """Against judging at the end."""
    wrongly: float
    """Share of the abandoned that would have been right."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One workload."""

    name: str
    family: str
    rows: int
    judged: int
    paired: int
    weak: float
    """Correctness of the weak model alone, on the paired rows."""
    strong: float
    auroc: Figure
    """Of `p_good`, against whether the draft was right."""
    apgr: Figure
    cpt50: Figure
    cpt80: Figure
    of_oracle: float
    """APGR as a share of the oracle's."""
    ece: float
    brier: float
    point: OperatingPoint | None
    """What the policy's decisions give; None without paired rows."""
    ranked_by: Literal["benefit", "p_good"]
    by_p_good: Figures
    baselines: Mapping[str, Figures]
    comparisons: list[Comparison]
    forms: Mapping[str, int]
    streaming: Streaming | None

    @property
    def differ(self) -> bool:
        """Whether ranking by benefit and by `p_good` give different figures."""
        return self.ranked_by == "benefit"


def summarise(workload: Workload, resamples: int = DRAWS) -> Summary:
    """All figures of a workload.

    Raises:
        ConfigError: none of its rows says whether the draft was right.
    """
    get = workload.column
    judged: NDArray[np.bool_] = ~np.isnan(get("weak"))
    if not judged.any():
        raise ConfigError(
            f"{workload.name}: none of the {len(workload)} rows has draft_correct; label some, "
            "for instance by agent.feedback(id, correct=...)"
        )
    paired = judged & ~np.isnan(get("strong"))
    weak, strong = get("weak")[paired], get("strong")[paired]
    p_good, labels = get("p_good")[judged], get("weak")[judged]
    oracled = Ranking(oracle(weak, strong), weak, strong).figures()
    ranked = _figures(Ranking(get("score")[paired], weak, strong), resamples)
    return Summary(
        name=workload.name,
        family=workload.name.partition("__")[0],
        rows=len(workload),
        judged=len(labels),
        paired=len(weak),
        weak=_mean(weak),
        strong=_mean(strong),
        auroc=_figures(Ranking(p_good, labels, labels), resamples)["auroc"],
        apgr=ranked["apgr"],
        cpt50=ranked["cpt50"],
        cpt80=ranked["cpt80"],
        of_oracle=ranked["apgr"].value / oracled.apgr,
        ece=ece(p_good, labels),
        brier=brier(p_good, labels),
        point=_point(workload, paired),
        ranked_by="p_good" if np.isnan(get("benefit")).all() else "benefit",
        by_p_good=Ranking(get("p_good")[paired], weak, strong).figures(),
        baselines=_baselines(workload, paired) | {"oracle": oracled},
        comparisons=_comparisons(workload, paired, resamples),
        forms=dict(workload.forms.most_common()),
        streaming=_streaming(workload, paired),
    )


def decisions(workload: Workload) -> NDArray[np.bool_]:
    """Which drafts the policy kept in the end."""
    kept = (workload.column("accepted") > 0) & (workload.column("asked") > 0)
    abandoned: NDArray[np.bool_] = np.isnan(workload.column("abandoned_tokens"))
    return kept & abandoned


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _figures(ranking: Ranking, resamples: int) -> dict[str, Figure]:
    names = Figures.__struct_fields__
    values = np.array(msgspec.structs.astuple(ranking.figures()), dtype=np.float64)
    drawn = [
        msgspec.structs.astuple(ranking.figures(weights))
        for weights in draws(ranking.rows, resamples if ranking.rows else 0)
    ]
    columns = np.array(drawn, dtype=np.float64).reshape(-1, len(names)).T
    spans = [interval(column) for column in columns]
    return {
        name: Figure(float(value), span.low, span.high)
        for name, value, span in zip(names, values, spans, strict=True)
    }


def _point(workload: Workload, paired: NDArray[np.bool_]) -> OperatingPoint | None:
    if not paired.any():
        return None
    get = workload.column
    paid = np.nan_to_num(get("draft_dollars")) * get("asked")
    # What an abandoned draft had not yet generated was not paid; its prompt is not told apart.
    gone = get("abandoned_tokens") / get("tokens")
    paid = np.where(np.isnan(gone), paid, paid * gone)
    alone = np.nan_to_num(get("strong_dollars"))
    kept = decisions(workload)
    return operating_point(
        kept[paired], get("weak")[paired], get("strong")[paired], paid[paired], alone[paired]
    )


def _baselines(workload: Workload, paired: NDArray[np.bool_]) -> dict[str, Figures]:
    found = {"random": RANDOM}
    for name in (QUERY, "before", *RAW):
        ranking = _ranked(workload, name, paired)
        if ranking is not None:
            found[name] = ranking.figures()
    return found


def _ranked(workload: Workload, name: str, paired: NDArray[np.bool_]) -> Ranking | None:
    """Those of the paired rows that have the signal, ranked by it."""
    rows = paired & ~np.isnan(workload.column(name))
    if rows.sum() < LEAST_ROWS:
        return None
    get = workload.column
    return Ranking(get(name)[rows], get("weak")[rows], get("strong")[rows])


def _comparisons(workload: Workload, paired: NDArray[np.bool_], resamples: int) -> list[Comparison]:
    found: list[Comparison] = []
    get = workload.column
    for name in RAW:
        raw = _ranked(workload, name, paired)
        if raw is None:
            continue
        rows = paired & ~np.isnan(get(name))
        ours = Ranking(get("score")[rows], get("weak")[rows], get("strong")[rows])
        apart = [ours.apgr(each) - raw.apgr(each) for each in draws(raw.rows, resamples)]
        comparison = Comparison(
            signal=name,
            rows=raw.rows,
            judge=ours.figures(),
            raw=raw.figures(),
            difference=interval(apart, PAIRED_CONFIDENCE),
        )
        found.append(comparison)
    return found


def _streaming(workload: Workload, paired: NDArray[np.bool_]) -> Streaming | None:
    if workload.rate is None:
        return None
    get = workload.column
    asked = get("asked") > 0
    gone = ~np.isnan(get("abandoned_tokens"))
    rejected = asked & ~decisions(workload)
    tokens = get("tokens")
    used = np.where(gone, get("abandoned_tokens"), tokens)
    saved = tokens - used
    weak, strong = get("weak")[paired], get("strong")[paired]
    # What was abandoned is escalated, whatever the rest of it would have shown.
    early = np.where(gone, get("abandoned_p") - 10, get("score"))
    lost = float("nan")
    if paired.any():
        at_end = Ranking(get("score")[paired], weak, strong).figures().apgr
        lost = at_end - Ranking(early[paired], weak, strong).figures().apgr
    return Streaming(
        rate=workload.rate,
        rejected=int(rejected.sum()),
        abandoned=_mean(gone[rejected].astype(np.float64)),
        used_median=_median((used / tokens)[rejected]),
        saved_median=_median((saved / tokens)[gone]),
        tokens_saved=int(saved.sum()),
        seconds_saved=float(saved.sum()) / workload.rate,
        apgr_lost=lost,
        wrongly=_mean(get("weak")[gone & ~np.isnan(get("weak"))]),
    )


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else float("nan")
