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

from cascadeflow.evaluate.metrics import Figure
from cascadeflow.evaluate.summary import Streaming, Summary
from cascadeflow.evaluate.tables import NONE, Columns, Table, number, spanned, table

from .families import apgr_by_gap, families, weighted

Measure: TypeAlias = Callable[[Sequence[Summary]], Figure]
"""A number over the files of a family, with an interval where one is known."""

LETTERS: Final = ("mmlulp", "medmcqalp")
CHECKED: Final = ("gsm8klp", "triviaqalp", "truthfulqalp")
LONG: Final = ("gsm8k", "mmlupro", "alpaca", "mtbench")
MANY: Final = 6
"""Families from which on they are not named."""
ABLE_BILLIONS: Final = 8.0
"""Parameters from which a model is expected to know its own errors."""
_BILLIONS: Final = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)b(?![a-z])")


class Goal(msgspec.Struct, frozen=True):
    """One line of the table."""

    families: tuple[str, ...]
    what: str
    target: float
    measure: Measure
    at_least: bool = True
    """False: at most."""
    hand: bool = False
    """Whether the hand-set priors have to reach it."""

    def over(self, summaries: Sequence[Summary]) -> tuple[list[str], Figure]:
        """The families there were files of, and what was measured; NaN if nothing could be."""
        mine = [each for each in summaries if each.paired and each.family in self.families]
        found = self.measure(mine) if mine else Figure(math.nan)
        return list(dict.fromkeys(each.family for each in mine)), found


class Outcome(msgspec.Struct, frozen=True):
    """A goal and what was measured."""

    goal: Goal
    families: list[str]
    """Those of the goal of which there were files."""
    figure: Figure
    """Without an interval where a count or the least of several is measured."""
    shipped: float
    """The same with the weights as shipped; NaN: a goal of the hand-set priors."""

    @property
    def met(self) -> bool:
        """Whether the figure reaches the goal, whatever its interval."""
        value, target = self.figure.value, self.goal.target
        return value >= target if self.goal.at_least else value <= target


def outcomes(
    summaries: Sequence[Summary], *, shipped: Sequence[Summary], hand: Sequence[Summary]
) -> list[Outcome]:
    """The goals that the given files can show, met or not.

    Args:
        summaries: by the judge that has to reach them.
        shipped: by the weights as shipped, to be told beside them.
        hand: by the hand-set priors, which have goals of their own.
    """
    found: list[Outcome] = []
    for goal in GOALS:
        names, figure = goal.over(hand if goal.hand else summaries)
        if not math.isnan(figure.value):
            beside = math.nan if goal.hand else goal.over(shipped)[1].value
            found.append(Outcome(goal, names, figure, beside))
    return found


def goal_table(reached: Sequence[Outcome]) -> Table:
    """One line for each."""
    return table("Goals", COLUMNS, reached, 2)


def _mean(figure: Callable[[Summary], Figure]) -> Measure:
    """The plain mean of a figure over the files."""
    return lambda files: weighted([figure(each) for each in files], [1.0] * len(files))


def _least_apgr(files: Sequence[Summary]) -> Figure:
    return min((each.apgr for each in files), key=lambda figure: figure.value)


def _over_query(files: Sequence[Summary]) -> Figure:
    """The least lead of APGR over the better of the two query-only scores."""
    return Figure(min(each.apgr.value - query_only(each) for each in files))


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
        return Figure(sum(each.worse for each in compared) if compared else math.nan)

    return count


def _below_signals(files: Sequence[Summary]) -> Figure:
    """How many families are significantly below their best raw signal."""
    found = [each.beside for each in families(files) if each.beside is not None]
    return Figure(sum(each.worse for each in found) if found else math.nan)


def _worst(share: Callable[[Streaming], float]) -> Measure:
    """The largest of a share over the files that have it."""

    def worst(files: Sequence[Summary]) -> Figure:
        shares = [share(each.streaming) for each in files if each.streaming is not None]
        return Figure(max((each for each in shares if not math.isnan(each)), default=math.nan))

    return worst


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


def _families(one: Outcome) -> str:
    return ", ".join(one.families) if len(one.families) < MANY else f"all {len(one.families)}"


def _target(one: Outcome) -> str:
    return f"{'>=' if one.goal.at_least else '<='} {one.goal.target:g}"


def _measured(one: Outcome) -> str:
    counted = math.isnan(one.figure.low)
    return _plain(one.figure.value) if counted else spanned(one.figure)


def _plain(value: float) -> str:
    return NONE if math.isnan(value) else number(value).rstrip("0").rstrip(".")


COLUMNS: Columns[Outcome] = (
    ("families", _families),
    ("what", lambda one: one.goal.what),
    ("goal", _target),
    ("measured", _measured),
    ("", lambda one: "met" if one.met else "NOT MET"),
    ("as shipped", lambda one: _plain(one.shipped)),
)

_APGR = _mean(lambda each: each.apgr)
_USED = "share of tokens {} draft had, worst median"


def _at_most(families: tuple[str, ...], what: str, target: float, measure: Measure) -> Goal:
    return Goal(families, what, target, measure, at_least=False)


GOALS: Final = (
    Goal(("bfcl",), "mean AUROC", 0.87, _mean(lambda each: each.auroc)),
    Goal(("bfcl",), "APGR weighted by the gap", 0.90, apgr_by_gap),
    Goal(("gsm8k",), "APGR", 0.86, _APGR),
    _at_most(("gsm8k",), "CPT80", 0.28, _mean(lambda each: each.cpt80)),
    Goal(("gsm8k",), "APGR, hand-set priors", 0.72, _APGR, hand=True),
    Goal(LETTERS, "mean APGR", 0.75, _APGR),
    _at_most(LETTERS, "pairs below the raw log-probability", 0, _worse_than("min_logprob")),
    _at_most(
        CHECKED,
        "pairs (8B or larger) below the raw self-check",
        0,
        _worse_than("self_check", able=True),
    ),
    Goal(("mmlupro",), "least APGR of a pair", 0.63, _least_apgr),
    Goal(("mmlupro",), "least lead over query-only", 0.0, _over_query),
    _at_most(LONG, _USED.format("a rejected"), 0.5, _worst(lambda told: told.used_median)),
    _at_most(LONG, _USED.format("an abandoned"), 0.5, _worst(lambda told: 1 - told.saved_median)),
    _at_most(LONG, "APGR lost by abandoning, worst", 0.01, _worst(lambda told: told.apgr_lost)),
    _at_most(
        ("bfcl", "mmlu_routellm", *LETTERS, *CHECKED, *LONG),
        "families below their best raw signal",
        0,
        _below_signals,
    ),
)
