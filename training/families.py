"""What the files of one family show together: `<family>__<weak>__<strong>`, a file a pair.

APGR is weighted by the gap between the two models: without one, a draw of a few rows decides it.
The others are plain means. Intervals take the files as independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cascadeflow.evaluate.metrics import Figure
from cascadeflow.evaluate.summary import Comparison, Summary
from cascadeflow.evaluate.tables import Columns, Table, apart, number, percent, spanned, table


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """The judge beside the single raw signal that ranks the family best."""

    signal: str
    raw: float
    """APGR of the signal."""
    difference: Figure
    """Of APGR, judge minus signal, with its 90 % paired interval."""

    @property
    def worse(self) -> bool:
        """Whether the judge is significantly below the signal."""
        return self.difference.high < 0


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Means over the files of a family; NaN where there is nothing to tell apart."""

    name: str
    pairs: int
    rows: int
    auroc: float
    apgr: Figure
    of_oracle: float
    cpt50: float
    cpt80: float
    ece: float
    beside: Beside | None
    """None: no signal stands in every file."""


def families(summaries: Sequence[Summary]) -> list[Family]:
    """In the order in which they come first."""
    names = dict.fromkeys(each.family for each in summaries)
    return [_family(name, [each for each in summaries if each.family == name]) for name in names]


def weighted(figures: Sequence[Figure], weights: Sequence[float]) -> Figure:
    """Weighted mean; NaN without a weight."""
    total = sum(weights)
    if not total:
        return Figure(math.nan)
    shares = [weight / total for weight in weights]
    value = sum(s * f.value for s, f in zip(shares, figures, strict=True))
    # Around the middle of the intervals: a bootstrap interval need not hold its value.
    middle = sum(s * (f.low + f.high) / 2 for s, f in zip(shares, figures, strict=True))
    half = math.hypot(*(s * (f.high - f.low) / 2 for s, f in zip(shares, figures, strict=True)))
    return Figure(value, middle - half, middle + half)


def apgr_by_gap(files: Sequence[Summary]) -> Figure:
    """Mean APGR of the files in which the strong model is better, weighted by how much."""
    files = _with_gap(files)
    return weighted(
        [each.apgr_linear for each in files], [each.strong - each.weak for each in files]
    )


def _family(name: str, files: Sequence[Summary]) -> Family:
    return Family(
        name=name,
        pairs=len(files),
        rows=sum(each.paired or each.judged for each in files),
        auroc=_mean(each.auroc.value for each in files),
        apgr=apgr_by_gap(files),
        of_oracle=_mean(each.of_oracle for each in files),
        cpt50=_mean(each.cpt50.value for each in files),
        cpt80=_mean(each.cpt80.value for each in files),
        ece=_mean(each.ece for each in files),
        beside=_best_signal(_with_gap(files)),
    )


def _with_gap(files: Sequence[Summary]) -> list[Summary]:
    return [each for each in files if each.strong > each.weak]


def _best_signal(files: Sequence[Summary]) -> Beside | None:
    by_signal: dict[str, list[Comparison]] = {}
    for each in files:
        for one in each.comparisons:
            by_signal.setdefault(one.signal, []).append(one)
    gaps = [each.strong - each.weak for each in files]
    found = [_beside(each, gaps) for each in by_signal.values() if len(each) == len(files)]
    return max(found, key=lambda each: each.raw, default=None)


def _beside(comparisons: Sequence[Comparison], gaps: Sequence[float]) -> Beside:
    raw = weighted([Figure(one.raw.apgr) for one in comparisons], gaps).value
    difference = weighted([one.linear for one in comparisons], gaps)
    return Beside(signal=comparisons[0].signal, raw=raw, difference=difference)


def family_table(by: Mapping[str, Sequence[Family]]) -> Table:
    """The same families by several judges, one line for each judge."""
    names = dict.fromkeys(each.name for members in by.values() for each in members)
    lines = [
        (judge, each)
        for name in names
        for judge, members in by.items()
        for each in members
        if each.name == name
    ]
    return table("Families: means over their pairs, APGR weighted by the gap", FAMILIES, lines, 2)


def signal_table(members: Iterable[Family]) -> Table:
    """Each family beside its best raw signal."""
    lines = [(each.name, each.beside) for each in members if each.beside is not None]
    title = "Against the best raw signal: APGR, difference with its 90 % paired interval"
    return table(title, BESIDE, lines, 2)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


FAMILIES: Columns[tuple[str, Family]] = (
    ("family", lambda each: each[1].name),
    ("judge", lambda each: each[0]),
    ("pairs", lambda each: str(each[1].pairs)),
    ("rows", lambda each: f"{each[1].rows:,}"),
    ("AUROC", lambda each: number(each[1].auroc)),
    ("APGR", lambda each: spanned(each[1].apgr)),
    ("of oracle", lambda each: number(each[1].of_oracle)),
    ("CPT50", lambda each: percent(each[1].cpt50)),
    ("CPT80", lambda each: percent(each[1].cpt80)),
    ("ECE", lambda each: number(each[1].ece)),
)
BESIDE: Columns[tuple[str, Beside]] = (
    ("family", lambda each: each[0]),
    ("signal", lambda each: each[1].signal),
    ("judge", lambda each: number(each[1].raw + each[1].difference.value)),
    ("signal", lambda each: number(each[1].raw)),
    ("difference", lambda each: apart(each[1].difference)),
)
