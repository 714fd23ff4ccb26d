"""Forms, curves and the weights that ship with the package."""

from __future__ import annotations

import math
import pkgutil
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.core.policy import Advisable, Opinion
from cascadeflow.errors import ConfigError
from cascadeflow.judges.questions import SAID
from cascadeflow.quality import default_estimator
from cascadeflow.quality.additive import Additive, Curve
from cascadeflow.quality.choices import Options
from cascadeflow.quality.equations import equations
from cascadeflow.quality.fitted import Weights, read, shipped
from cascadeflow.quality.flow import Solution
from cascadeflow.quality.forms import Form
from cascadeflow.quality.text import TextObserver
from cascadeflow.types import Delta, Estimate, Request, Stop, TextDelta

CHOICE = "Which one is a prime?\n\nA. 9\nB. 15\nC. 21\nD. 29\n\n"
WORDED = (
    "A baker makes 12 trays of 8 rolls each morning. He sells 70 rolls and gives the rest to 2 "
    "shelters in equal shares. How many rolls does each shelter get?"
)
ROME = (
    "Rome grew from villages on seven hills beside the Tiber. It became a republic, then an empire "
    "that ruled the Mediterranean, and it is the capital of Italy today."
)
RIGHT = "12 * 8 = 96 rolls.\n96 - 70 = 26 rolls are left.\n26 / 2 = 13 rolls.\nThe answer is 13."


def asked(query: str, **more: object) -> Request:
    return msgspec.structs.replace(Request(messages=({"role": "user", "content": query},)), **more)


def finished(request: Request, answer: str, logprobs: tuple[float, ...] = ()) -> TextObserver:
    observer = TextObserver(request, shipped())
    if answer:
        observer.feed(TextDelta(answer, logprobs))
    observer.feed(Stop("stop"))
    observer.estimate()
    return observer


def judged(query: str, answer: str, logprobs: tuple[float, ...] = ()) -> Estimate:
    return finished(asked(query), answer, logprobs).estimate()


@pytest.mark.parametrize(
    ("query", "answer", "form"),
    [
        (WORDED, RIGHT, "arithmetic"),
        ("Was ist 17 * 23?", "391", "arithmetic"),
        ("Combien de pommes reste-t-il de 12 si Léa en mange 5 ?", "12 - 5 = 7", "arithmetic"),
        ("小明有12个苹果，吃了5个，还剩多少个？", "7个", "arithmetic"),
        (CHOICE + "Think step by step.", "9, 15 and 21 are multiples of 3. So D.", "choice"),
        (CHOICE + "Answer with only the letter.", "D", "letter"),
        (CHOICE, "D", "letter"),
        ("Antworte mit ja oder nein: Ist Wien die Hauptstadt?", "Ja", "short"),
        ("Who wrote Faust?", "Goethe", "short"),
        ("Write a Python function that adds two numbers.", "def add(a, b): ...", "code"),
        ("Escribe una función en JavaScript.", "```js\nconst f = 1\n```", "code"),
        ("Sort these: b, a", "```\na\nb\n```", "code"),
        ("Tell me about Rome.", "Rome was founded on seven hills. " * 8, "open"),
        ("Расскажи о Москве.", "Москва стоит на семи холмах. " * 8, "open"),
    ],
)
def test_the_form_is_recognised_from_request_and_answer(
    query: str, answer: str, form: Form
) -> None:
    assert finished(asked(query), answer).form == form


def test_json_that_is_demanded_is_structured_whatever_is_asked() -> None:
    request = asked(WORDED, response_format={"type": "json_object"})
    assert finished(request, '{"rolls": 13}').form == "structured"


@pytest.mark.parametrize("form", sorted(shipped()))
def test_shipped_weights_say_where_they_come_from(form: Form) -> None:
    text = pkgutil.get_data("cascadeflow.quality", f"weights/{form}.json")
    assert text is not None
    weights = read(text)
    assert weights.form == form
    assert weights.provenance.rows == sum(weights.provenance.files.values()) > 0
    assert weights.provenance.auroc > 0.5
    assert 0 <= weights.provenance.ece <= weights.provenance.brier**0.5
    assert weights.provenance.date
    assert weights.provenance.validation


def test_there_are_weights_for_the_forms_with_labels_and_none_for_open_text() -> None:
    assert {"tool_call", "no_call", "arithmetic", "choice", "letter", "short"} == set(shipped())
    assert set(shipped()) < set(get_args(Form))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"version": 1}', b"\xff", b'{"good": {"base": "x"}}']
)
def test_a_file_that_holds_no_weights_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigError, match="weights"):
        read(text)


def test_weights_of_another_version_are_refused() -> None:
    text = pkgutil.get_data("cascadeflow.quality", "weights/letter.json")
    assert text is not None
    newer = msgspec.structs.replace(msgspec.json.decode(text, type=Weights), version=99)
    with pytest.raises(ConfigError, match="version is 99"):
        read(msgspec.json.encode(newer))


@pytest.mark.parametrize(
    ("knots", "values"),
    [((), ()), ((0.0,), (1.0,)), ((0.0, 0.0), (1.0, 2.0)), ((1.0, 0.0), (1.0, 2.0)),
     ((0.0, 1.0), (1.0,)), ((0.0, math.inf), (1.0, 2.0)), ((0.0, 1.0), (math.nan, 2.0))],
)  # fmt: skip
def test_a_curve_needs_ascending_finite_knots(
    knots: tuple[float, ...], values: tuple[float, ...]
) -> None:
    with pytest.raises(ConfigError, match="Curve"):
        Curve(knots, values)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_curve_is_flat_outside_of_its_knots(value: float) -> None:
    curve = Curve((0.0, 0.5, 1.0), (-1.0, 2.0, 1.0))
    assert -1.0 <= curve(value) <= 2.0
    if value >= 1:
        assert curve(value) == 1.0


def test_a_feature_that_is_missing_is_zero_and_a_signal_that_is_missing_adds_nothing() -> None:
    line = Curve((0.0, 1.0), (-3.0, 3.0))
    weights = Additive(0.5, {"a": line}, {"b": line})
    assert weights.odds({}) == -2.5
    assert weights.odds({"b": 1.0}) == 0.5
    assert weights.odds({"a": 0.5, "b": 0.5}) == 0.5


def test_a_wrong_equation_lowers_the_probability() -> None:
    wrong = RIGHT.replace("= 26", "= 36").replace("26 /", "36 /").replace("13", "18")
    assert judged(WORDED, wrong).p_good < judged(WORDED, RIGHT).p_good - 0.2
    step = RIGHT.replace("96 - 70 = 26 rolls are left.", "96 - 70 = 28 rolls are left.")
    assert judged(WORDED, step).p_good < judged(WORDED, RIGHT).p_good


def test_a_quantity_that_is_left_out_lowers_the_probability() -> None:
    short = "12 * 8 = 96 rolls.\n96 / 2 = 48 rolls.\nThe answer is 48."
    left_out = judged(WORDED, short)
    assert left_out.evidence["numbers_uncomputed"] > 0
    assert left_out.p_good < judged(WORDED, RIGHT).p_good


def test_quantities_in_words_and_percentages_count_as_used() -> None:
    query = "Half of 80 birds and 25% of 40 frogs leave. How many leave?"
    solution = Solution(query)
    for line in ("80 / 2 = 40", "0.25 * 40 = 10", "80 / 2 = 40"):
        solution.take(equations(line, 9))
    assert solution.left_out() == {
        "numbers_uncomputed": 0.0,
        "operations_short": pytest.approx(1 / 3),
    }


def test_a_number_that_is_chosen_must_be_reached() -> None:
    options = Options("How much is left?\nA. 10\nB. 24.5\nC. 30\nD. 41")
    reached = options.features("49 / 2 is about 24.52. The answer is (B).", "B")
    assert reached["option_unreached"] == 0.0
    guessed = options.features("Half of it, say. The answer is (B).", "B")
    assert guessed["option_unreached"] == 1.0


@given(st.lists(st.floats(-9, 0), min_size=2, max_size=6, unique=True))
def test_the_log_probability_of_a_letter_alone_ranks_letters(values: list[float]) -> None:
    query = CHOICE + "Answer with only the letter."
    ranked = [judged(query, "D", (value,)).p_good for value in sorted(values)]
    assert ranked == sorted(ranked)


def test_without_a_log_probability_a_letter_is_judged_by_the_priors() -> None:
    query = CHOICE + "Answer with only the letter."
    by_hand = TextObserver(asked(query))
    deltas: list[Delta] = [TextDelta("D"), Stop("stop")]
    for delta in deltas:
        by_hand.feed(delta)
    assert judged(query, "D").p_good == by_hand.estimate().p_good
    assert judged(query, "D").benefit is None


@given(st.lists(st.floats(1e-6, 1), min_size=2, max_size=6, unique=True))
def test_a_self_check_ranks_short_answers(opinions: list[float]) -> None:
    ranked: list[float] = []
    for opinion in sorted(opinions):
        observer = finished(asked("Who wrote Faust?"), "Goethe")
        observer.advise(Opinion("self_check", opinion))
        ranked.append(observer.estimate().p_good)
    assert ranked == sorted(ranked)


@pytest.mark.parametrize(
    ("query", "answer", "form"),
    [
        ("Tell me of Rome.", ROME * 3, "short"),
        ("How many hills are there in Rome? Answer in one word.", "Seven", "short"),
        ("What is 12 * 34?", "12 * 34 = 408.", "arithmetic"),
        (WORDED, RIGHT, "arithmetic"),
    ],
)
def test_a_self_check_judges_what_has_no_steps_to_check(
    query: str, answer: str, form: Form
) -> None:
    observer = finished(asked(query), answer)
    observer.advise(Opinion("self_check", 0.9))
    assert observer.form == form


@pytest.mark.parametrize(
    ("query", "answer"), [("Who wrote Faust?", "Goethe."), (WORDED, RIGHT), ("Of Rome?", ROME * 3)]
)
@pytest.mark.parametrize("likely", [SAID[0], 0.9999])
def test_a_model_that_says_its_answer_is_right_does_not_lower_the_estimate(
    query: str, answer: str, likely: float
) -> None:
    observer = finished(asked(query), answer)
    before = observer.estimate().p_good
    observer.advise(Opinion("self_check", likely))
    assert observer.estimate().p_good > before - 0.01
    observer.advise(Opinion("self_check", SAID[1]))
    assert observer.estimate().p_good < before


@pytest.mark.parametrize(("query", "answer"), [(WORDED, RIGHT), ("What is 12 * 34?", "408")])
def test_log_probabilities_as_they_are_usual_change_little(query: str, answer: str) -> None:
    words = len(answer.split())
    usual = (*[-0.01] * (9 * words), *[-0.7] * words)
    assert judged(query, answer, usual).p_good > judged(query, answer).p_good - 0.12


def test_near_certainty_still_ranks_letters() -> None:
    query = CHOICE + "Answer with only the letter."
    ranked = [judged(query, "D", (value,)).p_good for value in (-1e-4, -1e-5, -1e-6, -2e-7)]
    assert ranked == sorted(set(ranked))


def test_an_opinion_may_come_before_or_after_the_estimate() -> None:
    early = TextObserver(asked("Who wrote Faust?"), shipped())
    early.feed(TextDelta("Goethe"))
    early.feed(Stop("stop"))
    early.advise(Opinion("self_check", 0.2))
    late = finished(asked("Who wrote Faust?"), "Goethe")
    late.advise(Opinion("self_check", 0.2))
    assert early.estimate() == late.estimate()
    assert early.estimate().evidence["self_check"] == 0.2


def test_observers_of_both_kinds_take_advice() -> None:
    tool: dict[str, object] = {"name": "get_weather", "parameters": {"type": "object"}}
    for request in (asked("Hi"), asked("Hi", tools=(tool,))):
        observer = default_estimator().observe(request)
        assert isinstance(observer, Advisable)
        observer.feed(Stop("stop"))
        observer.advise(Opinion("model", 0.9))
        assert observer.estimate().evidence["model"] == 0.9


@pytest.mark.parametrize("answer", [RIGHT, "26", "", "I cannot help with that."])
def test_benefit_is_the_lead_of_a_strong_model(answer: str) -> None:
    estimate = judged(WORDED, answer)
    assert estimate.benefit is not None
    assert -1 <= estimate.benefit <= 1
    assert estimate.benefit > 0 or estimate.p_good > 0.5


def test_open_text_has_an_estimate_but_no_opinion_of_the_strong_model() -> None:
    assert judged("Tell me about Rome.", "Rome was founded on hills. " * 8).benefit is None


def test_opinions_count_where_no_weights_were_fitted() -> None:
    ranked: list[float] = []
    for opinion in (0.01, 0.5, 0.99):
        observer = finished(asked("Tell me about Rome."), ROME)
        observer.advise(Opinion("model", opinion))
        ranked.append(observer.estimate().p_good)
    assert ranked[0] < 0.4 < ranked[1] < ranked[2]


def test_the_priors_alone_can_be_asked_for() -> None:
    fitted = default_estimator().observe(asked(WORDED))
    priors = default_estimator(priors=True).observe(asked(WORDED))
    for delta in (TextDelta(RIGHT), Stop("stop")):
        fitted.feed(delta)
        priors.feed(delta)
    assert fitted.estimate().p_good != priors.estimate().p_good
    assert fitted.estimate().evidence == priors.estimate().evidence


@given(st.lists(st.integers(1, 60), max_size=12), st.integers(1, 9))
def test_fitted_estimates_do_not_depend_on_cuts_or_on_how_often_they_are_asked(
    sizes: list[int], every: int
) -> None:
    text = "Let us see.\n" + RIGHT.replace(".", ". So far so good. ") * 4
    observer = TextObserver(asked(WORDED), shipped())
    at = 0
    for count, size in enumerate(sizes):
        observer.feed(TextDelta(text[at : at + size])) if at < len(text) else None
        at += size
        if count % every == 0:
            observer.estimate()
    if at < len(text):
        observer.feed(TextDelta(text[at:]))
    observer.feed(Stop("stop"))
    assert observer.estimate() == judged(WORDED, text)


def test_a_false_result_of_a_plain_calculation_is_rejected_however_it_is_worded() -> None:
    for draft in ("12 * 34 = 508, so the answer is 508.", "508", "The answer is **508**."):
        assert judged("What is 12 * 34?", draft).p_good < 0.2
    for draft in ("12 * 34 = 408, so the answer is 408.", "408", "The answer is **408**."):
        assert judged("What is 12 * 34?", draft).p_good >= 0.6
