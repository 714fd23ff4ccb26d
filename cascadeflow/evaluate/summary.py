"""What a workload shows: how well the judge ranks, what the policy's decisions gave, at what cost.

Two sets of rows: *judged* ones, whose draft is labelled, give AUROC, ECE and Brier; of these the
*paired* ones, whose verifier is labelled too, give everything else. Intervals are of the bootstrap:
95 % over rows for a figure, 90 % paired for the difference to a raw signal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np

from ..errors import ConfigError
from .metrics import (
    DRAWS,
    Figure,
    Figures,
    Floats,
    OperatingPoint,
    Ranking,
    brier,
    draws,
    ece,
    interval,
    linear_interval,
    operating_point,
)
from .workload import QUERY, RAW, Mask, Workload

LEAST_ROWS = 20
"""Rows that must have a raw signal for it to be a baseline."""
PAIRED_CONFIDENCE = 0.9
RANDOM = Figures(auroc=0.5, apgr=0.5, cpt50=0.5, cpt80=0.8)
"""By definition, not by drawing."""
HOW_TO_LABEL = (
    "agent.feedback(id, correct=...) labels the answer that was shown: the draft where it was "
    "kept, else the verifier's; both labels can be written into the rows"
)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The judge beside a raw signal, on the rows that have it.

    In a cross-validation both rank within each fold.
    """

    signal: str
    rows: int
    judge: Figures
    raw: Figures
    difference: Figure
    """Of APGR, judge minus signal, 90 %, paired."""
    linear: Figure
    """The same, as it enters a mean over files weighted by the gap."""

    @property
    def worse(self) -> bool:
        """Whether the judge is significantly below the signal."""
        return self.difference.high < 0


class Streaming(msgspec.Struct, frozen=True, kw_only=True):
    """What giving up drafts while they stream saves and costs."""

    rate: float
    """Tokens per second."""
    rejected: int
    """Drafts that were not asked for, abandoned, or rejected at their end."""
    direct: float
    """Share of the rejected that were not asked for: the strong model was asked directly."""
    abandoned: float
    """Share of the rejected that were given up while they streamed."""
    used_median: float
    """Share of its tokens that were read of a rejected draft, in the median; 0: not asked for."""
    saved_median: float
    """Share of its tokens that abandoning a draft saved, in the median of those abandoned."""
    tokens_saved: int
    """By abandoning."""
    seconds_saved: float
    apgr_lost: float
    """Against judging every draft at its end."""
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
    apgr_linear: Figure
    """The same with the interval as it enters a mean over files weighted by the gap."""
    cpt50: Figure
    cpt80: Figure
    of_oracle: float
    """APGR as a share of the oracle's."""
    ece: float
    brier: float
    point: OperatingPoint | None
    """What the policy's decisions give; None without paired rows."""
    by_benefit: bool
    """Whether `apgr` and CPT rank by benefit; else by `p_good`."""
    by_p_good: Figures
    baselines: Mapping[str, Figures]
    comparisons: list[Comparison]
    forms: Mapping[str, int]
    streaming: Streaming | None


def summarise(workload: Workload, resamples: int = DRAWS) -> Summary:
    """All figures of a workload; `resamples` draws are behind each interval, 0: no intervals.

    Raises:
        ConfigError: none of its rows says whether the draft was right.
    """
    get = workload.column
    judged, paired = workload.judged, workload.paired
    if not judged.any():
        raise ConfigError(unlabelled(workload))
    weak, strong = get("weak")[paired], get("strong")[paired]
    p_good, labels = get("p_good")[judged], get("weak")[judged]
    oracled = Ranking(weak - strong, weak, strong).figures()
    ranked = _figures(Ranking(get("score")[paired], weak, strong), resamples)
    signals: dict[str, Mask] = {
        name: rows
        for name in (QUERY, "before", *RAW)
        if (rows := paired & ~np.isnan(get(name))).sum() >= LEAST_ROWS
    }
    raw = {name: _ranked(workload, get(name), rows).figures() for name, rows in signals.items()}
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
        apgr_linear=ranked["linear"],
        cpt50=ranked["cpt50"],
        cpt80=ranked["cpt80"],
        of_oracle=ranked["apgr"].value / oracled.apgr,
        ece=ece(p_good, labels),
        brier=brier(p_good, labels),
        point=_point(workload),
        by_benefit=bool(paired.any()) and not np.isnan(get("benefit")).all(),
        by_p_good=Ranking(get("p_good")[paired], weak, strong).figures(),
        baselines={"random": RANDOM, **raw, "oracle": oracled},
        comparisons=[
            _comparison(workload, name, rows, resamples)
            for name, rows in signals.items()
            if name != "before"
        ],
        forms=dict(workload.forms.most_common()),
        streaming=_streaming(workload),
    )


def unlabelled(workload: Workload) -> str:
    """Says that no draft of the workload is labelled, and what to do."""
    others = int((~np.isnan(workload.column("strong"))).sum())
    return (
        f"{workload.name}: none of the {len(workload)} rows has draft_correct ({others} have "
        f"verifier_correct): nothing tells a right draft from a wrong one. {HOW_TO_LABEL}"
    )


def _figures(ranking: Ranking, resamples: int) -> dict[str, Figure]:
    """Each of `Figures` with its interval, and APGR with the "linear" one."""
    found = msgspec.structs.asdict(ranking.figures())
    if not ranking.rows:
        return {name: Figure(value) for name, value in (found | {"linear": math.nan}).items()}
    drawn = [
        (*msgspec.structs.astuple(ranking.figures(weights)), ranking.gap(weights))
        for weights in draws(ranking.rows, resamples)
    ]
    *columns, gaps = np.array(drawn, dtype=np.float64).reshape(-1, len(found) + 1).T
    by_name = dict(zip(found, columns, strict=True))
    linear = linear_interval(found["apgr"], by_name["apgr"], ranking.gap(), gaps)
    return {name: interval(found[name], by_name[name]) for name in found} | {"linear": linear}


def _point(workload: Workload) -> OperatingPoint | None:
    paired = workload.paired
    if not paired.any():
        return None
    get = workload.column
    paid = np.nan_to_num(get("draft_dollars")) * get("asked")
    # What an abandoned draft had not yet generated was not paid; its prompt is not told apart.
    gone = get("abandoned_tokens") / get("tokens")
    paid = np.where(np.isnan(gone), paid, paid * gone)
    alone = np.nan_to_num(get("strong_dollars"))
    columns = (workload.kept, get("weak"), get("strong"), paid, alone)
    return operating_point(*(column[paired] for column in columns))


def _ranked(workload: Workload, score: Floats, rows: Mask) -> Ranking:
    """Some rows by the scores of all."""
    get = workload.column
    return Ranking(score[rows], get("weak")[rows], get("strong")[rows])


def _comparison(workload: Workload, name: str, rows: Mask, resamples: int) -> Comparison:
    get = workload.column
    scores = [get("score"), get(name)]
    if workload.held_out:
        scores = [_within(each, get("fold"), rows) for each in scores]
    ours, raw = (_ranked(workload, each, rows) for each in scores)
    drawn = [
        (ours.apgr(each) - raw.apgr(each), raw.gap(each)) for each in draws(raw.rows, resamples)
    ]
    apart, gaps = np.array(drawn, dtype=np.float64).reshape(-1, 2).T
    judge, signal = ours.figures(), raw.figures()
    value = judge.apgr - signal.apgr
    return Comparison(
        signal=name,
        rows=raw.rows,
        judge=judge,
        raw=signal,
        difference=interval(value, apart, PAIRED_CONFIDENCE),
        linear=linear_interval(value, apart, raw.gap(), gaps, PAIRED_CONFIDENCE),
    )


def _within(scores: Floats, folds: Floats, rows: Mask) -> Floats:
    """The share of the rows of its fold that ranks below each score; of equals half.

    Scores of different weights are not of one scale: pooled, a signal would lose to itself.
    """
    shares = np.empty(len(scores))
    for fold in np.unique(folds[rows]):
        mine = rows & (folds == fold)
        ordered = np.sort(scores[mine])
        ends = [np.searchsorted(ordered, scores[mine], side) for side in ("left", "right")]
        shares[mine] = (ends[0] + ends[1]) / (2 * len(ordered))
    return shares


def _streaming(workload: Workload) -> Streaming | None:
    if workload.rate is None:
        return None
    get = workload.column
    direct, gone = get("asked") == 0, ~np.isnan(get("abandoned_tokens"))
    rejected, tokens = ~workload.kept, get("tokens")
    saved = np.where(gone, tokens - get("abandoned_tokens"), 0.0)
    read = np.where(direct, 0.0, tokens - saved)
    # What is not read to its end is escalated, whatever the rest of it would have shown.
    cut = np.where(direct, get("before"), get("abandoned_p")) - 10
    scores = get("score"), np.where(direct | gone, cut, get("score"))
    late, soon = (_ranked(workload, each, workload.paired).figures().apgr for each in scores)
    return Streaming(
        rate=workload.rate,
        rejected=int(rejected.sum()),
        direct=_mean(direct[rejected]),
        abandoned=_mean(gone[rejected]),
        used_median=_median((read / tokens)[rejected]),
        saved_median=_median((saved / tokens)[gone]),
        tokens_saved=int(saved.sum()),
        seconds_saved=float(saved.sum()) / workload.rate,
        apgr_lost=late - soon,
        wrongly=_mean(get("weak")[gone & workload.judged]),
    )


def _mean(values: Floats | Mask) -> float:
    return float(values.mean()) if len(values) else math.nan


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else math.nan
