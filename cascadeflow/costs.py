"""Finds the price of a model: the caller's own, else the catalogue's, else 0 and a warning.

Order: `input_price` and `output_price` beat `cost`, `cost` beats the catalogue. The catalogue is
genai-prices (extra `[prices]`): dated data inside that package, with tiers and cache prices. It is
imported when the first price is needed, and nothing here ever asks a network.
Source: https://github.com/pydantic/genai-prices
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from .config import ModelConfig
from .core.ledger import EXACT, CostSource, FlatPrice, Price, consistent
from .logs import logger_named
from .types import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

CATALOGUE_NAMES = {
    "azure_openai": "azure",
    "bedrock": "aws",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "google-ai-studio": "google",
    "grok": "x-ai",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "openai-responses": "openai",
    "together_ai": "together",
    "togetherai": "together",
    "vertex": "google",
    "xai": "x-ai",
    "z-ai": "zai",
}
"""What genai-prices calls our providers, and the vendors in front of a model's name."""

PROXIES = frozenset({"litellm", "openrouter"})
"""Providers that pass on other vendors' models as `vendor/model`, at the vendor's price."""

SIMULATED_SMALL = FlatPrice(input=Decimal("0.15"), output=Decimal("0.60"))
SIMULATED_LARGE = FlatPrice(input=Decimal("2.50"), output=Decimal("10.00"))
"""Demo prices of the two simulated models."""

CACHE_WRITE = Decimal("1.25")
"""Price of input that is written to the cache, as a multiple of other input. Anthropic's, for five
minutes; tokens written are told of its models.
Source: https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#pricing
"""

UNKNOWN = FlatPrice(input=Decimal(0), output=Decimal(0), source="unknown")
"""The price of a model that nobody knows the price of."""

_ROUTE = re.compile(r":(nitro|floor|online|exacto)$")
"""How OpenRouter is to choose a server; another server may cost a little more or less."""
_EDITION = re.compile(r"[-@](latest|20\d\d-?[01]\d-?[0-3]\d)$")
"""Edition of a model; one the catalogue does not list is taken to cost what the model costs."""

_log = logger_named("cascadeflow")
_now = partial(datetime.now, UTC)
_warned: set[str] = set()


@dataclass(frozen=True, slots=True)
class CataloguePrice:
    """A price of genai-prices: tiers, cache and request fees as of the moment of asking."""

    provider: Provider
    model: ModelInfo
    clock: Callable[[], datetime]
    """The time now; without a zone it is taken for UTC."""

    @property
    def source(self) -> CostSource:
        """Always "priced"."""
        return "priced"

    def usd(self, usage: Usage) -> Decimal:
        """Dollars of one request with this usage, exact."""
        from genai_prices import Usage as Counts

        usage = consistent(usage)
        counts = Counts(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_reasoning_tokens=usage.reasoning_tokens,
        )
        at = self.clock()
        with localcontext(EXACT):
            price = self.model.calc_price(counts, self.provider, genai_request_timestamp=at)
            return price.total_price


def resolve(model: ModelConfig, provider: str, *, clock: Callable[[], datetime] = _now) -> Price:
    """The price of `model` at `provider`, a name of the catalogue of providers.

    A model without a price costs 0, with source "unknown" and one warning for each name and process
    on the logger "cascadeflow". `base_url` beats `provider` if it is the public address of another
    provider. `clock` tells at what time a dated price is asked for.
    """
    if (configured := _configured(model)) is not None:
        return configured
    if provider == "simulated":
        from .providers.simulated.names import is_small

        return SIMULATED_SMALL if is_small(model.name) else SIMULATED_LARGE
    try:
        found = _find(provider, model.name, model.base_url)
        reason = f"the catalogue does not list it at {provider}"
    except ImportError:
        found, reason = None, 'genai-prices is not installed (pip install ".[prices]")'
    if found is not None:
        return CataloguePrice(*found, clock)
    if model.name not in _warned:
        _warned.add(model.name)
        _log.warning(
            "no price for model %r: %s; it counts as 0 dollars until cost (0 if it is free), or "
            "input_price and output_price, are given",
            model.name,
            reason,
        )
    return UNKNOWN


def _configured(model: ModelConfig) -> FlatPrice | None:
    if model.input_price is not None and model.output_price is not None:
        price = Decimal(str(model.input_price))
        return FlatPrice(
            input=price,
            output=Decimal(str(model.output_price)),
            cached=None if model.cached_price is None else Decimal(str(model.cached_price)),
            cache_write=EXACT.multiply(price, CACHE_WRITE),
        )
    if model.cost is not None:
        per_million = Decimal(str(model.cost)).scaleb(3, EXACT)
        return FlatPrice(input=per_million, output=per_million, source="configured")
    return None


@lru_cache(maxsize=512)
def _find(provider: str, name: str, base_url: str | None) -> tuple[Provider, ModelInfo] | None:
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    listed = {entry.id for entry in snapshot.providers} | {"litellm"}
    places = [CATALOGUE_NAMES.get(provider.lower(), provider.lower())]
    if base_url is not None:
        with suppress(LookupError):
            places.insert(0, snapshot.find_provider(None, None, base_url).id)
    for place in places:
        for at, called in _spellings(place, name.strip().lower()):
            # Exact names only: genai-prices takes any name that contains "openai" for OpenAI.
            if at in listed:
                with suppress(LookupError):
                    return snapshot.find_provider_model(called, None, at, None)
    return None


def _spellings(place: str, name: str) -> Iterator[tuple[str, str]]:
    """Provider and model as the catalogue may list them, the most exact first."""
    plain = _ROUTE.sub("", name)
    for spelling in dict.fromkeys((name, plain, _EDITION.sub("", plain))):
        yield place, spelling
        vendor, slash, rest = spelling.partition("/")
        at = place if vendor == "models" else CATALOGUE_NAMES.get(vendor, vendor)
        if slash and (place in PROXIES or at == place):
            yield at, rest
        model, colon, server = spelling.rpartition(":")
        if place == "huggingface" and colon:
            yield f"huggingface_{server}", model
        if place == "fireworks" and not slash:
            yield place, f"accounts/fireworks/models/{spelling}"
