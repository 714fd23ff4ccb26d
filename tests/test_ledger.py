from __future__ import annotations

import ast
import json
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.core import ledger as module
from cascadeflow.core.ledger import (
    IMAGE_TOKENS,
    MESSAGE_TOKENS,
    UNBILLED,
    Attempt,
    CostSource,
    FlatPrice,
    Ledger,
    Outcome,
    consistent,
    estimate_input,
    estimate_tokens,
    exact_sum,
    saved,
)
from cascadeflow.errors import ErrorKind
from cascadeflow.types import Request, Usage

DRAFT = FlatPrice(input=Decimal("0.15"), output=Decimal("0.60"))
VERIFIER = FlatPrice(input=Decimal("2.50"), output=Decimal("10.00"))
ASKED_TOKENS = 104

tokens = st.integers(0, 10**9)
usages = st.builds(
    Usage,
    input_tokens=tokens,
    output_tokens=tokens,
    cached_tokens=tokens,
    cache_write_tokens=tokens,
    reasoning_tokens=tokens,
)
dollars = st.decimals(0, 10_000, places=6)
prices = st.builds(
    FlatPrice,
    input=dollars,
    output=dollars,
    cached=st.none() | dollars,
    cache_write=st.none() | dollars,
)


def opened(ledger: Ledger, price: FlatPrice = DRAFT, tier: int = 0, now: float = 10.0) -> Attempt:
    row = ledger.open(
        model="small",
        provider="openai",
        tier=tier,
        price=price,
        input_estimate=ASKED_TOKENS,
        now=now,
    )
    row.sent = None
    return row


# --- prices ---------------------------------------------------------------------------------------


def test_a_flat_price_is_dollars_per_million_tokens_of_each_kind() -> None:
    price = FlatPrice(
        input=Decimal("3"),
        output=Decimal("15"),
        cached=Decimal("0.3"),
        cache_write=Decimal("3.75"),
    )
    usage = Usage(input_tokens=1000, output_tokens=200, cached_tokens=600, cache_write_tokens=100)
    # 300 x 3 + 600 x 0.3 + 100 x 3.75 + 200 x 15 = 900 + 180 + 375 + 3000
    assert price.usd(usage) == Decimal("0.004455")


def test_cache_prices_default_to_the_input_price() -> None:
    usage = Usage(input_tokens=1000, cached_tokens=600, cache_write_tokens=100)
    assert VERIFIER.usd(usage) == Decimal("0.0025")


@given(prices, usages)
def test_a_flat_price_is_exact_whatever_precision_the_caller_set(
    price: FlatPrice, usage: Usage
) -> None:
    whole = consistent(usage)
    read, written = whole.cached_tokens, whole.cache_write_tokens
    million = Fraction(10**6)
    expected = (
        Fraction(price.input) * (whole.input_tokens - read - written)
        + Fraction(price.input if price.cached is None else price.cached) * read
        + Fraction(price.input if price.cache_write is None else price.cache_write) * written
        + Fraction(price.output) * whole.output_tokens
    ) / million
    with localcontext() as context:
        context.prec = 3
        assert Fraction(price.usd(usage)) == expected


@given(
    st.builds(
        Usage,
        input_tokens=st.integers(-5, 50),
        output_tokens=st.integers(-5, 50),
        cached_tokens=st.integers(-5, 80),
        cache_write_tokens=st.integers(-5, 80),
        reasoning_tokens=st.integers(-5, 80),
    )
)
def test_no_part_of_a_consistent_usage_exceeds_its_whole(usage: Usage) -> None:
    fixed = consistent(usage)
    assert 0 <= fixed.cached_tokens + fixed.cache_write_tokens <= fixed.input_tokens
    assert 0 <= fixed.reasoning_tokens <= fixed.output_tokens
    assert min(fixed.cached_tokens, fixed.cache_write_tokens) >= 0
    assert consistent(fixed) == fixed


# --- estimates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text_bytes", "expected"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_four_bytes_are_a_token_rounded_up(text_bytes: int, expected: int) -> None:
    assert estimate_tokens(text_bytes) == expected


def test_a_request_is_estimated_from_its_text_in_bytes() -> None:
    request = Request(
        messages=(
            {"role": "system", "content": "a" * 40},
            {"role": "user", "content": [{"type": "text", "text": "\u4f60\u597d" * 10}]},
            {"role": "assistant", "content": None},
        )
    )
    assert estimate_input(request) == 3 * MESSAGE_TOKENS + (40 + 60) // 4


def test_an_image_counts_a_flat_figure_whatever_the_length_of_its_data() -> None:
    def asked(data: str) -> Request:
        part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + data}}
        return Request(messages=({"role": "user", "content": [part]},))

    assert estimate_input(asked("A")) == IMAGE_TOKENS + MESSAGE_TOKENS
    assert estimate_input(asked("A" * 10**6)) == IMAGE_TOKENS + MESSAGE_TOKENS


def test_tools_and_calls_and_the_schema_of_the_answer_count_about_their_length_as_json() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"name": "weather", "description": "What the sky does.", "parameters": schema}
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    answer = {"type": "json_schema", "json_schema": {"name": "sky", "schema": schema}}
    request = Request(
        messages=({"role": "assistant", "content": "", "tool_calls": [call]},),
        tools=(tool,),
        response_format=answer,
    )
    as_json = sum(len(json.dumps(part)) for part in (tool, call, answer)) / 4
    assert abs(estimate_input(request) - MESSAGE_TOKENS - as_json) < as_json * 0.15


def test_odd_text_no_text_and_deeply_nested_tools_are_estimated_all_the_same() -> None:
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"p": deep}
    messages = ({"role": "user", "content": "\ud800"}, {"role": "user"})
    assert estimate_input(Request(messages=messages, tools=(deep,))) > 5000
    assert estimate_input(Request(messages=())) == 0


# --- rows: the rules ------------------------------------------------------------------------------


def test_the_closing_count_of_the_provider_is_truth() -> None:
    ledger = Ledger()
    row = opened(ledger)
    row.count("far more text than the provider counts" * 100)
    assert ledger.report(row, Usage(input_tokens=11, output_tokens=42), final=True)
    ledger.close(row, "answered", 12.5)
    assert row.usage == Usage(input_tokens=11, output_tokens=42)
    assert (row.usd, row.source) == (Decimal("0.00002685"), "reported")
    assert (row.latency, ledger.total) == (2.5, row.usd)


def test_a_closing_count_without_output_closes_nothing_if_there_was_some() -> None:
    ledger = Ledger()
    row = opened(ledger)
    row.count("x" * 80)
    assert ledger.report(row, Usage(input_tokens=5), final=True)
    ledger.close(row, "answered", 11.0)
    assert row.usage == Usage(input_tokens=5, output_tokens=20)
    assert row.source == "estimated"


def test_usage_is_cumulative_the_last_report_counts_once() -> None:
    ledger = Ledger()
    row = opened(ledger)
    for output in (1, 20, 42):
        ledger.report(row, Usage(input_tokens=11, output_tokens=output))
    ledger.report(row, Usage(input_tokens=11, output_tokens=42), final=True)
    ledger.close(row, "accepted", 11.0)
    assert ledger.usage == Usage(input_tokens=11, output_tokens=42)


def test_without_usage_input_and_output_are_estimated() -> None:
    ledger = Ledger()
    row = opened(ledger)
    row.count("Hello, ")
    row.count("w\u00f6rld")
    ledger.close(row, "answered", 11.0)
    assert row.usage == Usage(input_tokens=ASKED_TOKENS, output_tokens=4)
    assert row.source == "estimated"


@pytest.mark.parametrize("outcome", ["abandoned", "cancelled", "failed"])
def test_a_cut_stream_has_the_reported_input_and_the_estimated_output(outcome: Outcome) -> None:
    ledger = Ledger()
    row = opened(ledger)
    begun = Usage(input_tokens=25, output_tokens=1, cached_tokens=10, cache_write_tokens=5)
    ledger.report(row, begun)
    row.count("x" * 80)
    ledger.close(row, outcome, 11.0, "incomplete" if outcome == "failed" else None)
    assert row.usage == Usage(
        input_tokens=25, output_tokens=20, cached_tokens=10, cache_write_tokens=5
    )
    assert row.source == "estimated"


def test_a_cut_stream_has_the_reported_output_where_that_is_more() -> None:
    ledger = Ledger()
    row = opened(ledger)
    row.count("x" * 8)
    ledger.report(row, Usage(input_tokens=25, output_tokens=30, reasoning_tokens=28))
    ledger.close(row, "cancelled", 11.0)
    assert row.usage == Usage(input_tokens=25, output_tokens=30, reasoning_tokens=28)


@pytest.mark.parametrize("kind", sorted(UNBILLED))
def test_a_request_that_was_never_begun_costs_nothing(kind: ErrorKind) -> None:
    ledger = Ledger()
    row = opened(ledger)
    ledger.close(row, "failed", 11.0, kind)
    assert (row.usage, row.usd, row.error) == (Usage(), Decimal(0), kind)
    assert row.source == "reported"


@pytest.mark.parametrize("kind", ["server", "overloaded"])
def test_the_same_error_inside_a_stream_that_had_begun_is_estimated(kind: ErrorKind) -> None:
    ledger = Ledger()
    spoken, counted = opened(ledger), opened(ledger)
    spoken.count("Hello")
    ledger.report(counted, Usage(input_tokens=25))
    ledger.close(spoken, "failed", 11.0, kind)
    ledger.close(counted, "failed", 11.0, kind)
    assert spoken.usage == Usage(input_tokens=ASKED_TOKENS, output_tokens=2)
    assert counted.usage == Usage(input_tokens=25)
    assert spoken.source == counted.source == "estimated"


@pytest.mark.parametrize("kind", ["timeout.first_token", "incomplete", "protocol", "budget"])
def test_a_request_the_server_may_have_worked_on_costs_its_estimated_input(kind: ErrorKind) -> None:
    ledger = Ledger()
    row = opened(ledger)
    ledger.close(row, "failed", 11.0, kind)
    assert row.usage == Usage(input_tokens=ASKED_TOKENS)
    assert row.usd > 0


@pytest.mark.parametrize("outcome", ["cancelled", "failed"])
def test_a_row_whose_request_never_left_costs_nothing(outcome: Outcome) -> None:
    ledger = Ledger()
    row = opened(ledger, now=12.0)
    row.sent = False
    ledger.close(row, outcome, 11.0, "timeout.first_token" if outcome == "failed" else None)
    assert (row.usd, row.latency) == (Decimal(0), 0.0)
    assert row.source == "reported"


@pytest.mark.parametrize("number", [-11, 11.5, True, None])
def test_what_is_negative_or_no_integer_is_no_count(number: object) -> None:
    ledger = Ledger()
    row = opened(ledger)
    counts: dict[str, Any] = {"input_tokens": number, "output_tokens": 42}
    assert not ledger.report(row, Usage(**counts), final=True)
    ledger.close(row, "answered", 11.0)
    assert (row.usage.input_tokens, row.source) == (ASKED_TOKENS, "estimated")


@pytest.mark.parametrize("outcome", ["open", "accepted"])
def test_a_row_is_closed_once(outcome: Outcome) -> None:
    ledger = Ledger()
    row = opened(ledger)
    if outcome == "accepted":
        ledger.close(row, outcome, 11.0)
    with pytest.raises(ValueError, match="closed once"):
        ledger.close(row, outcome, 12.0)


def test_a_row_renders_to_json_types() -> None:
    ledger = Ledger()
    opened(ledger)
    row = opened(ledger, VERIFIER, tier=1)
    row.request_id = "req_1"
    assert row.to_dict()["latency_ms"] is None
    ledger.report(row, Usage(input_tokens=100, output_tokens=10, cached_tokens=5), final=True)
    ledger.close(row, "failed", 10.25, "refused")
    assert json.loads(json.dumps(row.to_dict())) == {
        "number": 2,
        "model": "small",
        "provider": "openai",
        "tier": 1,
        "outcome": "failed",
        "error": "refused",
        "usage": {
            "input_tokens": 100,
            "output_tokens": 10,
            "cached_tokens": 5,
            "cache_write_tokens": 0,
            "reasoning_tokens": 0,
        },
        "usd": 0.00035,
        "source": "reported",
        "latency_ms": 250.0,
        "message": None,
        "reason": "",
        "request_id": "req_1",
    }


# --- sums -----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(prices, usages), max_size=8))
def test_the_total_is_the_exact_sum_of_the_rows(rows: list[tuple[FlatPrice, Usage]]) -> None:
    ledger = Ledger()
    with localcontext() as context:
        context.prec = 2
        for price, usage in rows:
            row = opened(ledger, price)
            ledger.report(row, usage, final=True)
            ledger.close(row, "answered", 11.0)
        total = ledger.total
    assert Fraction(total) == sum((Fraction(row.usd) for row in ledger.rows), Fraction(0))
    assert total == exact_sum(row.usd for row in ledger.rows)
    assert ledger.usage == sum((row.usage for row in ledger.rows), Usage())
    assert [row.number for row in ledger.rows] == list(range(1, len(rows) + 1))


@given(prices, st.lists(st.text(max_size=50), max_size=10), st.none() | usages, st.booleans())
def test_what_is_spent_now_is_what_the_row_costs_if_it_is_closed_now(
    price: FlatPrice, pieces: list[str], usage: Usage | None, final: bool
) -> None:
    ledger = Ledger()
    ledger.close(opened(ledger), "rejected", 11.0)
    row = opened(ledger, price)
    spent = ledger.spent_now(row)
    for piece in pieces:
        row.count(piece)
        assert spent <= (spent := ledger.spent_now(row))
    if usage is not None:
        ledger.report(row, usage, final=final)
        spent = ledger.spent_now(row)
    ledger.close(row, "cancelled", 11.0)
    assert spent == ledger.total == ledger.spent_now(row)


@pytest.mark.parametrize(
    ("sources", "weakest"),
    [
        ((), "priced"),
        (("priced", "priced"), "priced"),
        (("configured", "priced"), "configured"),
        (("priced", "unknown", "configured"), "unknown"),
    ],
)
def test_the_source_of_a_sum_is_the_weakest_of_its_prices(
    sources: tuple[CostSource, ...], weakest: CostSource
) -> None:
    ledger = Ledger()
    for source in sources:
        opened(ledger, FlatPrice(input=Decimal(0), output=Decimal(0), source=source))
    assert ledger.cost_source == weakest


# --- what was saved -------------------------------------------------------------------------------


def answered(ledger: Ledger, price: FlatPrice, outcome: Outcome, tier: int = 0) -> Attempt:
    row = opened(ledger, price, tier)
    ledger.report(row, Usage(input_tokens=1000, output_tokens=500), final=True)
    ledger.close(row, outcome, 11.0)
    return row


def test_an_accepted_draft_saves_the_difference_of_the_prices() -> None:
    ledger = Ledger()
    row = answered(ledger, DRAFT, "accepted")
    # 1,000 x 2.50 + 500 x 10 = 7,500 against 1,000 x 0.15 + 500 x 0.60 = 450, in millionths
    assert saved(ledger, row, VERIFIER) == Decimal("0.00705")


def test_a_rejected_draft_was_paid_in_vain() -> None:
    ledger = Ledger()
    answered(ledger, DRAFT, "rejected")
    row = answered(ledger, VERIFIER, "answered", tier=1)
    assert saved(ledger, row, VERIFIER) == Decimal("-0.00045")


def test_the_last_tier_alone_saves_nothing() -> None:
    ledger = Ledger()
    ledger.close(opened(ledger, VERIFIER), "failed", 11.0, "connect")
    assert saved(ledger, answered(ledger, VERIFIER, "answered"), VERIFIER) == 0


def test_every_turn_of_a_tool_loop_counts_as_one_answer_of_the_last_tier() -> None:
    ledger = Ledger()
    *_, last = [answered(ledger, DRAFT, "accepted") for _ in range(3)]
    assert saved(ledger, last, VERIFIER) == 3 * Decimal("0.00705")


def test_a_rejected_draft_that_had_to_do_counts_as_the_answer() -> None:
    ledger = Ledger()
    row = answered(ledger, DRAFT, "rejected")
    ledger.close(opened(ledger, VERIFIER, tier=1), "failed", 11.0, "overloaded")
    assert saved(ledger, row, VERIFIER) == Decimal("0.00705")


def test_without_an_answer_nothing_was_saved() -> None:
    ledger = Ledger()
    ledger.close(opened(ledger), "failed", 11.0, "incomplete")
    assert saved(ledger, None, VERIFIER) == 0


def test_the_ledger_imports_no_clock_no_loop_no_log_and_no_chance() -> None:
    source = module.__file__
    assert source is not None
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(Path(source).read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert not imported & {"asyncio", "time", "random", "aiohttp", "logging", "os", "datetime"}
