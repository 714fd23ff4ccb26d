"""Prices in dollars per million tokens are copied by hand from the providers' price lists."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from genai_prices import Usage as Counts
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.config import ModelConfig
from cascadeflow.core.ledger import FlatPrice, Price
from cascadeflow.costs import CataloguePrice, resolve
from cascadeflow.errors import ConfigError
from cascadeflow.types import Usage

SPRING = datetime(2026, 4, 1, 12, tzinfo=UTC)


def at(name: str, provider: str, moment: datetime = SPRING, base_url: str | None = None) -> Price:
    model = ModelConfig(name, provider, base_url=base_url)
    return resolve(model, provider, clock=lambda: moment)


def listed(name: str, provider: str, base_url: str | None = None) -> tuple[str, str]:
    price = at(name, provider, base_url=base_url)
    assert isinstance(price, CataloguePrice), f"{name} at {provider} has no price"
    return price.provider.id, price.model.id


# --- the caller's prices --------------------------------------------------------------------------


def test_prices_per_million_beat_cost_and_cost_beats_the_catalogue() -> None:
    flat = resolve(ModelConfig("gpt-4o-mini", "openai", 0.00015), "openai")
    exact = resolve(
        ModelConfig("gpt-4o-mini", "openai", 0.00015, input_price=0.1, output_price=0.7), "openai"
    )
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    assert (flat.usd(usage), flat.source) == (Decimal("0.30"), "configured")
    assert (exact.usd(usage), exact.source) == (Decimal("0.8"), "priced")
    assert at("gpt-4o-mini", "openai").usd(usage) == Decimal("0.75")


def test_a_cost_written_as_float_is_the_decimal_that_was_written() -> None:
    price = resolve(ModelConfig("any", "any", 0.00015), "any")
    assert price == FlatPrice(input=Decimal("0.15"), output=Decimal("0.15"), source="configured")


def test_cached_price_applies_to_cached_input_alone() -> None:
    model = ModelConfig("any", "any", input_price=3, output_price=15, cached_price=0.3)
    usage = Usage(input_tokens=1000, cached_tokens=900, output_tokens=10)
    assert resolve(model, "any").usd(usage) == Decimal("0.00072")


def test_input_written_to_a_cache_costs_a_quarter_more_than_other_input() -> None:
    model = ModelConfig("any", "any", input_price=3, output_price=15, cached_price=0.3)
    usage = Usage(input_tokens=1000, cached_tokens=600, cache_write_tokens=300, output_tokens=100)
    assert resolve(model, "any").usd(usage) == Decimal("0.003105")
    flat = ModelConfig("any", "any", cost=0.003)
    assert resolve(flat, "any").usd(usage) == Decimal("0.0033")


def test_a_cached_price_without_any_other_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cached_price is 0\.3"):
        resolve(ModelConfig("gpt-4o", "openai", cached_price=0.3), "openai")


def test_free_of_charge_is_a_price_too() -> None:
    assert resolve(ModelConfig("llama3.2", "ollama", 0.0), "ollama").source == "configured"


@pytest.mark.parametrize(
    ("name", "dollars"),
    [("sim-mini", "0.75"), ("Sim-8B", "0.75"), ("haiku", "0.75"), ("sim-large", "12.5")],
)
def test_simulated_models_have_demo_prices(name: str, dollars: str) -> None:
    price = at(name, "simulated")
    assert price.usd(Usage(input_tokens=10**6, output_tokens=10**6)) == Decimal(dollars)
    assert price.source == "priced"


# --- dollars of the catalogue ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "name", "moment", "usage", "dollars"),
    [
        # OpenAI, half price for the cached prompt: 400 x 0.15 + 1,600 x 0.075 + 300 x 0.60
        (
            "openai",
            "gpt-4o-mini-2024-07-18",
            SPRING,
            Usage(input_tokens=2000, cached_tokens=1600, output_tokens=300, reasoning_tokens=100),
            "0.00036",
        ),
        # Anthropic: 100 x 0.80 + 5,000 x 0.08 read + 2,000 x 1 written + 400 x 4
        (
            "anthropic",
            "claude-3-5-haiku-latest",
            SPRING,
            Usage(
                input_tokens=7100, cached_tokens=5000, cache_write_tokens=2000, output_tokens=400
            ),
            "0.00408",
        ),
        # Gemini up to 200,000 tokens of prompt: 200,000 x 1.25 + 1,000 x 10
        (
            "gemini",
            "gemini-2.5-pro",
            SPRING,
            Usage(input_tokens=200_000, output_tokens=1000),
            "0.26",
        ),
        # and beyond, all of it: 200,001 x 2.50 + 1,000 x 15
        (
            "gemini",
            "models/gemini-2.5-pro",
            SPRING,
            Usage(input_tokens=200_001, output_tokens=1000),
            "0.5150025",
        ),
        # DeepSeek by day, a cache hit: 100 x 0.27 + 900 x 0.07 + 50 x 1.10
        (
            "deepseek",
            "deepseek-chat",
            SPRING,
            Usage(input_tokens=1000, cached_tokens=900, output_tokens=50),
            "0.000145",
        ),
        # and at half price by night: 100 x 0.135 + 900 x 0.035 + 50 x 0.55
        (
            "deepseek",
            "deepseek-chat",
            datetime(2026, 4, 1, 20, tzinfo=UTC),
            Usage(input_tokens=1000, cached_tokens=900, output_tokens=50),
            "0.0000725",
        ),
        # OpenAI's o3 became cheaper on 2025-06-10: 1,000 x 10 + 100 x 40, then 1,000 x 2 + 100 x 8
        (
            "openai",
            "o3",
            datetime(2025, 6, 9, 23, 59, tzinfo=UTC),
            Usage(input_tokens=1000, output_tokens=100),
            "0.014",
        ),
        (
            "openai",
            "o3",
            datetime(2025, 6, 10, tzinfo=UTC),
            Usage(input_tokens=1000, output_tokens=100),
            "0.0028",
        ),
        # the same moment as the line before last, told by a clock two hours ahead
        (
            "openai",
            "o3",
            datetime(2025, 6, 10, 1, 59, tzinfo=timezone(timedelta(hours=2))),
            Usage(input_tokens=1000, output_tokens=100),
            "0.014",
        ),
    ],
)
def test_the_catalogue_gives_the_dollars_of_the_price_list(
    provider: str, name: str, moment: datetime, usage: Usage, dollars: str
) -> None:
    price = at(name, provider, moment)
    assert price.source == "priced"
    with localcontext() as context:
        context.prec = 3
        assert price.usd(usage) == Decimal(dollars)


counts = st.integers(-10, 10**7)


@given(
    st.sampled_from(["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "grok-4"]),
    st.builds(
        Usage,
        input_tokens=counts,
        output_tokens=counts,
        cached_tokens=counts,
        cache_write_tokens=counts,
        reasoning_tokens=counts,
    ),
)
def test_no_usage_however_odd_makes_a_price_raise_or_fall_below_zero(
    name: str, usage: Usage
) -> None:
    provider = {"gpt": "openai", "cla": "anthropic", "gem": "gemini", "gro": "xai"}[name[:3]]
    assert at(name, provider).usd(usage) >= 0


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_dollars_agree_with_the_catalogues_own_sum(given_tokens: int, output: int) -> None:
    ours = at("claude-sonnet-4-5", "anthropic").usd(
        Usage(input_tokens=given_tokens, output_tokens=output)
    )
    theirs = calc_price(
        Counts(input_tokens=given_tokens, output_tokens=output),
        "claude-sonnet-4-5",
        provider_id="anthropic",
        genai_request_timestamp=SPRING,
    )
    assert ours == theirs.total_price


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        ("openai", "gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("openai", "GPT-4o-mini", ("openai", "gpt-4o-mini")),
        ("openai", "gpt-4o-2024-05-13", ("openai", "gpt-4o-2024-05-13")),
        ("openai", "gpt-4o-2031-01-31", ("openai", "gpt-4o")),
        ("openai", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("anthropic", "claude-haiku-4-5-20251001", ("anthropic", "claude-haiku-4-5")),
        ("groq", "llama-3.1-8b-instant", ("groq", "llama-3.1-8b-instant")),
        ("groq", "openai/gpt-oss-20b", ("groq", "openai/gpt-oss-20b")),
        (
            "together",
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ),
        ("fireworks", "llama-v3p1-8b-instruct", ("fireworks", "llama-v3p1-8b-instruct")),
        ("deepseek", "deepseek-reasoner", ("deepseek", "deepseek-reasoner")),
        ("mistral", "mistral-small-latest", ("mistral", "mistral-small-latest")),
        ("xai", "grok-3-latest", ("x-ai", "grok-3")),
        ("cerebras", "llama3.1-8b", ("cerebras", "llama3.1-8b")),
        ("perplexity", "sonar-pro", ("perplexity", "sonar-pro")),
        ("gemini", "gemini-2.0-flash", ("google", "gemini-2.0-flash")),
        ("azure", "gpt-35-turbo", ("azure", "gpt-3.5-turbo")),
        ("openrouter", "openai/gpt-4o-mini", ("openrouter", "openai/gpt-4o-mini")),
        ("openrouter", "openai/gpt-4o-mini:nitro", ("openrouter", "openai/gpt-4o-mini")),
        ("openrouter", "deepseek/deepseek-chat:nitro", ("deepseek", "deepseek-chat")),
        ("litellm", "gemini/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("litellm", "gpt-4o", ("openai", "gpt-4o")),
        ("huggingface", "openai/gpt-oss-120b:groq", ("huggingface_groq", "openai/gpt-oss-120b")),
    ],
)
def test_a_models_name_at_its_provider_is_found(
    provider: str, name: str, expected: tuple[str, str]
) -> None:
    assert listed(name, provider) == expected


def test_the_address_of_another_provider_beats_the_name_of_the_dialect() -> None:
    groq = "https://api.groq.com/openai/v1"
    assert listed("llama-3.1-8b-instant", "openai", groq)[0] == "groq"
    assert listed("gpt-4o", "openai", "http://127.0.0.1:4000/v1") == ("openai", "gpt-4o")


# --- no price -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("ollama", "local-without-price"),
        ("vllm", "mistralai/Mistral-7B-Instruct-v0.3"),
        ("openai", "no-such-model"),
        ("openai-compatible", "gpt-4o-mini-elsewhere"),
        ("huggingface", "openai/gpt-oss-120b"),
    ],
)
def test_a_model_without_a_price_costs_nothing_and_warns_exactly_once(
    provider: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="cascadeflow"):
        prices = [at(name, provider) for _ in range(3)]
    assert [(price.usd(Usage(input_tokens=10**6)), price.source) for price in prices] == [
        (Decimal(0), "unknown")
    ] * 3
    messages = [record.getMessage() for record in caplog.records if name in record.getMessage()]
    assert len(messages) == 1
    assert "input_price" in messages[0]


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_without_genai_prices_the_price_is_unknown_and_the_warning_says_what_to_install() -> None:
    output = run_python(
        "import sys; sys.modules['genai_prices'] = None\n"
        "from cascadeflow.config import ModelConfig\n"
        "from cascadeflow.costs import resolve\n"
        "for _ in range(2):\n"
        "    print(resolve(ModelConfig('gpt-4o', 'openai'), 'openai').source)\n"
    )
    assert output.count("unknown") == 2
    assert output.count('pip install ".[prices]"') == 1


def test_looking_up_a_price_touches_no_network() -> None:
    output = run_python(
        "import sys\n"
        "def watch(event, args):\n"
        "    if event.startswith('socket.'):\n"
        "        print('NETWORK', event)\n"
        "sys.addaudithook(watch)\n"
        "from cascadeflow.config import ModelConfig\n"
        "from cascadeflow.costs import resolve\n"
        "from cascadeflow.types import Usage\n"
        "for name in ('gpt-4o', 'no-such-model'):\n"
        "    print(resolve(ModelConfig(name, 'openai'), 'openai').usd(Usage(input_tokens=10**6)))\n"
    )
    assert "2.5" in output
    assert "NETWORK" not in output


def test_prices_are_imported_only_when_one_is_looked_up() -> None:
    output = run_python(
        "import sys, cascadeflow.costs as costs\n"
        "from cascadeflow.config import ModelConfig\n"
        "costs.resolve(ModelConfig('gpt-4o', 'openai', 0.00625), 'openai')\n"
        "costs.resolve(ModelConfig('demo-small', 'simulated'), 'simulated')\n"
        "print('genai_prices' in sys.modules)\n"
    )
    assert output.strip() == "False"
