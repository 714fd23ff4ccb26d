from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow import types
from cascadeflow.config import ModelConfig
from cascadeflow.errors import ConfigError
from cascadeflow.providers.catalog import (
    CATALOG,
    build_headers,
    connect,
    endpoint,
    find_server,
    needs_embedded,
)
from cascadeflow.providers.http import HTTPProvider
from cascadeflow.providers.simulated import INSTANT, embedded_url, serve_in_thread
from cascadeflow.providers.traits import traits
from cascadeflow.providers.transport import Transport


def model(provider: str, **settings: object) -> ModelConfig:
    return ModelConfig("m", provider, **settings)  # type: ignore[arg-type]  # checked at run time


def url(provider: str, environ: dict[str, str] | None = None, **settings: object) -> str:
    return endpoint(model(provider, **settings), CATALOG[provider], environ or {})


def headers(
    provider: str, environ: dict[str, str] | None = None, **settings: object
) -> dict[str, str]:
    return build_headers(model(provider, **settings), CATALOG[provider], environ or {})


@pytest.mark.parametrize(
    ("provider", "base_url", "expected"),
    [
        ("openai", None, "https://api.openai.com/v1/chat/completions"),
        ("openai", "http://h:1", "http://h:1/v1/chat/completions"),
        ("openai", "http://h:1/", "http://h:1/v1/chat/completions"),
        ("openai", "http://h:1/v1", "http://h:1/v1/chat/completions"),
        ("openai", "http://h:1/v1/", "http://h:1/v1/chat/completions"),
        ("openai", "http://h:1/v1/chat/completions", "http://h:1/v1/chat/completions"),
        ("openai", "http://h/gate/way?k=v", "http://h/gate/way/chat/completions?k=v"),
        ("openai", "http://[::1]:9/v1", "http://[::1]:9/v1/chat/completions"),
        ("groq", "http://h/openai", "http://h/openai/v1/chat/completions"),
        ("perplexity", None, "https://api.perplexity.ai/chat/completions"),
        ("anthropic", None, "https://api.anthropic.com/v1/messages"),
        ("anthropic", "http://h:1/v1/", "http://h:1/v1/messages"),
        ("anthropic", "http://h/anthropic", "http://h/anthropic/v1/messages"),
        ("anthropic", "http://h/v1/messages", "http://h/v1/messages"),
        ("azure", "https://r.example.com/", "https://r.example.com/openai/v1/chat/completions"),
        (
            "azure",
            "https://r.example.com/openai",
            "https://r.example.com/openai/v1/chat/completions",
        ),
    ],
)
def test_a_base_url_leads_to_the_endpoint_however_much_of_it_is_given(
    provider: str, base_url: str | None, expected: str
) -> None:
    assert url(provider, base_url=base_url) == expected


@pytest.mark.parametrize(
    ("provider", "variable", "value", "expected"),
    [
        ("openai", "OPENAI_BASE_URL", "http://h/v1", "http://h/v1/chat/completions"),
        ("llama.cpp", "LLAMA_CPP_BASE_URL", "http://h:2", "http://h:2/v1/chat/completions"),
        ("ollama", "OLLAMA_HOST", "box", "http://box:11434/v1/chat/completions"),
        ("ollama", "OLLAMA_HOST", "0.0.0.0", "http://127.0.0.1:11434/v1/chat/completions"),
        ("ollama", "OLLAMA_HOST", ":99", "http://127.0.0.1:99/v1/chat/completions"),
        ("ollama", "OLLAMA_HOST", "[::1]:5", "http://[::1]:5/v1/chat/completions"),
        ("ollama", "OLLAMA_HOST", "https://box", "https://box/v1/chat/completions"),
        ("ollama", "OLLAMA_HOST", "", "http://127.0.0.1:11434/v1/chat/completions"),
        (
            "azure",
            "AZURE_OPENAI_ENDPOINT",
            "https://r.openai.azure.com/",
            "https://r.openai.azure.com/openai/v1/chat/completions",
        ),
        ("simulated", "SIMULATED_BASE_URL", "http://h:3", "http://h:3/v1/chat/completions"),
    ],
)
def test_the_environment_gives_the_url_if_the_model_does_not(
    provider: str, variable: str, value: str, expected: str
) -> None:
    assert url(provider, {variable: value}) == expected
    own = url(provider, {variable: value}, base_url="http://own/x")
    assert own == "http://own/x/chat/completions"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "/v1",
        "h:1",
        "ftp://h",
        "http://",
        "http:///v1",
        "http://h:x",
        "http://h:0",
        "http://h h",
        "http://[::1",
        "http://h\n",
    ],
)
def test_a_base_url_that_is_no_http_url_is_refused_with_its_value(base_url: str) -> None:
    with pytest.raises(ConfigError, match="m: base_url is ") as caught:
        url("openai", base_url=base_url)
    assert repr(base_url.replace("//v1", "//…")) in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_as_base_url_gives_a_url_or_a_config_error(text: str) -> None:
    try:
        found = url("openai", base_url=text)
    except ConfigError:
        return
    assert found.startswith(("http://", "https://"))


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="user name or password") as caught:
        url("openai", base_url="https://user:CANARY@h/v1")
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("base_url", ["ftp://h/v1?key=CANARY", "ftp://h/CANARY", "ftp://h/#CANARY"])
def test_what_follows_the_host_of_a_url_that_is_refused_is_not_shown(base_url: str) -> None:
    with pytest.raises(ConfigError, match="'ftp://h/…'") as caught:
        url("openai", base_url=base_url)
    assert "CANARY" not in str(caught.value)


def test_a_server_of_the_user_needs_an_address() -> None:
    with pytest.raises(ConfigError, match="AZURE_BASE_URL or AZURE_OPENAI_ENDPOINT"):
        url("azure")


@pytest.mark.parametrize(
    ("provider", "environ", "expected"),
    [
        ("openai", {"OPENAI_API_KEY": "k"}, {"authorization": "Bearer k"}),
        ("gemini", {"GOOGLE_API_KEY": "k"}, {"authorization": "Bearer k"}),
        ("gemini", {"GOOGLE_API_KEY": "x", "GEMINI_API_KEY": "k"}, {"authorization": "Bearer k"}),
        ("huggingface", {"HF_TOKEN": "k"}, {"authorization": "Bearer k"}),
        ("azure", {"AZURE_OPENAI_API_KEY": "k"}, {"api-key": "k"}),
        (
            "anthropic",
            {"ANTHROPIC_API_KEY": "k"},
            {"anthropic-version": "2023-06-01", "x-api-key": "k"},
        ),
        ("ollama", {}, {}),
        ("ollama", {"OLLAMA_API_KEY": "k"}, {"authorization": "Bearer k"}),
    ],
)
def test_the_key_travels_in_the_header_of_the_server(
    provider: str, environ: dict[str, str], expected: dict[str, str]
) -> None:
    assert headers(provider, environ) == expected


def test_the_models_own_key_and_headers_win() -> None:
    environ = {"OPENAI_API_KEY": "env"}
    assert headers("openai", environ, api_key="own") == {"authorization": "Bearer own"}
    own = {"Authorization": "Basic x", "X-Extra": "1"}
    expected = {"authorization": "Basic x", "x-extra": "1"}
    assert headers("openai", {}, headers=own) == expected
    found = headers("anthropic", {}, api_key="k", headers={"Anthropic-Version": "2099-01-01"})
    assert found == {"anthropic-version": "2099-01-01", "x-api-key": "k"}


def test_a_missing_key_is_refused_with_the_names_of_its_variables() -> None:
    with pytest.raises(
        ConfigError, match="m: no API key for gemini; set GEMINI_API_KEY or GOOGLE_API_KEY"
    ):
        headers("gemini", {"GEMINI_API_KEY": ""})
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        headers("openai", {"OPENAI_API_KEY": "env"}, api_key="")


@pytest.mark.parametrize("key", ["CANARY\n", "CAN\rARY", "CANARY\x00", "CANARY€", " CANARY"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    choices: list[dict[str, object]] = [{"api_key": key}, {"headers": {"Authorization": key}}]
    for settings in choices:
        with pytest.raises(ConfigError, match=r"U\+") as caught:
            headers("openai", None, **settings)
        assert "CAN" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\n", "ä"])
def test_a_header_name_that_cannot_be_sent_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="header has the name"):
        headers("ollama", headers={name: "x"})


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "connection", "TE"])
def test_a_header_that_frames_the_request_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"header '{name}' .* left out"):
        headers("ollama", headers={name: "3"})


def test_a_simulated_server_is_asked_without_a_proxy() -> None:
    async def body(url: str) -> None:
        transport = Transport(environ={"all_proxy": "http://127.0.0.1:9"})
        for at in (None, url):
            simulated = connect(
                model("simulated", base_url=at), transport, {}, base_url=embedded_url
            )
            ask = types.Request(messages=({"role": "user", "content": "What is 12 * 34?"},))
            batches = [batch async for batch in simulated.stream("sim-large", ask)]
            assert isinstance(batches[-1][-1], types.Stop)
        await transport.aclose()

    with serve_in_thread(timing=INSTANT) as server:
        asyncio.run(body(server.url))


def test_an_unknown_provider_is_refused_with_the_known_ones_nearest_first() -> None:
    with pytest.raises(ConfigError, match="provider is 'opnai'; known are openai, ") as caught:
        find_server(model("opnai"))
    assert all(name in str(caught.value) for name in CATALOG)


def test_an_object_without_stream_is_no_provider() -> None:
    with pytest.raises(ConfigError, match="provider is of type int; it must be"):
        find_server(ModelConfig("m", 5))  # type: ignore[arg-type]  # the mistake under test


class Silent:
    def stream(self, model: str, request: types.Request) -> AsyncGenerator[list[types.Delta], None]:
        raise NotImplementedError


def test_connect_gives_the_providers_object_itself_or_one_over_http() -> None:
    async def body() -> None:
        transport = Transport()
        try:
            own = Silent()
            assert connect(ModelConfig("m", own), transport, {}) is own
            found = connect(model("openai", api_key="CANARY"), transport, {})
            assert isinstance(found, HTTPProvider)
            assert "CANARY" not in repr(found)
        finally:
            await transport.aclose()

    asyncio.run(body())


def test_an_embedded_server_is_needed_only_where_no_url_is_given() -> None:
    assert needs_embedded(model("simulated"), {})
    assert not needs_embedded(model("simulated", base_url="http://h"), {})
    assert not needs_embedded(model("simulated"), {"SIMULATED_BASE_URL": "http://h"})
    assert not needs_embedded(model("openai"), {})
    assert not needs_embedded(ModelConfig("m", Silent()), {})
    simulated = CATALOG["simulated"]
    found = endpoint(model("simulated"), simulated, {}, "http://127.0.0.1:7")
    assert found == "http://127.0.0.1:7/v1/chat/completions"
    with pytest.raises(ConfigError, match="SIMULATED_BASE_URL"):
        endpoint(model("simulated"), simulated, {})


def test_every_line_of_the_table_is_whole() -> None:
    for name, server in CATALOG.items():
        assert name == server.name
        assert server.key_variable.isupper()
        assert server.url_variables[0].endswith("_BASE_URL")
        if not server.base_url.startswith("/"):
            assert endpoint(model(name), server, {}).startswith(server.base_url)


@pytest.mark.parametrize(
    "name",
    ["o1", "o3-mini", "openai/o4-mini", "gpt-5", "gpt-5-mini-2025-08-07", "gpt-5.1"],
)
def test_openais_thinking_models_refuse_temperature_and_logprobs(name: str) -> None:
    known = traits(name)
    assert known.thinks
    assert known.completion_limit
    assert not known.temperature
    assert not known.logprobs


@pytest.mark.parametrize(
    "name",
    [
        "gpt-oss:20b",
        "deepseek-reasoner",
        "deepseek-r1:8b",
        "Qwen/Qwen3-32B",
        "magistral-small",
        "gemini-2.5-pro",
        "grok-4",
        "kimi-k2-thinking",
        "glm-4.7",
        "sonar-reasoning",
    ],
)
def test_other_families_that_think_are_known(name: str) -> None:
    known = traits(name)
    assert known.thinks
    assert known.temperature
    assert not known.completion_limit


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o-mini",
        "gpt-4.1",
        "gpt-35-turbo",
        "gpt-3.5-turbo",
        "chatgpt-4o-latest",
        "gpt-5-chat-latest",
        "grok-3",
        "deepseek-chat",
        "qwen3-coder",
        "Qwen3-30B-A3B-Instruct-2507",
        "qwen2.5:7b",
        "grok-4-fast-non-reasoning",
        "claude-sonnet-4-5",
        "claude-opus-4-20250514",
        "gemini-2.0-flash",
        "llama-3.3-70b",
        "mistral-small",
        "o",
    ],
)
def test_models_that_answer_at_once_have_no_peculiarity(name: str) -> None:
    assert not traits(name).thinks
    assert traits(name).temperature
