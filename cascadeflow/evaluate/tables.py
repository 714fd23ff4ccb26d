"""Summaries as tables: aligned text, nothing cut, or Markdown. Figures in percent or plain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from .metrics import Figure, OperatingPoint
from .summary import Comparison, Streaming, Summary

T = TypeVar("T")
Columns: TypeAlias = Sequence[tuple[str, Callable[[T], str]]]
"""Head and cell of each column."""

NONE = "-"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table; its first row is the head."""

    title: str
    rows: Sequence[Sequence[str]]
    words: int = 1
    """The first columns, which are words and stand to the left; numbers stand to the right."""


def table(title: str, columns: Columns[T], lines: Iterable[T], words: int = 1) -> Table:
    """One row for each line."""
    body = [[cell(line) for _, cell in columns] for line in lines]
    return Table(title=title, rows=[[head for head, _ in columns], *body], words=words)


def file_tables(summaries: Sequence[Summary]) -> Iterator[Table]:
    """What one judge makes of each file."""
    title = "Ranking: how well the judge tells which drafts to replace, 95 % intervals"
    yield table(title, RANKING, summaries)
    if by_benefit := [each for each in summaries if each.by_benefit]:
        title = "By benefit (what escalating is estimated to gain), beside p_good alone"
        yield table(title, BY, by_benefit)
    points = [(each.name, each.point) for each in summaries if each.point is not None]
    title = "Decisions: what the policy's choices gave, against the strong model alone"
    yield table(title, POINT, points)
    yield table("Baselines: APGR", BASELINES, summaries)
    if compared := [(each.name, one) for each in summaries for one in each.comparisons]:
        title = "Against raw signals: APGR, difference with its 90 % paired interval"
        yield table(title, COMPARED, compared, 2)
    yield from streaming_tables(summaries)


def streaming_tables(summaries: Iterable[Summary]) -> Iterator[Table]:
    """What giving up drafts while they stream saves; nothing where that was not replayed."""
    streamed = [(each.name, each.streaming) for each in summaries if each.streaming is not None]
    if streamed:
        yield table("Early abandonment: drafts given up while they stream", STREAMED, streamed)


def text_of(tables: Iterable[Table]) -> Iterator[str]:
    """Aligned columns, an empty line between tables."""
    for place, each in enumerate(tables):
        yield f"\n{each.title}" if place else each.title
        if len(each.rows) < 2:
            yield "  no row has both labels"
            continue
        widths = [max(map(len, column)) for column in zip(*each.rows, strict=True)]
        for row in each.rows:
            sides = ("<" if at < each.words else ">" for at in range(len(row)))
            cells = zip(row, sides, widths, strict=True)
            yield "  " + "  ".join(f"{cell:{side}{width}}" for cell, side, width in cells).rstrip()


def markdown_of(tables: Iterable[Table]) -> Iterator[str]:
    """Pipe tables under their titles."""
    for place, each in enumerate(tables):
        yield f"\n{each.title}:\n" if place else f"{each.title}:\n"
        head, *rows = each.rows
        for row in (head, ["---"] * len(head), *rows):
            yield f"| {' | '.join(row)} |"


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


def spanned(figure: Figure) -> str:
    """A plain figure with its interval, where it has one."""
    span = "" if math.isnan(figure.low) else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return number(figure.value) + span


def apart(one: Figure) -> str:
    """A difference with its interval, and whether it is one."""
    if math.isnan(one.value):
        return NONE
    found = "worse" if one.high < 0 else "better" if one.low > 0 else "equal"
    return f"{found}: {one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _percent_spanned(figure: Figure) -> str:
    span = f" [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
    return percent(figure.value) + ("" if math.isnan(figure.low) else span)


def _baseline(name: str) -> Callable[[Summary], str]:
    return lambda each: number(each.baselines[name].apgr) if name in each.baselines else NONE


RANKING: Columns[Summary] = (
    ("file", lambda each: each.name),
    ("rows", lambda each: str(each.paired or each.judged)),
    ("weak", lambda each: percent(each.weak)),
    ("strong", lambda each: percent(each.strong)),
    ("AUROC", lambda each: spanned(each.auroc)),
    ("APGR", lambda each: spanned(each.apgr)),
    ("of oracle", lambda each: number(each.of_oracle)),
    ("CPT50", lambda each: percent(each.cpt50.value)),
    ("CPT80", lambda each: _percent_spanned(each.cpt80)),
    ("ECE", lambda each: number(each.ece)),
    ("Brier", lambda each: number(each.brier)),
)
BY: Columns[Summary] = (
    ("file", lambda each: each.name),
    ("APGR benefit", lambda each: number(each.apgr.value)),
    ("p_good", lambda each: number(each.by_p_good.apgr)),
    ("CPT50 benefit", lambda each: percent(each.cpt50.value)),
    ("p_good", lambda each: percent(each.by_p_good.cpt50)),
    ("CPT80 benefit", lambda each: percent(each.cpt80.value)),
    ("p_good", lambda each: percent(each.by_p_good.cpt80)),
)
POINT: Columns[tuple[str, OperatingPoint]] = (
    ("file", lambda each: each[0]),
    ("correct", lambda each: percent(each[1].correct)),
    ("of strong", lambda each: percent(each[1].of_strong)),
    ("escalated", lambda each: percent(each[1].escalated)),
    ("cost of strong", lambda each: percent(each[1].cost_of_strong)),
    ("dollars", lambda each: dollars(each[1].dollars)),
    ("strong alone", lambda each: dollars(each[1].strong_dollars)),
    ("false accepts", lambda each: percent(each[1].false_accept)),
    ("false rejects", lambda each: percent(each[1].false_reject)),
)
BASELINES: Columns[Summary] = (
    ("file", lambda each: each.name),
    ("judge", lambda each: number(each.apgr.value)),
    ("random", _baseline("random")),
    ("query length", _baseline("query_length")),
    ("before draft", _baseline("before")),
    ("min logprob", _baseline("min_logprob")),
    ("self-check", _baseline("self_check")),
    ("oracle", _baseline("oracle")),
)
COMPARED: Columns[tuple[str, Comparison]] = (
    ("file", lambda each: each[0]),
    ("signal", lambda each: each[1].signal),
    ("rows", lambda each: str(each[1].rows)),
    ("judge", lambda each: number(each[1].judge.apgr)),
    ("signal", lambda each: number(each[1].raw.apgr)),
    ("difference", lambda each: apart(each[1].difference)),
)
STREAMED: Columns[tuple[str, Streaming]] = (
    ("file", lambda each: each[0]),
    ("rejected", lambda each: str(each[1].rejected)),
    ("direct", lambda each: percent(each[1].direct)),
    ("abandoned", lambda each: percent(each[1].abandoned)),
    ("used, median", lambda each: percent(each[1].used_median)),
    ("saved, median", lambda each: percent(each[1].saved_median)),
    ("tokens saved", lambda each: f"{each[1].tokens_saved:,}"),
    ("seconds saved", lambda each: f"{each[1].seconds_saved:,.0f}"),
    ("APGR lost", lambda each: number(each[1].apgr_lost, 4)),
    ("wrongly", lambda each: percent(each[1].wrongly)),
)
