"""The shipped estimator against its goals, cross-validated: `make eval DATA=DIR`.

    python -m training.evaluate DIR [--markdown]

Four judges side by side; the first has to reach the goals.

cross-validated    weights that saw neither the query nor the weak model of a row
pair known         weights that may have seen that model answer other queries
as shipped         the weights in the package
hand-set           its priors, before any fit
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cascadeflow.core.policy import Estimator
from cascadeflow.errors import ConfigError
from cascadeflow.evaluate.dataset import Row, files, read
from cascadeflow.evaluate.metrics import DRAWS
from cascadeflow.evaluate.replay import estimator, replay
from cascadeflow.evaluate.summary import Summary, summarise
from cascadeflow.evaluate.tables import Table, file_tables, markdown_of, streaming_tables, text_of
from cascadeflow.evaluate.workload import collect

from .examples import examples
from .families import families, family_table, signal_table
from .goals import LONG, goal_table, outcomes
from .weights import HeldOut

CROSS_VALIDATED = "cross-validated"
PAIR_KNOWN = "pair known"
SHIPPED = "as shipped"
HAND = "hand-set"
EXPLAINED: Final = (
    f"{CROSS_VALIDATED}: each row judged by weights fitted on other queries and other weak models",
    f"  (where there is but one weak model: on other queries). {PAIR_KNOWN}: on other queries.",
    f"{SHIPPED}: fitted on rows of these names, so they flatter. {HAND}: fitted on nothing.",
    "",
)
RATE = 50.0
"""Tokens per second at which drafts are replayed."""


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """What estimates the rows, and under which name."""

    name: str
    of: Callable[[Row], Estimator]
    """The estimator for a row."""
    held_out: bool = False
    """Whether that is one estimator for each fold."""
    whole: bool = True
    """Whether drafts are also replayed as streams, and figures get intervals."""

    def summaries(self, paths: Sequence[Path], resamples: int) -> list[Summary]:
        """What it makes of each file that has labels.

        Raises:
            ConfigError: a file cannot be read, or holds what is no row.
        """
        judged = ((row, replay(row, self.of(row), streamed=self.whole)) for row in read(*paths))
        found = collect(judged, RATE if self.whole else None, held_out=self.held_out)
        draws = resamples if self.whole else 0
        return [summarise(each, draws) for each in found if each.judged.any()]


def judges(paths: Sequence[Path]) -> list[Judge]:
    """All four, fitted on these files where they are fitted.

    Raises:
        ConfigError: a file cannot be read.
    """
    rows = list(examples(*paths))
    unseen, pair_known = HeldOut(rows), HeldOut(rows, pairs_known=True)
    shipped, hand = estimator("shipped"), estimator("hand")
    return [
        Judge(name=CROSS_VALIDATED, of=unseen.judge, held_out=True),
        Judge(name=PAIR_KNOWN, of=pair_known.judge, held_out=True, whole=False),
        Judge(name=SHIPPED, of=lambda row: shipped),
        Judge(name=HAND, of=lambda row: hand, whole=False),
    ]


def overview(by: Mapping[str, Sequence[Summary]]) -> Iterator[Table]:
    """Families and goals, from the summaries of every judge."""
    found = {name: families(summaries) for name, summaries in by.items()}
    yield family_table(found)
    yield signal_table(found[CROSS_VALIDATED])
    reached = outcomes(by[CROSS_VALIDATED], shipped=by[SHIPPED], hand=by[HAND])
    if reached:
        yield goal_table(reached)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of a directory; 2 if it cannot be read."""
    parser = ArgumentParser(prog="training.evaluate", description=__doc__)
    parser.add_argument("directory", type=Path, help="of JSONL files of labelled rows")
    parser.add_argument("--markdown", action="store_true", help="print families as Markdown")
    parser.add_argument("--resamples", type=int, default=DRAWS, help="of the bootstrap")
    given = parser.parse_args(arguments)
    try:
        paths = files([given.directory])
        by = {each.name: each.summaries(paths, given.resamples) for each in judges(paths)}
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    first = by[CROSS_VALIDATED]
    if given.markdown:
        long = [each for each in first if each.family in LONG]
        shown = markdown_of([*overview(by), *streaming_tables(long)])
    else:
        shown = text_of([*file_tables(first), *overview(by)])
    for line in (*EXPLAINED, *shown):
        sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
