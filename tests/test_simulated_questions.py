"""Questions of the simulated models: computed answers against independent oracles, and `check`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.providers.simulated import KINDS, generate
from cascadeflow.providers.simulated.mistakes import REFUSAL
from cascadeflow.providers.simulated.questions import understand
from cascadeflow.providers.simulated.solution import Solution
from cascadeflow.providers.simulated.tokens import dice


def solved(text: str) -> Solution:
    found = understand(text, dice(text))
    assert found is not None, text
    return found[1]


def answer(text: str) -> str:
    return solved(text).right.answer


def test_equal_seeds_give_equal_questions_of_all_kinds() -> None:
    first, second = generate(4, 20), generate(4, 20)
    assert [(q.text, q.answer) for q in first] == [(q.text, q.answer) for q in second]
    assert {q.kind for q in first} == set(KINDS)
    assert [q.text for q in first] != [q.text for q in generate(5, 20)]
    assert [q.text for q in generate(4, 7)] == [q.text for q in first[:7]]


def test_negative_number_of_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="n is -1"):
        generate(0, -1)


WORDINGS = ("{}", "The answer is {}.", "Let me think. So the answer is: {}", "I get **{}**")


def test_check_accepts_the_right_answer_in_many_wordings() -> None:
    for question in generate(8, 100):
        for wording in WORDINGS:
            assert question.check(wording.format(question.answer)), (question, wording)


def test_check_rejects_every_slip_refusals_and_nothing() -> None:
    for question in generate(8, 150):
        for slip in solved(question.text).slips:
            assert not question.check(f"{' '.join(slip.lines)} The answer is {slip.answer}.")
        assert not question.check(REFUSAL)
        assert not question.check("")


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 1,560.",
        "49*26 = 1274, so 1274 + 286 = 1560",
        r"\boxed{1560}",
        "#### 1560",
        "The answer: 1274 + 286 = 1560 apples",
    ],
)
def test_check_finds_the_number_where_it_is_stated(text: str) -> None:
    question = solved("What is 49 * 26 + 286?")
    assert question.accepts(text)
    assert not question.accepts(text.replace("1560", "1580").replace("1,560", "1,580"))


@given(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_sums_are_right(a: int, b: int, c: int) -> None:
    assert answer(f"What is {a} + {b} * {c}?") == str(a + b * c)
    assert answer(f"what's {a} times {b} minus {c}") == str(a * b - c)


@given(st.integers(2, 90), st.integers(2, 90), st.integers(2, 90), st.integers(2, 90))
def test_stories_are_right(a: int, b: int, c: int, d: int) -> None:
    story = (
        f"Ana has {a} apples. Ana buys {b} boxes with {c} apples each and gives {d} apples away. "
        "How many apples does Ana have now?"
    )
    assert answer(story) == str(a + b * c - d)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Convert 10 miles to kilometres.", "16.0934"),
        ("How many grams are in 2 kg?", "2000"),
        ("what is 3 feet in inches?", "36"),
        ("Convert 100 degrees Celsius to degrees Fahrenheit.", "212"),
        ("Convert 212 fahrenheit to celsius", "100"),
        ("How many minutes are there in 3 hours?", "180"),
    ],
)
def test_units_are_right(text: str, expected: str) -> None:
    assert answer(text) == expected


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=9))
def test_lists_are_right(values: list[int]) -> None:
    shown = ", ".join(map(str, values))
    assert answer(f"What is the largest of these numbers: {shown}?") == str(max(values))
    assert answer(f"Which of these is the smallest? {shown}") == str(min(values))
    assert answer(f"What is the sum of these numbers: {shown}?") == str(sum(values))


@given(st.from_regex(r"[a-z]{2,12}", fullmatch=True))
def test_letters_are_counted_right(word: str) -> None:
    assert answer(f'How many vowels are in "{word}"?') == str(sum(c in "aeiou" for c in word))
    assert answer(f"How many {word[0]}'s are in {word}?") == str(word.count(word[0]))


def test_capitals_are_known() -> None:
    assert answer("What is the capital of France?") == "Paris"
    assert answer("what's the capital city of new zealand") == "Wellington"


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "",
        "1/0",
        "What is 1 / 0?",
        "2024-05-06",
        "Convert 3 kg to metres",
        "What is 2 ** 99999999?",
        "how many " * 9000,
    ],
)
def test_what_is_no_question_with_a_known_answer_is_not_understood(text: str) -> None:
    assert understand(text, dice(text)) is None


@given(st.text(max_size=300))
def test_check_survives_any_text(text: str) -> None:
    for question in QUESTIONS:
        question.check(text)


QUESTIONS = generate(1, 10)
