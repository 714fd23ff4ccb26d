from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import json
import logging
import subprocess
import sys
import threading
import time
from collections import UserDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel

from cascadeflow.errors import ConfigError
from cascadeflow.tools import ToolCall, ToolConfig, ToolExecutor, ToolResult
from cascadeflow.tools.complaint import complaint, redact
from cascadeflow.tools.executor import REMEMBERED
from cascadeflow.tools.plain import UnfitResult, plain
from cascadeflow.tools.threads import MOST_LOST, Threads


class Unit(Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class Place(BaseModel):
    city: str
    country: str = "?"


@dataclass
class Report:
    place: Place
    unit: Unit
    at: datetime


def get_weather(location: str, unit: str = "celsius") -> str:
    return f"{location}: 22 °{unit[0].upper()}, sunny"


async def add(a: int, b: int = 1) -> int:
    await asyncio.sleep(0)
    return a + b


def report(place: Place, unit: Unit = Unit.KELVIN) -> Report:
    assert isinstance(place, Place)
    assert isinstance(unit, Unit)
    return Report(place, unit, datetime(2024, 2, 29, tzinfo=UTC))


def call(name: str, /, **arguments: Any) -> ToolCall:
    return ToolCall("call_0", name, arguments)


def returning(value: object) -> Callable[[], object]:
    def returned() -> object:
        return value

    return returned


def raising(error: BaseException) -> Callable[[], object]:
    def raised() -> object:
        raise error

    return raised


def run(function: Callable[..., Any], **settings: Any) -> ToolResult:
    """The result of a call, without arguments, of a tool of this function."""
    executor = ToolExecutor([ToolConfig("f", function=function)], **settings)
    return asyncio.run(executor.execute(call("f")))


@asynccontextmanager
async def lag() -> AsyncGenerator[Callable[[], float], None]:
    """The longest time, in seconds, that the event loop did not come round."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.002)
            longest = max(longest, time.perf_counter() - before - 0.002)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    try:
        yield lambda: longest
    finally:
        watcher.cancel()


# What runs


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


# Results


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, True, None, "x"]}, {"a": [1, 2.5, True, None, "x"]}),
        ((1, (2,)), [1, [2]]),
        ({3}, [3]),
        (
            {1: "a", None: "b", False: "c", 2.5: "d"},
            {"1": "a", "null": "b", "false": "c", "2.5": "d"},
        ),
        ({Unit.KELVIN: Unit.CELSIUS}, {"kelvin": "celsius"}),
        (UserDict({"a": 1}), {"a": 1}),
        ([Place(city="Rome")], [{"city": "Rome", "country": "?"}]),
        (Decimal("1.10"), "1.10"),
        (b"abc", "YWJj"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (10**30, 10**30),
        ("half \ud83d", "half \ufffd"),
        ("", ""),
    ],
)
def test_results_become_json(value: object, expected: object) -> None:
    result = run(returning(value))
    assert result.error is None
    assert result.result == expected
    assert json.loads(json.dumps(result.result)) == expected


def test_structs_and_slotted_dataclasses_are_dicts() -> None:
    class Struct(msgspec.Struct):
        inner: Any

    @dataclass(slots=True)
    class Slotted:
        inner: Any

    assert plain(Struct(Slotted(Place(city="Rome"))), 1000) == {
        "inner": {"inner": {"city": "Rome", "country": "?"}}
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (object(), "not JSON: it holds a object"),
        ([lambda: 0], "not JSON: it holds a function"),
        (iter([1]), "not JSON"),
        (float("nan"), "nan, which JSON has no word for"),
        ({"a": [float("-inf")]}, "-inf"),
        ({(1, 2): 3}, "key (1, 2)"),
        ([10**5000], "not JSON"),
        (Unit, "not JSON"),
    ],
)
def test_a_result_that_is_not_json_is_an_error_result(value: object, told: str) -> None:
    result = run(returning(value))
    assert result.result is None
    assert told in (result.error or "")


def test_a_result_inside_itself_is_an_error_result() -> None:
    own: list[Any] = []
    own.append(own)
    assert "nested deeper than 128 levels, or in itself" in (run(returning(own)).error or "")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("x" * 1001, "has 1001 bytes"),
        ("ü" * 501, "has 1002 bytes"),
        (["x" * 400] * 3, "more than 1000 bytes"),
        ([1] * 600, "has 1800 bytes"),
        ({"a": "ü" * 600}, "bytes"),
        (b"x" * 1001, "1001 bytes"),
        (["\n" * 900], "has 1804 bytes"),
    ],
)
def test_a_result_beyond_the_cap_is_an_error_result_with_size_and_cap(
    value: object, size: str
) -> None:
    result = run(returning(value), max_result_bytes=1000)
    assert result.result is None
    if isinstance(value, str):
        size = size.replace("has 1001 bytes", "holds a text of 1001 characters")
    assert size in (result.error or "")
    assert "at most 1000 bytes are allowed" in (result.error or "")


def test_a_result_of_exactly_the_cap_is_fine() -> None:
    assert run(returning("x" * 1000), max_result_bytes=1000).success
    assert run(returning(["x" * 996]), max_result_bytes=1000).success
    assert not run(returning(["x" * 997]), max_result_bytes=1000).success


def test_a_huge_result_is_refused_before_it_is_copied() -> None:
    piece = "x" * 1000
    huge = [piece] * 1_000_000
    began = time.process_time()
    with pytest.raises(UnfitResult):
        plain(huge, 262_144)
    assert time.process_time() - began < 0.1


# Errors


def test_an_exception_is_an_error_result_with_its_type_and_words() -> None:
    assert run(raising(KeyError("city"))).error == "KeyError: 'city'"
    assert run(raising(json.JSONDecodeError("bad", "x", 0))).error == (
        "json.decoder.JSONDecodeError: bad: line 1 column 1 (char 0)"
    )

    async def f() -> None:
        raise TimeoutError("the station is silent")

    assert run(f).error == "TimeoutError: the station is silent"


@pytest.mark.parametrize(
    "error",
    [StopIteration(3), asyncio.CancelledError(), GeneratorExit(), RecursionError("deep"),
     StopAsyncIteration(), ExceptionGroup("two", [ValueError(1), ValueError(2)])],
)  # fmt: skip
def test_exceptions_that_mean_something_to_python_are_error_results(error: BaseException) -> None:
    result = run(raising(error))
    assert type(error).__name__ in (result.error or "")


def test_exceptions_that_mean_something_to_asyncio_are_error_results() -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    async def stopped() -> None:
        raise StopAsyncIteration

    assert run(cancelled).error == "the tool cancelled itself"
    assert "StopAsyncIteration" in (run(stopped).error or "")


def test_an_exception_that_cannot_describe_itself_is_an_error_result() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert "Silent" in (run(raising(Silent())).error or "")


def test_system_exit_is_an_error_result_and_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def exits() -> None:
        sys.exit("secret=hunter2")

    for function in (exits, raising(SystemExit(3))):
        with caplog.at_level(logging.ERROR, "cascadeflow"):
            caplog.clear()
            result = run(function)
        assert "SystemExit" in (result.error or "")
        assert [record.getMessage() for record in caplog.records] == ["tool f raised SystemExit"]


def test_system_exit_of_one_tool_does_not_touch_another() -> None:
    async def exits() -> None:
        sys.exit(1)

    async def body() -> None:
        executor = ToolExecutor([exits, add])
        first, second = await executor.execute_all([
            ToolCall("1", "exits", {}), ToolCall("2", "add", {"a": 1}),
        ])  # fmt: skip
        assert not first.success
        assert second.result == 2

    asyncio.run(body())


def test_keyboard_interrupt_ends_the_program() -> None:
    async def interrupts() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupts)
    gc.collect()


@pytest.mark.parametrize(
    "text",
    [
        "no route to https://ada:hunter2secret@host/path",
        "GET https://host/?api_key=hunter2secret&x=1 failed",
        "GET https://host/?x=1&key=hunter2secret failed",
        "GET https://host/?X-Amz-Signature=hunter2secret",
        "Authorization: Bearer hunter2secret",
        "headers {'authorization': 'Basic hunter2secret=='}",
        "config {\"password\": \"hunter2secret\", 'user': 'ada'}",
        "password=hunter2secret; host=db",
        "DB_PASSWORD: hunter2secret",
        "Incorrect API key provided: hunter2secret.",
        "client_secret => hunter2secret",
        "bad token sk-proj-hunter2secret",
        "ghp_hunter2secret0000000000",
        "AKIAhunter2secret00",
        "xoxb-123-hunter2secret",
        "eyJhbGciOiJIUzI1NiJ9.hunter2secret.sig",
        "value hunter2secret0123456789abcdef0123456789abcdef",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2secret\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_credential_is_not_told(text: str) -> None:
    result = run(raising(ValueError(text)))
    assert "hunter2secret" not in (result.error or "")
    assert "[redacted]" in (result.error or "")
    assert (result.error or "").startswith("ValueError: ")


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'city'",
        "order 550e8400-e29b-41d4-a716-446655440000 not found",
        "write to ada@example.org about https://example.org/a?b=c",
        "invalid literal for int() with base 10: 'abc'",
        "file /srv/data/reports/2024/q1.csv does not exist",
    ],
)
def test_what_helps_a_model_stays(text: str) -> None:
    assert redact(text) == text


def test_long_and_steering_messages_are_cut_and_cleaned() -> None:
    told = complaint(ValueError("\x1b[31m" + "word \n" * 1_000_000))
    assert len(told) <= 500
    assert told.isprintable()


# Time


def test_an_async_tool_is_cancelled_when_its_time_is_up() -> None:
    ends: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    result = run(slow, timeout=0.05)
    assert result.error == "timed out after 0.05 s"
    assert 50 <= result.duration_ms < 2000
    assert ends == ["cancelled"]


def test_a_thread_goes_on_when_its_time_is_up_and_its_result_is_dropped() -> None:
    release = threading.Event()
    ended = threading.Event()

    def slow() -> str:
        release.wait(30)
        ended.set()
        return "late"

    result = run(slow, timeout=0.05)
    assert result.error == "timed out after 0.05 s"
    assert not ended.is_set()
    release.set()
    assert ended.wait(10)


def test_an_async_tool_that_resists_cancellation_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body() -> None:
        release = asyncio.Event()

        async def stubborn() -> str:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            return "late"

        executor = ToolExecutor([stubborn], timeout=0.05)
        began = time.monotonic()
        result = await executor.execute(call("stubborn"))
        assert result.error == "timed out after 0.05 s"
        assert time.monotonic() - began < 3
        release.set()
        await asyncio.sleep(0.01)

    with caplog.at_level(logging.WARNING, "cascadeflow"):
        asyncio.run(body())
    assert "goes on although it was cancelled" in caplog.text


def test_a_tool_that_never_returns_does_not_keep_the_interpreter_from_exiting() -> None:
    code = (
        "import asyncio, threading\n"
        "from cascadeflow.tools import ToolCall, ToolExecutor\n"
        "def never() -> None: threading.Event().wait()\n"
        "executor = ToolExecutor([never], timeout=0.05)\n"
        "result = asyncio.run(executor.execute(ToolCall('1', 'never', {})))\n"
        "print(result.error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=20, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("timed out after 0.05 s\n", "")


def test_tools_that_never_return_do_not_starve_others() -> None:
    never = threading.Event()

    def hang() -> None:
        never.wait(60)

    async def body() -> None:
        executor = ToolExecutor([hang, get_weather], timeout=0.2, max_parallel=64)
        calls = [ToolCall(f"c{n}", "hang", {}) for n in range(64)]
        assert {result.success for result in await executor.execute_all(calls)} == {False}
        result = await executor.execute(call("get_weather", location="Rome"))
        assert result.success

    try:
        asyncio.run(body())
    finally:
        never.set()


def test_waiting_for_a_thread_counts_against_the_time() -> None:
    threads = Threads(limit=1)
    release = threading.Event()
    first = threads.submit(lambda: release.wait(30))
    second = threads.submit(lambda: "second")
    third = threads.submit(lambda: "third")
    assert first.started
    assert not second.started
    threads.abandon(second)
    threads.abandon(first)
    assert third.future.result(10) == "third"
    assert second.future.cancelled()
    release.set()
    assert first.future.result(10) is True


def test_the_number_of_abandoned_threads_is_bounded() -> None:
    threads = Threads(limit=2)
    release = threading.Event()
    before = threading.active_count()
    for _ in range(MOST_LOST + 50):
        threads.abandon(threads.submit(lambda: release.wait(30)))
    assert threading.active_count() - before <= MOST_LOST + 2
    waiting = threads.submit(lambda: "at last")
    assert not waiting.started
    release.set()
    assert waiting.future.result(10) == "at last"


def test_neither_a_blocking_tool_nor_a_huge_result_holds_up_the_event_loop() -> None:
    def blocks() -> str:
        time.sleep(0.3)
        return "done"

    def huge() -> list[str]:
        return ["x" * 100] * 100_000

    async def huge_too() -> dict[str, list[int]]:
        return {"numbers": _NUMBERS}

    async def body() -> None:
        executor = ToolExecutor([blocks, huge, huge_too])
        async with lag() as longest:
            results = await executor.execute_all(
                [ToolCall(name, name, {}) for name in ("blocks", "huge", "huge_too")]
            )
            assert [result.success for result in results] == [True, False, False]
            # The bound is 50 ms on an idle machine; the machine of a test may be busy.
            assert longest() < 0.25

    asyncio.run(body())


_NUMBERS = [0] * 5_000_000


# Side by side, once each


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


def test_an_awaitable_that_is_no_coroutine_is_awaited() -> None:
    class Later:
        def __await__(self) -> Generator[Any, Any, int]:
            return add(1).__await__()

    def later() -> Awaitable[int]:
        return Later()

    assert run(later).result == 2
