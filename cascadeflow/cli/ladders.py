"""Which models the command asks: those given, else those with a key, else a local Ollama's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..config import ModelConfig
from ..errors import ConfigError
from ..providers.catalog import CATALOG
from ..providers.traits import traits
from .probe import LocalServer, look_at

ANSWER_TOKENS = 1_000
"""Token limit of an answer at a terminal, where --max-tokens gives none."""

LADDERS: tuple[tuple[str, str, str], ...] = (
    ("openai", "gpt-4o-mini", "gpt-4o"),
    ("anthropic", "claude-haiku-4-5", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.5-flash-lite", "gemini-2.5-flash"),
    ("groq", "llama-3.1-8b-instant", "llama-3.3-70b-versatile"),
    ("mistral", "mistral-small-latest", "mistral-large-latest"),
    (
        "together",
        "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    ("openrouter", "openai/gpt-4o-mini", "openai/gpt-4o"),
)
"""Provider, draft model, last model: the first whose key is in the environment is used."""

SIMULATED = ("sim-mini", "sim-large")

_NO_MODEL = """\
There is no model to ask: no API key is set, and {found}. Do one of these:
{named}  cascadeflow ask --simulated "What is 17 * 23?"     simulated models, no key needed
  export OPENAI_API_KEY=...                          or the key of another provider
  ollama pull llama3.2:1b; ollama pull llama3.1:8b   models on this machine
  cascadeflow ask -m vllm/NAME@0,0@http://HOST:PORT/v1 "Hello"   any server that speaks OpenAI's API
`cascadeflow doctor` tells what was found."""

_PRICES = r"\d+(?:\.\d+)?,\d+(?:\.\d+)?"
_GIVEN = re.compile(
    r"(?P<provider>[^/:@]+)[/:](?!//)(?P<name>.+?)"
    rf"(?:@(?P<before>{_PRICES}))?(?:@(?P<address>https?://.+?))?(?:@(?P<behind>{_PRICES}))?"
)
_SLIP = re.compile(r"@(?:\d{0,2}|\d*\.\d*|[^@/]*,[^@/]*)(?:@|$)")
"""Prices that are none. Longer numbers are versions of a model: `claude-sonnet-4@20250514`."""
_FORMS = (
    "provider/name, e.g. openai/gpt-4o-mini; with prices in dollars per million tokens "
    "openai/gpt-4o-mini@0.15,0.60; on a server of your own vllm/NAME@http://127.0.0.1:8000/v1, "
    "or with prices vllm/NAME@0,0@http://127.0.0.1:8000/v1"
)


def choose(
    given: Sequence[str], *, simulated: bool, max_tokens: int | None, environ: Mapping[str, str]
) -> tuple[list[ModelConfig], str] | None:
    """The models to ask, cheapest first, and where they come from.

    None if there are none: `no_model` says what to do.

    Raises:
        ConfigError: a given model cannot be read, or contradicts `simulated`.
    """
    if given and simulated:
        raise ConfigError("--model and --simulated exclude each other; give one of them")
    if given:
        return [parse_model(text, max_tokens) for text in given], "--model"
    names: Sequence[str]
    if simulated:
        provider, names, why = "simulated", SIMULATED, "--simulated"
    elif found := next((ladder for ladder in LADDERS if key_of(ladder[0], environ)), None):
        provider, names, why = found[0], found[1:], f"{key_of(found[0], environ)} is set"
    elif sized := look_at("ollama", environ).by_size:
        provider, why = "ollama", "the smallest and largest of Ollama's"
        names = [*dict.fromkeys((sized[0], sized[-1]))]
    else:
        return None
    models = [ModelConfig(name, provider, max_tokens=_limit(name, max_tokens)) for name in names]
    return models, why


def parse_model(text: str, max_tokens: int | None = None) -> ModelConfig:
    """`provider/name` or `provider:name`, then `@input,output` in dollars per million tokens and
    `@` and the address of the server, in either order; both may be left out.

    Raises:
        ConfigError: it is not of this form.
    """
    found = _GIVEN.fullmatch(text)
    if (
        found is None
        or (found["before"] and found["behind"])
        or _SLIP.search(found["name"])
        or _SLIP.search(found["address"] or "")
    ):
        raise ConfigError(f"--model is {text!r}; it must be {_FORMS}")
    prices = found["before"] or found["behind"]
    input_price, output_price = map(float, prices.split(",")) if prices else (None, None)
    return ModelConfig(
        found["name"],
        found["provider"],
        base_url=found["address"],
        max_tokens=_limit(found["name"], max_tokens),
        input_price=input_price,
        output_price=output_price,
    )


def first_of(servers: Iterable[LocalServer]) -> list[str]:
    """For each server that answers its first model, as --model takes it."""
    return [f"{server.name}/{server.models[0]}@0,0" for server in servers if server.models]


def no_model(servers: Iterable[LocalServer]) -> str:
    """What to tell where `choose` finds nothing, given the servers of this machine."""
    named = first_of(servers)
    answering = ", ".join(name.partition("/")[0] for name in named)
    state = f"{answering} must be asked by name" if named else "no server on this machine has one"
    return _NO_MODEL.format(
        found=state,
        named="".join(f'  cascadeflow ask -m {name} "Hello"\n' for name in named),
    )


def key_of(provider: str, environ: Mapping[str, str]) -> str | None:
    """The environment variable that holds the provider's key; None if none does."""
    return next((name for name in CATALOG[provider].key_variables if environ.get(name)), None)


def _limit(name: str, given: int | None) -> int | None:
    """One that suits a terminal; a model that thinks gets none that was not asked for."""
    return ANSWER_TOKENS if given is None and not traits(name).thinks else given
