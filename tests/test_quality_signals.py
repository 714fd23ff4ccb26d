"""The single signals: arithmetic, language, loops, endings, echoes, choices, complexity."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.quality import combine, refusal
from cascadeflow.quality.additive import BOUNDS
from cascadeflow.quality.arithmetic import Arithmetic
from cascadeflow.quality.choices import chosen, options
from cascadeflow.quality.complexity import measure, score
from cascadeflow.quality.endings import unfinished
from cascadeflow.quality.equations import equations
from cascadeflow.quality.language import Profile, off_language
from cascadeflow.quality.logprobs import Logprobs
from cascadeflow.quality.quantity import asks_for_a_count, asks_for_a_number, bare_expression
from cascadeflow.quality.rational import evaluate
from cascadeflow.quality.repetition import Repetition
from cascadeflow.quality.wording import is_echo


def verdicts(line: str) -> list[str]:
    return [equation.verdict for equation in equations(line, 20)]


@pytest.mark.parametrize(
    "line",
    [
        "2 + 3 = 5",
        "She has 16 - 3 = 13 eggs left.",
        "- 4 boxes: 4 * 12 = 48",
        "1. 16 - 3 = 13",
        "80,000 + 50,000 = $130,000",
        "1.234,50 + 1,50 = 1.236,00",
        "10 / 4 = 2.5",
        "10 / 3 = 3.33",
        "10 / 3 ≈ 3.333",
        "2/2 * 1/2 = 1/2 bolt",
        "25% of 80 = 20",
        "20% * 50 = 10",
        "100 - 20% = 80",
        "0.2 * 3 = 60%",
        "5 × 6 = 30",
        "5 x $6 = $30",
        "3 ^ 2 = 9",
        "-3 + 5 = 2",
        "2(3 + 4) = 14",
        r"\[ \frac{1}{4} \times 20 = 5 \text{ dollars} \]",
        r"3 \text{ ounces/day} \times 7 \text{ days} = 21 \text{ ounces}",
        "10 pounds / 5 bags = 2 pounds",
        "9 * $2 = $<<9*2=18>>18",
        "999999999999999 ^ 5 * 16 / 999999999999997 ^ 5 = 16.0",
    ],
)
def test_true_equations_are_confirmed(line: str) -> None:
    assert set(verdicts(line)) == {"right"}


@pytest.mark.parametrize(
    "line", ["2 + 3 = 6", "12 * 7 = 86", "10 / 4 = 3.5", "80,000 + 5 = 80,050", "5 x 6 = 31 dogs"]
)
def test_false_equations_are_found(line: str) -> None:
    assert verdicts(line) == ["wrong"]


@pytest.mark.parametrize(
    "line",
    [
        "x = 5",
        "2x + 3 = 10",
        "3n + 2n - 2 + 4 = 5n + 2",
        "5(1) + $7c = $26",
        "total = price * 3",
        "a == b",
        "3 + 4 <= 9",
        "3 + 4 => 7",
        "2 * 3 = 6 million",
        "4 = four",
        "1 / 0 = 5",
        "9" * 40 + " + 1 = 5",
        "2 ^ 9999 = 1",
        "((((((((((1)))))))))) + 1 = 3",
        "=" * 50,
        "",
    ],
)
def test_what_is_not_understood_is_passed_over(line: str) -> None:
    assert "wrong" not in verdicts(line)


def test_chains_are_verified_link_by_link() -> None:
    assert verdicts("40 / 2 + 5 = 20 + 5 = 25") == ["right", "right"]
    assert verdicts("2 * 2 + 8 = 6 + 8 = 14") == ["wrong", "right"]
    assert verdicts("10 / 2 = 5 + 3 = 8") == ["right", "right"]
    assert verdicts("7 * 4 - 2 = 3 * (4 - y)") == []
    assert verdicts("2 * 3 = 6\n")[0] == "right"
    assert verdicts("5 * 4 = 20 = 20") == ["right"]


LEAVES = st.integers(0, 999).map(str)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=7,
)


@given(EXPRESSIONS)
def test_evaluation_is_exact(text: str) -> None:
    expected = Fraction(eval(text))
    assert evaluate(text) == (expected.numerator, expected.denominator)


@given(st.text(alphabet="0123456789.,+-*/^()% x", max_size=60))
def test_evaluation_of_anything_gives_a_fraction_or_a_value_error(text: str) -> None:
    try:
        _, bottom = evaluate(text)
    except ValueError:
        return
    assert bottom > 0


@given(st.text(max_size=120))
def test_equations_in_anything_raise_nothing(line: str) -> None:
    assert len(equations(line, 5)) <= 5


QUERY = "Ann has 3 bags with 12 nuts each and eats 6 nuts. How many nuts are left?"


def final(answer: str, query: str = QUERY) -> dict[str, float]:
    arithmetic = Arithmetic(query)
    arithmetic.take(answer)
    found = arithmetic.features() | arithmetic.final(answer, brief=False)
    return {name: value for name, value in found.items() if value}


def test_the_right_solution_has_nothing_odd() -> None:
    clean = final("3 * 12 = 36 nuts.\n36 - 6 = 30 nuts.\nThe answer is 30.")
    assert set(clean) == {"equations_right", "steps", "relations"}


@pytest.mark.parametrize(
    ("answer", "oddity"),
    [
        ("3 * 12 = 36 nuts.\n36 - 6 = 30.\nThe answer is 31.", "final_number_not_last"),
        ("3 * 12 = 36 nuts.\n6 / 4 = 1.5\nSo 1.5 are left.", "final_number_no_count"),
        ("3 - 12 = -9. The answer is -9.", "final_number_no_count"),
        ("3 * 12 = 36 nuts are left: 36", "numbers_unused"),
        ("3 * 12 = 36\n12 + 6 = 18\nThe answer is 18", "results_unused"),
        ("There are 30 nuts.", "steps_missing"),
        ("Some are left.", "final_number_missing"),
    ],
)
def test_oddities_of_the_solution_are_named(answer: str, oddity: str) -> None:
    assert final(answer)[oddity] > 0


def test_calculations_are_recognised_in_several_languages() -> None:
    assert asks_for_a_number("What is 12 * 7?")
    assert asks_for_a_number(QUERY)
    assert asks_for_a_number("There are 9 eggs. How many does Mrs. Hill keep if she sells 4?")
    assert asks_for_a_number(f"Question: {QUERY}\nAnswer:")
    assert asks_for_a_number("Anna hat 3 Äpfel und kauft 4. Wie viele Äpfel hat sie?")
    assert asks_for_a_number("Marie a 3 pommes et en achète 4. Combien de pommes a-t-elle ?")
    assert asks_for_a_number("小明有3个苹果，又买了4个。他有多少个苹果？")
    assert not asks_for_a_number("Which plan, of 1947-1951, helped Europe recover after the war?")
    assert not asks_for_a_number("List 3 of the 7 wonders as a table with a number.")
    assert not asks_for_a_number("How many people live in Oslo?")


def test_counts_are_told_from_measures() -> None:
    assert asks_for_a_count("How many eggs are left?")
    assert not asks_for_a_count("How many hours did he work?")
    assert bare_expression("Compute (3 + 4) * 2") == "(3 + 4) * 2"


def test_numbers_in_words_count_as_a_final_number() -> None:
    assert "final_number_missing" not in final("Only one nut is left.")


@pytest.mark.parametrize(
    ("question", "answer", "off"),
    [
        (
            "Why is the sky blue?",
            "Небо голубое из-за рассеяния света в атмосфере Земли, вот так",
            True,
        ),
        (
            "Was bedeutet Привет?",
            "Привет означает приветствие между людьми, которые знакомы",
            False,
        ),
        (
            "天空为什么是蓝色的？",
            "因为空气分子对短波长光的散射更强，所以天空看起来是蓝色的。" * 2,
            False,
        ),
        (
            "なぜ空は青いのですか？",
            "空気の分子が短い波長の光を強く散乱するからです。だから空は青く見えます。" * 2,
            False,
        ),
        ("Name a poet", "Goethe", False),
    ],
)
def test_the_script_of_an_answer_is_compared_with_the_question(
    question: str, answer: str, off: bool
) -> None:
    assert bool(off_language(Profile(question), Profile(answer))) is off


@pytest.mark.parametrize(
    "text",
    [
        "-" * 200,
        "| a | b |\n|---|---|\n" + "".join(f"| {i} | {i * i} |\n" for i in range(40)),
        "".join(
            f"{i}. item number {i * 7 % 13} of the list is called {chr(97 + i)}\n"
            for i in range(20)
        ),
        "\n".join(["La la la, sing with me tonight", "under the old apple tree"] * 2),
        "Ha ha ha! " * 3,
        "",
    ],
)
def test_tables_rules_lists_and_refrains_are_no_loops(text: str) -> None:
    repetition = Repetition()
    repetition.take(text, code=False)
    assert repetition.share() == 0.0


def test_code_may_repeat_itself_more_than_prose() -> None:
    zeros = "[0, 0, 0, 0, 0, 0],\n" * 12
    prose, code = Repetition(), Repetition()
    prose.take(zeros, code=False)
    code.take(zeros, code=True)
    assert (prose.share(), code.share()) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("Here is the list:", True),
        ("The main reasons are cost, speed and", True),
        ("It is true. The second reason why this happens is that the light of the sun gets", True),
        ("It is true. That is all.", False),
        ("- one\n- two", False),
        ("Title\n\nverse without a stop", False),
        ("```\ncode\n```", False),
        ("天空是蓝色的。", False),
        ("Paris", False),
        ("See https://example.org/a", False),
    ],
)
def test_endings_that_break_off_are_told_from_whole_ones(text: str, broken: bool) -> None:
    assert bool(unfinished(text, len(text))) is broken


def test_an_echo_is_the_question_and_little_more() -> None:
    query = "Context: the sky.\nWhy is the sky blue at noon?"
    assert is_echo(query, "why is the sky blue at noon")
    assert is_echo(query, query)
    assert not is_echo(query, "Why is the sky blue at noon? Because blue light is scattered most.")
    assert not is_echo("Oslo?", "Oslo")
    assert is_echo("天空为什么是蓝色的？", "天空为什么是蓝色的？")


def test_options_and_the_chosen_letter_are_read() -> None:
    assert options("Which?\nA) one\nB) two\nC) three") == "ABC"
    assert options("Which?\n(A) one\n(B) two") == "AB"
    assert options("A. is a letter") == ""
    assert chosen("B") == chosen("(B)") == chosen("B. two") == ["B"]
    assert chosen("So the answer is (C).") == chosen("**Answer: C**") == ["C"]
    assert chosen(r"\boxed{\text{C}}") == chosen("Die Antwort ist C.") == ["C"]
    assert chosen("The correct option is A") == ["A"]
    assert chosen("The answer is a matter of taste.") == []
    assert chosen("A whale is no fish.") == []


def test_refusals_fade_with_what_follows() -> None:
    assert refusal.strength("flat", 100) == 1.0
    assert refusal.strength("flat", 5_000) == 0.5
    assert refusal.strength("soft", 5_000) == 0.0
    assert refusal.kind("I can't help but admire Rome. It is a city of art.") == "none"
    assert refusal.kind("Magnets attract iron. As an AI, I find that neat.") == "soft"


@pytest.mark.parametrize(
    "marks",
    ["{}", "\U0001f600 {}", "\u26a0\ufe0f\n\n{}", "**{}**", "> *{}*", "## {}", '"{}"', "“{}”\n",
     "'{}'", "`{}`", "...{}", "\U0001f64f\U0001f3fd \"{}\""],
)  # fmt: skip
def test_a_refusal_is_seen_behind_emoji_quotation_marks_and_markdown(marks: str) -> None:
    assert refusal.kind(marks.format("I'm sorry, but I can't help with that.")) == "flat"
    long = "I’m sorry, but I cannot help with this. " + "It would harm people near you. " * 7
    assert refusal.kind(marks.format(long.strip())) == "flat"


def test_speech_within_an_answer_is_no_refusal() -> None:
    assert refusal.kind('"I cannot help you," said the king, and left.') == "none"
    assert refusal.kind("- I can't help with that.\n- Why not?") == "none"
    assert refusal.kind("“I can't help with that.” He turned. “Ask my brother.”") == "none"


def test_quantiles_are_low_and_the_minimum_of_a_few() -> None:
    few, many = Logprobs(), Logprobs()
    few.take((-0.1, -2.0, -0.3))
    many.take([-0.01 * i for i in range(100)])
    told = few.features(finished=True)
    assert told["logprob_low_quantile"] == told["logprob_min"] == -2.0
    assert many.features(finished=True)["logprob_low_quantile"] == pytest.approx(-0.89)
    assert Logprobs().features(finished=True) == {}


def test_complexity_is_ordered_and_language_independent() -> None:
    assert measure("What is the capital of France?") == measure("法国的首都是哪里？") == "simple"
    assert (
        measure("Write a Python function that merges two sorted lists, with tests.") == "moderate"
    )
    hard = (
        "Design a rate limiter, analyze its trade-offs and implement the core algorithm in Python."
    )
    assert measure(hard) == "complex"
    assert score("") < score("Why?" * 10) < score("Why?" * 1_000) <= 1


@given(st.text(max_size=500))
def test_complexity_of_anything_is_in_the_unit_interval(query: str) -> None:
    assert 0 <= score(query) <= 1


KNOWN = sorted({"complexity", *combine.FATAL, *combine.SERIOUS, *combine.WEAK})


@given(st.dictionaries(st.sampled_from(KNOWN), st.floats(0, 1)), st.booleans())
def test_probabilities_stay_inside_their_bounds(features: dict[str, float], finished: bool) -> None:
    p = combine.probability(features, finished=finished)
    assert BOUNDS[0] <= p <= BOUNDS[1]
    assert finished or combine.decisive(features) or p >= combine.LEAST_UNDECIDED
