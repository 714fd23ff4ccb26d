from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Awaitable, Coroutine, Generator
from datetime import datetime
from typing import Any

import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.tools import ToolCall, ToolConfig, ToolExecutor, ToolResult
from cascadeflow.tools.executor import REMEMBERED
from tests.tool_functions import add, call, get_weather, report, run


def test_sync_and_async_functions_run_and_their_time_is_told() -> None:
    async def body() -> None:
        executor = ToolExecutor([get_weather, add])
        weather = await executor.execute(call("get_weather", location="Paris"))
        assert weather == ToolResult(
            "call_0", "get_weather", "Paris: 22 °C, sunny", None, weather.duration_ms
        )
        assert weather.success
        assert 0 < weather.duration_ms < 5000
        assert (await executor.execute(call("add", a=2))).result == 3

    asyncio.run(body())


def test_methods_partials_and_wrapped_coroutines_run() -> None:
    class Station:
        async def __call__(self, n: int) -> int:
            return n + 1

        def measure(self, n: int) -> int:
            return n + 2

    def wrapper(n: int) -> Coroutine[Any, Any, int]:
        return add(n, 3)

    async def body() -> None:
        station = Station()
        partial = functools.partial(add, b=4)
        executor = ToolExecutor([station, station.measure, wrapper, partial])
        for name, expected in (("Station", 11), ("measure", 12), ("wrapper", 13), ("add", 14)):
            one = "a" if name == "add" else "n"
            assert (await executor.execute(ToolCall(name, name, {one: 10}))).result == expected

    asyncio.run(body())


def test_arguments_become_what_the_annotations_name_and_results_become_json() -> None:
    async def body() -> None:
        result = await ToolExecutor([report]).execute(call("report", place={"city": "Rome"}))
        assert result.error is None
        assert result.result == {
            "place": {"city": "Rome", "country": "?"},
            "unit": "kelvin",
            "at": "2024-02-29T00:00:00Z",
        }

    asyncio.run(body())


def test_context_variables_reach_the_thread() -> None:
    user = contextvars.ContextVar("user", default="nobody")

    async def body() -> None:
        user.set("ada")
        assert (
            await ToolExecutor([ToolConfig("f", function=user.get)]).execute(call("f"))
        ).result == "ada"

    asyncio.run(body())


def test_a_tool_without_a_function_is_an_error_result() -> None:
    async def body() -> None:
        executor = ToolExecutor([{"name": "remote", "parameters": None}, add])
        assert executor.can_run("add")
        assert not executor.can_run("remote")
        assert not executor.session().can_run("nothing")
        result = await executor.execute(call("remote"))
        assert result.error == "not executed: no function is known for the tool remote"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("get_weather", {}, '"location" is a required property'),
        ("get_weather", {"location": 3}, 'location is 3: it is not of type "string"'),
        ("get_weather", {"location": "a", "x": 1}, "'x' was unexpected"),
        ("get_wether", {}, "the nearest offered: get_weather"),
        ("get_weather", {"location": float("nan")}, "not JSON"),
    ],
)
def test_a_call_that_is_not_valid_is_not_executed(
    name: str, arguments: dict[str, Any], told: str
) -> None:
    ran: list[str] = []

    def get_weather(location: str) -> None:
        ran.append(location)

    result = asyncio.run(ToolExecutor([get_weather]).execute(ToolCall("c", name, arguments)))
    assert not result.success
    assert (result.error or "").startswith("not executed: ")
    assert told in (result.error or "")
    assert not ran


def test_arguments_that_only_the_annotations_refuse_are_an_error_result() -> None:
    def f(day: datetime) -> None: ...

    config = ToolConfig("f", "", {"properties": {"day": {"type": "string"}}}, f)
    result = asyncio.run(ToolExecutor([config]).execute(call("f", day="soon")))
    assert (result.error or "").startswith(
        "invalid arguments: day: Input should be a valid datetime"
    )


@pytest.mark.parametrize(
    "settings",
    [{"timeout": 0}, {"timeout": -1}, {"timeout": True}, {"timeout": None}, {"max_parallel": 0},
     {"max_parallel": 1.5}, {"max_result_bytes": 0}],
)  # fmt: skip
def test_settings_out_of_bounds_are_errors(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"ToolExecutor: {next(iter(settings))} is"):
        ToolExecutor([add], **settings)


def test_an_awaitable_that_is_no_coroutine_is_awaited() -> None:
    class Later:
        def __await__(self) -> Generator[Any, Any, int]:
            return add(1).__await__()

    def later() -> Awaitable[int]:
        return Later()

    assert run(later).result == 2


def test_results_come_in_the_order_of_the_calls() -> None:
    async def wait(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def body() -> None:
        waits = [0.06, 0.0, 0.03]
        calls = [ToolCall(f"c{n}", "wait", {"seconds": s}) for n, s in enumerate(waits)]
        began = time.monotonic()
        results = await ToolExecutor([wait]).execute_all(calls)
        assert [result.result for result in results] == waits
        assert [result.call_id for result in results] == ["c0", "c1", "c2"]
        assert time.monotonic() - began < 2
        assert await ToolExecutor([wait]).execute_all([]) == []

    asyncio.run(body())


@pytest.mark.parametrize("together", [True, False])
def test_no_more_than_max_parallel_run_at_once(together: bool) -> None:
    running = most = 0

    async def work(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return n

    async def body() -> None:
        executor = ToolExecutor([work], max_parallel=3)
        calls = [ToolCall(f"c{n}", "work", {"n": n}) for n in range(10)]
        if together:
            await executor.execute_all(calls)
        else:
            session = executor.session()
            await asyncio.gather(*map(session.execute, calls))

    asyncio.run(body())
    assert most == 3


class Counter:
    """Counts how often it ran."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, n: int = 0) -> int:
        self.runs.append(n)
        time.sleep(0.01)
        return len(self.runs)


def test_the_same_call_runs_once_however_it_comes() -> None:
    counter = Counter()

    async def body() -> None:
        executor = ToolExecutor([counter])
        one = ToolCall("a", "Counter", {"n": 1})
        first = await executor.execute(one)
        again = await executor.execute(ToolCall("a", "Counter", {"n": 1}))
        assert again is first
        twice = await executor.execute_all(
            [ToolCall("b", "Counter", {}), ToolCall("b", "Counter", {})]
        )
        assert twice[0] is twice[1]
        gathered = await asyncio.gather(
            *(executor.execute(ToolCall("c", "Counter", {"n": 3})) for _ in range(5))
        )
        assert all(each is gathered[0] for each in gathered)

    asyncio.run(body())
    assert counter.runs == [1, 0, 3]


def test_an_id_that_is_counted_anew_in_each_message_stands_for_another_call() -> None:
    counter = Counter()

    async def body() -> None:
        session = ToolExecutor([counter]).session()
        await session.execute(ToolCall("call_0", "Counter", {"n": 1}))
        await session.execute(ToolCall("call_0", "Counter", {"n": 2}))

    asyncio.run(body())
    assert counter.runs == [1, 2]


def test_one_id_for_two_calls_of_a_message_is_an_error() -> None:
    counter = Counter()

    async def body() -> None:
        first, second = await ToolExecutor([counter]).execute_all(
            [ToolCall("a", "Counter", {"n": 1}), ToolCall("a", "Counter", {"n": 2})]
        )
        assert first.success
        assert second.error == (
            "not executed: another call of this message, of Counter, has the same id"
        )

    asyncio.run(body())
    assert counter.runs == [1]


def test_conversations_do_not_share_what_they_know() -> None:
    counter = Counter()

    async def body() -> None:
        executor = ToolExecutor([counter])
        for runner in (executor, executor.session(), executor.session()):
            assert (await runner.execute(ToolCall("call_0", "Counter", {}))).success

    asyncio.run(body())
    assert len(counter.runs) == 3


def test_an_error_is_a_first_result_too() -> None:
    counter = Counter()

    def fails() -> None:
        counter.runs.append(1)
        raise ValueError("no")

    async def body() -> None:
        executor = ToolExecutor([fails])
        first = await executor.execute(call("fails"))
        assert await executor.execute(call("fails")) is first

    asyncio.run(body())
    assert counter.runs == [1]


def test_only_so_many_calls_are_remembered() -> None:
    runs: list[int] = []

    async def count(n: int) -> None:
        runs.append(n)

    async def body() -> None:
        session = ToolExecutor([count]).session()
        for n in range(REMEMBERED + 1):
            await session.execute(ToolCall(f"c{n}", "count", {"n": n}))
        await session.execute(ToolCall("c1", "count", {"n": 1}))
        await session.execute(ToolCall("c0", "count", {"n": 0}))

    asyncio.run(body())
    assert runs == [*range(REMEMBERED + 1), 0]


def test_cancelling_cancels_async_tools_and_abandons_threads() -> None:
    release = threading.Event()
    ends: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ends.append("async")

    def blocked() -> None:
        release.wait(30)

    async def body() -> None:
        executor = ToolExecutor([slow, blocked])
        calls = [ToolCall("a", "slow", {}), ToolCall("b", "blocked", {})]
        task = asyncio.create_task(executor.execute_all(calls))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 1
        assert ends == ["async"]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        again = await executor.execute(calls[0])
        assert again.error == "cancelled before it returned"

    asyncio.run(body())
    release.set()


def test_a_call_cancelled_before_its_turn_can_still_run() -> None:
    counter = Counter()

    async def body() -> None:
        executor = ToolExecutor([counter, add], max_parallel=1)
        first = asyncio.create_task(executor.execute(ToolCall("a", "Counter", {})))
        second = asyncio.create_task(executor.execute(ToolCall("b", "Counter", {"n": 2})))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([first, second])
        assert counter.runs == [0]
        assert (await executor.execute(ToolCall("b", "Counter", {"n": 2}))).success

    asyncio.run(body())


def test_one_who_waits_for_anothers_call_may_be_cancelled_alone() -> None:
    counter = Counter()

    async def body() -> None:
        executor = ToolExecutor([counter])
        first = asyncio.create_task(executor.execute(call("Counter")))
        second = asyncio.create_task(executor.execute(call("Counter")))
        await asyncio.sleep(0.002)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert (await first).success

    asyncio.run(body())


def test_one_executor_serves_several_threads_and_event_loops() -> None:
    def work(n: int) -> int:
        time.sleep(0.002)
        return n

    executor = ToolExecutor([work, add], max_parallel=2)
    found: list[list[Any]] = []

    def serve(number: int) -> None:
        async def body() -> None:
            calls = [ToolCall(f"{number}.{n}", "work", {"n": n}) for n in range(8)]
            found.append([each.result for each in await executor.execute_all(calls)])

        for _ in range(2):
            asyncio.run(body())

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [list(range(8))] * 8
