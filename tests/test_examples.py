"""Every example runs as it stands, without a key and without a network, and does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVES = "web_stream.py"
"""Runs until it is stopped; `test_web_stream.py` is about it."""
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.name != SERVES)

SHOWS: dict[str, tuple[str, ...]] = {
    "streaming_text_basic.py": (
        r"= 1910\b.*\n\[discarded \d\d+ characters; next model\]\n.*= 1920\b",
        r"\n\[sim-large, \$0\.000\d+\]\n\Z",
    ),
    "streaming_text.py": (
        r"Paris\.\n  accepted: p\(good\) 0\.\d\d, after the draft",
        r"rejected \(quality_insufficient\): p\(good\) 0\.\d\d, after the draft",
        r"sim-mini -> sim-large, \d+ characters are void: .* 71\b",
        r"rejected \(hopeless\): p\(good\) 0\.0\d, during the draft",
        r"sim-mini -> sim-large, \d+ characters are void: .*= 1599\b",
        r"all questions together: \$0\.00\d+\n\Z",
    ),
    "streaming_text_advanced.py": (
        r"^What is Python\? Python is .*\nWhat is 17 \* 23\? .*391.*\n.*180",
        r"^own judge: p\(good\) 0\.\d\d, answered by sim-(mini|large)\n",
        r"^conversation: 4 messages, .*\b42\b",
        r"^limits: budget, \$0\.0000\d+ spent, [1-9]\d* characters said\n",
        r"^limits: unknown argument 'max_token'; did you mean 'max_tokens'\?\n\Z",
    ),
    "streaming_tools_basic.py": (
        r"^call: get_weather\(\{'location': 'Paris'\}\)\nresult: 22°C and sunny in Paris\n",
        r"22°C and sunny in Paris.*\n\[sim-(mini|large), \$0\.000\d+\]\n\Z",
    ),
    "streaming_tools.py": (
        r"begins call 0: get_weather\n.*\n +'Paris.*'location': .*Paris",
        r"complete: get_weather\(\{'location': 'Paris'\}\)\n\n  tool_calls, \$0\.000\d+",
        r"complete: .*'Paris'\}\)\n  complete: .*'Oslo'\}\)\n\n  tool_calls",
        r"draft rejected: invalid_tool_call.*\n  sim-mini -> sim-large, void calls: add\n",
        r"complete: add\(\{'a': 3, 'b': 4\.5\}\)",
        r"^Answer: Paris|Paris\.",
        r"the name of a tool is 'get weather'; it must be 1 to 64 of .*\n\Z",
    ),
    "tool_execution.py": (
        r"calculate\(\{'expression': '12 \* 34'\}\) -> 408 \[\d+ ms\]\n.*408",
        r"get_time\(\{'city': 'Sydney'\}\) -> \d\d:\d\d in Sydney",
        r"-> LookupError: Atlantis is not in the table",
        r"calculate: ValueError: .* is no number",
        r'calculate: not executed: arguments: "expression" is a required property\n',
        r"format_disk: not executed: no tool is named 'format_disk'.*\n\Z",
    ),
    "streaming_tools_executor.py": (
        r"running get_weather\n  -> \{'location': 'Tokyo', 'celsius': 22\}\n",
        r"running get_time\n  -> 12:30 in London\n  .*12:30",
        r"read_secret: PermissionError: cannot read db: password=\[redacted\]\n",
        r"wait_for_ever: timed out after 1 s\n  read_log: the result holds .* at most 64000 bytes",
        r"five calls side by side: [12]\.\d s\n\Z",
    ),
    "streaming_tools_multiturn.py": (
        r"turn 1\n(?:    .*\n)*    add\(12, 30\) = 42(?:\.0)?\n  turn 2\n",
        r"^assistant \(stop\): .*42",
        r"add\(3, 4\.5\) = 7\.5\n",
        r"^the conversation so far: (?:user assistant tool assistant ?){2}\n",
        r"^assistant \(max_turns_reached\): \(no text\)\ncalls left for you: .*'b': 30\}\]\n\Z",
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
