"""What a careful reader would say against a call is named in the evidence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cascadeflow.quality import default_estimator
from cascadeflow.quality.tools.leftovers import unused_of_lists
from cascadeflow.quality.tools.question import compact
from cascadeflow.types import Estimate, Request, Stop, ToolCallDelta

NUMBERS = {"type": "array", "items": {"type": "number"}}


def tool(name: str, about: str, required: list[str], **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": about, "parameters": schema}


def text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}


HOTELS = tool(
    "find_hotels",
    "Find hotels in a city.",
    ["city"],
    city=text("The city and state, e.g. Boston, MA"),
    stars={"type": "integer", "description": "At least so many."},
    parking={"type": "boolean", "description": "Only with a car park."},
)
MEAN = tool("mean", "The mean of some measurements.", ["values"], values=NUMBERS)
TIMER = tool("set_timer", "Set a timer.", ["seconds"], seconds={"type": "integer"})
QUOTES = tool("get_quote", "Get the price of a share.", ["symbol"], symbol=text("Of the share."))
PLOT = tool("plot", "Plot a function of x.", ["function"], function=text("In x."))
SAINTS = tool("look_up_saint", "Look up the life of a saint.", ["saint"], saint=text("Who."))
AREA = tool(
    "area", "The area of a polygon.", ["corners"], corners={"type": "array", "items": NUMBERS}
)
TOOLS = (HOTELS, MEAN, TIMER, QUOTES, PLOT, SAINTS, AREA)


def judged(query: str, *calls: tuple[str, dict[str, Any]]) -> Estimate:
    request = Request(messages=({"role": "user", "content": query},), tools=TOOLS)
    observer = default_estimator().observe(request)
    for index, (name, arguments) in enumerate(calls):
        observer.feed(ToolCallDelta(index, f"id{index}", name, json.dumps(arguments)))
    observer.feed(Stop("tool_calls"))
    return observer.estimate()


@pytest.mark.parametrize(
    ("evidence", "query", "worse", "better"),
    [
        (
            "option_overlooked",
            "Find hotels with parking in Salem, Oregon.",
            ("find_hotels", {"city": "Salem, Oregon"}),
            ("find_hotels", {"city": "Salem, Oregon", "parking": True}),
        ),
        (
            "code_value",
            "Plot the function 2x + 1.",
            ("plot", {"function": "lambda x: 2*x + 1"}),
            ("plot", {"function": "2x + 1"}),
        ),
        (
            "whole_numbers",
            "What is the mean of these measurements: 2, 4 and 9?",
            ("mean", {"values": [2, 4, 9]}),
            ("mean", {"values": [2.0, 4.0, 9.0]}),
        ),
        (
            "counterpart_unused",
            "Look up the martyr named olaf, and how the martyr named bede differs.",
            ("look_up_saint", {"saint": "olaf"}),
            ("look_up_saint", {"saint": "olaf and bede"}),
        ),
        (
            "structure_in_text",
            "What is the price of Apple and IBM shares?",
            ("get_quote", {"symbol": '["AAPL", "IBM"]'}),
            ("get_quote", {"symbol": "AAPL"}),
        ),
        (
            "numbers_part_used",
            "Set a timer of 30 seconds, then one of 45 seconds.",
            ("set_timer", {"seconds": 30}),
            ("set_timer", {"seconds": 3045}),
        ),
    ],
)
def test_what_is_odd_about_a_call_is_named_and_lowers_the_estimate(
    evidence: str,
    query: str,
    worse: tuple[str, dict[str, Any]],
    better: tuple[str, dict[str, Any]],
) -> None:
    assert judged(query, worse).evidence[evidence] > 0
    assert evidence not in judged(query, better).evidence


def test_one_call_for_a_list_is_judged_below_a_call_for_each_member() -> None:
    query = "What are the prices of 'AAPL', 'MSFT' and 'IBM' shares?"
    one, *others = (("get_quote", {"symbol": each}) for each in ("AAPL", "MSFT", "IBM"))
    alone, whole = judged(query, one), judged(query, one, *others)
    assert alone.evidence["list_unused"] == pytest.approx(2 / 3)
    assert "list_unused" not in whole.evidence
    assert alone.p_good < whole.p_good


def test_a_call_in_which_all_that_was_given_is_used_is_judged_above_others() -> None:
    query = "Find hotels with 4 stars in Salem, Oregon."
    whole = judged(query, ("find_hotels", {"city": "Salem, Oregon", "stars": 4}))
    part = judged(query, ("find_hotels", {"city": "Salem, Oregon"}))
    assert whole.evidence["all_used"] == 1.0
    assert "all_used" not in part.evidence
    assert "all_used" not in judged(query, ("find_flats", {"city": "Salem, Oregon"})).evidence
    assert part.p_good < whole.p_good


def test_calls_that_differ_inside_a_required_object_are_no_repetition() -> None:
    square, triangle = [[0, 0], [0, 2], [2, 2], [2, 0]], [[0, 0], [0, 1], [1, 0]]
    both = judged(
        "What are the areas of [[0,0],[0,2],[2,2],[2,0]] and [[0,0],[0,1],[1,0]]?",
        ("area", {"corners": square}),
        ("area", {"corners": triangle}),
    )
    assert "duplicate_call" not in both.evidence
    assert "numbers_unused" not in both.evidence


def test_a_value_that_only_repeats_the_tool_says_nothing() -> None:
    bare = judged("what is a saint", ("look_up_saint", {"saint": "saint"}))
    assert bare.evidence["value_unspecific"] == 1.0
    named = judged("Who was Saint Olaf?", ("look_up_saint", {"saint": "Saint Olaf"}))
    assert "value_unspecific" not in named.evidence


def test_a_number_given_in_a_larger_unit_is_used() -> None:
    timer = judged("Set a timer of 3 minutes.", ("set_timer", {"seconds": 180}))
    assert "numbers_unused" not in timer.evidence


def test_a_number_is_not_used_because_a_percentage_of_another_unit_is_like_it() -> None:
    timer = judged("Set a timer of 5 seconds, then 30.", ("set_timer", {"seconds": 18}))
    assert timer.evidence["numbers_unused"] == 1.0


@pytest.mark.parametrize(
    ("query", "values", "unused"),
    [
        ("Compare Rome, Oslo and Lima.", ["Oslo", "Rome"], 1 / 3),
        ("Compare New York and Los Angeles.", ["New York"], 0.5),
        ("Compare New York and Los Angeles.", ["New York", "Los Angeles"], 0.0),
        ("Find a flat in Boston, Massachusetts.", ["Boston"], 0.0),
        ("Define 'lit' and 'savage'.", ["lit"], 0.5),
        ("Define 'lit,' 'savage,' and 'based.'", ["lit"], 2 / 3),
        ("Compare Rome and also Oslo.", ["Rome"], 0.5),
        ("What happened in 1910, 1920 and 1930?", [1920], 2 / 3),
        ("Compare Rome and Oslo.", ["Paris"], 0.0),
        ("", ["Paris"], 0.0),
    ],
)
def test_the_unused_part_of_a_list_counts_where_another_part_is_used(
    query: str, values: list[str | int], unused: float
) -> None:
    held = compact(" ".join(map(str, values)))
    used = frozenset(float(value) for value in values if isinstance(value, int))
    assert unused_of_lists(query, held, used) == pytest.approx(unused)


@pytest.mark.parametrize("mark", ["'", '"', "`", "“", "A", "A ", "1,", "'a' and ", ", and "])
def test_a_query_of_marks_is_read_without_an_error(mark: str) -> None:
    assert 0 <= unused_of_lists(mark * 20_000, "a", frozenset({1.0})) <= 1
