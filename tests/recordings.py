"""Made-up recorded rows: sums in words that a weak model sometimes gets wrong."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any


def row(number: int, *, right: bool = True, **more: Any) -> dict[str, Any]:
    """A row whose draft is a worked sum, right or wrong; `more` overrides its fields."""
    first, second = 10 + number % 80, 3 + number % 7
    said = first + second + (0 if right else 11)
    query = f"Ann has {first} apples and gets {second} more apples. How many apples has she now?"
    text = f"She has {first} + {second} = {said} apples.\nThe answer is {said}."
    answer = {"model": "weak", "content": text, "tokens_in": 30, "tokens_out": 24, "cost": 0.001}
    better = {**answer, "model": "strong", "content": str(first + second), "cost": 0.01}
    return {
        "id": f"sum{number}",
        "query": query,
        "tools": None,
        "draft": answer,
        "verifier": better,
        "draft_correct": float(right),
        "verifier_correct": 1.0,
        **more,
    }


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of which about two in three have a right draft."""
    chance = random.Random(seed)
    return [row(number, right=chance.random() < 0.67) for number in range(count)]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    """A recording; gzipped if its name says so."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path
