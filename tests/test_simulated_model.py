"""The simulated models themselves: determinism, rates of error, log-probabilities, form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.providers.simulated import KINDS, Question, generate, is_small
from cascadeflow.providers.simulated.knowledge import entries
from cascadeflow.providers.simulated.mistakes import RATES
from cascadeflow.providers.simulated.model import LONGEST_ANSWER, Reply, answer
from cascadeflow.providers.simulated.phrasing import REFUSAL
from cascadeflow.providers.simulated.tokens import LONGEST, count, tokens
from cascadeflow.providers.simulated.wire import read

SMALL, LARGE = "gpt-4o-mini", "gpt-4o"


def ask(model: str, text: str, *, server_seed: int = 0, system: str = "", **fields: Any) -> Reply:
    messages = [{"role": "user", "content": text}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    body = {"model": model, "messages": messages, **fields}
    return answer(read(json.dumps(body).encode()), server_seed)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return generate(seed=3, n=105)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o-mini",
        "claude-3-HAIKU",
        "llama-3.1-8b",
        "gpt-4.1-nano",
        "mistral-small",
        "gemini-2.0-flash",
        "gpt-3.5-turbo",
        "x-lite",
    ],
)
def test_names_of_small_models_map_to_the_small_one(name: str) -> None:
    assert is_small(name)


@pytest.mark.parametrize("name", ["gpt-4o", "gemini-1.5-pro", "llama-3.1-70b", "qwen-48b", "elite"])
def test_other_names_and_lookalikes_map_to_the_large_one(name: str) -> None:
    assert not is_small(name)


def wrong_by_kind(model: str, temperature: float) -> Iterator[tuple[str, float, int]]:
    asked = generate(seed=11, n=7 * 25)
    for kind in KINDS:
        checks = [
            question.check(
                ask(model, question.text, server_seed=seed, temperature=temperature, seed=seed).text
            )
            for question in asked
            if question.kind == kind
            for seed in range(8)
        ]
        yield kind, 1 - sum(checks) / len(checks), len(checks)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_small_model_errs_at_the_documented_rate_of_each_kind(temperature: float) -> None:
    for kind, share, n in wrong_by_kind(SMALL, temperature):
        documented = next(rates.small for name, rates in RATES.items() if name == kind)
        error = (documented * (1 - documented) / n) ** 0.5
        assert abs(share - documented) < 4 * error, (kind, share, documented)


def test_large_model_errs_rarely() -> None:
    for kind, share, n in wrong_by_kind(LARGE, 0.0):
        documented = next(rates.large for name, rates in RATES.items() if name == kind)
        error = (documented * (1 - documented) / n) ** 0.5
        assert abs(share - documented) < 4 * error, (kind, share, documented)


def test_same_request_gives_the_same_answer_with_the_same_log_probabilities() -> None:
    for question in generate(seed=5, n=14):
        first = ask(SMALL, question.text, temperature=0.7, seed=9)
        assert first == ask(SMALL, question.text, temperature=0.7, seed=9)


def test_temperature_zero_is_greedy_whatever_the_seed() -> None:
    for question in generate(seed=5, n=14):
        answers = {ask(SMALL, question.text, temperature=0, seed=seed).text for seed in range(5)}
        assert len(answers) == 1


def test_temperature_above_zero_varies_the_wording_with_the_seed() -> None:
    text = "What is 17 * 23 + 4?"
    answers = {ask(LARGE, text, temperature=1.0, seed=seed).text for seed in range(20)}
    assert len(answers) > 1


def test_server_seed_changes_which_questions_go_wrong(questions: list[Question]) -> None:
    def results(seed: int) -> list[bool]:
        return [
            q.check(ask(SMALL, q.text, server_seed=seed, temperature=0).text) for q in questions
        ]

    assert results(1) != results(2)


def test_answer_tokens_of_wrong_answers_are_less_probable_but_not_always(
    questions: list[Question],
) -> None:
    lowest: dict[bool, list[float]] = {True: [], False: []}
    for question in questions:
        for seed in range(4):
            reply = ask(SMALL, question.text, server_seed=seed, temperature=0)
            if reply.text != REFUSAL and reply.finish_reason == "stop":
                lowest[question.check(reply.text)].append(min(t.logprob for t in reply.tokens))
    pairs = [right > wrong for right in lowest[True] for wrong in lowest[False]]
    assert 0.65 < sum(pairs) / len(pairs) < 0.97


def test_some_wrong_arithmetic_shows_a_wrong_equation_and_some_does_not() -> None:
    holds: list[bool] = []
    for question in generate(seed=21, n=7 * 60)[::7]:
        text = ask(SMALL, question.text, temperature=0).text
        if not question.check(text) and "=" in text:
            holds.append(all(_holds(line) for line in _equations(text)))
    assert True in holds
    assert False in holds


def _equations(text: str) -> list[tuple[float, str, float, float]]:
    words = text.replace("?", " ").split()
    found: list[tuple[float, str, float, float]] = []
    for place, word in enumerate(words):
        if word == "=":
            left, op, right, value = (
                words[place - 3],
                words[place - 2],
                words[place - 1],
                words[place + 1],
            )
            found.append((float(left), op, float(right), float(value.rstrip("."))))
    return found


def _holds(equation: tuple[float, str, float, float]) -> bool:
    left, op, right, value = equation
    results = {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}
    return abs(results[op] - value) < 1e-3


def test_each_token_is_among_its_alternatives_most_likely_first() -> None:
    for token in ask(SMALL, "What is 12 * 34?", temperature=0).tokens:
        values = [logprob for _, logprob in token.others]
        assert token.others[0] == (token.text, token.logprob)
        assert values == sorted(values, reverse=True)
        assert len({text for text, _ in token.others}) == 6
        assert all(logprob <= 0 for logprob in values)


@given(st.text(max_size=200))
def test_tokens_lose_nothing_and_are_short(text: str) -> None:
    pieces = tokens(text)
    assert "".join(pieces) == text
    assert count(text) == len(pieces)
    words = [piece for piece in pieces if piece.strip().isalpha()]
    assert all(len(piece) <= LONGEST for piece in words)


def test_words_carry_their_leading_space() -> None:
    assert tokens("The answer is 1234.") == ["The", " answer", " is", " ", "123", "4", "."]


def test_max_tokens_cuts_with_length() -> None:
    reply = ask(LARGE, "What is Python?", max_tokens=7)
    assert (len(reply.tokens), reply.finish_reason, reply.completion_tokens) == (7, "length", 7)
    assert ask(LARGE, "What is Python?").text.startswith(reply.text)
    assert ask(LARGE, "What is Python?", max_completion_tokens=3).completion_tokens == 3


def test_stop_sequence_cuts_before_it_even_within_a_token() -> None:
    whole = ask(LARGE, "What is Python?").text
    reply = ask(LARGE, "What is Python?", stop=["gramming", "never"])
    assert reply.text == whole.partition("gramming")[0]
    assert reply.finish_reason == "stop"


def test_model_named_refuse_always_refuses() -> None:
    assert ask("refuse-mini", "What is 2 + 2?").text == REFUSAL


def test_every_open_question_has_a_better_answer_by_the_large_model() -> None:
    assert len(entries()) >= 40
    for entry in entries():
        for way in entry.asks:
            assert ask(LARGE, way).text == entry.large, way
            assert entry.small in ask(SMALL, way).text


def test_unknown_prompts_get_an_honest_answer_about_them() -> None:
    small = ask(SMALL, "Summarise the plot of Zorblax the Unready").text
    large = ask(LARGE, "Summarise the plot of Zorblax the Unready").text
    assert "Zorblax" in small
    assert "Zorblax" in large
    assert len(large) > 2 * len(small)


def test_system_prompt_shapes_the_answer_and_is_counted() -> None:
    plain = ask(LARGE, "What is 12 * 34?")
    brief = ask(LARGE, "What is 12 * 34?", system="Answer with one word.")
    assert brief.text == "408"
    assert brief.prompt_tokens == plain.prompt_tokens + 4 + count("Answer with one word.")
    loud = ask(LARGE, "What is Python?", system="Reply in upper case.")
    assert loud.text == loud.text.upper()
    short = ask(LARGE, "What is Python?", system="Use one sentence.")
    assert short.text.count(".") == 1


def test_json_format_and_schema_are_obeyed() -> None:
    reply = ask(LARGE, "What is 12 * 34?", response_format={"type": "json_object"})
    assert "408" in json.loads(reply.text)["answer"]
    schema = {
        "type": "object",
        "properties": {"result": {"type": "integer"}, "unit": {"enum": ["km", "m"]}},
    }
    wrapped = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    reply = ask(LARGE, "What is 12 * 34?", response_format=wrapped)
    assert json.loads(reply.text) == {"result": 408, "unit": "km"}


def test_no_answer_is_longer_than_the_limit_of_the_model() -> None:
    for question in generate(seed=2, n=70):
        assert len(ask(SMALL, question.text).tokens) <= LONGEST_ANSWER


@given(st.text(max_size=300))
def test_any_prompt_gets_an_answer(text: str) -> None:
    assert ask(SMALL, text).text
