"""`examples/first_look.ipynb`: its code cells run in order, as a kernel would run them."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the notebook needs the extra [eval]")
pytest.importorskip("altair", reason="the notebook needs the extra [eval]")

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "first_look.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


async def execute(rows: int) -> dict[str, Any]:
    """The variables that are left, with so many queries. Like a kernel it awaits on the way."""
    left: dict[str, Any] = {}
    for cell in CODE:
        source = "".join(cell["source"]).replace("N = 20\n", f"N = {rows}\n")
        code = compile(source, cell["id"], "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, left)
        if inspect.isawaitable(running):
            await running
    return left


def test_twenty_queries_are_recorded_rated_and_drawn_but_promise_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = asyncio.run(execute(20))
    assert (left["summary"].paired, left["found"].advice) == (20, "refused")
    assert left["found"].needed > 0
    assert len(left["chart"].to_dict()["hconcat"]) == 3
    told = capsys.readouterr().out
    assert told.startswith("20 queries, 0.00")
    assert "95 % interval" in told
    assert "\nno promise: " in told


def test_two_hundred_queries_promise_a_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    left = asyncio.run(execute(200))
    assert left["found"].advice == "cascade"
    assert left["result"].threshold == pytest.approx(left["found"].accept_at)
    assert "\ncascade: keep from 0." in capsys.readouterr().out


def test_no_output_is_stored_in_the_notebook() -> None:
    assert [(cell["outputs"], cell["execution_count"]) for cell in CODE] == [([], None)] * len(CODE)
