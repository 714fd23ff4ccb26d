"""Policies that weigh quality against money."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cascadeflow import CascadeAgent, ConfigError, Estimate, ModelConfig
from cascadeflow.core.economics import Costs, ExpectedCostPolicy, ShareOfStrongPolicy
from cascadeflow.core.policy import Observer
from cascadeflow.providers.scripted import Scripted
from cascadeflow.types import Delta, Request, Stop, TextDelta, Usage

CHEAP = Costs(draft=0.001, strong=0.01)


class Fixed:
    """An estimator, and observer, of one opinion."""

    def __init__(self, p_good: float) -> None:
        self.p_good = p_good

    def observe(self, request: Request) -> Observer:
        return self

    def feed(self, delta: Delta) -> None:
        pass

    def estimate(self) -> Estimate:
        return Estimate(self.p_good)


def priced(dollars: float, costs: Costs = CHEAP) -> ExpectedCostPolicy:
    return ExpectedCostPolicy(dollars_per_error=dollars).priced(costs)


@pytest.mark.parametrize(
    ("p_good", "verdict"), [(0.95, "accept"), (0.86, "accept"), (0.8, "escalate")]
)
def test_a_draft_is_replaced_where_the_errors_saved_are_worth_the_strong_model(
    p_good: float, verdict: str
) -> None:
    # Replacing costs 0.01 dollars and saves (0.95 - p_good) errors of 0.1 dollars.
    assert priced(0.1).decide(Estimate(p_good), "after")[0] == verdict


def test_a_draft_stays_where_the_strong_model_would_fail_as_well() -> None:
    hopeless_both = Estimate(0.1, benefit=0.02)
    assert priced(0.1).decide(hopeless_both, "after") == ("accept", "keeping_costs_less")
    assert priced(0.1).decide(hopeless_both, "during")[0] == "continue"


def test_errors_worth_more_replace_more_drafts() -> None:
    kept = [
        sum(priced(dollars).decide(Estimate(p / 100), "after")[0] == "accept" for p in range(101))
        for dollars in (0.02, 0.1, 1.0)
    ]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[-1]


def test_a_cascade_that_cannot_pay_is_not_begun() -> None:
    dear = Costs(draft=0.004, strong=0.01)
    assert priced(1.0, dear).decide(Estimate(0.3), "before") == ("escalate", "cascade_cannot_pay")
    assert priced(1.0, dear).decide(Estimate(0.5), "before")[0] == "continue"


def test_the_agent_tells_the_policy_what_the_query_costs() -> None:
    def ask(draft_price: float) -> tuple[str, str]:
        usage = Usage(input_tokens=9, output_tokens=2)
        script: list[Delta] = [TextDelta("Paris."), Stop("stop", usage)]
        models = Scripted({"small": script, "large": script})
        agent = CascadeAgent(
            [
                ModelConfig("small", models, input_price=draft_price, output_price=draft_price),
                ModelConfig("large", models, input_price=10, output_price=10),
            ],
            estimator=Fixed(0.5),
            policy=ExpectedCostPolicy(dollars_per_error=1e-9),
        )

        async def routing() -> tuple[str, str]:
            told = [event async for event in agent.stream_events("Capital of France?")]
            return told[0].data["strategy"], told[0].data["reason"]

        return asyncio.run(routing())

    assert ask(1.0) == ("cascade", "cascade")
    assert ask(9.0) == ("direct", "small: cascade_cannot_pay")


def test_a_share_of_the_strong_models_cost_replaces_the_worst_drafts_only() -> None:
    policy = ShareOfStrongPolicy(0.3)
    replaced: list[float] = []
    for number in range(1000):
        p_good = (number * 37 % 100) / 100
        verdict, _ = policy.priced(CHEAP).decide(Estimate(p_good), "after")
        if verdict == "escalate":
            replaced.append(p_good)
    # 0.3 of strong, less 0.1 for the drafts, leaves 0.2.
    assert 0.15 < len(replaced) / 1000 < 0.25
    assert max(replaced[20:]) < 0.3


@pytest.mark.parametrize("scores", [(0.7,), (0.7, 0.4, 0.7)])
def test_of_drafts_that_score_alike_the_share_is_replaced(scores: tuple[float, ...]) -> None:
    policy = ShareOfStrongPolicy(0.4)
    verdicts = [
        policy.priced(CHEAP).decide(Estimate(scores[number % len(scores)]), "after")[0]
        for number in range(900)
    ]
    assert 0.25 < verdicts.count("escalate") / 900 < 0.35


def test_one_policy_judges_the_queries_of_several_threads() -> None:
    policy = ShareOfStrongPolicy(0.5)

    def judge(thread: int) -> list[str]:
        scores = [(thread + 4 * i) % 997 / 997 for i in range(1000)]
        return [policy.decide(Estimate(score), "after")[0] for score in scores]

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            verdicts = [verdict for one in threads.map(judge, range(4)) for verdict in one]
    finally:
        sys.setswitchinterval(usual)
    assert set(verdicts) == {"accept", "escalate"}


def test_a_copied_or_pickled_policy_remembers_the_scores() -> None:
    policy = ShareOfStrongPolicy(0.4)
    for _ in range(5):
        policy.decide(Estimate(0.9), "after")
    verdicts = [
        [made.decide(Estimate(p_good), "after") for p_good in (0.8, 0.95, 0.9)]
        for made in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy)), policy)
    ]
    assert verdicts[0] == verdicts[1] == verdicts[2]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ExpectedCostPolicy(dollars_per_error=0), "dollars_per_error is 0"),
        (lambda: ExpectedCostPolicy(dollars_per_error=1, p_strong=0), "p_strong=0"),
        (lambda: ShareOfStrongPolicy(1.5), "share=1.5"),
        (lambda: ShareOfStrongPolicy(0.5, window=3), "window is 3"),
    ],
)
def test_wrong_numbers_are_refused(make: object, told: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError, match=told):
        make()
