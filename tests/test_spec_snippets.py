"""Every Python snippet of the two documents runs as written and does what the documents say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

pytest.register_assert_rewrite(
    "tests.snippet_claims", "tests.snippet_text_checks", "tests.snippet_tool_checks"
)

# These come after their asserts were made readable.
from .snippet_code import Code, UnknownPlaceholder, looks_like_python  # noqa: E402
from .snippet_page import Run  # noqa: E402
from .snippet_table import (  # noqa: E402
    FOLDER,
    GUIDE,
    MODULE,
    NOT_PYTHON,
    TABLE,
    Situation,
    Snippet,
    readme,
)
from .snippet_text_checks import TEXT_CHECKS  # noqa: E402
from .snippet_tool_checks import TOOL_CHECKS  # noqa: E402

CHECKS = TEXT_CHECKS | TOOL_CHECKS
ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = Path(__file__).resolve().parents[2] / "shared" / "spec"
FENCE = re.compile(r"^\s*```(\w*)\s*$")

Key = tuple[str, Situation]
RUNS: list[Key] = [(one.name, situation) for one in TABLE for situation in one.situations]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Run]:
    """What all the snippets did, in a process of their own."""
    path = tmp_path_factory.mktemp("snippets") / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.snippet_page", str(path)],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = msgspec.json.decode(path.read_bytes(), type=list[Run])
    return {(run.snippet, run.situation): run for run in runs}


def run_id(key: Key) -> str:
    return "-".join(key)


@pytest.mark.parametrize("key", RUNS, ids=run_id)
def test_a_snippet_does_what_its_page_says(report: dict[Key, Run], key: Key) -> None:
    run = report[key]
    assert run.error is None, run.error
    CHECKS[run.snippet[:3]](run)


@pytest.mark.parametrize("key", RUNS, ids=run_id)
def test_a_snippet_warns_of_nothing_but_the_deprecated_name(
    report: dict[Key, Run], key: Key
) -> None:
    run = report[key]
    old = run.snippet == "m04_old_way"
    assert [category for category, _ in run.warnings] == ["DeprecationWarning"] * old
    assert all("text_streaming_manager" in message for _, message in run.warnings)


@pytest.mark.parametrize("key", RUNS, ids=run_id)
def test_a_snippet_leaves_no_task_connection_or_error_behind(
    report: dict[Key, Run], key: Key
) -> None:
    run = report[key]
    assert run.unraisable == []
    assert [entry for entry in run.logged if entry[0] == "asyncio"] == []


def test_drafts_are_accepted_and_rejected_among_the_runs(report: dict[Key, Run]) -> None:
    """Else the lines for one of the two outcomes would never have been seen."""
    printed = "".join(run.stdout for run in report.values())
    assert "✓ Draft accepted" in printed
    assert "✗ Draft rejected" in printed


def document(name: str) -> list[str]:
    """The lines of a document; the first has number 1 in all tables."""
    path = DOCUMENTS / name
    if not path.exists():
        pytest.skip(f"the document {name} is not here to compare with")
    return path.read_text("utf-8").splitlines()


def accounted(name: str) -> list[range]:
    """The lines that are snippets, or listed as something else."""
    blocks = [(one.first, one.last) for one in (*TABLE, *NOT_PYTHON) if one.document == name]
    return [range(first, last + 1) for first, last in sorted(blocks)]


@pytest.mark.parametrize("snippet", TABLE, ids=lambda snippet: snippet.name)
def test_a_snippet_is_the_documents_own_lines(snippet: Snippet) -> None:
    lines = document(snippet.document)[snippet.first - 1 : snippet.last]
    assert snippet.path.read_text("utf-8").splitlines() == lines


@pytest.mark.parametrize("name", [GUIDE, MODULE])
def test_no_two_snippets_share_a_line(name: str) -> None:
    lines = [line for block in accounted(name) for line in block]
    assert len(lines) == len(set(lines))


def fenced(lines: list[str]) -> Iterator[tuple[str, range]]:
    """Language and inner lines of each fenced block."""
    opened: tuple[str, int] | None = None
    for number, line in enumerate(lines, 1):
        if fence := FENCE.match(line):
            if opened is None:
                opened = (fence[1], number + 1)
            else:
                yield opened[0], range(opened[1], number)
                opened = None


def test_every_fenced_block_of_the_module_page_is_accounted_for() -> None:
    blocks = list(fenced(document(MODULE)))
    python = [lines for language, lines in blocks if language == "python"]
    snippets = [range(one.first, one.last + 1) for one in TABLE if one.document == MODULE]
    assert python == snippets
    assert sorted([lines for _, lines in blocks], key=min) == accounted(MODULE)


@pytest.mark.parametrize("name", [GUIDE, MODULE])
def test_no_line_outside_the_snippets_looks_like_python(name: str) -> None:
    inside = {line for block in accounted(name) for line in block}
    heading = "#" if name == MODULE else "\0"  # In the guide, which has no Markdown, a comment.
    overlooked = [
        f"{number}: {line}"
        for number, line in enumerate(document(name), 1)
        if number not in inside and looks_like_python(line) and not line.startswith(heading)
    ]
    assert overlooked == []


def test_every_snippet_file_is_in_the_table_and_the_other_way_round() -> None:
    files = sorted(path.stem for path in FOLDER.glob("*.py"))
    assert files == [one.name for one in TABLE]
    assert sorted(CHECKS) == [one.name[:3] for one in TABLE]


def test_the_table_for_people_is_up_to_date() -> None:
    assert (FOLDER / "README.md").read_text("utf-8") == readme()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("agent = CascadeAgent(models=[", True),
        ("    async for event in stream:", True),
        ("result = await agent.run(query)", True),
        ("@dataclass", True),
        ("except ValueError as error:", True),
        ("return", True),
        ("agent.text_streaming_manager  # None", True),
        ("# a comment", True),
        ("Overview", False),
        ("Quick Start", False),
        ("Solution:", False),
        ("1. Reduce First Chunk Latency", False),
        ("  • Network timeout", False),
        ("ROUTING → CHUNK → COMPLETE", False),
        ("CHUNK Token arrives content (string)", False),
        ("", False),
    ],
)
def test_python_is_told_from_prose(line: str, answer: bool) -> None:
    assert looks_like_python(line) is answer


def test_a_placeholder_of_unknown_meaning_is_an_error() -> None:
    with pytest.raises(UnknownPlaceholder, match="line 2"):
        Code("x = 1\nf(colours=[...])", "<test>")


def test_names_are_wanted_that_the_code_reads_and_nowhere_binds() -> None:
    text = "import json\nfor event in stream:\n    print(json, query)\ndef f(x):\n    y = tool\n"
    assert Code(text, "<test>").wanted == {"stream", "print", "query", "tool"}
