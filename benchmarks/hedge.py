"""Seconds saved against dollars spent by hedging, at several levels of doubt.

    python -m benchmarks.hedge [--queries 60] [--json]

The simulated models answer over loopback at a pace, the large one at 2.5 times the small one's
time. A query is escalated if its draft is wrong; what differs from row to row is only how little
doubt is enough to ask the large model ahead. How early doubt can be trusted depends on the
estimator: the one here knows which drafts will be wrong, and blurs what it knows (`SPREAD`; the
AUROC that is left is told with the table).

Seconds and dollars are means of a query; `saved` and `paid` are differences to the row without
hedging; `needed`: the share of hedges whose draft was rejected.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from statistics import fmean
from typing import NamedTuple

from cascadeflow import CascadeAgent, CascadeResult, Estimate, ModelConfig, ThresholdPolicy
from cascadeflow.evaluate.tables import Table, text_of
from cascadeflow.providers.simulated import INSTANT, SimulatedServer, Timing
from cascadeflow.providers.simulated.questions import Question, generate
from cascadeflow.types import Delta, Request, Stop

LEVELS = (None, 0.3, 0.5, 0.6, 0.7, 1.0)
PACE = Timing(first_token=0.15, per_token=0.015)
LONG = 96
"""Characters of a draft that is looked at while it streams, and not just before its end."""
SPREAD = 0.28
"""Standard deviation of an early estimate around 0.38 for a wrong draft, 0.62 for a right one."""
SMALL, LARGE = "simulated-small", "simulated-large"
PRICES = {SMALL: 0.0006, LARGE: 0.01}
"""US dollars per 1,000 tokens."""


class Forecast:
    """Guesses early whether a draft will be right, and knows it at the end."""

    def __init__(self, right: dict[str, bool]) -> None:
        self._right = right

    def observe(self, request: Request) -> Forecaster:
        """Watch one draft."""
        text = str(request.messages[-1]["content"])
        return Forecaster(self._right[text], early(text, self._right[text]))


class Forecaster:
    """The observer of `Forecast`."""

    def __init__(self, right: bool, early: float) -> None:
        self._right, self._p_good = right, early

    def feed(self, delta: Delta) -> None:
        """Only the end is news."""
        if isinstance(delta, Stop):
            self._p_good = 0.9 if self._right else 0.2

    def estimate(self) -> Estimate:
        """The guess, or the truth."""
        return Estimate(self._p_good)


def early(text: str, right: bool) -> float:
    """The blurred estimate of a draft, the same in every run."""
    guess = Random(text).gauss(0.62 if right else 0.38, SPREAD)
    return min(max(guess, 0.2), 0.99)


async def drafts(count: int) -> tuple[list[Question], dict[str, bool]]:
    """Questions with long drafts, and which of the drafts are right."""
    right: dict[str, bool] = {}
    chosen: list[Question] = []
    async with (
        SimulatedServer(timing=INSTANT) as server,
        CascadeAgent(models(server.url)[:1]) as agent,
    ):
        for question in generate(0, 20 * count):
            if question.text in right or len(chosen) == count:
                continue
            answer = (await agent.run(question.text, max_tokens=200)).content
            if len(answer) >= LONG:
                chosen.append(question)
                right[question.text] = question.check(answer)
    return chosen, right


def models(url: str) -> list[ModelConfig]:
    """The small and the large one."""
    return [ModelConfig(m, "vllm", cost, base_url=url, api_key="-") for m, cost in PRICES.items()]


async def ask(
    url: str, level: float | None, questions: Sequence[Question], right: dict[str, bool]
) -> list[CascadeResult]:
    """All questions at once, at one level of doubt."""
    policy = ThresholdPolicy(hedge_below=level)
    async with CascadeAgent(models(url), estimator=Forecast(right), policy=policy) as agent:
        return await asyncio.gather(*(agent.run(q.text, max_tokens=200) for q in questions))


class Row(NamedTuple):
    """The means of one level."""

    hedge_below: float | None
    hedged: float
    needed: float
    seconds: float
    dollars: float


def row(level: float | None, results: list[CascadeResult]) -> Row:
    """The means of one level."""
    hedged = [result for result in results if result.hedge_ms is not None]
    return Row(
        level,
        len(hedged) / len(results),
        fmean(result.cascaded for result in hedged) if hedged else 0.0,
        fmean(result.latency_ms for result in results) / 1e3,
        fmean(result.total_cost for result in results),
    )


async def measure(count: int) -> tuple[list[Row], float]:
    """A row for each level, and the AUROC of the early estimates."""
    questions, right = await drafts(count)
    async with SimulatedServer(timing=PACE) as server:
        rows = [row(level, await ask(server.url, level, questions, right)) for level in LEVELS]
    good, bad = ([early(t, ok) for t, ok in right.items() if ok is kind] for kind in (True, False))
    return rows, fmean([g > b for g, b in product(good, bad)] or [0.5])


def lines(rows: list[Row]) -> Iterator[list[str]]:
    """The cells of the table, the head first."""
    yield ["hedge_below", "hedged", "needed", "seconds", "saved", "dollars", "paid", "per second"]
    for each in rows:
        saved, paid = rows[0].seconds - each.seconds, each.dollars - rows[0].dollars
        rate = f"{paid / saved:.6f}" if saved > 0.001 else "-"
        shares = (f"{share:.0%}" for share in (each.hedged, each.needed))
        level = "never" if each.hedge_below is None else f"{each.hedge_below:g}"
        costs = (f"{each.dollars:.6f}", f"{paid:+.6f}")
        yield [level, *shares, f"{each.seconds:.3f}", f"{saved:.3f}", *costs, rate]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hedge")
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows, auroc = asyncio.run(measure(given.queries))
    if given.json:
        told = [each._asdict() for each in rows]
        print(json.dumps({"queries": given.queries, "auroc": auroc, "rows": told}))
    else:
        title = f"{given.queries} queries; AUROC of the early estimates {auroc:.2f}"
        print(*text_of([Table(title=title, rows=list(lines(rows)))]), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
