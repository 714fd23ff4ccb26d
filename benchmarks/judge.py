"""CPU of one decision, over recorded rows and over drafts made to be slow.

    python -m benchmarks.judge [FILE...] [--rows 100] [--rounds 3] [--json]

Decision: make the observer, feed the whole draft as one delta, judge it: microseconds of CPU of
this process, the least of the rounds for each row. Streaming: the draft token by token (four
characters where nobody counted), judged as often as the cascade does; microseconds per delta, and
the longest single step, which is what other streams on the loop wait for. A row is warmed up once.

Files are recordings as `cascadeflow eval` reads them, `--rows` rows of each. The drafts made to be
slow are 100,000 characters of what scanners stumble over, answered to a question, a calculation, a
choice, a request for JSON and an offer of tools. The goals are in `goals`.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from cascadeflow.core.policy import Estimator
from cascadeflow.evaluate.dataset import Answer, Row, deltas_of, files, name_of, read, request_of
from cascadeflow.evaluate.replay import planned, recorded, tokens_of
from cascadeflow.evaluate.tables import Table, text_of
from cascadeflow.quality import default_estimator
from cascadeflow.types import Delta, Request

from .sections import short

SIZE = 100_000
"""Characters of a draft made to be slow."""
RECORDED, SLOW, EVERY = "recorded", "made to be slow", "all of them"
"""Sets of rows beside those of files."""

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


def pace(judge: Estimator, request: Request, plan: Sequence[tuple[Delta, bool]]) -> float:
    """Microseconds while the draft streams, looks included."""
    observer = judge.observe(request)
    start = time.process_time_ns()
    for delta, look in plan:
        observer.feed(delta)
        if look:
            observer.estimate()
    return (time.process_time_ns() - start) / 1000


def longest_step(judge: Estimator, request: Request, plan: Sequence[tuple[Delta, bool]]) -> float:
    """Microseconds of the longest single step; reading the clock is some tenths of one of them."""
    observer = judge.observe(request)
    longest = 0
    for delta, look in plan:
        start = time.process_time_ns()
        observer.feed(delta)
        if look:
            observer.estimate()
        longest = max(longest, time.process_time_ns() - start)
    return longest / 1000


class Spent(NamedTuple):
    """Microseconds for one row, the least of the rounds."""

    decision: float
    name: str
    deltas: int
    streaming: float
    longest: float


def spent(judge: Estimator, name: str, row: Row, rounds: int) -> Spent:
    """The figures of a row."""
    request = request_of(row)
    whole = deltas_of(row.draft)
    plan = list(planned(deltas_of(row.draft, tokens_of(row.draft))[:-1]))
    decide(judge, request, whole)
    return Spent(
        min(decide(judge, request, whole) for _ in range(rounds)),
        name,
        len(plan),
        min(pace(judge, request, plan) for _ in range(rounds)),
        min(longest_step(judge, request, plan) for _ in range(rounds)),
    )


def summary(rows: list[Spent]) -> dict[str, Any]:
    """Quantiles, and which rows were the slowest."""
    times = sorted(row.decision for row in rows)
    longest = max(rows, key=lambda row: row.longest)
    return {
        "rows": len(rows),
        "median_us": statistics.median(times),
        "p99_us": times[math.ceil(0.99 * len(times)) - 1],
        "max_us": times[-1],
        "us_per_delta": sum(row.streaming for row in rows) / sum(row.deltas for row in rows),
        "longest_step_us": longest.longest,
        "slowest": max(rows).name,
        "longest_step": longest.name,
    }


def rows_of(path: Path, limit: int) -> Iterator[tuple[str, Row]]:
    """The first rows of a file whose draft was recorded."""
    kept = (row for row in read(path) if recorded(row.draft))
    yield from ((row.id, row) for row in islice(kept, limit))


def measure(paths: list[Path], limit: int, rounds: int) -> dict[str, dict[str, Any]]:
    """The figures of each set of rows, and of all together."""
    judge = default_estimator()
    sets = {name_of(path): rows_of(path, limit) for path in files(paths)}
    found = {
        name: [spent(judge, each, row, rounds) for each, row in rows] for name, rows in sets.items()
    }
    found[RECORDED] = [row for rows in found.values() for row in rows]
    found[SLOW] = [spent(judge, each, row, rounds) for each, row in slow_rows()]
    found[EVERY] = found[RECORDED] + found[SLOW]
    return {name: summary(rows) for name, rows in found.items() if rows}


def table(sets: dict[str, dict[str, Any]]) -> Table:
    """One line for each set of rows."""
    keys = ("median_us", "p99_us", "max_us", "us_per_delta", "longest_step_us")
    heads = ["rows", "median", "p99", "most", "each chunk", "longest step", "slowest"]
    rows = (
        [name, str(row["rows"]), *(short(row[key]) for key in keys), row["slowest"]]
        for name, row in sets.items()
    )
    return Table(title="one decision: µs of CPU", rows=[["", *heads], *rows])


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("files", nargs="*", type=Path)
    options.add_argument("--rows", type=int, default=100, help="rows of each file")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    args = options.parse_args()
    sets = measure(args.files, args.rows, args.rounds)
    print(json.dumps(sets) if args.json else "\n".join(text_of([table(sets)])))


if __name__ == "__main__":
    main()
