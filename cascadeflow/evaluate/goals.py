"""Goals for recordings of public benchmarks, recognised by the family in the file's name.

A file is named `<family>__<weak>__<strong>`. The table is data: what is measured over the files of
some families, and the number it must reach. A recording of one's own has no goal here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from .replay import EstimatorName
from .summary import Figure, Summary

Measure: TypeAlias = Callable[[Sequence[Summary]], Figure]
"""A number over the files of a family, with an interval where one is known."""

LETTERS: Final = ("mmlulp", "medmcqalp")
CHECKED: Final = ("gsm8klp", "triviaqalp", "truthfulqalp")
LONG: Final = ("gsm8k", "mmlupro", "alpaca", "mtbench")
ABLE_BILLIONS: Final = 8.0
"""Parameters from which a model is expected to know its own errors."""
_BILLIONS: Final = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)b(?![a-z])")


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    families: tuple[str, ...]
    what: str
    target: float
    at_least: bool = True
    """False: at most."""
    estimator: EstimatorName = "shipped"
    streamed: bool = False
    measure: Measure


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A goal and what was measured."""

    families: tuple[str, ...]
    """Those of the goal of which there were files."""
    what: str
    target: float
    at_least: bool
    value: float
    low: float
    high: float
    """95 % interval; NaN where a count or the least of several is measured."""
    met: bool


def outcomes(summaries: Sequence[Summary], estimator: EstimatorName = "shipped") -> list[Outcome]:
    """The goals that the given files can show, met or not."""
    found: list[Outcome] = []
    for goal in GOALS:
        files = [each for each in summaries if each.family in goal.families and each.paired]
        if goal.streamed:
            files = [each for each in files if each.streaming is not None]
        if not files or goal.estimator != estimator:
            continue
        figure = goal.measure(files)
        if not math.isnan(figure.value):
            found.append(_outcome(goal, files, figure))
    return found


def _outcome(goal: Goal, files: Sequence[Summary], figure: Figure) -> Outcome:
    present = {each.family for each in files}
    reached = figure.value >= goal.target if goal.at_least else figure.value <= goal.target
    return Outcome(
        families=tuple(family for family in goal.families if family in present),
        what=goal.what,
        target=goal.target,
        at_least=goal.at_least,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        met=reached,
    )


def _weighted(figures: Sequence[Figure], weights: Sequence[float]) -> Figure:
    """Weighted mean; the interval takes the files as independent."""
    total = sum(weights)
    shares = [weight / total for weight in weights]
    value = sum(s * f.value for s, f in zip(shares, figures, strict=True))
    down = math.hypot(*(s * (f.value - f.low) for s, f in zip(shares, figures, strict=True)))
    up = math.hypot(*(s * (f.high - f.value) for s, f in zip(shares, figures, strict=True)))
    return Figure(value, value - down, value + up)


def _mean_auroc(files: Sequence[Summary]) -> Figure:
    return _weighted([each.auroc for each in files], [1.0] * len(files))


def _mean_apgr(files: Sequence[Summary]) -> Figure:
    return _weighted([each.apgr for each in files], [1.0] * len(files))


def _apgr_by_gap(files: Sequence[Summary]) -> Figure:
    open_gaps = [each for each in files if each.strong > each.weak]
    if not open_gaps:
        return _bare(math.nan)
    gaps = [each.strong - each.weak for each in open_gaps]
    return _weighted([each.apgr for each in open_gaps], gaps)


def _mean_cpt80(files: Sequence[Summary]) -> Figure:
    return _weighted([each.cpt80 for each in files], [1.0] * len(files))


def _least_apgr(files: Sequence[Summary]) -> Figure:
    return min((each.apgr for each in files), key=lambda figure: figure.value)


def _over_query(files: Sequence[Summary]) -> Figure:
    """The least lead of APGR over the better of the two query-only scores."""
    return _bare(min(each.apgr.value - query_only(each) for each in files))


def _worse_than(signal: str, *, able: bool = False) -> Measure:
    """How many files are significantly below a raw signal."""

    def count(files: Sequence[Summary]) -> Figure:
        compared = [
            each
            for file in files
            if not able or able_to_check(file.name)
            for each in file.comparisons
            if each.signal == signal
        ]
        return _bare(sum(each.worse for each in compared) if compared else math.nan)

    return count


def _used(files: Sequence[Summary]) -> Figure:
    """The largest median share of its tokens a rejected draft had, over files with rejections."""
    used = [each.streaming.used_median for each in files if each.streaming is not None]
    known = [share for share in used if not math.isnan(share)]
    return _bare(max(known, default=math.nan))


def _used_by_abandoned(files: Sequence[Summary]) -> Figure:
    """The same, over the drafts that were abandoned."""
    saved = [each.streaming.saved_median for each in files if each.streaming is not None]
    known = [1 - share for share in saved if not math.isnan(share)]
    return _bare(max(known, default=math.nan))


def _lost(files: Sequence[Summary]) -> Figure:
    lost = [each.streaming.apgr_lost for each in files if each.streaming is not None]
    known = [share for share in lost if not math.isnan(share)]
    return _bare(max(known, default=math.nan))


def _bare(value: float) -> Figure:
    return Figure(value, math.nan, math.nan)


def query_only(summary: Summary) -> float:
    """The best APGR of what can be known before the draft."""
    known = (
        summary.baselines[name].apgr
        for name in ("query_length", "before")
        if name in summary.baselines
    )
    return max(known, default=math.nan)


def able_to_check(name: str) -> bool:
    """Whether the weak model named in a file's name has 8 billion parameters, or does not say."""
    weak = [*name.split("__"), ""][1]
    sizes = [float(found) for found in _BILLIONS.findall(weak)]
    return not sizes or max(sizes) >= ABLE_BILLIONS


GOALS: Final = (
    Goal(families=("bfcl",), what="mean AUROC", target=0.87, measure=_mean_auroc),
    Goal(families=("bfcl",), what="APGR weighted by the gap", target=0.90, measure=_apgr_by_gap),
    Goal(families=("gsm8k",), what="APGR", target=0.86, measure=_mean_apgr),
    Goal(families=("gsm8k",), what="CPT80", target=0.28, at_least=False, measure=_mean_cpt80),
    Goal(
        families=("gsm8k",),
        what="APGR, hand-set priors",
        target=0.72,
        estimator="hand",
        measure=_mean_apgr,
    ),
    Goal(families=LETTERS, what="mean APGR", target=0.75, measure=_mean_apgr),
    Goal(
        families=LETTERS,
        what="pairs below the raw log-probability",
        target=0,
        at_least=False,
        measure=_worse_than("min_logprob"),
    ),
    Goal(
        families=CHECKED,
        what="pairs (8B or larger) below the raw self-check",
        target=0,
        at_least=False,
        measure=_worse_than("self_check", able=True),
    ),
    Goal(families=("mmlupro",), what="least APGR of a pair", target=0.63, measure=_least_apgr),
    Goal(families=("mmlupro",), what="least lead over query-only", target=0.0, measure=_over_query),
    Goal(
        families=LONG,
        what="share of tokens a rejected draft had, worst median",
        target=0.5,
        at_least=False,
        streamed=True,
        measure=_used,
    ),
    Goal(
        families=LONG,
        what="share of tokens an abandoned draft had, worst median",
        target=0.5,
        at_least=False,
        streamed=True,
        measure=_used_by_abandoned,
    ),
    Goal(
        families=LONG,
        what="APGR lost by abandoning, worst",
        target=0.01,
        at_least=False,
        streamed=True,
        measure=_lost,
    ),
)
