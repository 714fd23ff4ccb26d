"""The provider that plays a script."""

from __future__ import annotations

import asyncio

import pytest

from cascadeflow.agent import CascadeAgent
from cascadeflow.config import ModelConfig
from cascadeflow.errors import ConfigError, ProviderError
from cascadeflow.providers.base import Provider
from cascadeflow.providers.scripted import Answers, Pause, Scripted
from cascadeflow.types import Delta, Request, Stop, TextDelta

HELLO = Request(messages=({"role": "user", "content": "hello"},))


async def ask(provider: Provider, model: str) -> list[list[Delta]]:
    return [batch async for batch in provider.stream(model, HELLO)]


def test_deltas_are_batches_of_their_own_and_lists_stay_together() -> None:
    provider = Scripted({"m": [TextDelta("a"), [TextDelta("b"), TextDelta("c")], [], Stop("stop")]})
    assert asyncio.run(ask(provider, "m")) == [
        [TextDelta("a")],
        [TextDelta("b"), TextDelta("c")],
        [Stop("stop")],
    ]
    assert provider.calls == [("m", HELLO)]
    assert provider.closed_early == 0


def test_answers_come_in_order_and_the_last_repeats() -> None:
    provider = Scripted({"m": Answers([Stop("length")], [Stop("stop")]), "n": [Stop("refusal")]})

    async def body() -> list[Delta]:
        return [(await ask(provider, model))[-1][-1] for model in ("m", "n", "m", "m")]

    assert asyncio.run(body()) == [Stop("length"), Stop("refusal"), Stop("stop"), Stop("stop")]


def test_an_exception_is_raised_anew_each_time() -> None:
    scripted = ProviderError("down", kind="server", status=503, retryable=True)
    provider = Scripted({"m": [TextDelta("a"), scripted], "os": [OSError(5, "io")]})

    async def body() -> list[ProviderError]:
        caught: list[ProviderError] = []
        for _ in range(2):
            with pytest.raises(ProviderError, match="down") as error:
                await ask(provider, "m")
            error.value.attempt = len(caught)
            caught.append(error.value)
        with pytest.raises(OSError, match="io"):
            await ask(provider, "os")
        return caught

    first, second = asyncio.run(body())
    assert first is not second
    assert scripted.attempt is None
    assert (second.kind, second.status, second.retryable) == ("server", 503, True)


def test_a_pause_is_slept() -> None:
    provider = Scripted({"m": [TextDelta("a"), Pause(0.03), Stop("stop")]})

    async def body() -> float:
        stream = provider.stream("m", HELLO)
        await anext(stream)
        start = asyncio.get_running_loop().time()
        await anext(stream)
        await stream.aclose()
        return asyncio.get_running_loop().time() - start

    assert asyncio.run(body()) >= 0.02


def test_streams_that_are_closed_or_cancelled_are_counted() -> None:
    provider = Scripted({"m": [TextDelta("a"), Pause(60), Stop("stop")], "n": [Stop("stop")]})

    async def body() -> None:
        stream = provider.stream("m", HELLO)
        await anext(stream)
        await stream.aclose()
        assert provider.closed_early == 1
        task = asyncio.create_task(ask(provider, "m"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert provider.closed_early == 2
        whole = provider.stream("n", HELLO)
        await anext(whole)
        await whole.aclose()

    asyncio.run(body())
    assert provider.closed_early == 2


def test_nothing_happens_before_the_first_batch_is_wanted() -> None:
    provider = Scripted({"m": [Stop("stop")]})

    async def body() -> None:
        await provider.stream("m", HELLO).aclose()

    asyncio.run(body())
    assert provider.calls == []


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="'large'; there is one for 'small'"):
        asyncio.run(ask(Scripted({"small": [Stop("stop")]}), "large"))


def test_answers_without_a_script_are_refused() -> None:
    with pytest.raises(ConfigError, match="no script"):
        Answers()


def test_a_text_is_a_whole_answer() -> None:
    agent = CascadeAgent([ModelConfig("m", Scripted({"m": "Paris."}), cost=0)])
    result = agent.run_sync("Capital of France?")
    assert (result.content, result.finish_reason) == ("Paris.", "stop")
