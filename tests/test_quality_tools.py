"""Tool drafts as a whole: what is accepted, what is not, and how the estimate behaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.core.policy import Observer, ThresholdPolicy
from cascadeflow.quality import default_estimator
from cascadeflow.quality.tools import combine
from cascadeflow.quality.tools.estimator import ToolObserver
from cascadeflow.quality.tools.schema import Json
from cascadeflow.types import (
    Delta,
    Estimate,
    Message,
    Request,
    Stop,
    StopReason,
    TextDelta,
    ToolCallDelta,
    ToolChoice,
)

ACCEPT_AT = ThresholdPolicy().accept_at
HOPELESS = ThresholdPolicy().hopeless


def tool(name: str, description: str, required: Sequence[str], **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"name": name, "description": description, "parameters": schema}


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WEATHER = tool(
    "get_weather",
    "Get the current weather of a city.",
    ["city"],
    city={"type": "string", "description": "Name of the city."},
    unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
    days={"type": "integer", "minimum": 1, "maximum": 10, "description": "Days of forecast."},
)
LOAN = tool(
    "loan_payment",
    "Calculate the monthly payment of a loan.",
    ["amount", "rate", "years"],
    amount=NUMBER,
    rate={"type": "number", "description": "Annual interest rate."},
    years={"type": "integer"},
)
MAIL = tool(
    "send_email", "Send an email to a person.", ["to", "body"], to=TEXT, body=TEXT, subject=TEXT
)
TOOLS = (WEATHER, LOAN, MAIL)
PARIS = "What is the weather in Paris right now?"


def request(
    query: str | Sequence[Message],
    tools: Sequence[dict[str, Any]] = TOOLS,
    choice: ToolChoice | None = None,
) -> Request:
    messages = ({"role": "user", "content": query},) if isinstance(query, str) else tuple(query)
    return Request(messages=messages, tools=tuple(tools), tool_choice=choice)


def call(name: str, **arguments: Any) -> tuple[str, str]:
    return name, json.dumps(arguments)


def judged(asked: Request, *calls: tuple[str, str], reason: StopReason | None = None) -> Estimate:
    observer = default_estimator().observe(asked)
    for index, (name, arguments) in enumerate(calls):
        observer.feed(ToolCallDelta(index, id=f"id{index}", name=name, arguments=arguments))
    observer.feed(Stop(reason or "tool_calls"))
    return observer.estimate()


def answered(asked: Request, text: str) -> Estimate:
    observer = default_estimator().observe(asked)
    if text:
        observer.feed(TextDelta(text))
    observer.feed(Stop("stop"))
    return observer.estimate()


GOOD_CALLS: list[tuple[str, list[tuple[str, str]]]] = [
    (PARIS, [call("get_weather", city="Paris")]),
    ("Weather in New York, in Celsius?", [call("get_weather", city="New York", unit="celsius")]),
    (
        "Give me the weather forecast of Oslo for the next three days.",
        [call("get_weather", city="Oslo", days=3)],
    ),
    (
        "Calculate the monthly payment for a loan of $250,000 at 3.5% over 30 years.",
        [call("loan_payment", amount=250000, rate=0.035, years=30)],
    ),
    (
        "What would I pay each month on a loan of 2 million at 4 % for twenty five years?",
        [call("loan_payment", amount=2e6, rate=4, years=25)],
    ),
    (
        "Send an email to anna@work.com saying 'I will be late'.",
        [call("send_email", to="anna@work.com", body="I will be late")],
    ),
    (
        "Compare the weather in Paris and Rome.",
        [call("get_weather", city="Paris"), call("get_weather", city="Rome")],
    ),
    ("Wie ist das Wetter heute in München?", [call("get_weather", city="München")]),
    ("Quel temps fait-il à Lyon aujourd'hui ?", [call("get_weather", city="Lyon")]),
    ("東京の天気を教えてください。", [call("get_weather", city="東京")]),
    ("Какая сейчас погода в городе Казань?", [call("get_weather", city="Казань")]),
]


@pytest.mark.parametrize(("query", "calls"), GOOD_CALLS)
def test_a_valid_grounded_call_of_the_fitting_tool_is_accepted(
    query: str, calls: list[tuple[str, str]]
) -> None:
    estimate = judged(request(query), *calls)
    assert estimate.p_good >= ACCEPT_AT, estimate


@pytest.mark.parametrize(
    ("query", "calls", "evidence"),
    [
        (PARIS, [call("get_wether", city="Paris")], "unknown_tool"),
        (PARIS, [("get_weather", '{"city": "Paris"')], "arguments_unparsable"),
        (PARIS, [("get_weather", '["Paris"]')], "arguments_unparsable"),
        (PARIS, [call("get_weather")], "missing_required"),
        (PARIS, [call("get_weather", city=75)], "wrong_type"),
        (PARIS, [call("get_weather", city="Paris", unit="kelvin")], "outside_enum"),
        (PARIS, [call("get_weather", city="Paris", days=99)], "out_of_bounds"),
        (PARIS, [call("get_weather", city="Paris", mood="sunny")], "unknown_argument"),
        (PARIS, [call("get_weather", city="Berlin")], "required_worst"),
        (PARIS, [call("loan_payment", amount=1000, rate=3, years=5)], "required_worst"),
        (
            "Send an email to my boss.",
            [call("send_email", to="boss@example.com", body="your_text_here")],
            "placeholder",
        ),
        (
            "What is the weather in Paris and Rome, and what are both forecasts for 4 days?",
            [call("get_weather", city="Paris")],
            "numbers_unused",
        ),
        (
            PARIS,
            [call("get_weather", city="Paris"), call("get_weather", city="Paris")],
            "duplicate_call",
        ),
    ],
)
def test_a_call_that_is_wrong_is_rejected_for_a_named_reason(
    query: str, calls: list[tuple[str, str]], evidence: str
) -> None:
    estimate = judged(request(query), *calls)
    assert estimate.p_good < ACCEPT_AT, estimate
    assert estimate.evidence[evidence] > 0


def test_a_missing_second_call_lowers_the_estimate() -> None:
    asked = request("Show me the weather in Paris and also in Rome.")
    both = judged(asked, call("get_weather", city="Paris"), call("get_weather", city="Rome"))
    one = judged(asked, call("get_weather", city="Paris"))
    assert one.p_good < both.p_good - 0.1
    assert both.p_good >= ACCEPT_AT


def test_an_optional_value_nobody_asked_for_lowers_the_estimate() -> None:
    plain = judged(request(PARIS), call("get_weather", city="Paris"))
    more = judged(request(PARIS), call("get_weather", city="Paris", days=7))
    assert more.evidence["optional_invented"] == 1.0
    assert more.p_good < plain.p_good


@pytest.mark.parametrize(
    "text", ["The weather in Paris is sunny.", "", "get_weather(city='Paris')"]
)
def test_no_call_is_rejected_where_a_tool_fits(text: str) -> None:
    assert answered(request(PARIS), text).p_good < ACCEPT_AT


def test_no_call_is_accepted_where_no_tool_fits() -> None:
    asked = request("Who painted the ceiling of the Sistine Chapel?")
    assert answered(asked, "Michelangelo painted it between 1508 and 1512.").p_good >= ACCEPT_AT
    told = answered(asked, "I'm sorry, but I cannot help with that: no tool fits.")
    assert told.p_good >= ACCEPT_AT
    assert judged(asked, call("send_email", to="Sistine Chapel", body="x")).p_good < ACCEPT_AT


def test_asking_back_is_good_only_where_a_value_is_missing() -> None:
    asked = request("Calculate the monthly payment of my loan.", [LOAN])
    question = "How large is the loan, at which interest rate, and for how many years?"
    assert answered(asked, question).p_good >= ACCEPT_AT
    full = request("Calculate the monthly payment of a loan of 9000 at 3% for 5 years.", [LOAN])
    assert answered(full, question).p_good < ACCEPT_AT


def test_the_tool_choice_is_held_against_the_draft() -> None:
    painter = "Who painted the ceiling of the Sistine Chapel?"
    weather = call("get_weather", city="Paris")
    assert answered(request(painter, choice="required"), "Michelangelo.").p_good < HOPELESS
    assert answered(request(painter, choice={"name": "send_email"}), "He.").p_good < HOPELESS
    assert judged(request(PARIS, choice="none"), weather).p_good < HOPELESS
    assert judged(request(PARIS, choice={"name": "send_email"}), weather).p_good < HOPELESS
    assert judged(request(PARIS, choice={"name": "get_weather"}), weather).p_good >= ACCEPT_AT
    assert answered(request(PARIS, choice="none"), "It may rain.").p_good >= ACCEPT_AT


def turn(*, result: str, name: str = "get_weather", **arguments: Any) -> list[Message]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return [
        {"role": "assistant", "tool_calls": [{"id": "1", "function": function}]},
        {"role": "tool", "tool_call_id": "1", "content": result},
    ]


def test_an_answer_after_the_tools_have_answered_is_judged_as_text() -> None:
    talk = [{"role": "user", "content": PARIS}, *turn(result="18 C, sunny", city="Paris")]
    assert answered(request(talk), "It is sunny in Paris, at 18 °C.").p_good >= ACCEPT_AT
    assert answered(request(talk), "").p_good < HOPELESS


def test_values_may_come_from_results_of_tools_and_from_earlier_turns() -> None:
    lookup = turn(result='{"email": "ann.lee@corp.org"}', name="find_person", name_="Ann")
    talk = [{"role": "user", "content": "Email Ann Lee that dinner is ready."}, *lookup]
    sent = judged(request(talk), call("send_email", to="ann.lee@corp.org", body="Dinner is ready"))
    assert sent.p_good >= ACCEPT_AT
    earlier = [
        {"role": "user", "content": "I live in Bergen."},
        {"role": "assistant", "content": "Nice!"},
        {"role": "user", "content": "What is the weather where I live?"},
    ]
    assert judged(request(earlier), call("get_weather", city="Bergen")).p_good >= ACCEPT_AT


def test_calling_again_what_was_called_before_is_a_duplicate() -> None:
    talk = [{"role": "user", "content": PARIS}, *turn(result="18 C", city="Paris")]
    again = judged(request(talk), call("get_weather", city="Paris"))
    assert again.evidence["duplicate_call"] == 1.0


def test_without_tools_the_text_is_judged() -> None:
    estimate = answered(request("Who wrote Faust?", []), "Goethe wrote Faust.")
    assert "no_call" not in estimate.evidence
    assert estimate.p_good >= ACCEPT_AT


DRAFT = (call("get_weather", city="Paris", days=3), call("send_email", to="Ann", body='a "b" \\ {'))


def fed(observer: Observer, deltas: Sequence[Delta], every: int) -> Estimate:
    for place, delta in enumerate(deltas):
        observer.feed(delta)
        if every and place % every == 0:
            assert observer.estimate().p_good >= combine.DECISIVE_PRIOR
    return observer.estimate()


@given(st.lists(st.integers(1, 12), max_size=40), st.integers(0, 4))
def test_the_estimate_does_not_depend_on_cuts_or_on_how_often_it_is_asked(
    sizes: list[int], every: int
) -> None:
    asked = request("Weather in Paris for 3 days, and email it to Ann")
    whole = judged(asked, *DRAFT)
    deltas: list[Delta] = []
    for index, (name, arguments) in enumerate(DRAFT):
        deltas.append(ToolCallDelta(index, id=f"id{index}", name=name))
        for size in sizes:
            piece, arguments = arguments[:size], arguments[size:]
            if piece:
                deltas.append(ToolCallDelta(index, arguments=piece))
        if arguments:
            deltas.append(ToolCallDelta(index, arguments=arguments))
    deltas.append(Stop("tool_calls"))
    assert fed(default_estimator().observe(asked), deltas, every) == whole


@given(st.lists(st.integers(1, 300), max_size=20), st.integers(0, 3))
def test_the_estimate_of_text_does_not_depend_on_cuts_either(sizes: list[int], every: int) -> None:
    text = "Here is what I know about it. " * 20 + "Which city do you mean?"
    pieces: list[Delta] = []
    rest = text
    for size in sizes:
        if rest:
            pieces.append(TextDelta(rest[:size]))
            rest = rest[size:]
    if rest:
        pieces.append(TextDelta(rest))
    observer = default_estimator().observe(request(PARIS))
    assert fed(observer, [*pieces, Stop("stop")], every) == answered(request(PARIS), text)


def test_a_running_draft_is_hopeless_only_on_decisive_evidence() -> None:
    observer = ToolObserver(request(PARIS))
    assert observer.estimate().p_good >= 0.2
    observer.feed(ToolCallDelta(0, id="a", name="get_weather", arguments='{"city": "Ber'))
    assert observer.estimate().p_good >= 0.2
    observer.feed(ToolCallDelta(0, arguments='lin"]'))
    assert observer.estimate().p_good < HOPELESS
    other = ToolObserver(request(PARIS))
    other.feed(ToolCallDelta(0, id="a", name="get_sun", arguments="{"))
    assert other.estimate().p_good < HOPELESS
    assert other.estimate().evidence == {"unknown_tool": 1.0}


@pytest.mark.parametrize("text", ["\ud800", "weather in \udfff Paris"])
def test_lone_surrogates_in_query_and_answer_raise_nothing(text: str) -> None:
    asked = request([{"role": "user", "content": text}])
    for delta in (TextDelta(text), ToolCallDelta(0, id="a", name="get_weather", arguments=text)):
        observer = default_estimator().observe(asked)
        observer.feed(delta)
        observer.feed(Stop("stop"))
        assert 0 < observer.estimate().p_good < 1


def test_text_before_a_call_is_no_reason_to_give_up() -> None:
    observer = default_estimator().observe(request(PARIS))
    observer.feed(TextDelta("I'm sorry, I can't see that myself; let me look it up for you. " * 6))
    assert observer.estimate().p_good >= 0.2
    observer.feed(ToolCallDelta(0, id="a", name="get_weather", arguments='{"city": "Paris"}'))
    observer.feed(Stop("tool_calls"))
    assert observer.estimate().p_good >= ACCEPT_AT


@pytest.mark.parametrize("reason", ["refusal", "content_filter"])
def test_a_refused_message_with_calls_is_rejected(reason: StopReason) -> None:
    estimate = judged(request(PARIS), call("get_weather", city="Paris"), reason=reason)
    assert estimate.p_good < ACCEPT_AT


@pytest.mark.parametrize(
    "arguments",
    [
        "{" * 50_000,
        '{"city": "' + "a" * 100_000 + '"}',
        json.dumps({"city": ["Paris, and " * 20] * 500}),
        json.dumps({f"k{i}": i for i in range(9_000)}),
        '{"days": 1' + "0" * 400 + "}",
        '{"days": 1e999}',
        '{"city": "\\ud800"}',
    ],
)
def test_hostile_arguments_are_judged_without_an_error(arguments: str) -> None:
    assert judged(request("a, b and c " * 900), ("get_weather", arguments)).p_good < ACCEPT_AT


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        True,
        {"properties": [1], "required": "city", "type": 7},
        {"properties": {"city": 3}, "required": [["a"]], "items": "x"},
        {"anyOf": [{"required": ["city"]}, {"required": ["town"]}]},
    ],
)
def test_odd_schemas_raise_nothing(parameters: Json) -> None:
    odd = {"name": "get_weather", "description": None, "parameters": parameters}
    assert 0 < judged(request(PARIS, [odd]), call("get_weather", city="Paris")).p_good < 1
    assert 0 < answered(request(PARIS, [odd]), "Sunny.").p_good < 1


@given(st.text(max_size=200), st.text(max_size=80), st.text(max_size=80))
def test_anything_gets_a_probability(query: str, arguments: str, text: str) -> None:
    assert 0 < judged(request(query), ("get_weather", arguments)).p_good < 1
    assert 0 < judged(request(query), call("get_weather", city=text)).p_good < 1
    assert 0 < answered(request(query), text).p_good < 1


@pytest.mark.parametrize(
    ("query", "draft"),
    [
        ("What is 6 * 7?", "6 * 7 = 24. I get 24."),
        ("What is the capital of France?", "I'm sorry, but I can't help with that."),
    ],
)
def test_a_flawed_text_is_not_made_good_by_not_calling(query: str, draft: str) -> None:
    tool = {"name": "get_weather", "description": "The weather.", "parameters": {"type": "object"}}
    request = Request(messages=({"role": "user", "content": query},), tools=(tool,))
    observer = default_estimator().observe(request)
    observer.feed(TextDelta(draft))
    observer.feed(Stop("stop"))
    assert observer.estimate().p_good < 0.3
