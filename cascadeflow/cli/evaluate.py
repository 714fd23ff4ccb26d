"""`cascadeflow eval`: replay recorded rows through the judge, without network, and measure it.

Needs the extra `[eval]`, which is looked for before anything is read. A row is held only while it
is replayed; what stays is a few numbers of each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import track

from ..errors import ConfigError
from .plain import plain
from .views import json_line, note

if TYPE_CHECKING:
    from ..evaluate.dataset import Row
    from ..evaluate.replay import Replayed
    from ..evaluate.summary import Summary
    from ..evaluate.workload import Workload

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Written = typer.FileTextWrite | None


def evaluate(
    files: Annotated[
        list[Path], typer.Argument(help="Recorded rows (JSONL, .gz too), or directories of them.")
    ],
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
    scores: Annotated[
        Written,
        typer.Option(encoding="utf-8", lazy=False, help="Write a line (JSON) for each row."),
    ] = None,
    report: Annotated[
        Written,
        typer.Option(
            encoding="utf-8", lazy=False, help="Write pictures, tables and mistakes as HTML."
        ),
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
) -> None:
    """Measure decisions on recorded rows.

    Replays them without network: AUROC, APGR, CPT, dollars, baselines, calibration.
    """
    from ..evaluate import dataset, replay
    from ..evaluate.summary import summarise, unlabelled
    from ..evaluate.workload import collect

    judge = replay.estimator("shipped")
    rule = None if policy is None else replay.policy(policy)
    paths = dataset.files(files)
    rows: Iterable[Row] = dataset.read(*paths)
    if sys.stderr.isatty():
        console = Console(stderr=True)
        rows = track(rows, "replaying", dataset.count(paths), console=console, transient=True)
    judged = ((row, replay.replay(row, judge, rule, streamed=stream is not None)) for row in rows)
    found = collect(_written(judged, scores), stream)
    workloads = [each for each in found if each.judged.any()]
    blank = [unlabelled(each) for each in found if each not in workloads]
    if not workloads:
        raise ConfigError("; ".join(blank) or "the files hold no row with a draft")
    for each in blank:
        note(f"passed over: {each}")
    summaries = [summarise(each, resamples) for each in workloads]
    _draw(workloads, summaries, report, export)
    if as_json:
        text = msgspec.json.encode({"files": summaries})  # writes NaN as null
        sys.stdout.write(json_line(msgspec.json.decode(text)))
    else:
        _tell(summaries, markdown)


def _written(
    judged: Iterator[tuple[Row, Replayed]], out: Written
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


def _tell(summaries: Sequence[Summary], markdown: bool) -> None:
    from ..evaluate.summary import HOW_TO_LABEL
    from ..evaluate.tables import file_tables, markdown_of, text_of

    told = file_tables(summaries)
    for line in markdown_of(told) if markdown else text_of(told):
        sys.stdout.write(plain(line) + "\n")
    if not any(each.paired for each in summaries):
        note(
            "no row has verifier_correct beside draft_correct: only AUROC and calibration errors "
            f"can be told. {HOW_TO_LABEL}"
        )


def _draw(
    workloads: Sequence[Workload],
    summaries: Sequence[Summary],
    report: Written,
    export: Path | None,
) -> None:
    if report is not None:
        from ..evaluate.report import page

        report.write(page(workloads, summaries))
        note(f"written to {report.name}")
    if export is not None:
        from ..evaluate.report import export as save

        try:
            save(workloads, export)
        except OSError as error:
            raise ConfigError(f"the pictures cannot be written: {error}") from None
        note(f"written to {export}")
