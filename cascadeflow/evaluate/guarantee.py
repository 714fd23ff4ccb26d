"""Is the promise of `calibrate` kept? An experiment on labelled rows, `make guarantee DATA=dir`.

    python -m cascadeflow.evaluate.guarantee DIR

Each file of at least 400 rows is a workload, and its rows are the whole population. 200 times n
labels are drawn with replacement, a threshold is chosen on them, and its promise is checked on the
population: a violation is a correctness below target x the strong model's. With confidence 0.9 at
most 10 % of the draws may violate it; 14 % is within the error of 200 draws.

Columns, all but the first two in percent:

    n          labels drawn
    violated   of the draws
    escalated  of the population, mean over the draws; 100: always the strong model
    no label   draws after which nothing but "always" was safe: too few labels, or no threshold
    direct     draws after which the cascade would cost more than the strong model alone
    ranking    least escalated by one threshold on these scores that keeps the promise
    oracle     least escalated by one who knows the outcomes

A draft that is given up while it streams counts as escalated, as it does in `calibrate`. The
promise holds for any fixed score; how little is escalated is flattered where the estimator's
weights were fitted on the same rows.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..core.policy import Estimator
from ..errors import ConfigError
from ..quality import default_estimator
from .bounds import Floats
from .calibrate import CONFIDENCE, COSTS_MORE, TARGET, Labels, calibrate, labels_of
from .dataset import files, name_of, read

LEAST_ROWS = 400
SIZES = (200, 400, 800)
DRAWS = 200
ALLOWED = 0.14
"""Share of violations that is within the error of 200 draws where 0.1 is promised."""
ROUNDING = 1e-9


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One workload at one number of labels; shares of the draws unless said otherwise."""

    workload: str
    rows: int
    labels: int
    violated: float
    escalated: float
    """Share of the population, mean over the draws."""
    without: float
    direct: float
    ranking: float
    """Share of the population."""
    oracle: float
    """Share of the population."""


def experiment(
    name: str,
    population: Labels,
    *,
    sizes: tuple[int, ...] = SIZES,
    draws: int = DRAWS,
    target: float = TARGET,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Iterator[Trial]:
    """One trial for each number of labels."""
    rows = len(population.score)
    chance = np.random.default_rng(seed)
    ranking = least_escalated(population, population.score, target)
    known = oracle_escalated(population, target)
    for size in sizes:
        drawn = [chance.integers(0, rows, size) for _ in range(draws)]
        found = [
            calibrate(_at(population, each), target=target, confidence=confidence) for each in drawn
        ]
        kept = [_kept(population, each.accept_at) for each in found]
        yield Trial(
            workload=name,
            rows=rows,
            labels=size,
            violated=float(np.mean([violates(population, each, target) for each in kept])),
            escalated=float(np.mean([1 - each.mean() for each in kept])),
            without=float(np.mean([each.accept_at is None for each in found])),
            direct=float(np.mean([each.direct == COSTS_MORE for each in found])),
            ranking=ranking,
            oracle=known,
        )


def violates(population: Labels, kept: NDArray[np.bool_], target: float) -> bool:
    """Whether keeping these drafts breaks the promise on the population."""
    final = float(np.where(kept, population.draft, population.strong).mean())
    return final < target * float(population.strong.mean()) - ROUNDING


def least_escalated(population: Labels, score: Floats, target: float) -> float:
    """Least share escalated by a threshold on `score` that keeps the promise."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=-np.inf))
    keepable = population.keepable[order]
    lost = np.cumsum((population.strong - population.draft)[order] * keepable)[ends]
    allowed = (1 - target) * float(population.strong.sum()) + ROUNDING
    safe = np.flatnonzero(lost <= allowed)
    kept = float(keepable[: ends[safe[-1]] + 1].sum()) if len(safe) else 0.0
    return 1 - kept / len(score)


def oracle_escalated(population: Labels, target: float) -> float:
    """The same for one who knows the outcomes and needs no threshold."""
    lost = np.cumsum(np.sort(population.strong - population.draft))
    allowed = (1 - target) * float(population.strong.sum()) + ROUNDING
    return float(np.mean(lost > allowed))


def populations(directory: Path, estimator: Estimator) -> Iterator[tuple[str, Labels]]:
    """Name and scored rows of each file with enough rows whose labels are all known.

    Raises:
        ConfigError: the directory holds no recording, or a file cannot be read.
    """
    for path in files([directory]):
        rows = [row for row in read(path) if row.labelled]
        if len(rows) >= LEAST_ROWS:
            yield name_of(path), labels_of(rows, estimator)


def table(trials: list[Trial]) -> str:
    """The trials as lines of text."""
    width = max([len(trial.workload) for trial in trials], default=0)
    head = "rows    n  violated escalated no label direct ranking oracle"
    lines = [f"{'workload':{width}}  {head}"]
    lines += [
        f"{each.workload:{width}} {each.rows:5} {each.labels:4} {each.violated:9.1%} "
        f"{each.escalated:9.1%} {each.without:8.1%} {each.direct:6.1%} {each.ranking:7.1%} "
        f"{each.oracle:6.1%}"
        for each in trials
    ]
    return "\n".join(lines)


def _at(labels: Labels, rows: NDArray[np.intp]) -> Labels:
    """These rows, in this order, repeated as often as they occur."""
    return Labels(
        score=labels.score[rows],
        keepable=labels.keepable[rows],
        draft=labels.draft[rows],
        strong=labels.strong[rows],
        draft_usd=labels.draft_usd[rows],
        strong_usd=labels.strong_usd[rows],
    )


def _kept(population: Labels, accept_at: float | None) -> NDArray[np.bool_]:
    threshold = np.inf if accept_at is None else accept_at
    return (population.score >= threshold) & (population.keepable > 0)


def main() -> int:
    """Print the table for a directory; 1 if a promise is broken more often than chance allows."""
    parser = ArgumentParser(prog="cascadeflow.evaluate.guarantee", description=__doc__)
    parser.add_argument("directory", type=Path, help="of JSONL files of labelled rows")
    given = parser.parse_args()
    trials: list[Trial] = []
    try:
        for name, population in populations(given.directory, default_estimator()):
            trials += experiment(name, population)
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(table(trials) + "\n")
    worst = max((trial.violated for trial in trials), default=0.0)
    less = sum(trial.escalated < 1 for trial in trials)
    sys.stdout.write(
        f"most violations: {worst:.1%} (promised 10 %, {ALLOWED:.0%} is within the error); "
        f'escalates less than "always" in {less} of {len(trials)}\n'
    )
    return int(worst > ALLOWED)


if __name__ == "__main__":
    raise SystemExit(main())
