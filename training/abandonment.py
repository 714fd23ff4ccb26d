"""What giving up drafts by a fitted boundary would save, and what it would cost.

    python -m training.abandonment DIR

Under way an estimate says less than at the end, so it is first made comparable: for each stage of a
draft (before it, its first 256 characters, the next 256, later) a regression predicts the log-odds
at the end, with mean m and standard deviation s, from those of the running weights, of the finished
weights on what is there so far, and of the request. A draft is given up at the first look at which

    m + width x s < log-odds of the threshold

and counts as escalated at every threshold above that. A narrow boundary gives up much, a wide one
little. *APGR lost* compares the whole curve, ranked by `p_good`, with that of judging every draft
at its end; the other columns are at the default threshold. Weights and regressions have seen
neither the query nor, where there are several, the weak model of a row.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from cascadeflow.core.policy import ThresholdPolicy
from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.dataset import Row, files, read, request_of
from cascadeflow.evaluate.metrics import Floats, Ranking
from cascadeflow.evaluate.replay import looks, recorded
from cascadeflow.evaluate.tables import Table, markdown_of, number, percent
from cascadeflow.quality.text import TextObserver

from .examples import examples
from .goals import LONG
from .weights import HeldOut

WIDTHS = (0.0, 0.5, 1.0, 1.25)
STAGE_LENGTHS = (0.0, 0.5549, 0.6241)
"""Feature `answer_length` from which a stage begins: a character, 256, 512."""
RIDGE = 1e-3
LEAST_LOOKS = 100
"""Looks at a stage from which it has a boundary, and drafts from which a file is shown."""
TITLE = "Giving up by a fitted boundary"
HEAD = (
    "file", "width", "APGR lost", "rejected", "given up", "used, median", "of those given up",
    "tokens saved",
)  # fmt: skip
Group: TypeAlias = tuple[str, int, str]
"""Family, fold, weak model."""


class Look(msgspec.Struct, frozen=True):
    """An estimate under way."""

    stage: int
    used: float
    """Share of the tokens that have come."""
    told: tuple[float, ...]
    """What the regression sees."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One draft, as it was judged under way and at its end."""

    file: str
    group: Group
    looks: list[Look]
    odds: float
    """At its end."""
    draft: float
    strong: float


def odds(p: float) -> float:
    """log(p / (1 - p)), for p drawn away from 0 and 1."""
    bounded = min(max(p, 1e-3), 1 - 1e-3)
    return math.log(bounded / (1 - bounded))


def drafts(directory: Path) -> Iterator[Draft]:
    """Labelled drafts of long answers whose form has running weights.

    Raises:
        ConfigError: the directory holds no recording, or a file cannot be read.
    """
    held = HeldOut(examples(directory))
    long = [path for path in files([directory]) if path.name.partition("__")[0] in LONG]
    for row in read(*long):
        if row.labelled and recorded(row.draft):
            yield from _draft(row, held)


def _draft(row: Row, held: HeldOut) -> Iterator[Draft]:
    observer = held.judge(row).observe(request_of(row))
    if not isinstance(observer, TextObserver):
        return
    weights, prior = held.weights(row), odds(observer.estimate().p_good)
    seen: list[Look] = []
    for used in chain([0.0], looks(row, observer)):
        now = observer.estimate()
        if observer.form in weights:
            finished = weights[observer.form].good.odds(now.evidence)
            stage = bisect_right(STAGE_LENGTHS, now.evidence.get("answer_length", used and 0.1))
            seen.append(Look(stage, used, (1.0, odds(now.p_good), finished, prior)))
    if observer.form in weights and weights[observer.form].running is not None:
        yield Draft(
            file=row.file,
            group=(row.file.partition("__")[0], row.fold, row.weak),
            looks=seen,
            odds=odds(observer.estimate().p_good),
            draft=row.draft_correct or 0.0,
            strong=row.verifier_correct or 0.0,
        )


class Boundary:
    """What the estimate at the end will be, by the estimates under way of other drafts."""

    def __init__(self, known: Sequence[Draft]) -> None:
        by_stage: dict[int, list[tuple[Look, float]]] = {}
        for draft in known:
            for look in draft.looks:
                by_stage.setdefault(look.stage, []).append((look, draft.odds))
        enough = {stage: some for stage, some in by_stage.items() if len(some) >= LEAST_LOOKS}
        self._stages = {stage: _regression(some) for stage, some in enough.items()}

    def highest(self, look: Look, width: float) -> float:
        """The threshold, as log-odds, above which the draft is given up at this look."""
        if look.stage not in self._stages:
            return math.inf
        slopes, spread = self._stages[look.stage]
        return float(np.dot(slopes, look.told)) + width * spread


def _regression(known: Sequence[tuple[Look, float]]) -> tuple[Floats, float]:
    told, final = np.array([each.told for each, _ in known]), np.array([end for _, end in known])
    ridge = RIDGE * np.eye(told.shape[1])
    slopes = np.linalg.solve(told.T @ told + ridge, told.T @ final).astype(np.float64)
    return slopes, float(np.std(final - told @ slopes))


def boundaries(known: Sequence[Draft]) -> Mapping[Group, Boundary]:
    """For each group the boundary that other queries, and other weak models, give."""
    found: dict[Group, Boundary] = {}
    for family, fold, weak in {each.group for each in known}:
        of_family = [each for each in known if each.group[0] == family]
        several = len({each.group[2] for each in of_family}) > 1
        others = [
            each
            for each in of_family
            if each.group[1] != fold and not (several and each.group[2] == weak)
        ]
        found[family, fold, weak] = Boundary(others)
    return found


def trial(mine: Sequence[Draft], by: Mapping[Group, Boundary], width: float) -> list[float]:
    """One file at one width: the columns after the first, as shares but for the first two.

    width, APGR lost, rejected, given up, used, used of those given up, tokens saved
    """
    at_end, weak, strong = np.array([(each.odds, each.draft, each.strong) for each in mine]).T
    threshold = odds(ThresholdPolicy().accept_at)
    lowest, used = at_end.copy(), np.ones(len(mine))
    gone = np.zeros(len(mine), dtype=np.bool_)
    for place, draft in enumerate(mine):
        # Backwards: the first look below the threshold is the one that counts.
        for look in reversed(draft.looks):
            highest = by[draft.group].highest(look, width)
            lowest[place] = min(lowest[place], highest)
            if highest < threshold:
                gone[place], used[place] = True, look.used
    rejected = lowest < threshold
    late, soon = (Ranking(each, weak, strong).figures().apgr for each in (at_end, lowest))
    medians = [np.median(each) if len(each) else math.nan for each in (used[rejected], used[gone])]
    shares = (rejected, gone[rejected], *medians, 1 - used[rejected])
    return [width, late - soon, *(float(np.mean(each)) for each in shares)]


def main(arguments: Sequence[str]) -> int:
    """Print the table of a directory; 2 if it cannot be read."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m training.abandonment DIR\n")
        return 2
    try:
        known = list(drafts(Path(arguments[0])))
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    by = boundaries(known)
    names = dict.fromkeys(each.file for each in known)
    of_file = [[each for each in known if each.file == name] for name in names]
    told = [
        [mine[0].file, f"{width:g}", number(lost, 4), *map(percent, shares)]
        for mine in of_file
        if len(mine) >= LEAST_LOOKS
        for width, lost, *shares in (trial(mine, by, each) for each in WIDTHS)
    ]
    for line in markdown_of([Table(title=TITLE, rows=[HEAD, *told], words=1)]):
        sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
