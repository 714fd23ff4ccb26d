"""What must not leak does not: keys anywhere; content in logs and errors; commands in logs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import traceback
import unicodedata
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow import CascadeAgent, ModelConfig, RetryPolicy, Timeouts
from cascadeflow.errors import CascadeError, ConfigError
from cascadeflow.logs import logger_named
from cascadeflow.providers.scripted import Scripted
from cascadeflow.streaming import StreamEvent, ToolStreamEvent
from cascadeflow.types import Stop, TextDelta

from .faultserver import ThreadedFaultServer, closed_port

KEY = "sk-canary-key-0123456789abcdef"
PROMPT, SYSTEM = "canary-prompt-4711", "canary-system-4711"
ANSWER, ARGUMENT, RESULT = "canary-answer-4711", "canary-argument-4711", "canary-result-4711"
CONTENT = (PROMPT, SYSTEM, ANSWER, ARGUMENT, RESULT)
SAID = f"text={quote(f'{ANSWER} is what the model said, {ANSWER}, and so on.')}"
CALLED = f"args={quote(json.dumps({'location': ARGUMENT}))}"
FAULTS = (
    "ok", "401?body=leak", "400?body=leak", "500", "502?body=html", "429?quota=1&body=leak",
    "disconnect-after-3", "rst-after-3", "disconnect-mid-event", "error-in-stream?after=2",
    "bad-json-event", "no-finish", "refusal", "finish-unknown", "length-short", "bad-chunk-size",
    "gzip-corrupt", "html-200", "empty-stream", "redirect", "endless-line?mb=18",
    "surrogate-lone", "usage-null",
)  # fmt: skip
CALLS = (
    "tool-ok", "tool-loop", "tool-args-invalid", "tool-args-schema", "tool-cut",
    "tool-unknown-name", "tool-args-truncated",
)  # fmt: skip

LONG = 3 * 2048 + 400
"""Bytes of a record: its fields, of 2 KiB each, and our own words."""


@pytest.fixture
def records() -> Iterator[list[str]]:
    """Everything that any logger says, as it would be written to a file."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record) + repr(record.__dict__))

    root, keep = logging.getLogger(), Keep()
    level = root.level
    root.addHandler(keep)
    root.setLevel(logging.DEBUG)
    yield said
    root.removeHandler(keep)
    root.setLevel(level)


def get_weather(location: str) -> str:
    """Tell the weather."""
    raise RuntimeError(f"{RESULT}: no weather in {location}")


def models(url: str, provider: str, count: int) -> list[ModelConfig]:
    base = f"{url}/v1" if provider == "openai" else url
    extra = {"x-secret": KEY}
    return [
        ModelConfig(f"m{n}", provider, 1.0, api_key=KEY, base_url=base, headers=extra)
        for n in range(count)
    ]


def agent(url: str, provider: str = "openai", count: int = 2) -> CascadeAgent:
    return CascadeAgent(
        models(url, provider, count),
        verbose=True,
        timeouts=Timeouts(total=10),
        retry=RetryPolicy(base=0.01),
    )


def shown(error: BaseException) -> tuple[str, str]:
    """An error as it is printed; and as a reporter of crashes keeps it, with local variables."""
    lines = traceback.format_exception(error)
    with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
    causes = error.causes if isinstance(error, CascadeError) else ()
    inner = [shown(cause) for cause in causes]
    printed = "".join((str(error), repr(error), repr(error.args), *lines, *(p for p, _ in inner)))
    return printed, "".join((*with_locals.format(), *(kept for _, kept in inner)))


def check(
    events: Sequence[StreamEvent | ToolStreamEvent], cascade: CascadeAgent, records: Sequence[str]
) -> None:
    """No canary where it must not be."""
    everything = repr(cascade) + repr(cascade.models) + repr(vars(cascade)) + repr(events)
    assert KEY not in everything
    for record in records:
        assert not [canary for canary in (KEY, *CONTENT) if canary in record]
    for event in events:
        if event.type == "error":
            printed, kept = shown(event.data["error"])
            assert not [canary for canary in (KEY, *CONTENT) if canary in printed + event.content]
            assert KEY not in kept


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_canary_leaks_through_a_fault(fault: str, provider: str, records: list[str]) -> None:
    async def body(url: str) -> None:
        for count in (1, 2):
            async with agent(url, provider, count) as cascade:
                stream = cascade.stream_events(PROMPT, system_prompt=SYSTEM)
                check([event async for event in stream], cascade, records)

    default = f"{fault}{'&' if '?' in fault else '?'}{SAID}"
    with ThreadedFaultServer(default=default) as server:
        asyncio.run(body(server.url), debug=True)
    assert any("attempt 1 of m0" in record for record in records)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", CALLS)
def test_no_canary_leaks_through_a_tool_call(fault: str, provider: str, records: list[str]) -> None:
    async def body(url: str) -> None:
        async with agent(url, provider) as cascade:
            manager = cascade.tool_streaming_manager
            assert manager is not None
            stream = manager.stream(PROMPT, [get_weather], system_prompt=SYSTEM, max_turns=3)
            check([event async for event in stream], cascade, records)

    with ThreadedFaultServer(default=f"{fault}?{CALLED}") as server:
        asyncio.run(body(server.url))
    assert any("attempt 1 of m0" in record for record in records)


@pytest.mark.parametrize("where", ["refused", "dns", "tls"])
def test_no_canary_leaks_where_there_is_no_connection(where: str, records: list[str]) -> None:
    async def body(url: str) -> None:
        async with agent(url) as cascade:
            check([event async for event in cascade.stream_events(PROMPT)], cascade, records)

    with ThreadedFaultServer() as server:
        urls = {
            "refused": f"http://127.0.0.1:{closed_port()}",
            "dns": "http://no-such-host.invalid",
            "tls": f"https://127.0.0.1:{server.port}",
        }
        asyncio.run(body(f"{urls[where]}/v1?key={KEY}"))
    assert records


@pytest.mark.parametrize(
    "url",
    [
        f"http://[/{KEY}",
        f"http://host/{KEY} x",
        f"ftp://host/v1?key={KEY}",
        f"http://user:{KEY}@host/v1",
        f"http://host:{KEY}/v1",
        f"http:/{KEY}",
        f"http://host/v1?api-key={KEY}\n",
    ],
)
def test_a_malformed_url_is_refused_without_the_key_in_it(url: str, records: list[str]) -> None:
    def make() -> CascadeAgent:
        return CascadeAgent([ModelConfig("m", "openai", api_key=KEY, base_url=url)])

    with pytest.raises(ConfigError) as caught:
        make()
    printed, kept = shown(caught.value)
    assert KEY not in printed.replace(url, "")  # the source of this test is part of a traceback
    assert KEY not in str(caught.value)
    assert KEY not in kept.replace(repr(url), "")  # it is a local variable of this very test
    assert not [record for record in records if KEY in record]


def test_a_crash_of_the_provider_is_passed_on_without_content_in_logs(records: list[str]) -> None:
    async def body() -> None:
        scripted = Scripted({"m": [TextDelta(ANSWER), ZeroDivisionError("mine")]})
        async with CascadeAgent([ModelConfig("m", scripted, 1.0)], verbose=True) as cascade:
            with pytest.raises((ZeroDivisionError, CascadeError)):
                await cascade.run(PROMPT)

    asyncio.run(body())
    assert not [canary for canary in CONTENT for record in records if canary in record]


# --- what commands a terminal or forges a line --------------------------------------------------


def unfit(text: str) -> list[str]:
    bad = ("Cc", "Cs", "Zl", "Zp")
    return [character for character in text if unicodedata.category(character) in bad]


@given(st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Lu"))), st.integers())
def test_a_log_record_is_one_bounded_line_whatever_it_names(name: str, number: int) -> None:
    said: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record)

    keep, logger = Keep(), logger_named("cascadeflow.test")
    logger.addHandler(keep)
    logger.propagate = False
    try:
        logger.error("tool %s, %r, %d of %s", name, name * 500, number % 9, OSError(name))
    finally:
        logger.removeHandler(keep)
    (record,) = said
    message = record.getMessage()
    assert not unfit(message)
    assert not any(mark in message for mark in "\ufeff\u202e\u2066")
    assert len(message.encode()) <= LONG


HOSTILE = "m\r\n2026-01-01 FORGED %s %(x)s {0}\x1b]0;t\x07\u2028\u202e\ud83d\x00\x9b\ufeff"


def test_hostile_names_stay_in_their_line_of_the_log(records: list[str]) -> None:
    async def body() -> None:
        scripted = Scripted({HOSTILE: [TextDelta("Paris"), Stop("stop")]})
        models = [ModelConfig(HOSTILE, scripted), ModelConfig(f"{HOSTILE}2", scripted, 1.0)]
        async with CascadeAgent(models, verbose=True) as cascade:
            await cascade.run("Capital of France?")

    asyncio.run(body())
    forged = [record for record in records if "FORGED" in record]
    assert forged
    for record in forged:
        line = record.partition("{'name'")[0]
        assert not unfit(line)
        assert "%s %(x)s {0}" in line


def test_nothing_a_model_says_commands_the_terminal_of_the_command() -> None:
    said = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x202E, 0xFEFF)))
    with ThreadedFaultServer(default=f"ok?text={quote(said + ' ' + ANSWER)}") as server:
        done = subprocess.run(
            [sys.executable, "-m", "cascadeflow", "ask", "-m", "openai/m@1,2", "Hello"],
            capture_output=True,
            timeout=60,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONIOENCODING": "utf-8",
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": f"{server.url}/v1",
            },
        )
    shown = (done.stdout + done.stderr).decode()
    assert ANSWER in shown
    assert not [mark for mark in unfit(shown) if mark not in "\n\t"]
    assert not any(mark in shown for mark in "\ufeff\u202e")
    assert KEY not in shown
