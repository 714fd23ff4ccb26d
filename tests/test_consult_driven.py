"""Optional judges asked for real: by the driver, by an agent, over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from cascadeflow import CascadeAgent, ConfigError, ModelConfig, Timeouts
from cascadeflow.errors import ProviderError
from cascadeflow.judges import Agreement, JudgeModel, Panel, SelfCheck
from cascadeflow.providers.base import Provider
from cascadeflow.providers.scripted import Answers, Pause, Script, Scripted
from cascadeflow.types import Delta, Request, Stop, TextDelta

from .advising import Asks, Heedful, make_rules
from .driving import FOR_EVER, Own, Query, lasting, run
from .faultserver import ThreadedFaultServer
from .play import whole

PARIS, ROME = whole("Paris.", 3), whole("Rome.", 5)
YES: list[Delta] = whole("0.9", 1)


def asking(*replies: Any, **given: Any) -> tuple[Query, Scripted]:
    """A query whose draft is Paris, and what its model replies to the judges."""
    models = Scripted({"m0": Answers(PARIS, *replies), "m1": ROME})
    return Query(models, models, rules=make_rules(*given.pop("judges", (Asks(),)), **given)), models


# --- the driver -----------------------------------------------------------------------------------


def test_inquiries_go_out_side_by_side() -> None:
    async def body() -> None:
        slow = [Pause(0.1), *YES]
        query, _ = asking(slow, judges=(Asks(count=5),))
        since = time.monotonic()
        await query.read()
        assert time.monotonic() - since < 0.35
        assert query.text == "Paris."
        assert [how for _, how, _ in query.outcomes] == ["accepted", *["judged"] * 5]

    run(body)


def test_they_go_on_while_the_consumer_holds_the_stream() -> None:
    async def body() -> None:
        query, _ = asking([Pause(0.02), *YES])
        async for batch in query.stream:
            query.told += batch
            await asyncio.sleep(0.1)
        assert query.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION+ COMPLETE"
        assert query.finished == 1

    run(body)


def test_a_rejected_draft_gives_way_to_the_next_tier() -> None:
    async def body() -> None:
        query, models = asking(whole("0.1", 1))
        await query.read()
        assert query.text == "Rome."
        assert [model for model, _ in models.calls] == ["m0", "m0", "m1"]

    run(body)


def test_opinions_are_waited_for_only_so_long() -> None:
    async def body() -> None:
        query, models = asking([FOR_EVER], YES, judges=(Asks(), Asks(judge="model")), timeout=0.1)
        await query.read()
        assert query.text == "Paris."
        assert query.outcomes[1:] == [("m0", "failed", "timeout.total"), ("m0", "judged", None)]
        assert models.closed_early == 1

    run(body)


async def failing_at_once() -> AsyncGenerator[list[Delta], None]:
    raise ZeroDivisionError
    yield []


async def ending_early() -> AsyncGenerator[list[Delta], None]:
    yield [TextDelta("0.9")]


class NoGenerator:
    """Breaks the contract before there is a stream."""

    def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
        raise ValueError(model)


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        (Scripted({"m2": [ProviderError("down", kind="server")]}), "server"),
        (Scripted({}), "bad_request"),
        (Own(failing_at_once), "protocol"),
        (Own(ending_early), "incomplete"),
        (NoGenerator(), "protocol"),
    ],
)
def test_whatever_a_judge_s_provider_does_the_query_goes_on(provider: Provider, kind: str) -> None:
    class Elsewhere:
        """The first call is the draft, the second the inquiry."""

        def __init__(self) -> None:
            self.calls = 0

        def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
            self.calls += 1
            draft = Scripted({"m0": PARIS})
            return (
                draft.stream("m0", request) if self.calls == 1 else provider.stream("m2", request)
            )

    async def body() -> None:
        query = Query(Elsewhere(), Scripted({"m1": ROME}), rules=make_rules(Asks()))
        await query.read()
        assert query.text == "Rome."
        assert query.outcomes[1] == ("m0", "failed", kind)
        assert len(query.cascade.ledger.rows) == 3

    run(body)


@pytest.mark.parametrize("way", ["aclose", "cancel"])
def test_leaving_cancels_the_inquiries(way: str) -> None:
    async def body() -> None:
        judged = lasting()

        class Draft:
            calls = 0

            def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
                self.calls += 1
                first = self.calls == 1
                return (Scripted({"m0": [PARIS]}) if first else judged).stream("m0", request)

        rules = make_rules(Asks(count=3))
        query = Query(Draft(), Scripted({"m1": ROME}), rules=rules)
        if way == "aclose":
            await anext(query.stream)
            await anext(query.stream)
            await asyncio.sleep(0.05)
            await query.stream.aclose()
        else:
            task = asyncio.create_task(query.read())
            await asyncio.sleep(0.05)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert (judged.opened, judged.closed) == (3, 3)
        assert query.outcomes == [("m0", "cancelled", None)] * 4
        assert query.finished == 1

    run(body)


def test_a_faulty_judge_is_the_caller_s_error_and_leaves_nothing_open() -> None:
    class Faulty(Asks, frozen=True):
        def opinion(self, request: Request, draft: str, replies: object) -> None:
            raise ZeroDivisionError

    async def body() -> None:
        query, _ = asking(YES, judges=(Faulty(),))
        with pytest.raises(ZeroDivisionError):
            await query.read()
        assert query.finished == 1

    run(body)


# --- the agent ------------------------------------------------------------------------------------

UNSURE: list[Delta] = [TextDelta("Paris."), Stop("stop")]


def agent(draft: Script | Answers, *judges: Any, **given: Any) -> tuple[CascadeAgent, Scripted]:
    models = Scripted({"small": draft, "large": ROME})
    made = CascadeAgent(
        [ModelConfig(name, models, cost=1) for name in ("small", "large")],
        estimator=Heedful(),
        judges=given.pop("panel", judges),
        **given,
    )
    return made, models


@pytest.mark.parametrize(
    ("logprob", "content", "p_good"), [(0.9, "Paris.", 0.9), (0.3, "Rome.", 0.3)]
)
def test_self_check_decides_by_the_probability_of_true(
    logprob: float, content: str, p_good: float
) -> None:
    made, models = agent(
        Answers(UNSURE, [TextDelta("true", (math.log(logprob),)), Stop("length")]), SelfCheck()
    )
    result = made.run_sync("What is the capital of France?")
    assert (result.content, result.attempts[1]["outcome"]) == (content, "judged")
    assert result.confidence == pytest.approx(p_good)
    assert models.calls[1][1].messages[-2] == {"role": "assistant", "content": "Paris."}
    assert made.spent == pytest.approx(result.total_cost)


def test_agreement_asks_the_draft_s_model_again() -> None:
    made, models = agent(Answers(UNSURE, UNSURE, UNSURE, ROME), Agreement(k=3))
    result = made.run_sync("What is the capital of France?")
    assert (result.content, result.confidence) == ("Paris.", 3 / 5)
    assert [call for call, _ in models.calls] == ["small"] * 4


def test_a_judge_model_is_asked_at_its_own_provider_and_price() -> None:
    wise = Scripted({"wise": [TextDelta("Grade: 9"), Stop("stop")]})
    judge = JudgeModel(model=ModelConfig("wise", wise, input_price=0, output_price=1_000_000))
    made, _ = agent(UNSURE, judge)
    result = made.run_sync("What is the capital of France?")
    assert (result.content, result.confidence) == ("Paris.", 0.9)
    row = result.attempts[1]
    assert (row["model"], row["tier"], row["outcome"]) == ("wise", 0, "judged")
    assert row["usd"] == row["usage"]["output_tokens"] == 2


def test_without_judges_nobody_is_asked() -> None:
    made, models = agent(UNSURE, panel=None)
    assert made.run_sync("hi").content == "Rome."
    assert len(models.calls) == 2


def test_a_panel_says_when_and_how_long() -> None:
    made, _ = agent(Answers(UNSURE, [FOR_EVER]), panel=Panel([SelfCheck()], timeout=0.05))
    result = made.run_sync("hi")
    assert (result.content, len(result.warnings)) == ("Rome.", 1)
    made, models = agent(UNSURE, panel=Panel([SelfCheck()], unsure=(0.8, 0.9)))
    made.run_sync("hi")
    assert len(models.calls) == 2


def test_a_judge_s_model_is_checked_when_the_agent_is_made() -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        agent(UNSURE, JudgeModel(model=ModelConfig("wise", "nowhere")))
    with pytest.raises(ConfigError, match="judges holds"):
        agent(UNSURE, "self_check")
    with pytest.raises(ConfigError, match="judges"):
        agent(UNSURE, panel="self_check")


def test_the_total_deadline_holds_for_the_judges_too() -> None:
    made, _ = agent(
        Answers(UNSURE, [FOR_EVER]), SelfCheck(), timeouts=Timeouts(total=0.1, first_token=None)
    )
    since = time.monotonic()
    with pytest.raises(Exception, match=r"no complete answer within 0.1 s"):
        made.run_sync("hi")
    assert time.monotonic() - since < 1


# --- sockets --------------------------------------------------------------------------------------


def test_leaving_closes_the_sockets_of_the_judges() -> None:
    with ThreadedFaultServer() as server:
        slow = ModelConfig(
            "fault:ok-slow?n=400&delay=0.02",
            "openai",
            1.0,
            api_key="k",
            base_url=f"{server.url}/v1",
        )
        judge = JudgeModel(model=slow)

        async def body() -> None:
            made, _ = agent(UNSURE, judge, judge)
            task = asyncio.create_task(made.run("hi"))
            while len(server.log()) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            left = time.time()
            while any(row["t_client_gone"] is None for row in server.log()):
                await asyncio.sleep(0.01)
            assert all(row["t_client_gone"] - left < 0.1 for row in server.log())
            await made.aclose()

        run(body)


def test_a_query_with_judges_leaves_the_ledger_exact() -> None:
    async def body() -> None:
        query, _ = asking(YES, judges=(Asks(count=3),))
        await query.read()
        assert float(query.cascade.ledger.total) == 3 + 3

    run(body)
