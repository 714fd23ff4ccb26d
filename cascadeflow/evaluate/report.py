"""One HTML file that shows an evaluation, offline: pictures, tables, the most costly mistakes.

The scripts that draw are inside the file. The mistakes quote the reader's own rows, shortened and
escaped. `export` writes the pictures alone, as PNG and SVG.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Final

import vl_convert

from .charts import picture
from .summary import Summary
from .tables import dollars, file_tables, number, percent, text_of
from .workload import Kind, Mistake, Workload

PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'">
<title>cascadeflow eval</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; color: #222;
       padding: 0 1rem; }
pre { overflow-x: auto; font-size: 12.5px; background: #f6f7f8; padding: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
td, th { border-bottom: 1px solid #ddd; padding: .4rem .6rem; text-align: left;
         vertical-align: top; white-space: pre-wrap; overflow-wrap: anywhere; }
.picture { overflow-x: auto; }
</style>
<script>
$script
</script>
</head>
<body>
<h1>Decisions, replayed</h1>
<pre>$tables</pre>
$sections
<script>
for (const [place, spec] of $specs.entries()) {
  vegaEmbed("#picture" + place, spec, {actions: {source: false, compiled: false, editor: false}});
}
</script>
</body>
</html>
""")

HEADINGS: Final[dict[Kind, str]] = {
    "kept_wrong": "Kept, but the strong model was better",
    "escalated_in_vain": "Escalated in vain: the strong model was no better",
}


def page(workloads: Sequence[Workload], summaries: Sequence[Summary]) -> str:
    """The whole file. `workloads` and `summaries` are of the same files."""
    specs = [picture(workload).to_dict() for workload in workloads]
    parts = [
        _section(place, workload, summary)
        for place, (workload, summary) in enumerate(zip(workloads, summaries, strict=True))
    ]
    return PAGE.substitute(
        script=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"),
        specs=json.dumps(specs).replace("<", "\\u003c"),
        tables=html.escape("\n".join(text_of(file_tables(summaries)))),
        sections="\n".join(parts),
    )


def export(workloads: Sequence[Workload], folder: Path) -> list[Path]:
    """Write each picture as `NAME.png` and `NAME.svg`; the folder is made.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for workload in workloads:
        chart = picture(workload)
        png, svg = (folder / f"{workload.name}{ending}" for ending in (".png", ".svg"))
        chart.save(png, scale_factor=2)
        chart.save(svg)
        written += [png, svg]
    return written


def _section(place: int, workload: Workload, summary: Summary) -> str:
    forms = ", ".join(f"{html.escape(form)} {count}" for form, count in summary.forms.items())
    tables = "\n".join(_mistakes(kind, workload.mistakes(kind)) for kind in HEADINGS)
    return (
        f"<h2>{html.escape(summary.name)}</h2>\n"
        f"<p>{summary.rows} rows; forms: {forms}. AUROC {number(summary.auroc.value)}, "
        f"APGR {number(summary.apgr.value)}, ECE {number(summary.ece)}.</p>\n"
        f'<div class="picture" id="picture{place}"></div>\n{tables}'
    )


def _mistakes(kind: Kind, mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return ""
    head = "<tr><th>id</th><th>p_good</th><th>lost</th><th>query</th><th>draft</th><th>evidence"
    weigh = percent if kind == "kept_wrong" else dollars
    rows: list[str] = []
    for each in mistakes:
        evidence = "\n".join(f"{name} {value:.3g}" for name, value in each.evidence.items())
        measured = (number(each.p_good, 2), weigh(each.weight))
        cells = map(html.escape, (each.id, *measured, each.query, each.draft, evidence))
        rows.append(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>")
    table = "\n".join(rows)
    return f"<h3>{HEADINGS[kind]}</h3>\n<table>{head}</th></tr>\n{table}</table>"
