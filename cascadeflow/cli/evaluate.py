"""`cascadeflow eval`: replay recorded rows through the judge, without network, and measure it.

Needs the extra `[eval]`, which is looked for before anything is read. A row is held only while it
is replayed; what stays is a few numbers of each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import msgspec
import typer
from rich.console import Console
from rich.progress import track

from ..errors import ConfigError
from .outputs import DASH, output
from .plain import plain
from .views import json_line, note

if TYPE_CHECKING:
    from ..evaluate.dataset import Reading, Row
    from ..evaluate.replay import Replayed
    from ..evaluate.summary import Summary
    from ..evaluate.workload import Workload

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
SkipDamaged = Annotated[
    bool, typer.Option("--skip-damaged", help="Pass over lines that cannot be read, and say so.")
]


def evaluate(
    files: Annotated[
        list[Path], typer.Argument(help="Recorded rows (JSONL, .gz too), or directories of them.")
    ],
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
    scores: Annotated[
        Path | None,
        typer.Option(help="Write a line (JSON) for each row; -: to standard output."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write pictures, tables and mistakes as HTML; -: to standard output."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the pictures to this directory, as PNG and SVG.")
    ] = None,
    stream: Annotated[
        float | None, typer.Option(min=0.1, help="Also replay drafts at so many tokens a second.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(help='"ACCEPT" or "ACCEPT,HOPELESS", or the path of a calibration file.'),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=1, help="Bootstrap draws behind each interval.")
    ] = 1000,
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="Take the recorded p_good instead of judging anew."),
    ] = False,
    skip_damaged: SkipDamaged = False,
) -> None:
    """Measure decisions on recorded rows.

    Replays them without network: AUROC, APGR, CPT, dollars, baselines, calibration.
    """
    from ..evaluate import dataset, replay
    from ..evaluate.summary import summarise
    from ..evaluate.workload import collect

    if recorded and stream is not None:
        raise ConfigError("--stream judges drafts anew, which --recorded does not")
    judge = replay.estimator("shipped")
    rule = None if policy is None else replay.policy(policy, recorded=recorded)
    paths = dataset.files(files)
    reading = dataset.Reading(paths, skip_damaged=skip_damaged, recorded=recorded)
    others = [*paths, Path(policy or DASH), scores or DASH]
    with (
        output("--scores", scores, others[:-1]) as to_scores,
        output("--report", report, others) as to_report,
    ):
        judged = (
            (row, replay.recall(row, rule))
            if recorded
            else (row, replay.replay(row, judge, rule, streamed=stream is not None))
            for row in _shown(reading, paths)
        )
        workloads = _labelled(collect(_written(judged, to_scores), stream), reading.remarks)
        summaries = [summarise(each, resamples) for each in workloads]
        if to_report is not None:
            from ..evaluate.report import page

            to_report.write(page(workloads, summaries))
    if report not in (None, DASH):
        note(f"written to {report}")
    _draw(workloads, export)
    out = sys.stderr if DASH in (scores, report) else sys.stdout
    if as_json:
        text = msgspec.json.encode({"files": summaries})  # writes NaN as null
        out.write(json_line(msgspec.json.decode(text)))
    else:
        _tell(summaries, markdown, out)


def _shown(reading: Reading, paths: list[Path]) -> Iterable[Row]:
    """The rows; how far they have come is shown where standard error is a terminal."""
    if not sys.stderr.isatty():
        return reading
    from ..evaluate.dataset import count

    console = Console(stderr=True)
    return track(reading, "replaying", count(paths), console=console, transient=True)


def _labelled(found: list[Workload], remarks: Callable[[], list[str]]) -> list[Workload]:
    """Those that can be measured; says what was passed over."""
    from ..evaluate.summary import unlabelled

    workloads = [each for each in found if each.judged.any()]
    blank = [unlabelled(each) for each in found if each not in workloads]
    for each in remarks():
        note(each)
    if not workloads:
        raise ConfigError("; ".join(blank))
    for each in blank:
        note(f"passed over: {each}")
    return workloads


def _written(
    judged: Iterator[tuple[Row, Replayed]], out: TextIO | None
) -> Iterator[tuple[Row, Replayed]]:
    """The same; the score of each row goes to `out`."""
    for row, found in judged:
        if out is not None:
            score = {
                "file": row.file,
                "id": row.id,
                "form": found.form,
                "p_good": found.estimate.p_good,
                "benefit": found.estimate.benefit,
                "accepted": found.kept,
                "evidence": dict(found.estimate.evidence),
            }
            out.write(json_line(score))
        yield row, found


def _tell(summaries: Sequence[Summary], markdown: bool, out: TextIO) -> None:
    from ..evaluate.summary import HOW_TO_LABEL
    from ..evaluate.tables import file_tables, markdown_of, text_of

    told = file_tables(summaries)
    for line in markdown_of(told) if markdown else text_of(told):
        out.write(plain(line) + "\n")
    if not any(each.paired for each in summaries):
        note(
            "no row has verifier_correct beside draft_correct: only AUROC and calibration errors "
            f"can be told. {HOW_TO_LABEL}"
        )


def _draw(workloads: Sequence[Workload], export: Path | None) -> None:
    if export is None:
        return
    from ..evaluate.report import export as save

    try:
        save(workloads, export)
    except OSError as error:
        raise ConfigError(f"the pictures cannot be written: {error}") from None
    note(f"written to {export}")
