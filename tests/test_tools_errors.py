from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys

import pytest

from cascadeflow.tools import ToolCall, ToolExecutor
from cascadeflow.tools.complaint import complaint, redact
from tests.tool_functions import add, raising, run


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
