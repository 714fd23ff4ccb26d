"""The simulated models themselves: determinism, rates of error, log-probabilities, form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow import ModelConfig
from cascadeflow.judges import JudgeModel, SelfCheck
from cascadeflow.providers.simulated import KINDS, Question, generate, is_small
from cascadeflow.providers.simulated.mistakes import REFUSAL
from cascadeflow.providers.simulated.model import LONGEST_ANSWER, answer
from cascadeflow.providers.simulated.questions import SKILLS, Kind
from cascadeflow.providers.simulated.tokens import LONGEST, tokens
from cascadeflow.providers.simulated.wire import Reply, read
from cascadeflow.types import Request, Stop, TextDelta

SMALL, LARGE = "gpt-4o-mini", "gpt-4o"


def ask(model: str, text: str, *, server_seed: int = 0, system: str = "", **fields: Any) -> Reply:
    messages = [{"role": "user", "content": text}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    body = {"model": model, "messages": messages, **fields}
    return answer(read(json.dumps(body).encode()), server_seed)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return generate(seed=3, n=100)


@pytest.mark.parametrize(
    "name",
    ["gpt-4o-mini", "claude-3-HAIKU", "llama-3.1-8b", "gpt-4.1-nano", "mistral-small",
     "gemini-2.0-flash", "gpt-3.5-turbo", "x-lite"],
)  # fmt: skip
def test_names_of_small_models_map_to_the_small_one(name: str) -> None:
    assert is_small(name)


@pytest.mark.parametrize("name", ["gpt-4o", "gemini-1.5-pro", "llama-3.1-70b", "qwen-48b", "elite"])
def test_other_names_and_lookalikes_map_to_the_large_one(name: str) -> None:
    assert not is_small(name)


def wrong_by_kind(model: str, temperature: float) -> Iterator[tuple[Kind, float, int]]:
    asked = generate(seed=11, n=len(KINDS) * 30)
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


@pytest.mark.parametrize(("model", "temperature"), [(SMALL, 0.0), (SMALL, 1.0), (LARGE, 0.0)])
def test_a_model_errs_at_the_documented_rate_of_each_kind(model: str, temperature: float) -> None:
    for kind, share, n in wrong_by_kind(model, temperature):
        documented = SKILLS[kind].small if model == SMALL else SKILLS[kind].large
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
                lowest[question.check(reply.text)].append(
                    min(logprob for _, logprob in reply.tokens)
                )
    pairs = [right > wrong for right in lowest[True] for wrong in lowest[False]]
    assert 0.65 < sum(pairs) / len(pairs) < 0.97


def test_some_wrong_arithmetic_shows_a_wrong_equation_and_some_does_not() -> None:
    holds: list[bool] = []
    for question in generate(seed=21, n=len(KINDS) * 60)[len(KINDS) - 1 :: len(KINDS)]:
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
            left, op, right, _, value = words[place - 3 : place + 2]
            found.append((float(left), op, float(right), float(value.rstrip("."))))
    return found


def _holds(equation: tuple[float, str, float, float]) -> bool:
    left, op, right, value = equation
    results = {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}
    return abs(results[op] - value) < 1e-3


@given(st.text(max_size=200))
def test_tokens_lose_nothing_and_are_short(text: str) -> None:
    pieces = tokens(text)
    assert "".join(pieces) == text
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


def test_an_open_question_has_a_better_answer_by_the_large_model() -> None:
    for text in ("What is Python?", "Explain AI", "Hello!", "Why is the sky blue?"):
        assert len(ask(LARGE, text).text) > 2 * len(ask(SMALL, text).text)


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
    counted = len(tokens("Answer with one word."))
    assert brief.prompt_tokens == plain.prompt_tokens + 4 + counted


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


def beliefs(judged: SelfCheck | JudgeModel, model: str) -> tuple[list[float], list[float]]:
    """What the model thinks of right drafts and of wrong ones, as the judge reads its replies."""
    found: tuple[list[float], list[float]] = ([], [])
    for question in generate(seed=6, n=60):
        for draft in (f"The answer is {question.answer}.", "The answer is 1234567."):
            request = Request(messages=({"role": "user", "content": question.text},))
            (asked,) = judged.inquiries(request, draft)
            body = {"model": model, "messages": asked.messages, "temperature": 0}
            said = answer(read(json.dumps(body).encode()))
            deltas = [TextDelta(text, logprobs=(logprob,)) for text, logprob in said.tokens]
            opinion = judged.opinion(request, draft, [[*deltas, Stop("stop")]])
            assert opinion is not None
            found[draft != f"The answer is {question.answer}."].append(opinion.p_good)
    return found


@pytest.mark.parametrize("scale", ["self", "grade", "yes_no"])
@pytest.mark.parametrize("model", [SMALL, LARGE])
def test_a_model_asked_about_an_answer_tells_right_from_wrong_better_than_chance(
    scale: str, model: str
) -> None:
    other = ModelConfig("judge", "simulated")
    judges: dict[str, SelfCheck | JudgeModel] = {
        "self": SelfCheck(),
        "grade": JudgeModel(model=other),
        "yes_no": JudgeModel(model=other, scale="yes_no"),
    }
    right, wrong = beliefs(judges[scale], model)
    pairs = [(one > other) + 0.5 * (one == other) for one in right for other in wrong]
    assert sum(pairs) / len(pairs) > (0.7 if model == SMALL else 0.9)
