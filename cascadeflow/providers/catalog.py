# ruff: noqa: E501 - a server is one line of the table, however long
"""The servers we know, one line each, and the way from a `ModelConfig` to a connection.

Every difference between servers is a field of `Server`; no code asks for a name. A new server that
speaks one of OpenAI's dialects or Anthropic's is one more line here.
Source of each line: the API reference of its maker, as known in 2025.

Keys and URLs come from the `ModelConfig`, else from the environment: the key variables of the
line, and `<NAME>_BASE_URL` (`OPENAI_BASE_URL`, `LLAMA_CPP_BASE_URL`, ...).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import msgspec

from ..config import ModelConfig
from ..errors import ConfigError
from .address import check_headers, check_value, full_url, with_scheme
from .base import Provider
from .redact import Hidden, hide

if TYPE_CHECKING:
    from .wire import Wire


BOTH = frozenset({"json_schema", "json_object"})
SCHEMA = frozenset({"json_schema"})
OBJECT = frozenset({"json_object"})


class Server(msgspec.Struct, frozen=True):
    """One line of the table: where a server is and how it departs from OpenAI's."""

    name: str
    base_url: str
    """Public address, version path included; only a path where the host is the user's own."""
    key_variable: str
    """Environment variable of the key."""
    key_aliases: tuple[str, ...] = ()
    """Other variables a key may be in, asked after `key_variable`."""
    url_aliases: tuple[str, ...] = ()
    """Variables of the URL beside `<NAME>_BASE_URL`; `host` or `host:port` will do there."""
    dialect: Literal["chat", "messages", "responses"] = "chat"
    key_header: str = "authorization"
    """In lower case, as all names of headers here."""
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = {}
    """Headers that every request carries."""
    needs_key: bool = True
    """False: a key is sent if there is one."""
    embedded: bool = False
    """The agent starts this server itself, on loopback, if no URL is given."""
    stream_options: bool = True
    """It knows `stream_options.include_usage`; others send usage unasked."""
    logprobs: bool | int = False
    """What to send as `logprobs`; False: not offered."""
    seed: str = "seed"
    """Name of the seed field; empty: not offered."""
    stop: bool = True
    """It accepts stop sequences."""
    completion_limit: bool = False
    """It knows `max_completion_tokens`."""
    formats: frozenset[str] = BOTH
    """Types of `response_format` that it knows beside text, for all or most of its models."""
    max_temperature: float = 2.0
    """Higher temperatures are refused, so this is sent instead."""
    thoughts_back: bool = False
    """It refuses the results of calls without the thoughts that led to them."""
    thought_tag: str = "think"
    """Name of the tag around a thought that stands in the text."""
    unnamed_finish: bool = False
    """Its streams end with `[DONE]` alone: there is no finish_reason."""
    call_ids: str = ""
    """Pattern of the ids of tool calls that it takes back; empty: any."""
    developer: bool = False
    """It knows the role `developer`; others get `system`."""
    refusal: bool = False
    """It knows the field `refusal` of a message; for others it is the text."""
    cache_control: bool = False
    """It knows `cache_control` on the parts of a message, or passes it on to who does."""
    hidden_thinking: bool = False
    """`total_tokens` counts thinking that no other number shows."""

    @property
    def key_variables(self) -> tuple[str, ...]:
        """All variables of the key, in the order they are asked."""
        return (self.key_variable, *self.key_aliases)

    @property
    def url_variables(self) -> tuple[str, ...]:
        """All variables of the URL, in the order they are asked."""
        return (re.sub(r"\W", "_", self.name).upper() + "_BASE_URL", *self.url_aliases)


# fmt: off
_LINES = (
    Server("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", logprobs=True, completion_limit=True, call_ids=".{1,40}", developer=True, refusal=True),
    Server("openai-responses", "https://api.openai.com/v1", "OPENAI_API_KEY", url_aliases=("OPENAI_BASE_URL",), dialect="responses", logprobs=True, seed="", stop=False, call_ids=".{1,64}", developer=True),
    Server("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", dialect="messages", key_header="x-api-key", key_prefix="", headers={"anthropic-version": "2023-06-01"}, stream_options=False, seed="", max_temperature=1.0, formats=SCHEMA, call_ids="[a-zA-Z0-9_-]+", cache_control=True),
    Server("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", completion_limit=True, formats=OBJECT),
    Server("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", ("TOGETHERAI_API_KEY",), logprobs=1),
    Server("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", logprobs=True, completion_limit=True, cache_control=True),
    Server("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", logprobs=True, seed="", formats=OBJECT, thoughts_back=True),
    Server("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", stream_options=False, seed="random_seed", max_temperature=1.5, call_ids="[a-zA-Z0-9]{9}"),
    Server("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", logprobs=True),
    Server("xai", "https://api.x.ai/v1", "XAI_API_KEY", logprobs=True, completion_limit=True),
    Server("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", logprobs=True, completion_limit=True, max_temperature=1.5),
    Server("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", ("PPLX_API_KEY",), stream_options=False, seed="", stop=False, max_temperature=1.99, formats=SCHEMA),
    Server("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", ("GOOGLE_API_KEY",), seed="", completion_limit=True, thought_tag="thought", hidden_thinking=True),
    Server("azure", "/openai/v1", "AZURE_OPENAI_API_KEY", ("AZURE_API_KEY",), ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"), key_header="api-key", key_prefix="", logprobs=True, completion_limit=True, call_ids=".{1,40}", developer=True, refusal=True),
    Server("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", ("HUGGINGFACE_API_KEY", "HUGGING_FACE_HUB_TOKEN")),
    Server("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", max_temperature=1.0, formats=OBJECT),
    Server("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", stream_options=False, seed="", max_temperature=1.0, formats=OBJECT),
    Server("snowflake", "/api/v2/cortex/v1", "SNOWFLAKE_TOKEN", ("SNOWFLAKE_PAT",), seed="", completion_limit=True, unnamed_finish=True, formats=SCHEMA),
    Server("vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", needs_key=False, logprobs=True),
    Server("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", url_aliases=("OLLAMA_HOST",), needs_key=False, logprobs=True),
    Server("llama.cpp", "http://127.0.0.1:8080/v1", "LLAMA_API_KEY", ("LLAMA_CPP_API_KEY",), needs_key=False, logprobs=True),
    Server("lmstudio", "http://127.0.0.1:1234/v1", "LMSTUDIO_API_KEY", ("LM_API_TOKEN",), needs_key=False, formats=SCHEMA),
    Server("litellm", "http://127.0.0.1:4000/v1", "LITELLM_API_KEY", ("LITELLM_MASTER_KEY",), needs_key=False, cache_control=True),
    Server("simulated", "/v1", "SIMULATED_API_KEY", needs_key=False, embedded=True, logprobs=True),
)
# fmt: on

CATALOG: Mapping[str, Server] = MappingProxyType({line.name: line for line in _LINES})
"""Every known server by its name."""

_ENDPOINT = {"chat": "/chat/completions", "messages": "/v1/messages", "responses": "/responses"}


def find_server(model: ModelConfig) -> Server | None:
    """The line of the model's provider; None if the provider is an object.

    Raises:
        ConfigError: no server of that name is known, or the object has no method `stream`.
    """
    provider = model.provider
    if isinstance(provider, str):
        if provider in CATALOG:
            return CATALOG[provider]
        name = provider.lower()
        known = sorted(CATALOG, key=lambda each: -SequenceMatcher(None, name, each).ratio())
        raise ConfigError(
            f"{model.name}: provider is {provider!r}; known are {', '.join(known)}, "
            "or an object with a method `stream`"
        )
    try:
        stream: object = provider.stream
    except AttributeError:
        stream = None
    if not callable(stream) or isinstance(provider, type):
        raise ConfigError(
            f"{model.name}: provider is of type {type(provider).__name__}; it must be a name of "
            "the catalogue or an object, not a class, with a method `stream`"
        )
    return None


def needs_embedded(model: ModelConfig, environ: Mapping[str, str]) -> bool:
    """True if the agent must start the model's server and give its URL to `connect`.

    Raises:
        ConfigError: as `find_server`.
    """
    server = find_server(model)
    return server is not None and server.embedded and _given_url(model, server, environ) is None


def connect(
    model: ModelConfig,
    transport: Wire,
    environ: Mapping[str, str],
    *,
    base_url: str | Callable[[], str] | None = None,
) -> Provider:
    """The provider that answers for `model`; no request is sent, but what one needs is imported.

    Args:
        model: its own `base_url`, `api_key` and `headers` win over all else.
        transport: carries the requests.
        environ: where keys and URLs are looked up.
        base_url: used if neither the model nor `environ` has one, e.g. of an embedded server; or
            tells it at each request, for a forked process has a server of its own.

    Raises:
        ConfigError: the provider is unknown, a key is missing, or a URL or header is not valid.
    """
    server = find_server(model)
    if server is None:
        assert not isinstance(model.provider, str)
        return model.provider
    from .http import HTTPProvider

    import_module(".connections", __package__)

    def url() -> str:
        return endpoint(model, server, environ, base_url() if callable(base_url) else base_url)

    fixed = None if callable(base_url) else url()
    headers = build_headers(model, server, environ)
    return HTTPProvider(server, url=fixed or url, headers=headers, transport=transport)


def endpoint(
    model: ModelConfig, server: Server, environ: Mapping[str, str], base_url: str | None = None
) -> str:
    """The URL that requests of `model` go to.

    Raises:
        ConfigError: there is no base URL, or it is not one of http or https.
    """
    given = _given_url(model, server, environ)
    base = Hidden(base_url or server.base_url if given is None else given)
    if base.startswith("/") and base == server.base_url:
        raise ConfigError(
            f"{model.name}: {server.name} has no address of its own; set "
            f"{' or '.join(server.url_variables)}, or give ModelConfig(base_url=...)"
        )
    return full_url(base, server.base_url, _ENDPOINT[server.dialect], where=model.name)


def _given_url(model: ModelConfig, server: Server, environ: Mapping[str, str]) -> str | None:
    """The URL of the model or of the environment, completed where a bare host is allowed."""
    if model.base_url is not None:
        return model.base_url
    name, *aliases = server.url_variables
    if url := _first(environ, (name,)):
        return url
    host = _first(environ, aliases)
    return None if host is None else with_scheme(host, server.base_url)


def _first(environ: Mapping[str, str], variables: Iterable[str]) -> str | None:
    """The first of the variables that is set and not empty."""
    return next((environ[name] for name in variables if environ.get(name)), None)


def build_headers(model: ModelConfig, server: Server, environ: Mapping[str, str]) -> dict[str, str]:
    """The headers of every request of `model`, the key included; names in lower case.

    Raises:
        ConfigError: a needed key is missing, or a header or key cannot be sent.
    """
    own = check_headers(model.headers or {}, where=model.name)
    headers = hide(server.headers)
    if server.key_header not in own:
        key = model.api_key if model.api_key is not None else _first(environ, server.key_variables)
        if key:
            key = Hidden(key)
            check_value(key, f"{model.name}: the API key")
            headers[server.key_header] = Hidden(server.key_prefix + key)
        elif server.needs_key:
            raise ConfigError(
                f"{model.name}: no API key for {server.name}; set "
                f"{' or '.join(server.key_variables)}, or give ModelConfig(api_key=...); "
                "any text will do for a server that asks for none"
            )
    return headers | own
