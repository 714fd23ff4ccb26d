"""The answers, costs and verdicts in the README are those that are measured now."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.cli.demo import ANSWER_TOKENS, LARGE, SMALL, compare
from cascadeflow.cli.screen import Row
from cascadeflow.providers.simulated import INSTANT, generate, serve_in_thread

README = (Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")
LADDERS = {"small alone": (SMALL,), "cascade": (SMALL, LARGE), "large alone": (LARGE,)}
SEED, QUESTIONS = 7, 60
"""What `cascadeflow demo` asks unless it is told otherwise."""


def measured() -> list[Row]:
    """The demo's measurement, with models that do not pause."""
    with serve_in_thread(timing=INSTANT) as server:
        agents = {
            name: CascadeAgent(
                [
                    ModelConfig(m, "simulated", base_url=server.url, max_tokens=ANSWER_TOKENS)
                    for m in models
                ]
            )
            for name, models in LADDERS.items()
        }
        return asyncio.run(compare(agents, generate(SEED, QUESTIONS)))


def test_the_table_of_the_cascade_is_what_the_demo_measures() -> None:
    rows = {row.name: row for row in measured()}
    large = rows["large alone"].cost
    for name, row in rows.items():
        line = re.search(rf"^\| {name} \|(.*)\|$", README, re.MULTILINE)
        assert line, name
        right, cost, share, replaced, *_ = (cell.strip() for cell in line.group(1).split("|"))
        assert int(right) == row.right, name
        # What a stream cost that was given up depends a little on how much of it had arrived.
        assert float(cost) == pytest.approx(row.cost, rel=0.05), name
        assert float(share.removesuffix(" %")) == pytest.approx(100 * row.cost / large, abs=2)
        assert int(replaced or 0) == row.escalated, name
