"""Speed, side by side: `make bench` for the essential, `make bench-full` for everything.

    python -m benchmarks [--full] [--rounds 5] [--data DIRECTORY] [--json FILE] [--markdown FILE]
                         [--expected FILE] [--keep]

It prints every figure, then each goal and whether it is met. It ends with 1 if a ratio to the bare
client has fallen behind that of the expected file; `--keep` writes that file anew.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cascadeflow.evaluate.tables import Table, markdown_of, text_of

from . import goals, incremental_json, judge, peers
from .crew import Crew
from .server import serving
from .suite import Suite

MARK, END = "<!-- measured -->", "<!-- end of measured -->"
"""What is between them on a page is written by `--markdown`."""
PACKAGES = ("aiohttp", "msgspec", "httpx2", "openai", "anthropic")


def machine() -> dict[str, Any]:
    """Where and with what it was measured."""
    versions = {
        each.name: each.version
        for each in importlib.metadata.distributions()
        if each.name in PACKAGES
    }
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {**dict(sorted(versions.items())), **peers.versions()},
    }


def _processor() -> str:
    """The name Linux knows it by, or its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def tables(suite: Suite, found: list[goals.Goal]) -> Iterator[Table]:
    """All figures, the goals last."""
    for section in suite.sections.values():
        if section.rows:
            yield Table(title=section.title, rows=list(section.table()))
    for python, shapes in suite.arguments.items():
        title = f"tool arguments in fragments of 16 characters, Python {python}: µs for each"
        yield Table(title=title, rows=incremental_json.cells(shapes))
    if suite.judged:
        yield judge.table(suite.judged)
    spent = [[title, f"{seconds:.2f}"] for title, seconds in suite.server.items()]
    yield Table(title="the server's own CPU", rows=[["", "s"], *spent])
    yield Table(title="Goals", rows=goals.cells(found))


def notes(suite: Suite, where: dict[str, Any]) -> Iterator[str]:
    """What must be known beside the figures."""
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    yield (
        f"{where['date']}, {where['python']}, {where['cores']} cores of {where['processor']}, "
        f"load {where['load']}; {versions}"
    )
    for name, reason in suite.crew.skipped.items():
        yield f"Left out of {name}: {reason}"


def say(title: str) -> None:
    print(f"{datetime.datetime.now():%H:%M:%S} {title}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="every client and figure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, metavar="DIRECTORY", help="recorded drafts to judge")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--expected", type=Path, metavar="FILE", default=goals.EXPECTED)
    parser.add_argument("--keep", action="store_true", help="write the expected file anew")
    options = parser.parse_args()
    began, where = time.monotonic(), machine()
    with serving() as url, Crew() as crew:
        suite = Suite(
            url=url, crew=crew, full=options.full, rounds=options.rounds, data=options.data, say=say
        )
        suite.run()
    found = list(goals.goals(suite.sections, suite.arguments, suite.judged))
    shown = list(tables(suite, found))
    print(*text_of(shown), *notes(suite, where), sep="\n")
    print(f"{time.monotonic() - began:.0f} s in all")
    if options.markdown:
        figures = "\n".join(markdown_of(shown))
        write_page(options.markdown, "\n\n".join([*notes(suite, where), figures]))
    if options.json:
        options.json.write_text(json.dumps(report(suite, found, where), indent=2) + "\n", "utf-8")
    return guard(suite, options.expected, keep=options.keep)


def write_page(path: Path, figures: str) -> None:
    """Put figures into a page: between its marks, or at its end."""
    page = path.read_text("utf-8") if path.exists() else ""
    before, _, rest = page.partition(MARK)
    after = rest.partition(END)[2] or "\n"
    path.write_text(f"{before}{MARK}\n\n{figures}\n\n{END}{after}", "utf-8")


def report(suite: Suite, found: list[goals.Goal], where: dict[str, Any]) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "machine": where,
        "sections": {key: each.as_json() for key, each in suite.sections.items()},
        "tool arguments": suite.arguments,
        "judging": suite.judged,
        "goals": [{**goal._asdict(), "verdict": goal.verdict} for goal in found],
        "server": suite.server,
        "left out": suite.crew.skipped,
    }


def guard(suite: Suite, expected: Path, *, keep: bool) -> int:
    """The exit code: 1 if something has become slower than what is kept."""
    ratios = goals.guarded(suite.sections)
    if keep:
        goals.keep(ratios, expected)
        return 0
    fallen = goals.kept(expected).fallen(ratios)
    for each in fallen:
        print(f"slower than it was: {each}")
    return 1 if fallen else 0


if __name__ == "__main__":
    raise SystemExit(main())
