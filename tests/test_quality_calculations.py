"""How the quantities of a question are read, and how a solution makes use of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.quality.arithmetic import Arithmetic
from cascadeflow.quality.choices import Options
from cascadeflow.quality.flow import operands
from cascadeflow.quality.quantity import asks_for_a_number, quantities, sentences, wording
from cascadeflow.quality.rational import Rational

OPTIONS = ("a tax on trade", "a tax on land that is owned", "a gift")


def leaning(texts: tuple[str, ...], letter: str, body: str) -> dict[str, float]:
    offered = (f"{chr(ord('A') + at)}. {text}" for at, text in enumerate(texts))
    return Options("\n".join(("Which one?", *offered))).features(body, letter)


def found(query: str, answer: str) -> dict[str, float]:
    arithmetic = Arithmetic(query)
    arithmetic.take(answer)
    features = arithmetic.features() | arithmetic.final(answer, brief=False)
    return {name: value for name, value in features.items() if value}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("forty-two eggs and a dozen", [(42, 1), (12, 1)]),
        ("two-thirds of 1,500 are sold", [(2, 3), (1500, 1)]),
        ("a quarter of it; 8 quarters", [(1, 4), (8, 1)]),
        ("20% and 3/4 and .5", [(20, 1), (3, 4), (1, 2)]),
        ("half as many, twice", [(1, 2), (2, 1)]),
        ("1/0 of 1.2.3", []),
        ("", []),
    ],
)
def test_quantities_are_read_in_digits_and_in_words(text: str, values: list[Rational]) -> None:
    assert quantities(text) == values


@given(st.text(alphabet="19 .,%/-?half twodz\n", max_size=60))
def test_quantities_of_anything_raise_nothing(text: str) -> None:
    assert all(bottom > 0 for _, bottom in quantities(text))


def test_a_point_within_a_number_ends_no_sentence() -> None:
    assert sentences("It costs $1.50. How much?") == ["It costs $1.50.", "How much?"]
    assert asks_for_a_number("He paid $50. How many pens did he buy at $8.50?")


def test_every_result_is_used_once_even_if_the_question_names_the_same_number() -> None:
    query = "Food costs $25 a week and treats cost $100 a month. How much is that in 4 weeks?"
    assert "results_loose" not in found(query, "25 * 4 = 100\n100 + 100 = 200\n#### 200")
    assert "results_loose" in found(query, "25 * 4 = 100\n100 * 2 = 200\n#### 200")


def test_a_quantity_that_is_subtracted_again_and_again_is_found() -> None:
    query = "Ann has 20 eggs, Bob 30. Of all eggs 5 broke. How many are whole?"
    assert "operand_repeated" in found(query, "20 - 5 = 15\n30 - 5 = 25\n15 + 25 = 40\n#### 40")
    assert "operand_repeated" not in found(query, "20 + 30 = 50\n50 - 5 = 45\n#### 45")


@pytest.mark.parametrize(
    "answer",
    [
        "Total = A + B\nTotal = 400 + 900\nTotal = 1200",
        "Total\n= 400 + 900\n= 1200",
        r"\[ x = 400 + 900 \]" "\n" r"\[ x = 1200 \]",
        r"It is \( 400 + 900 = 1200 \).",
        "400 (at noon) + 900 (at night) = 1200",
    ],
)
def test_a_calculation_over_several_lines_is_verified(answer: str) -> None:
    assert found("How much are 400 and 900 together?", answer)["equations_wrong"] > 0
    right = answer.replace("1200", "1300")
    assert "equations_wrong" not in found("How much are 400 and 900 together?", right)


def test_the_wording_tells_what_is_hard() -> None:
    named = wording("Once Ann was 9. How old will she be in 4 years if she waits?")
    assert named == {
        "asks_backwards": 0.0, "asks_other_time": 1.0, "asks_on_condition": 1.0, "names": 0.2,
    }  # fmt: skip
    assert wording("How much had she at first?")["asks_backwards"] == 1.0
    assert not any(wording("").values())


def test_operands_come_with_their_operators() -> None:
    assert operands("2*(3 + 4)") == [((2, 1), ""), ((3, 1), "*"), ((4, 1), "+")]


def test_the_longest_option_and_a_doubt_are_noted() -> None:
    body = "Whoever owned land paid this tax on land that is owned, however small."
    own, other = leaning(OPTIONS, "B", body), leaning(OPTIONS, "C", body)
    assert own["option_longest"] == 1.0 > other["option_longest"]
    assert own["however"] == 0.5
    assert "option_longest" not in leaning(OPTIONS, "D", body)


def test_the_extreme_number_among_options_is_noted() -> None:
    numbers = ("10", "20", "30")
    assert leaning(numbers, "C", "")["option_extreme"] == 1.0
    assert leaning(numbers, "B", "")["option_extreme"] == 0.0


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_leans_lies_between_0_and_1(option: str, body: str) -> None:
    features = leaning((option, body), "A", body)
    assert all(0 <= value <= 1 for value in features.values())
