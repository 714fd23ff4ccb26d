"""`cascadeflow eval`: replay recorded rows through the judge, without network, and measure it.

Needs the extra `[eval]`, which is looked for before anything is read. A row is held only while it
is replayed; what stays is a few numbers of each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import ConfigError
from .plain import plain
from .views import json_line

if TYPE_CHECKING:
    from ..evaluate.dataset import Row
    from ..evaluate.replay import Replayed
    from ..evaluate.summary import Summary
    from ..evaluate.workload import Workload

REDRAWN_ROWS = 50
"""Rows between two moves of the progress bar."""


Files = Annotated[
    list[Path], typer.Argument(help="Recorded rows (JSONL, .gz too), or directories of them.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")]
Scores = Annotated[
    Path | None, typer.Option(help="Write the score of each row to this file (JSONL).")
]
Report = Annotated[
    Path | None, typer.Option(help="Write pictures, tables and mistakes as one HTML file.")
]
Export = Annotated[
    Path | None, typer.Option(help="Write the pictures to this directory, as PNG and SVG.")
]
Stream = Annotated[
    float | None, typer.Option(min=0.1, help="Also replay drafts at so many tokens per second.")
]
Named = Annotated[str, typer.Option(help='"shipped", or "hand": hand-set priors alone.')]
Rule = Annotated[
    str | None,
    typer.Option(help='"ACCEPT" or "ACCEPT,HOPELESS", or the path of a calibration file.'),
]
Resamples = Annotated[int, typer.Option(min=1, help="Bootstrap draws behind each interval.")]


def evaluate(
    files: Files,
    as_json: AsJson = False,
    markdown: Markdown = False,
    scores: Scores = None,
    report: Report = None,
    export: Export = None,
    stream: Stream = None,
    estimator: Named = "shipped",
    policy: Rule = None,
    resamples: Resamples = 1000,
) -> None:
    """Measure decisions on recorded rows.

    Replays them without network: AUROC, APGR, CPT, dollars, baselines, calibration.
    """
    from ..evaluate import dataset, replay
    from ..evaluate.summary import summarise
    from ..evaluate.workload import collect

    if report is not None and not report.absolute().parent.is_dir():
        raise ConfigError(f"{report}: cannot be written: its directory does not exist")
    judge = replay.estimator(estimator)
    rule = None if policy is None else replay.policy(policy)
    paths = dataset.files(files)
    with ExitStack() as stack:
        out = None if scores is None else stack.enter_context(_opened(scores))
        rows = _watched(dataset.read(*paths), paths, stack)
        judged = (
            (row, replay.replay(row, judge, rule, streamed=stream is not None)) for row in rows
        )
        workloads = _labelled(collect(_written(judged, out), stream))
    summaries = [summarise(each, resamples) for each in workloads]
    _draw(workloads, summaries, report, export)
    if as_json:
        sys.stdout.write(json_line(to_json(summaries)))
        return
    _tell(summaries, markdown)


def _written(
    judged: Iterator[tuple[Row, Replayed]], out: TextIO | None
) -> Iterator[tuple[Row, Replayed]]:
    """The same; the score of each row goes to `out`."""
    for row, found in judged:
        if out is not None:
            out.write(json_line(score_of(row, found)))
        yield row, found


def _labelled(workloads: Sequence[Workload]) -> list[Workload]:
    """Those with labels; files without are named on standard error.

    Raises:
        ConfigError: no file has labels.
    """
    from ..evaluate.summary import unlabelled

    if not workloads:
        raise ConfigError("the files hold no row with a draft")
    blank = [unlabelled(each) for each in workloads if not each.judged.any()]
    if len(blank) == len(workloads):
        raise ConfigError("; ".join(blank))
    for each in blank:
        sys.stderr.write(plain(f"passed over: {each}") + "\n")
    return [each for each in workloads if each.judged.any()]


def score_of(row: Row, found: Replayed) -> dict[str, Any]:
    """A line of the scores file."""
    return {
        "file": row.file,
        "id": row.id,
        "form": found.form,
        "p_good": found.estimate.p_good,
        "benefit": found.estimate.benefit,
        "accepted": found.kept,
        "evidence": dict(found.estimate.evidence),
    }


def to_json(summaries: Sequence[Summary]) -> dict[str, Any]:
    """Everything measured, as JSON types; what is undefined is null."""
    text = msgspec.json.encode({"files": summaries})  # writes NaN as null
    result: dict[str, Any] = msgspec.json.decode(text)
    return result


def _tell(summaries: Sequence[Summary], markdown: bool) -> None:
    from ..evaluate.summary import HOW_TO_LABEL
    from ..evaluate.tables import file_tables, markdown_of, text_of

    told = file_tables(summaries)
    for line in markdown_of(told) if markdown else text_of(told):
        sys.stdout.write(plain(line) + "\n")
    if not any(each.paired for each in summaries):
        sys.stderr.write(
            "no row has verifier_correct beside draft_correct: only AUROC and calibration errors "
            f"can be told. {HOW_TO_LABEL}\n"
        )


def _draw(
    workloads: Sequence[Workload],
    summaries: Sequence[Summary],
    report: Path | None,
    export: Path | None,
) -> None:
    if report is None and export is None:
        return
    from ..evaluate import report as reporting

    try:
        if report is not None:
            report.write_text(reporting.page(workloads, summaries), encoding="utf-8")
        if export is not None:
            reporting.export(workloads, export)
    except OSError as error:
        raise ConfigError(f"the report cannot be written: {error}") from None
    for path in filter(None, (report, export)):
        sys.stderr.write(plain(f"written to {path}") + "\n")


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error}") from None


def _watched(rows: Iterator[Row], paths: list[Path], stack: ExitStack) -> Iterator[Row]:
    """The same rows; on a terminal a bar on standard error shows how far they are."""
    if not sys.stderr.isatty():
        yield from rows
        return
    from ..evaluate.dataset import count

    # A file's name is no markup.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
    bar = stack.enter_context(progress).add_task("replaying", total=count(paths))
    for number, row in enumerate(rows, 1):
        yield row
        if not number % REDRAWN_ROWS:
            progress.update(bar, completed=number, description=plain(row.file))
