"""Summaries as text: aligned columns, one line a file, nothing cut. Figures in percent or plain."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from ..quality.fitted import Provenance
from .goals import Outcome
from .ranking import Figures
from .summary import Figure, Summary

NONE = "-"


def lines(
    summaries: Sequence[Summary],
    reached: Sequence[Outcome],
    fitted_on: Collection[str] = (),
) -> Iterator[str]:
    """All tables. `fitted_on` names the files that the judge's weights were fitted on."""
    seen = [each.name for each in summaries if each.name in fitted_on]
    if seen:
        yield (
            f"{len(seen)} of {len(summaries)} files bear the name of one that the weights were "
            "fitted on; on the same rows these figures flatter."
        )
        yield "What the weights are worth on rows they were not fitted on: --markdown.\n"
    yield "Ranking: how well the judge tells which drafts to replace (95 % bootstrap intervals)"
    yield from aligned([RANKING, *map(_ranking, summaries)])
    if any(each.differ for each in summaries):
        yield "\nBy benefit (what escalating is estimated to gain), beside p_good alone"
        yield from aligned([BY, *map(_by, filter(lambda each: each.differ, summaries))])
    yield "\nDecisions: what the policy's choices gave, against the strong model alone"
    yield from aligned([POINT, *map(_point, filter(lambda each: each.point, summaries))])
    yield "\nBaselines: APGR"
    yield from aligned([BASELINES, *map(_baselines, summaries)])
    compared = [row for each in summaries for row in _compared(each)]
    if compared:
        yield "\nAgainst the raw signal: APGR, difference with its 90 % paired interval"
        yield from aligned([COMPARED, *compared], words=2)
    streamed = [_streaming(each) for each in summaries if each.streaming is not None]
    if streamed:
        yield "\nEarly abandonment: drafts given up while they stream"
        yield from aligned([STREAMED, *streamed])
    if reached:
        yield "\nGoals"
        yield from aligned([GOALS, *map(_goal, reached)], words=2)


def markdown(summaries: Sequence[Summary], weights: Mapping[str, Provenance]) -> Iterator[str]:
    """Means over the files of each family, and the cross-validated figures of each form.

    APGR is weighted by the gap between the models.
    """
    yield "| family | files | rows | AUROC | APGR | of oracle | CPT50 | CPT80 | ECE |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for family in dict.fromkeys(each.family for each in summaries):
        yield _family(family, [each for each in summaries if each.family == family])
    if weights:
        yield "\n| form | rows fitted on | AUROC | Brier | ECE |"
        yield "|---|---|---|---|---|"
    for form, one in weights.items():
        figures = " | ".join(number(value) for value in (one.auroc, one.brier, one.ece))
        yield f"| {form} | {one.rows:,} | {figures} |"


def _family(family: str, members: Sequence[Summary]) -> str:
    def mean(values: Iterator[float]) -> float:
        known = [value for value in values if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan

    cells = (
        str(len(members)),
        f"{sum(each.paired or each.judged for each in members):,}",
        number(mean(each.auroc.value for each in members), 2),
        number(_by_gap(members), 2),
        number(mean(each.of_oracle for each in members), 2),
        percent(mean(each.cpt50.value for each in members)),
        percent(mean(each.cpt80.value for each in members)),
        number(mean(each.ece for each in members), 2),
    )
    return f"| {family} | {' | '.join(cells)} |"


def _by_gap(members: Sequence[Summary]) -> float:
    """Mean APGR weighted by the gap: without one, a draw of a few rows decides the figure."""
    gaps = [(each.strong - each.weak, each.apgr.value) for each in members if each.paired]
    total = sum(gap for gap, _ in gaps if gap > 0)
    return sum(gap * value for gap, value in gaps if gap > 0) / total if total else math.nan


RANKING = (
    "file", "rows", "weak", "strong", "AUROC", "", "APGR", "", "of oracle", "CPT50", "CPT80", "",
    "ECE", "Brier",
)  # fmt: skip
BY = ("file", "APGR benefit", "p_good", "CPT50 benefit", "p_good", "CPT80 benefit", "p_good")
POINT = (
    "file", "correct", "of strong", "escalated", "cost of strong", "dollars", "strong alone",
    "false accepts", "false rejects",
)  # fmt: skip
BASELINES = (
    "file", "judge", "random", "query length", "before draft", "min logprob", "self-check",
    "oracle",
)  # fmt: skip
COMPARED = ("file", "signal", "rows", "judge", "signal", "difference", "")
STREAMED = (
    "file", "rejected", "abandoned", "used, median", "saved, median", "tokens saved",
    "seconds saved", "APGR lost", "wrongly",
)  # fmt: skip
GOALS = ("families", "what", "goal", "measured", "", "")


def aligned(rows: Sequence[Sequence[str]], words: int = 1) -> Iterator[str]:
    """The first `words` columns to the left, the others to the right."""
    if len(rows) < 2:
        yield "  no row has both labels"
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        sides = ("<" if place < words else ">" for place in range(len(row)))
        cells = zip(row, sides, widths, strict=True)
        yield "  " + "  ".join(f"{cell:{side}{width}}" for cell, side, width in cells).rstrip()


def number(value: float, digits: int = 3) -> str:
    """A plain figure; a dash for NaN."""
    if math.isnan(value):
        return NONE
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no "-0.000"


def percent(value: float) -> str:
    """A share; a dash for NaN."""
    return NONE if math.isnan(value) else f"{100 * value:.1f} %"


def dollars(value: float) -> str:
    """US dollars, four significant figures."""
    return NONE if math.isnan(value) else f"${value:,.4g}"


def span(figure: Figure, *, share: bool = False) -> str:
    """The interval of a figure."""
    if math.isnan(figure.low):
        return ""
    scale, digits = (100, 1) if share else (1, 3)
    return f"[{figure.low * scale:.{digits}f}, {figure.high * scale:.{digits}f}]"


def _ranking(each: Summary) -> tuple[str, ...]:
    return (
        each.name,
        str(each.paired or each.judged),
        percent(each.weak),
        percent(each.strong),
        number(each.auroc.value),
        span(each.auroc),
        number(each.apgr.value),
        span(each.apgr),
        number(each.of_oracle),
        percent(each.cpt50.value),
        percent(each.cpt80.value),
        span(each.cpt80, share=True),
        number(each.ece),
        number(each.brier),
    )


def _by(each: Summary) -> tuple[str, ...]:
    p_good = each.by_p_good
    return (
        each.name,
        number(each.apgr.value),
        number(p_good.apgr),
        percent(each.cpt50.value),
        percent(p_good.cpt50),
        percent(each.cpt80.value),
        percent(p_good.cpt80),
    )


def _point(each: Summary) -> tuple[str, ...]:
    point = each.point
    if point is None:
        return (each.name,)
    return (
        each.name,
        percent(point.correct),
        percent(point.of_strong),
        percent(point.escalated),
        percent(point.cost_of_strong),
        dollars(point.dollars),
        dollars(point.strong_dollars),
        percent(point.false_accept),
        percent(point.false_reject),
    )


def _baselines(each: Summary) -> tuple[str, ...]:
    names = ("random", "query_length", "before", "min_logprob", "self_check", "oracle")
    return (
        each.name,
        number(each.apgr.value),
        *(_apgr(each.baselines.get(name)) for name in names),
    )


def _apgr(figures: Figures | None) -> str:
    return NONE if figures is None else number(figures.apgr)


def _compared(each: Summary) -> Iterator[tuple[str, ...]]:
    for one in each.comparisons:
        low, high = one.difference.low, one.difference.high
        apart = one.judge.apgr - one.raw.apgr
        yield (
            each.name,
            one.signal,
            str(one.rows),
            number(one.judge.apgr),
            number(one.raw.apgr),
            f"{apart:+.3f} [{low:+.3f}, {high:+.3f}]" if apart == apart else NONE,
            "worse" if one.worse else "better" if low > 0 else "equal",
        )


def _streaming(each: Summary) -> tuple[str, ...]:
    told = each.streaming
    if told is None:
        return (each.name,)
    return (
        each.name,
        str(told.rejected),
        percent(told.abandoned),
        percent(told.used_median),
        percent(told.saved_median),
        f"{told.tokens_saved:,}",
        f"{told.seconds_saved:,.0f}",
        number(told.apgr_lost, 4),
        percent(told.wrongly),
    )


def _goal(one: Outcome) -> tuple[str, ...]:
    interval = span(Figure(one.value, one.low, one.high))
    return (
        ", ".join(one.families),
        one.what,
        f"{'>=' if one.at_least else '<='} {one.target:g}",
        f"{one.value:.3f}".rstrip("0").rstrip("."),
        interval,
        "met" if one.met else "NOT MET",
    )
