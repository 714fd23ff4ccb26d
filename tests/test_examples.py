"""Every example runs as it stands, without a key and without a network, and does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

SHOWS: dict[str, tuple[str, ...]] = {
    "streaming_text_basic.py": (
        r"= 1910\b.*\n\[discarded \d\d+ characters; next model\]\n.*= 1920\b",
        r"\n\[sim-large, \$0\.000\d+\]\n\Z",
    ),
    "streaming_text.py": (
        r"Paris\.\n  accepted: p\(good\) 0\.\d\d, after the draft",
        r"rejected \(quality_insufficient\): p\(good\) 0\.\d\d, after the draft",
        r"sim-mini -> sim-large, \d\d characters are void: .* 28 bags",
        r"rejected \(hopeless\): p\(good\) 0\.0\d, during the draft",
        r"sim-mini -> sim-large, \d+ characters are void: [^`]*```python\ndef ",
        r"all questions together: \$0\.00\d+\n\Z",
    ),
    "streaming_text_advanced.py": (
        r"^What is Python\? Python is .*\nWhat is 17 \* 23\? .*391.*\n.*180",
        r"^own judge: p\(good\) 0\.\d\d, answered by sim-(mini|large)\n",
        r"^conversation: 4 messages, .*\b42\b",
        r"^limits: budget, \$0\.0000\d+ spent, [1-9]\d* characters said\n",
        r"^limits: unknown argument 'max_token'; did you mean 'max_tokens'\?\n\Z",
    ),
}
"""What the output of an example must hold, in this order; expressions of several lines."""


def run(example: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_does_its_job(example: Path) -> None:
    told = run(example)
    at = 0
    for shown in SHOWS[example.name]:
        found = re.compile(shown, re.MULTILINE).search(told, at)
        assert found, f"{shown} is not in the rest of the output:\n{told[at:]}"
        at = found.end()


def test_for_every_example_it_is_said_what_it_shows() -> None:
    assert SHOWS.keys() == {path.name for path in EXAMPLES}
