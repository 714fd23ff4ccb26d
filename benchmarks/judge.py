"""CPU of one decision, over recorded rows and over drafts made to be slow.

    python -m benchmarks.judge [FILE...] [--rows 500] [--rounds 3] [--json]

Decision: make the observer, feed the whole draft as one delta, judge it: microseconds of CPU of
this process, the least of the rounds for each row. Streaming: the draft token by token (four
characters where nobody counted), judged as often as the cascade does; microseconds per delta, and
the longest single step, which is what other streams on the loop wait for. A row is warmed up once.

Files are recordings as `cascadeflow eval` reads them, `--rows` rows of each. The drafts made to be
slow are 100,000 characters of what scanners stumble over, answered to a question, a calculation, a
choice, a request for JSON and an offer of tools. Goals: decision <= 1,000 us in the median, <=
5,000 us in the 99th percentile, slow drafts included; <= 1 us per delta on average.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cascadeflow.core.answer import FIRST_LOOK, LOOKS_PER_DOUBLING
from cascadeflow.core.policy import Estimator
from cascadeflow.evaluate.dataset import Answer, Row, deltas_of, files, name_of, read, request_of
from cascadeflow.evaluate.replay import recorded, tokens_of
from cascadeflow.quality import default_estimator
from cascadeflow.types import Delta, Request, TextDelta, ToolCallDelta

SIZE = 100_000
"""Characters of a draft made to be slow."""

UNITS = {
    "one letter": "a",
    "digits": "1",
    "equals": "= ",
    "equations": "12 + 7 = 19, ",
    "wrong chain": "3 * 4 = 13 = ",
    "brackets": "([{",
    "closed brackets": "()[]{}",
    "quotes": '"',
    "backslashes": "\\",
    "spaces": " ",
    "line feeds": "\n",
    "lines": "- item\n",
    "dots": "... ",
    "dashes": "-",
    "one word": "word ",
    "answers": "The answer is (A). ",
    "boxes": "\\boxed{\\frac{1}{2}} ",
    "hedges": "Maybe, but I am not sure. Wait, actually ",
    "refusals": "I'm sorry, but I can't help with that. ",
    "fences": "```\ncode\n```\n",
    "dense script": "我不知道答案是什么。",
    "combining": "e\u0301\u0302",
    "emoji": "\U0001f469\u200d\U0001f52c",
    "percent": "50% of 30% = ",
    "long number": "9" * 400 + " * ",
    "placeholders": "[INSERT NAME HERE] <your_key> TODO ",
    "prose": "The committee met on Tuesday and, after some debate, agreed to the plan. ",
}
"""What fills a slow draft, over and over."""

QUERIES = {
    "question": "Why is the sky blue?",
    "calculation": "Tom has 12 apples, buys 7 more and sells half at $2. What does he earn?",
    "choice": "Which is largest?\nA. an ant\nB. a bee\nC. a cat\nD. a dog\nAnswer:",
}

TOOL: dict[str, Any] = {
    "name": "send_message",
    "description": "Send a message to a person.",
    "parameters": {
        "type": "object",
        "properties": {"to": {"type": "string"}, "text": {"type": "string"}},
        "required": ["to", "text"],
    },
}


def slow_rows() -> Iterator[tuple[str, Row]]:
    """(what it is, the row)."""
    for name, unit in UNITS.items():
        text = (unit * (SIZE // len(unit) + 1))[:SIZE]
        answer = Answer(content=text)
        for kind, query in QUERIES.items():
            yield f"{name}, {kind}", Row(id=name, query=query, draft=answer)
        wanted = {"type": "json_object"}
        query = QUERIES["question"]
        yield f"{name}, json", Row(id=name, query=query, draft=answer, response_format=wanted)
        yield f"{name}, no call", Row(id=name, query=query, draft=answer, tools=[TOOL])
        call = {"name": TOOL["name"], "arguments": {"to": "Tom", "text": text}}
        yield (
            f"{name}, call",
            Row(id=name, query=query, draft=Answer(tool_calls=[call]), tools=[TOOL]),
        )


def decide(judge: Estimator, request: Request, deltas: Iterable[Delta]) -> float:
    """Microseconds of one decision."""
    start = time.process_time_ns()
    observer = judge.observe(request)
    for delta in deltas:
        observer.feed(delta)
    observer.estimate()
    return (time.process_time_ns() - start) / 1000


def looks(deltas: list[Delta]) -> list[bool]:
    """After which deltas the cascade judges."""
    found: list[bool] = []
    size, next_look = 0, FIRST_LOOK
    for delta in deltas:
        size += size_of(delta)
        found.append(size >= next_look)
        if found[-1]:
            next_look = size + max(FIRST_LOOK, size // LOOKS_PER_DOUBLING)
    return found


def pace(judge: Estimator, request: Request, deltas: list[Delta]) -> float:
    """Microseconds per delta while the draft streams, looks included."""
    observer = judge.observe(request)
    planned = list(zip(deltas, looks(deltas), strict=True))
    start = time.process_time_ns()
    for delta, look in planned:
        observer.feed(delta)
        if look:
            observer.estimate()
    return (time.process_time_ns() - start) / 1000 / max(1, len(deltas))


def longest_step(judge: Estimator, request: Request, deltas: list[Delta]) -> float:
    """Microseconds of the longest single step; reading the clock is some tenths of one of them."""
    observer = judge.observe(request)
    longest = 0
    for delta, look in zip(deltas, looks(deltas), strict=True):
        start = time.process_time_ns()
        observer.feed(delta)
        if look:
            observer.estimate()
        longest = max(longest, time.process_time_ns() - start)
    return longest / 1000


def size_of(delta: Delta) -> int:
    """Characters of the answer in a delta."""
    if isinstance(delta, TextDelta):
        return len(delta.text)
    return len(delta.arguments) if isinstance(delta, ToolCallDelta) else 0


def measure(judge: Estimator, named: Iterable[tuple[str, Row]], rounds: int) -> dict[str, Any]:
    """Figures over rows."""
    decisions: list[tuple[float, str]] = []
    per_delta: list[tuple[float, int]] = []
    longest: list[tuple[float, str]] = []
    for name, row in named:
        request = request_of(row)
        whole, cut = deltas_of(row.draft), deltas_of(row.draft, tokens_of(row.draft))[:-1]
        decide(judge, request, whole)
        spent = min(decide(judge, request, whole) for _ in range(rounds))
        decisions.append((spent, name))
        paces = [pace(judge, request, cut) for _ in range(rounds)]
        per_delta.append((min(paces), len(cut)))
        longest.append((min(longest_step(judge, request, cut) for _ in range(rounds)), name))
    return summary(decisions, per_delta, longest)


def summary(
    decisions: list[tuple[float, str]],
    per_delta: list[tuple[float, int]],
    longest: list[tuple[float, str]],
) -> dict[str, Any]:
    """Quantiles, and which rows were the slowest."""
    times = sorted(spent for spent, _ in decisions)
    deltas = sum(count for _, count in per_delta)
    return {
        "rows": len(times),
        "median_us": statistics.median(times),
        "p99_us": times[math.ceil(0.99 * len(times)) - 1],
        "max_us": times[-1],
        "slowest": max(decisions)[1],
        "us_per_delta": sum(each * count for each, count in per_delta) / max(1, deltas),
        "longest_step_us": max(longest)[0],
        "longest_step": max(longest)[1],
    }


def rows_of(path: Path, limit: int) -> Iterator[tuple[str, Row]]:
    """The first rows of a file whose draft was recorded."""
    kept = (row for row in read(path) if recorded(row.draft))
    yield from ((row.id, row) for row in islice(kept, limit))


def tables(paths: list[Path], limit: int, rounds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, figures) of each set of rows."""
    judge = default_estimator()
    for path in files(paths):
        if named := list(rows_of(path, limit)):
            yield name_of(path), measure(judge, named, rounds)
    yield "made to be slow", measure(judge, slow_rows(), rounds)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("files", nargs="*", type=Path)
    options.add_argument("--rows", type=int, default=500, help="rows of each file")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    args = options.parse_args()
    found: dict[str, Any] = {}
    if not args.json:
        print(f"CPython {platform.python_version()}, microseconds of CPU")
        heads = ("rows", "median", "p99", "max", "per delta", "longest step")
        print(f"{'':54}" + "".join(f"{head:>13}" for head in heads))
    for name, row in tables(args.files, args.rows, args.rounds):
        found[name] = row
        if not args.json:
            keys = ("median_us", "p99_us", "max_us", "us_per_delta", "longest_step_us")
            cells = "".join(f"{row[key]:13.1f}" for key in keys)
            print(f"{name:54}{row['rows']:13}{cells}", flush=True)
            print(f"    slowest: {row['slowest']}; longest step: {row['longest_step']}")
    if args.json:
        print(json.dumps({"python": platform.python_version(), "sets": found}))


if __name__ == "__main__":
    main()
