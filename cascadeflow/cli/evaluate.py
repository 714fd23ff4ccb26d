"""`cascadeflow eval`: replay recorded rows through the judge, without network, and measure it.

Needs the extra `[eval]`, which is looked for before anything is read. A row is held only while it
is replayed; what stays is a few numbers of each.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import CascadeflowError, ConfigError
from .plain import plain
from .views import json_line

if TYPE_CHECKING:
    from ..evaluate.dataset import Row
    from ..evaluate.goals import Outcome
    from ..evaluate.replay import EstimatorName, Replayed
    from ..evaluate.summary import Summary
    from ..evaluate.workload import Workload

DRAWING = ("altair", "vl_convert")
"""Packages of the extra that take a second to import; only pictures need them."""
REDRAWN_ROWS = 50
"""Rows between two moves of the progress bar."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows are replayed."""

    estimator: EstimatorName
    policy: str | None
    rate: float | None
    """Tokens per second; None: drafts are judged at their end alone."""


Files = Annotated[
    list[Path], typer.Argument(help="Recorded rows (JSONL, .gz too), or directories of them.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Markdown = Annotated[
    bool, typer.Option(help="Print means by family, and cross-validated figures, as Markdown.")
]
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
Judge = Annotated[str, typer.Option(help='"shipped", or "hand": hand-set priors alone.')]
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
    estimator: Judge = "shipped",
    policy: Rule = None,
    resamples: Resamples = 1000,
) -> None:
    """Measure decisions on recorded rows.

    Replays them without network: AUROC, APGR, CPT, dollars, baselines, calibration.
    """
    check_installed()
    if report is not None and not report.absolute().parent.is_dir():
        raise ConfigError(f"{report}: cannot be written: its directory does not exist")
    from ..evaluate import dataset, replay

    settings = Settings(estimator=replay.known(estimator), policy=policy, rate=stream)
    workloads = replayed(dataset.files(files), settings, scores)
    summaries = _summaries(workloads, resamples)
    from ..evaluate.goals import outcomes

    reached = outcomes(list(summaries.values()), settings.estimator)
    measured = [each for each in workloads if each.name in summaries]
    _write(measured, list(summaries.values()), reached, report, export)
    if as_json:
        sys.stdout.write(json_line(to_json(list(summaries.values()), reached)))
    elif markdown:
        _tell_markdown(list(summaries.values()), settings.estimator)
    else:
        _tell(list(summaries.values()), reached, settings.estimator)


def check_installed() -> None:
    """Look for the packages of the extra.

    Raises:
        CascadeflowError: one is missing; says how to install it.
    """
    problem = next((f"no module {name}" for name in DRAWING if find_spec(name) is None), "")
    try:
        importlib.import_module("numpy")
    except ImportError as error:
        problem = str(error)
    if problem:
        raise CascadeflowError(
            f"this command needs the extra [eval], which is not installed ({problem}); "
            'install it from the checkout: pip install ".[eval]"'
        )


def replayed(paths: list[Path], settings: Settings, scores: Path | None) -> list[Workload]:
    """The numbers of all rows, one workload a file; each row's score goes to `scores`.

    Raises:
        ConfigError: a file cannot be read or written, or holds what is no row.
    """
    from ..evaluate import dataset, replay
    from ..evaluate.workload import Workload

    judge = replay.estimator(settings.estimator)
    rule = None if settings.policy is None else replay.policy(settings.policy)
    workloads: dict[str, Workload] = {}
    with ExitStack() as stack:
        out = None if scores is None else stack.enter_context(_opened(scores))
        for row in _watched(dataset.read(*paths), paths, stack):
            found = replay.replay(row, judge, rule, streamed=settings.rate is not None)
            if row.file not in workloads:
                workloads[row.file] = Workload(row.file, settings.rate)
            workloads[row.file].add(row, found)
            if out is not None:
                out.write(json_line(score_of(row, found)))
    if not workloads:
        raise ConfigError("the files hold no row with a draft")
    return list(workloads.values())


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


def to_json(summaries: Sequence[Summary], reached: Sequence[Outcome]) -> dict[str, Any]:
    """Everything measured, as JSON types; what is undefined is null."""
    found: dict[str, Any] = {"files": summaries, "goals": reached}
    text = msgspec.json.encode(found)  # writes NaN as null
    result: dict[str, Any] = msgspec.json.decode(text)
    return result


def _summaries(workloads: Sequence[Workload], resamples: int) -> dict[str, Summary]:
    """By file; files without labels are named on standard error.

    Raises:
        ConfigError: no file has labels.
    """
    from ..evaluate.summary import summarise

    found: dict[str, Summary] = {}
    for workload in workloads:
        try:
            found[workload.name] = summarise(workload, resamples)
        except ConfigError as error:
            if len(workloads) == 1:
                raise
            sys.stderr.write(plain(f"passed over: {error}") + "\n")
    if not found:
        raise ConfigError("no file has rows with draft_correct: there is nothing to measure")
    return found


def _write(
    workloads: Sequence[Workload],
    summaries: Sequence[Summary],
    reached: Sequence[Outcome],
    report: Path | None,
    export: Path | None,
) -> None:
    if report is None and export is None:
        return
    from ..evaluate import report as reporting

    try:
        if report is not None:
            report.write_text(reporting.page(workloads, summaries, reached), encoding="utf-8")
        if export is not None:
            reporting.export(workloads, export)
    except OSError as error:
        raise ConfigError(f"the report cannot be written: {error}") from None


def _tell(
    summaries: Sequence[Summary], reached: Sequence[Outcome], estimator: EstimatorName
) -> None:
    from ..evaluate.provenance import fitted_on
    from ..evaluate.tables import lines

    seen = fitted_on() if estimator == "shipped" else frozenset[str]()
    for line in lines(summaries, reached, seen):
        sys.stdout.write(plain(line) + "\n")
    if not any(each.paired for each in summaries):
        sys.stderr.write("no row says how right the strong model was: only AUROC and errors\n")


def _tell_markdown(summaries: Sequence[Summary], estimator: EstimatorName) -> None:
    from ..evaluate.provenance import shipped
    from ..evaluate.tables import markdown

    for line in markdown(summaries, shipped() if estimator == "shipped" else {}):
        sys.stdout.write(plain(line) + "\n")


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

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
    bar = stack.enter_context(progress).add_task("replaying", total=count(paths))
    for number, row in enumerate(rows, 1):
        yield row
        if not number % REDRAWN_ROWS:
            progress.update(bar, completed=number, description=plain(row.file))
