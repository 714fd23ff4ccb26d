"""The catalogue of faults, its quick rows: each is right, and so is the page that lists them.

All of it: `make faults`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from reliability.cuts import WAYS, Way, own_streams, responses, sweep
from reliability.faults import PAGE, Case, cases, leftovers, written
from reliability.staging import DIALECTS, Dialect, World


def quick() -> Iterator[Case]:
    """Every quick row in every position, each in one of its dialects, in turn."""
    turns: dict[tuple[object, object], list[Case]] = {}
    for case in cases():
        if not (case.row.slow or case.alone):
            turns.setdefault((case.row, case.position), []).append(case)
    for number, same in enumerate(turns.values()):
        yield same[(number // 2 + number) % len(same)]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as running:
        yield running
        assert list(leftovers(running, [])) == []


@pytest.mark.parametrize("case", [*quick()], ids=lambda case: case.id.replace(" ", "-"))
def test_what_follows_a_fault_is_what_the_catalogue_says(world: World, case: Case) -> None:
    assert case.play(world).problems == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_that_breaks_at_any_byte_keeps_the_promises(
    world: World, dialect: Dialect, way: Way
) -> None:
    """Of two streams of each dialect, every seventh byte."""
    more = responses()[:2] if dialect == "openai" else []
    for stream in [*own_streams(world.server.url, dialect)[:2], *more]:
        assert asyncio.run(sweep(stream, dialect, way, stride=7)).problems == []


def test_the_page_lists_the_catalogue() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page), "python -m reliability.faults --markdown writes it"
