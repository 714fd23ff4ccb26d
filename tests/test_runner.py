from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections.abc import AsyncGenerator

from cascadeflow.config import RetryPolicy
from cascadeflow.core import events
from cascadeflow.core.ledger import Ledger
from cascadeflow.errors import ConfigError, ProviderError
from cascadeflow.providers.scripted import Answers, Pause, Scripted
from cascadeflow.reading import Reading
from cascadeflow.types import Delta, Request, Stop, TextDelta

from .driving import FOR_EVER, GOOD, QUICK, Own, Query, lasting, playing, run, settled
from .play import HI, brief, make_rules, text, tier, whole

# --- the ordinary way -----------------------------------------------------------------------------


def test_a_draft_is_kept() -> None:
    async def body() -> None:
        provider = playing(*GOOD)
        query = await Query(provider, provider).read()
        assert query.brief == "ROUTING DRAFT_START CHUNK DRAFT_DECISION+ COMPLETE"
        assert [model for model, _ in provider.calls] == ["m0"]
        assert query.finished == 1

    run(body)


def test_one_read_of_the_network_is_one_list_of_events() -> None:
    async def body() -> None:
        query = Query(playing(text("a", "b"), [*text("c"), Stop("stop")]))
        told = [brief(batch) for batch in [batch async for batch in query.stream]]
        assert told == ["ROUTING", "CHUNK", "CHUNK COMPLETE"]

    run(body)


def test_the_first_model_is_asked_once_its_answer_is_wanted() -> None:
    async def body() -> None:
        provider = playing(*GOOD)
        query = Query(provider)
        assert brief(await anext(query.stream)) == "ROUTING"
        await settled()
        assert provider.calls == []
        await query.stream.aclose()
        assert provider.calls == []
        (row,) = query.cascade.ledger.rows
        assert (row.outcome, row.source) == ("cancelled", "reported")

    run(body)


def test_the_next_model_is_asked_before_switch_is_told() -> None:
    async def body() -> None:
        provider = Scripted({"m0": whole("bad"), "m1": GOOD})
        query = Query(provider, provider)
        async for batch in query.stream:
            if "SWITCH" in brief(batch):
                # The consumer sits on it; the request has gone out all the same.
                await asyncio.sleep(0.01)
                assert [model for model, _ in provider.calls] == ["m0", "m1"]
            query.told += batch
        assert query.text == "Paris."

    run(body)


def test_an_abandoned_draft_is_closed_before_switch_is_told() -> None:
    async def body() -> None:
        async def hopeless() -> AsyncGenerator[list[Delta], None]:
            yield [TextDelta("hopeless " * 9)]
            await asyncio.sleep(3600)

        draft = Own(hopeless)
        query = Query(draft, playing(*GOOD))
        async for batch in query.stream:
            if "SWITCH" in brief(batch):
                assert draft.closed == 1
            query.told += batch
        assert query.outcomes == [("m0", "abandoned", None), ("m1", "answered", None)]

    run(body)


def test_the_query_is_over_and_accounted_for_before_its_last_event_is_told() -> None:
    async def body() -> None:
        provider = lasting()
        query = Query(provider, rules=make_rules(max_cost=0.5))
        async for batch in query.stream:
            if "ERROR" in brief(batch):
                assert provider.closed == 1
                assert query.finished == 1
                await settled()

    run(body)


# --- whatever a provider does ---------------------------------------------------------------------


def test_a_provider_that_raises_something_foreign_has_failed() -> None:
    async def body() -> None:
        for step in (ValueError("secret"), KeyError("k"), TimeoutError(), OSError(5, "x")):
            query = await Query(playing(TextDelta("a"), step), playing(*GOOD)).read()
            assert query.outcomes == [("m0", "failed", "protocol"), ("m1", "answered", None)]
            query = await Query(playing(step)).read()
            last = query.told[-1]
            assert isinstance(last, events.Errored)
            assert "secret" not in str(last.error)
            assert type(step).__name__ in str(last.error)

    run(body)


def test_the_failure_of_a_provider_leaves_nothing_to_the_garbage_collector() -> None:
    async def body() -> None:
        for error in (ValueError("no"), ConfigError("no")):
            row = tier("m0").open(Ledger(), 0, 0.0)
            failed = await Reading(playing(error), "m0", HI, row).read()
            assert isinstance(failed, ProviderError)
            known = weakref.ref(failed)
            del failed
            assert known() is None

    gc.disable()
    try:
        asyncio.run(body())
    finally:
        gc.enable()


def test_a_request_that_a_model_cannot_be_sent_goes_to_the_next_one_and_costs_nothing() -> None:
    async def body() -> None:
        unsendable = ConfigError("m0: no audio; text is allowed")
        query = await Query(playing(unsendable), playing(*GOOD)).read()
        assert query.outcomes == [("m0", "failed", "bad_request"), ("m1", "answered", None)]
        assert query.cascade.ledger.rows[0].usd == 0
        last = (await Query(playing(unsendable)).read()).told[-1]
        assert isinstance(last, events.Errored)
        assert "no audio; text is allowed" in str(last.error)

    run(body)


def test_a_stream_that_ends_without_a_stop_is_incomplete() -> None:
    async def body() -> None:
        query = await Query(playing(*text("half")), playing(*GOOD)).read()
        assert query.outcomes[0] == ("m0", "failed", "incomplete")
        assert query.text == "Paris."
        query = await Query(playing()).read()
        assert query.outcomes == [("m0", "failed", "incomplete")]

    run(body)


def test_what_a_provider_says_after_its_stop_is_not_waited_for() -> None:
    async def body() -> None:
        query = await Query(playing(*GOOD, FOR_EVER, *text("more"))).read()
        assert query.text == "Paris."

    run(body)


def test_a_provider_that_is_no_generator_function_may_fail_at_once() -> None:
    class Refusing:
        def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
            raise ProviderError("not today", kind="auth")

    async def body() -> None:
        query = await Query(Refusing(), playing(*GOOD)).read()
        assert query.outcomes == [("m0", "failed", "auth"), ("m1", "answered", None)]

    run(body)


def test_a_provider_that_fails_while_it_closes_spoils_nothing() -> None:
    async def clumsy() -> AsyncGenerator[list[Delta], None]:
        try:
            yield [*GOOD]
            await asyncio.sleep(3600)
        finally:
            raise RuntimeError("while closing")

    async def body() -> None:
        assert (await Query(Own(clumsy)).read()).text == "Paris."

    run(body)


def test_a_provider_that_turns_cancelling_into_a_failure_does_not_hide_the_deadline() -> None:
    async def stubborn() -> AsyncGenerator[list[Delta], None]:
        yield [TextDelta("a")]
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ProviderError("cancelled", kind="connect") from None

    async def swallowing() -> AsyncGenerator[list[Delta], None]:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        yield [TextDelta("late")]
        await asyncio.sleep(3600)

    async def body() -> None:
        query = await Query(Own(stubborn), playing(*GOOD), timeouts=QUICK).read()
        assert query.outcomes[0] == ("m0", "failed", "timeout.idle")
        query = await Query(Own(swallowing), playing(*GOOD), timeouts=QUICK).read()
        assert query.outcomes[0] == ("m0", "failed", "timeout.first_token")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(body)


# --- loops and threads ----------------------------------------------------------------------------


def test_one_provider_serves_loops_one_after_the_other_and_threads_at_once() -> None:
    provider = Scripted({"m0": whole("bad"), "m1": [Pause(0.01), *GOOD]})

    async def body() -> None:
        query = await Query(provider, provider).read()
        assert query.text == "Paris."

    run(body)
    run(body)
    failures: list[BaseException] = []

    def thread() -> None:
        try:
            run(body)
        except BaseException as failure:  # noqa: BLE001 - told in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=thread) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []


def test_retries_wait_in_real_time() -> None:
    async def body() -> None:
        lost = ProviderError("lost", kind="overloaded", retryable=True, retry_after=0.05)
        provider = Scripted({"m0": Answers([lost], GOOD)})
        begun = time.monotonic()
        query = await Query(provider, rules=make_rules(retry=RetryPolicy(base=0))).read()
        assert query.text == "Paris."
        assert 0.05 <= time.monotonic() - begun < 1

    run(body)
