"""The simulated server on real sockets: the official SDK as client, errors, load and records."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError, OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from cascadeflow.providers.simulated import (
    INSTANT,
    SimulatedServer,
    Timing,
    embedded_url,
    run,
    serve_in_thread,
)

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is Python?"}]
SUM: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is 12 * 34?"}]
WEATHER: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get current weather for a location",
            "parameters": {
                "type": "object",
                "properties": {"location": {"type": "string"}},
                "required": ["location"],
            },
        },
    }
]


def with_client(
    body: Callable[[AsyncOpenAI, SimulatedServer], Awaitable[None]], timing: Timing = INSTANT
) -> None:
    async def main() -> None:
        async with (
            SimulatedServer(timing=timing) as server,
            AsyncOpenAI(base_url=server.url, api_key="sk-secret", max_retries=0) as client,
        ):
            await body(client, server)

    asyncio.run(main())


async def until(true: Callable[[], bool]) -> None:
    """Wait until `true` holds; fails after five seconds."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    pytest.fail("waited for five seconds")


def post(url: str, body: bytes) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{url}/chat/completions", body, {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_stream_and_json_give_the_same_text_and_usage() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        whole = await client.chat.completions.create(model="gpt-4o", messages=HELLO, temperature=0)
        assert whole.usage is not None
        stream = await client.chat.completions.create(
            model="gpt-4o",
            messages=HELLO,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        assert chunks[0].choices[0].delta.role == "assistant"
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        pieces = [delta.content for delta in deltas if delta.content]
        assert "".join(pieces) == whole.choices[0].message.content
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-1].usage == whole.usage
        assert whole.usage.completion_tokens == len(pieces)

    with_client(body)


def test_stream_without_include_usage_has_no_usage() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        stream = await client.chat.completions.create(model="gpt-4o", messages=SUM, stream=True)
        chunks = [chunk async for chunk in stream]
        assert all(chunk.usage is None and chunk.choices for chunk in chunks)

    with_client(body)


def test_logprobs_come_per_token_in_both_forms() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        whole = await client.chat.completions.create(model="m", messages=SUM, logprobs=True)
        logprobs = whole.choices[0].logprobs
        assert logprobs is not None
        assert logprobs.content is not None
        assert "".join(t.token for t in logprobs.content) == whole.choices[0].message.content
        assert all(t.logprob <= 0 for t in logprobs.content)
        stream = await client.chat.completions.create(
            model="m", messages=SUM, logprobs=True, stream=True
        )
        async for chunk in stream:
            delta, told = chunk.choices[0].delta, chunk.choices[0].logprobs
            if delta.content:
                assert told is not None
                assert told.content is not None
                assert [t.token for t in told.content] == [delta.content]

    with_client(body)


def test_tool_calls_stream_id_and_name_first_and_arguments_in_fragments() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        stream = await client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "What's the weather in Paris and Oslo?"}],
            tools=WEATHER,
            stream=True,
        )
        arguments: dict[int, str] = {}
        names: dict[int, str | None] = {}
        finish: str | None = None
        async for chunk in stream:
            for call in chunk.choices[0].delta.tool_calls or ():
                assert call.function is not None
                if call.index not in names:
                    assert call.id
                    assert call.function.arguments == ""
                    names[call.index] = call.function.name
                arguments[call.index] = arguments.get(call.index, "") + (
                    call.function.arguments or ""
                )
            finish = chunk.choices[0].finish_reason
        assert finish == "tool_calls"
        assert names == {0: "get_weather", 1: "get_weather"}
        cities = [json.loads(arguments[index])["location"] for index in (0, 1)]
        assert cities == ["Paris", "Oslo"]

    with_client(body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "truncated"),
        (b"\xff", "malformed"),
        (b"[" * 100_000, "object"),
        (b"[]", "object"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', "model"),
        (b'{"model": "m", "messages": []}', "messages"),
        (b'{"model": "m", "messages": [{"role": "king", "content": "x"}]}', "messages[0].role"),
        (b'{"model": "m", "messages": [{"role": "user"}], "temperature": 9}', "temperature"),
        (
            b'{"model": "m", "messages": [{"role": "user"}], "tool_choice": "required"}',
            "tool_choice",
        ),
    ],
)
def test_wrong_requests_get_the_error_object_of_the_api(body: bytes, told: str) -> None:
    with serve_in_thread(timing=INSTANT) as server:
        status, answer = post(server.url, body)
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    assert told in answer["error"]["message"]


def test_sdk_raises_its_own_errors_and_lists_models() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        with pytest.raises(BadRequestError, match=r"\$\.n"):
            await client.chat.completions.create(model="m", messages=SUM, n=3)
        with pytest.raises(NotFoundError):
            await client.embeddings.create(model="m", input="x")
        assert [model.id async for model in client.models.list()] == [
            "simulated-small",
            "simulated-large",
        ]

    with_client(body)


def test_body_may_be_chunked_and_too_large_a_body_is_refused() -> None:
    with serve_in_thread(timing=INSTANT) as server:
        body = json.dumps({"model": "m", "messages": SUM}).encode()
        request = urllib.request.Request(
            f"{server.url}/chat/completions", iter([body[:9], body[9:]])
        )
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as response:
            assert "408" in json.load(response)["choices"][0]["message"]["content"]
        with pytest.raises(urllib.error.HTTPError, match="413") as refused:
            urllib.request.urlopen(f"{server.url}/chat/completions", b" " * (17 * 1024 * 1024))
        refused.value.close()


def test_requests_are_recorded_without_their_headers() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        await client.chat.completions.create(model="m", messages=SUM, temperature=0)
        (seen,) = server.requests
        assert seen.path == "/v1/chat/completions"
        assert seen.body["temperature"] == 0
        assert "sk-secret" not in repr(seen)
        assert seen.finished
        assert seen.closed_at is not None

    with_client(body)


def test_client_that_leaves_stops_its_answer() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()
        (seen,) = server.requests
        await until(lambda: seen.closed_at is not None)
        assert not seen.finished
        assert 0 < seen.sent_tokens < 20

    with_client(body, Timing(first_token=0.0, per_token=0.05))


def test_client_that_leaves_before_the_first_token_is_seen_too() -> None:
    async def body(client: AsyncOpenAI, server: SimulatedServer) -> None:
        request = asyncio.create_task(client.chat.completions.create(model="m", messages=SUM))
        await until(lambda: bool(server.requests))
        request.cancel()
        await until(lambda: server.requests[0].closed_at is not None)
        assert not server.requests[0].finished

    with_client(body, Timing(first_token=30.0))


def test_three_hundred_streams_run_at_once() -> None:
    async def main() -> None:
        import aiohttp

        async with (
            SimulatedServer(timing=Timing(first_token=0.6, per_token=0.0)) as server,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        ):

            async def one() -> bytes:
                body = {"model": "a-mini", "messages": SUM, "stream": True}
                url = f"{server.url}/chat/completions"
                async with session.post(url, json=body) as response:
                    return await response.read()

            answers = await asyncio.gather(*(one() for _ in range(300)))
            assert all(answer.endswith(b"data: [DONE]\n\n") for answer in answers)
            assert all(seen.finished for seen in server.requests)

    asyncio.run(main())


def test_timing_paces_tokens_and_the_large_model_is_slower() -> None:
    timing = Timing(first_token=1.0, per_token=0.5, large=2.0)
    assert timing.due(1, "a-mini") == 1.0
    assert timing.due(3, "a-mini") == 2.0
    assert timing.due(3, "big") == 4.0


def test_taken_port_is_an_os_error_in_every_way_to_start() -> None:
    with serve_in_thread() as server:
        port = int(server.url.removesuffix("/v1").rpartition(":")[2])
        with pytest.raises(OSError), serve_in_thread(port=port):
            pass
        with pytest.raises(OSError):
            run(port=port)


def test_embedded_server_is_one_for_all_threads_and_loops() -> None:
    urls: list[str] = []
    threads = [threading.Thread(target=lambda: urls.append(embedded_url())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(urls)) == 1

    async def ask() -> str | None:
        async with AsyncOpenAI(base_url=embedded_url(), api_key="none") as client:
            answer = await client.chat.completions.create(model="m", messages=SUM)
            return answer.choices[0].message.content

    assert asyncio.run(ask()) == asyncio.run(ask())


def test_sync_client_works_with_a_server_in_a_thread() -> None:
    with (
        serve_in_thread(timing=INSTANT) as server,
        OpenAI(base_url=server.url, api_key="x") as sync,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = sync.chat.completions.create(model="m", messages=SUM)
        assert "408" in (answer.choices[0].message.content or "")
    server.stop()
    assert not server.alive


def test_embedded_server_lets_the_interpreter_exit_silently() -> None:
    code = (
        "from cascadeflow.providers.simulated import embedded_url\n"
        "import urllib.request\n"
        "urllib.request.urlopen(embedded_url() + '/models').read()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_knowing_a_small_name_imports_no_server() -> None:
    code = (
        "import sys\n"
        "from cascadeflow.providers.simulated import is_small\n"
        "assert is_small('gpt-4o-mini')\n"
        "assert not {'aiohttp', 'asyncio', 'msgspec'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=30, check=True)


def test_run_serves_until_it_is_interrupted() -> None:
    urls: list[str] = []

    def check(url: str) -> None:
        urls.append(url)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(port=0, ready=check)
    assert urls
    assert urls[0].startswith("http://127.0.0.1:")


def test_a_client_that_leaves_at_once_is_no_error_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = '{"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
    with serve_in_thread(timing=INSTANT) as server:
        address = urlsplit(server.url)
        for _ in range(20):
            with socket.create_connection((address.hostname or "", address.port or 0)) as client:
                client.sendall((head + body).encode())
        deadline = time.monotonic() + 10
        while len(server.requests) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(server.requests) == 20
    assert caplog.messages == []
