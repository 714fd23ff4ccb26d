from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cascadeflow import costs
from cascadeflow.cli.ladders import LADDERS, choose, no_model, parse_model
from cascadeflow.cli.probe import look_at
from cascadeflow.config import ModelConfig
from cascadeflow.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "provider", "name", "prices"),
    [
        ("openai/gpt-4o-mini", "openai", "gpt-4o-mini", (None, None)),
        ("openai:gpt-4o-mini", "openai", "gpt-4o-mini", (None, None)),
        ("together/meta-llama/Llama-3", "together", "meta-llama/Llama-3", (None, None)),
        ("ollama/llama3.2:1b", "ollama", "llama3.2:1b", (None, None)),
        ("llama.cpp:a/b:c", "llama.cpp", "a/b:c", (None, None)),
        ("openai/gpt-4o@2.5,10", "openai", "gpt-4o", (2.5, 10.0)),
        ("vertex/claude@20240620", "vertex", "claude@20240620", (None, None)),
        ("vertex/claude@20240620@3,15", "vertex", "claude@20240620", (3.0, 15.0)),
        ("vertex/bison@001", "vertex", "bison@001", (None, None)),
        ("openai/@cf/meta/llama@0,0", "openai", "@cf/meta/llama", (0.0, 0.0)),
    ],
)
def test_a_model_is_read_as_provider_name_and_prices(
    text: str, provider: str, name: str, prices: tuple[float | None, float | None]
) -> None:
    model = parse_model(text)
    assert (model.provider, model.name) == (provider, name)
    assert (model.input_price, model.output_price) == prices


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "gpt-4o",
            "/gpt-4o",
            "openai/",
            ":x",
            "http://127.0.0.1:8000/v1",
            "https://host/v1/m",
        ],
        *["openai/gpt-4o@a,b", "openai/gpt-4o@-1,2", "openai/gpt-4o@1,", "vllm/m@0,x@http://host"],
        *["vllm/m@", "vllm/m@0.5", "vllm/m@5", "vllm/m@0.5@http://host", "vllm/m@@http://host"],
        *["vllm/m@http://host@", "vllm/m@http://host@0.5", "vllm/m@http://host@0,x"],
        *["vllm/m@0,0@http://host@1,1", "vllm/m@0,0@1,1", "vllm/m@http://host@0,0@1,1"],
    ],
)
def test_a_model_that_cannot_be_read_is_refused_with_the_forms_that_can(text: str) -> None:
    with pytest.raises(ConfigError, match=r"provider/name, .*vllm/NAME@http://127"):
        parse_model(text)


@pytest.mark.parametrize(
    ("form", "input_price"), [("@{}", None), ("@0,0@{}", 0.0), ("@{}@0,0", 0.0)]
)
def test_two_models_of_one_provider_may_have_addresses_of_their_own(
    form: str, input_price: float | None
) -> None:
    addresses = ["http://127.0.0.1:8001/v1", "https://user@host/a@b/v1"]
    models = [parse_model(f"vllm/org/m:1{form.format(address)}") for address in addresses]
    assert [model.base_url for model in models] == addresses
    assert {(model.name, model.input_price) for model in models} == {("org/m:1", input_price)}


def test_a_model_that_thinks_gets_no_limit_that_was_not_asked_for() -> None:
    assert parse_model("openai/o3-mini").max_tokens is None
    assert parse_model("openai/gpt-4o").max_tokens == 1000
    assert parse_model("openai/o3-mini", 50).max_tokens == 50


@pytest.mark.parametrize(
    ("environ", "provider"),
    [
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, "openai"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic"),
        ({"GOOGLE_API_KEY": "k"}, "gemini"),
        ({"OPENAI_API_KEY": "", "GROQ_API_KEY": "k"}, "groq"),
    ],
)
def test_the_first_key_of_the_table_chooses_the_ladder(
    environ: dict[str, str], provider: str
) -> None:
    chosen = choose([], simulated=False, max_tokens=None, environ=environ)
    assert chosen is not None
    assert [model.provider for model in chosen[0]] == [provider, provider]


def test_every_model_of_the_default_ladders_has_a_price() -> None:
    pytest.importorskip("genai_prices")
    for provider, *names in LADDERS:
        for name in names:
            assert costs.resolve(ModelConfig(name, provider), provider).source == "priced", name


NO_OLLAMA = {"OLLAMA_BASE_URL": "http://127.0.0.1:9/v1"}


@contextlib.contextmanager
def answering(answers: Mapping[str, bytes]) -> Generator[str]:
    """The base URL of a local server that answers GET with these bodies, anything else with 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


TAGS = b"""{"models": [{"name": "llama3.1:8b", "size": 9}, {"name": "nomic-embed-text", "size": 1},
    {"name": "qwen:32b", "size": 99}, {"name": "llama3.2:1b", "size": 2}]}"""


LISTED = b'{"object": "list", "data": [{"id": "small"}, {"id": "large"}]}'


def test_without_keys_the_smallest_and_the_largest_model_of_a_local_ollama_are_asked() -> None:
    with answering({"/api/tags": TAGS, "/v1/models": LISTED}) as url:
        chosen = choose([], simulated=False, max_tokens=None, environ={"OLLAMA_BASE_URL": url})
    assert chosen is not None
    assert [model.name for model in chosen[0]] == ["llama3.2:1b", "qwen:32b"]


@pytest.mark.parametrize("name", ["ollama", "vllm"])
def test_a_server_that_answers_without_sizes_is_to_be_asked_by_name(name: str) -> None:
    with answering({"/v1/models": LISTED}) as url:
        environ = {f"{name.upper()}_BASE_URL": url}
        assert (
            choose([], simulated=False, max_tokens=None, environ={**NO_OLLAMA, **environ}) is None
        )
        told = no_model([look_at(name, environ)])
    assert f"{name} must be asked by name" in told
    assert f'cascadeflow ask -m {name}/small@0,0 "Hello"' in told
    assert "no server on this machine has one" in no_model([look_at(name, environ)])


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"models": 3}', b'{"models": [{}]}', b"\xff", b"[" * 100_000]
)
def test_a_server_that_is_no_ollama_tells_no_sizes(body: bytes) -> None:
    with answering({"/api/tags": body, "/v1/models": LISTED}) as url:
        server = look_at("ollama", {"OLLAMA_BASE_URL": url})
    assert (server.models, server.by_size) == (("small", "large"), ())


def test_a_local_server_is_asked_for_its_models() -> None:
    with answering({"/v1/models": LISTED}) as url:
        assert look_at("vllm", {"VLLM_BASE_URL": url}).models == ("small", "large")


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8000/v1", "http://192.0.2.1:8000/v1", "http://far.example/v1", "x:y"]
)
def test_a_server_on_another_machine_is_not_asked(url: str) -> None:
    server = look_at("vllm", {"VLLM_BASE_URL": url})
    assert (server.url, server.models) == (None, None)
