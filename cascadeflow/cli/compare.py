"""Measures the same questions on the small model alone, the cascade, and the large model alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec

from ..agent import CascadeAgent
from ..errors import CascadeError
from ..providers.simulated import Question
from ..result import CascadeResult

AT_ONCE = 16
"""Questions under way at the same time; more would measure this machine instead of the models."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one way of asking amounts to over all questions."""

    name: str
    questions: int
    right: int
    cost: float
    """US dollars of all questions."""
    escalated: int
    """Questions whose draft was not kept."""
    first_token_ms: float | None
    """Median time to the first visible token."""
    latency_ms: float
    """Median time to the whole answer."""


async def compare(
    agents: Mapping[str, CascadeAgent],
    questions: Sequence[Question],
    answered: Callable[[], None],
) -> list[Row]:
    """One row for each agent; `answered` is called after each answer."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(agent: CascadeAgent, question: Question) -> CascadeResult:
        async with gate:
            result = await _result(agent, question)
        answered()
        return result

    rows: list[Row] = []
    for name, agent in agents.items():
        results = await asyncio.gather(*(ask(agent, question) for question in questions))
        rows.append(_row(name, questions, results))
    return rows


async def _result(agent: CascadeAgent, question: Question) -> CascadeResult:
    try:
        return await agent.run(question.text)
    except CascadeError as error:
        return error.result


def _row(name: str, questions: Sequence[Question], results: Sequence[CascadeResult]) -> Row:
    first = [result.first_token_ms for result in results if result.first_token_ms is not None]
    return Row(
        name=name,
        questions=len(questions),
        right=sum(
            question.check(result.content)
            for question, result in zip(questions, results, strict=True)
        ),
        cost=sum(result.total_cost for result in results),
        escalated=sum(result.cascaded for result in results),
        first_token_ms=median(first) if first else None,
        latency_ms=median(result.latency_ms for result in results),
    )
