"""Credentials stay out of tracebacks with local variables, of URLs in errors, and of echoes."""

from __future__ import annotations

import asyncio
import gzip
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow import CascadeAgent, CascadeError, ConfigError, ModelConfig, RetryPolicy
from cascadeflow.errors import ProviderError
from cascadeflow.providers.catalog import connect
from cascadeflow.providers.decompress import FREE
from cascadeflow.providers.network import Routes, origin_of
from cascadeflow.providers.redact import Hidden, hide, host_of, mask, scrub, secrets_of
from cascadeflow.providers.transport import Transport
from cascadeflow.types import Request

from .asking import ASK, KEY
from .faultserver import ThreadedFaultServer, closed_port
from .loopback import HEAD, Peer, serving

ECHO = KEY.encode()


@pytest.fixture(scope="module", name="server")
def fault_server() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as running:
        yield running


def shown(error: BaseException) -> str:
    """A traceback with the local variables of the package: those of a test hold what it gave."""
    told: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        frames = traceback.TracebackException.from_exception(seen, capture_locals=True)
        told += str(seen), repr(seen)
        for frame in frames.stack:
            if "/tests/" not in frame.filename:
                told += f"{frame.name} {frame.locals}", ""
        seen = seen.__cause__ or seen.__context__
    return "\n".join(told)


def agent(url: str, *faults: str) -> CascadeAgent:
    models = [
        ModelConfig(
            f"fault:{fault}", "openai", cost=1, api_key=KEY, base_url=url,
            headers={"x-auth": KEY},
        )
        for fault in faults
    ]  # fmt: skip
    return CascadeAgent(models, retry=RetryPolicy(attempts=1))


@pytest.mark.parametrize(
    "fault", ["401?body=leak", "500", "disconnect-after-head", "redirect", "bad-chunk-size"]
)
def test_no_traceback_of_a_failed_query_shows_the_key(
    server: ThreadedFaultServer, fault: str
) -> None:
    with pytest.raises(Exception) as caught:
        agent(server.url, fault).run_sync("hi")
    told = shown(caught.value)
    assert "headers" in told
    assert KEY not in told


def test_neither_does_that_of_a_connection_refused() -> None:
    with pytest.raises(Exception) as caught:
        agent(f"http://127.0.0.1:{closed_port()}", "ok").run_sync("hi")
    assert KEY not in shown(caught.value)


def test_neither_does_that_of_a_query_cancelled_while_it_connects(
    server: ThreadedFaultServer,
) -> None:
    async def body() -> BaseException:
        task = asyncio.create_task(agent(server.url, "hang").run("hi"))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    told = shown(asyncio.run(body()))
    assert "_request" in told
    assert KEY not in told


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b'\r\nevent: error\ndata: {"error": {"message": "no ' + ECHO + b'"}}\n\n',
        HEAD + b'\r\ndata: {"error": {"message": "no ' + ECHO + b'"}}\n\n',
        HEAD + b"\r\n<html>no " + ECHO,
        HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(ECHO + bytes(4 * FREE)),
        HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(ECHO, 0)[:-8] + ECHO,
    ],
)
def test_neither_does_that_of_an_answer_that_echoes_it(answer: bytes) -> None:
    async def reply(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    async def body() -> BaseException:
        async with serving(reply) as url, agent(url, "m") as asked:
            with pytest.raises(CascadeError) as caught:
                await asked.run("hi")
            return caught.value

    assert KEY not in shown(asyncio.run(body()))


@pytest.mark.parametrize(
    "model",
    [
        ModelConfig("m", "openai", api_key=f"{KEY}\n"),
        ModelConfig("m", "openai", headers={"authorization": f"{KEY}\n"}),
        ModelConfig("m", "anthropic"),
        ModelConfig("m", "openai", base_url=f"http://[/v1/{KEY}"),
    ],
)
def test_neither_does_that_of_a_wrong_setting(model: ModelConfig) -> None:
    environ = hide({"OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY})
    with pytest.raises(ConfigError) as caught:
        connect(model, Transport(), environ)
    assert KEY not in str(caught.value)
    if model.base_url is None:
        assert KEY not in shown(caught.value)


def test_neither_does_that_of_a_wrong_proxy() -> None:
    routes = Routes({"HTTP_PROXY": f"socks5://me:{KEY}@h", "OPENAI_API_KEY": KEY})
    with pytest.raises(ConfigError) as caught:
        routes.find("http://api.test/")
    assert KEY not in str(caught.value)


def test_headers_of_a_call_are_hidden_in_its_request() -> None:
    request = Request(messages=ASK, headers=hide({"x-auth": KEY}))
    assert KEY not in repr(request)


@pytest.mark.parametrize(
    ("url", "visible"),
    [
        ("http://h:99999/v1/SECRET?key=SECRET#SECRET", "http://h:99999/…"),
        ("ftp://me:SECRET@h/SECRET", "ftp://h/…"),
        ("http://", "http://"),
        ("http:///SECRET", "http:///…"),
        ("ftp://h", "ftp://h"),
        ("/v1", "/v1"),
        ("sk-1234SECRET", "sk-1234…"),
        ("", ""),
    ],
)
def test_of_a_url_that_is_not_valid_scheme_and_host_are_shown(url: str, visible: str) -> None:
    assert host_of(url) == visible
    with pytest.raises(ConfigError) as caught:
        origin_of(url)
    assert "SECRET" not in str(caught.value)


def test_a_refused_redirect_costs_nothing(server: ThreadedFaultServer) -> None:
    result = agent(server.url, "redirect", "ok?delay=0").run_sync("hi " * 500)
    assert result.reason == "draft_error:protocol"
    assert result.attempts[0]["usd"] == 0
    assert result.attempts[0]["source"] == "reported"
    assert result.draft_cost == 0


def test_hidden_text_is_text_like_any_other_but_for_its_repr() -> None:
    text = Hidden("abc")
    assert (text, f"{text}", text + "d", repr(text)) == ("abc", "abc", "abcd", "<hidden>")
    error = ProviderError(f"{[text]}", kind="auth")
    assert "abc" not in str(error)


def test_secrets_are_values_with_telling_names() -> None:
    url = "http://h/v1?key=one&version=2"
    headers = {"Authorization": "Bearer two", "x-api-key": "three", "accept": "a/b"}
    assert set(secrets_of(url, headers)) == {"one", "Bearer two", "three"}


@given(st.lists(st.text(max_size=20) | st.builds(KEY.__getitem__, st.slices(len(KEY)))))
def test_what_is_masked_keeps_its_place_and_what_is_scrubbed_goes(pieces: list[str]) -> None:
    text = "".join(pieces)
    masked = mask(text, (f"Bearer {KEY}", "pass1"))
    assert len(masked) == len(text)
    assert all(new in (old, "*") for new, old in zip(masked, text, strict=True))
    for told in (masked, scrub(text, (KEY,))):
        assert not any(KEY[at : at + 8] in told for at in range(len(KEY) - 7))
