"""The judge of text answers: what it accepts, what it gives up on, and that it only sees text."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cascadeflow.quality
from cascadeflow.core.policy import Estimator, Observer, ThresholdPolicy
from cascadeflow.quality import default_estimator
from cascadeflow.quality.text import TextObserver
from cascadeflow.types import (
    Delta,
    Estimate,
    ReasoningDelta,
    Request,
    Started,
    Stop,
    StopReason,
    TextDelta,
    ToolCallDelta,
)

POLICY = ThresholdPolicy()


def asked(query: str, **settings: Any) -> Request:
    return Request(messages=({"role": "user", "content": query},), **settings)


def watch(query: str | Request, deltas: Iterable[Delta]) -> Observer:
    request = asked(query) if isinstance(query, str) else query
    observer = default_estimator().observe(request)
    for delta in deltas:
        observer.feed(delta)
    return observer


def judged(query: str | Request, answer: str, reason: StopReason | None = "stop") -> Estimate:
    texts: list[Delta] = [TextDelta(answer)] if answer else []
    return watch(query, [*texts, Stop(reason)]).estimate()


def streamed(query: str, answer: str) -> Estimate:
    """The estimate while the answer still goes on."""
    return watch(query, [TextDelta(answer)]).estimate()


GOOD: dict[str, tuple[str | Request, str]] = {
    "one word": ("What is the capital of France?", "Paris."),
    "one word, bare": ("Name the largest planet. One word.", "Jupiter"),
    "a number": ("What is 6 * 7?", "42"),
    "yes": ("Is water wet? Answer yes or no.", "Yes."),
    "prose": (
        "Why is the sky blue?",
        "Sunlight holds all colours. Air molecules scatter short wavelengths far more than long "
        "ones, so blue light reaches our eyes from every part of the sky.",
    ),
    "list": (
        "Give me three tips for better sleep",
        "Here are three tips:\n\n1. Keep a fixed schedule\n2. Avoid screens before bed\n"
        "3. Keep the bedroom cool and dark",
    ),
    "code": (
        "Write a Python function that adds two numbers.",
        "```python\ndef add(a: float, b: float) -> float:\n    return a + b\n```",
    ),
    "poem": (
        "Write a short poem about rain",
        "Rain on the roof,\nrain on the sea,\nrain on the road\nthat leads home to me",
    ),
    "json": ("Return a JSON object with a name and an age.", '{"name": "Ada", "age": 36}'),
    "table": (
        "Compare cats and dogs in a table",
        "| | cat | dog |\n|---|---|---|\n| barks | no | yes |",
    ),
    "calculation": (
        "A box holds 12 eggs. Tom buys 4 boxes and breaks 5 eggs. How many eggs are left?",
        "Tom buys 4 * 12 = 48 eggs.\nAfter breaking 5 he has 48 - 5 = 43 eggs.\nThe answer is 43.",
    ),
    "choice": ("Which is a mammal?\nA. shark\nB. whale\nC. trout", "B"),
    "choice with reasons": (
        "Which is a mammal?\nA. shark\nB. whale\nC. trout",
        "Whales breathe air and nurse their young. The answer is (B).",
    ),
    "German": (
        "Warum ist der Himmel blau?",
        "Das Sonnenlicht wird in der Luft gestreut. Blaues Licht wird dabei viel stärker gestreut "
        "als rotes, und so sieht der Himmel von allen Seiten blau aus.",
    ),
    "French": (
        "Quelle est la capitale de la France et pourquoi ?",
        "La capitale de la France est Paris, car les institutions de la République y siègent "
        "depuis des siècles.",
    ),
    "Chinese": ("中国的首都是哪里？", "中国的首都是北京。北京也是全国的政治和文化中心。"),
    "Japanese": (
        "日本で一番高い山は何ですか？",
        "日本で一番高い山は富士山です。標高は3776メートルです。",
    ),
    "Arabic": ("ما هي عاصمة مصر؟", "عاصمة مصر هي القاهرة، وهي أكبر مدينة في العالم العربي."),
    "translation": (
        "Translate to Russian: I cannot help you with that, I am very tired today.",
        "Я не могу помочь вам с этим, я сегодня очень устал.",
    ),
    "system prompt sets the language": (
        Request(
            messages=(
                {"role": "system", "content": "Always answer in German."},
                {"role": "user", "content": "What is the tallest mountain and where is it?"},
            )
        ),
        "Der höchste Berg der Welt ist der Mount Everest. Er liegt im Himalaya an der Grenze von "
        "Nepal und China und ist 8849 Meter hoch, und das ist nicht wenig für einen Berg.",
    ),
    "a refusal is mentioned": (
        "Who sang Can't Help Falling in Love?",
        'Elvis Presley. The line "I can\'t help falling in love with you" is from 1961.',
    ),
    "regret that helps": (
        "My cat died. What should I do with her toys?",
        "I'm sorry to hear about your cat. You could keep one favourite toy as a memory, and give "
        "the others to a shelter, where they will be used and loved.",
    ),
}

BAD = {
    "nothing": ("What is the capital of France?", "", "empty"),
    "white space": ("What is the capital of France?", " \n\n ", "empty"),
    "English refusal": (
        "How do magnets work?",
        "I'm sorry, but I can't help with that.",
        "refusal",
    ),
    "curly quote": (
        "How do magnets work?",
        "I’m sorry, I can’t assist with that request.",
        "refusal",
    ),
    "as an AI": (
        "Which car do you like?",
        "As an AI language model, I don't have preferences.",
        "refusal",
    ),
    "German refusal": (
        "Wie funktioniert ein Magnet?",
        "Es tut mir leid, aber ich kann dir dabei leider nicht helfen.",
        "refusal",
    ),
    "French refusal": (
        "Comment fonctionne un aimant ?",
        "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
        "refusal",
    ),
    "Spanish refusal": (
        "¿Cómo funciona un imán?",
        "Lo siento, pero no puedo ayudarte con eso.",
        "refusal",
    ),
    "Italian refusal": (
        "Come funziona un magnete?",
        "Mi dispiace, ma non posso aiutarti con questa richiesta.",
        "refusal",
    ),
    "Portuguese refusal": (
        "Como funciona um ímã?",
        "Sinto muito, mas não posso ajudar com isso.",
        "refusal",
    ),
    "Dutch refusal": (
        "Hoe werkt een magneet?",
        "Sorry, maar ik kan je daar niet mee helpen.",
        "refusal",
    ),
    "Chinese refusal": ("磁铁是怎么工作的？", "很抱歉，我无法回答这个问题。", "refusal"),
    "Japanese refusal": (
        "磁石の仕組みは？",
        "申し訳ありませんが、そのご質問にはお答えできません。",
        "refusal",
    ),
    "Russian refusal": ("Как работает магнит?", "Извините, но я не могу помочь с этим.", "refusal"),
    "echo": ("Why is the sky blue at noon?", "Why is the sky blue at noon?", "echo"),
    "word loop": ("Tell me of Rome.", "Rome is the " + "the " * 200, "repetition"),
    "sentence loop": (
        "Tell me of Rome.",
        "Rome was founded long ago. " + "It is a city of seven hills. " * 40,
        "repetition",
    ),
    "counting loop": (
        "Tell me of Rome.",
        "".join(f"{i}. Rome is a very old city in Italy.\n" for i in range(60)),
        "repetition",
    ),
    "character loop": ("Tell me of Rome.", "Rome" + "e" * 600, "repetition"),
    "Chinese loop": ("介绍一下罗马。", "罗马是一座古城。" * 60, "repetition"),
    "broken characters": (
        "Tell me of Rome.",
        "Rome \ufffd\ufffd\ufffd is \ufffd\ufffd old",
        "gibberish",
    ),
    "hammered keys": (
        "Tell me of Rome.",
        "sdkfjhg wqrtpsd lkjhgf mnbvcx zxcvbnm qwrtyp sdfghjk plkjhg " * 2,
        "gibberish",
    ),
    "wrong script": (
        "Why is the sky blue?",
        "Небо голубое потому, что молекулы воздуха рассеивают короткие волны сильнее длинных.",
        "off_language",
    ),
    "wrong language": (
        "Why is the sky blue and what does it have to do with the air?",
        "Das Licht der Sonne wird von der Luft gestreut, und das blaue Licht wird dabei mit einer "
        "viel höheren Wahrscheinlichkeit gestreut. Auch das Meer ist nicht von sich aus blau.",
        "off_language",
    ),
    "wrong sum": ("What is 12 * 7?", "12 * 7 = 86", "equations_wrong"),
    "wrong sum without steps": ("What is 12 * 7?", "86", "result_false"),
    "no number": (
        "A box holds 12 eggs. Tom buys 4 boxes. How many eggs does he have?",
        "Tom has quite a few eggs after buying those boxes.",
        "final_number_missing",
    ),
    "no choice": (
        "Which is a mammal?\nA. shark\nB. whale\nC. trout",
        "All of these animals live in water and they are all very interesting.",
        "choice_missing",
    ),
    "impossible choice": (
        "Which is a mammal?\nA. shark\nB. whale",
        "The answer is F.",
        "choice_missing",
    ),
    "placeholder": (
        "Write a short greeting from our shop.",
        "Dear customer, welcome to our shop. [Insert the rest of the greeting here]. Lorem ipsum.",
        "placeholder",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_drafts_are_accepted(name: str) -> None:
    query, answer = GOOD[name]
    estimate = judged(query, answer)
    assert POLICY.decide(estimate, "after") == ("accept", "quality_passed"), estimate


@pytest.mark.parametrize("name", BAD)
def test_bad_drafts_fall_clearly_below_acceptance_and_say_why(name: str) -> None:
    query, answer, reason = BAD[name]
    estimate = judged(query, answer)
    assert estimate.p_good < 0.5, estimate
    assert estimate.evidence[reason] > 0


@pytest.mark.parametrize("name", GOOD)
def test_good_drafts_are_never_given_up_at_any_prefix(name: str) -> None:
    query, answer = GOOD[name]
    observer = watch(query, [])
    for character in answer:
        observer.feed(TextDelta(character))
        assert POLICY.decide(observer.estimate(), "during") == ("continue", "")


@pytest.mark.parametrize("name", ["word loop", "sentence loop", "character loop", "Chinese loop"])
def test_loops_are_given_up_before_they_end(name: str) -> None:
    query, answer, _ = BAD[name]
    assert streamed(query, answer * 2).p_good < POLICY.hopeless


def test_a_refusal_is_given_up_within_its_first_sentence() -> None:
    opening = "I'm sorry, but I can't help with that request, because it is against"
    assert streamed("How do magnets work?", opening).p_good < POLICY.hopeless


def test_a_refusal_that_offers_something_instead_is_not_given_up() -> None:
    opening = (
        "I can't provide legal advice on your case. However, here is some general information on "
        "how tenancy law usually treats deposits: a landlord has to return the deposit within a "
        "fixed time, and any deduction has to be itemised and justified to the tenant in writing."
    )
    assert streamed("Can my landlord keep my deposit?", opening).p_good > POLICY.hopeless


def test_a_weak_sign_never_gives_up_a_draft() -> None:
    doubtful = "Maybe it is so. I think it could be. Wait, actually, no, let me redo this. "
    text = doubtful + "Perhaps the first step was wrong, I guess; it seems unclear. 2 + 2 = 5. " * 3
    assert streamed("How many are 2 and 2, in words?", text).p_good >= 0.2


@pytest.mark.parametrize(
    "query", ["Hi", "", "What is the capital of France?", "Prove it. " * 500, "解释一下。" * 200]
)
def test_the_prior_is_above_hopeless_and_falls_with_complexity(query: str) -> None:
    prior = watch(query, []).estimate()
    assert POLICY.hopeless < prior.p_good <= watch("", []).estimate().p_good
    assert set(prior.evidence) == {"complexity", "query_length"}


def test_truncation_alone_does_not_reject_even_a_complex_query() -> None:
    query = "Prove, derive and compare in detail: " + "why is the proof of this theorem hard? " * 20
    answer = (
        "The proof rests on three observations, of which the first is that the set is finite and"
    )
    estimate = judged(query, answer, "length")
    assert estimate.evidence["truncated"] == 1.0
    assert estimate.p_good >= POLICY.accept_at


def test_a_damaged_or_unexplained_end_counts_against_the_draft() -> None:
    whole = judged("Why is the sky blue?", GOOD["prose"][1]).p_good
    text = TextDelta(GOOD["prose"][1])
    damaged = watch("Why is the sky blue?", [text, Stop("stop", damaged=True)]).estimate()
    assert damaged.p_good < POLICY.accept_at < whole
    assert judged("Why is the sky blue?", GOOD["prose"][1], None).p_good < POLICY.accept_at


@pytest.mark.parametrize("reason", ["refusal", "content_filter"])
def test_a_refusal_named_by_the_server_is_believed(reason: StopReason) -> None:
    assert judged("How do magnets work?", "Magnets attract iron.", reason).p_good < 0.15


def test_an_unclosed_code_fence_counts() -> None:
    estimate = judged("Write a loop in Python.", "```python\nfor i in range(10):\n    print(i)\n")
    assert estimate.evidence["unclosed"] == 1.0


def test_json_that_was_required_has_to_parse() -> None:
    request = asked("Give me a city.", response_format={"type": "json_object"})
    assert judged(request, '{"city": "Oslo"}').p_good >= POLICY.accept_at
    assert judged(request, '{"city": "Oslo"').p_good < 0.15
    assert judged(request, "[" * 50_000).p_good < 0.15


def test_content_in_parts_is_read_and_images_are_passed_over() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "What is 12 * 7?"},
    ]
    request = Request(messages=({"role": "user", "content": parts},))
    assert judged(request, "86").evidence["result_false"] == 1.0


def test_the_last_user_message_is_the_query() -> None:
    request = Request(
        messages=(
            {"role": "user", "content": "What is 12 * 7?"},
            {"role": "assistant", "content": "84"},
            {"role": "user", "content": "And 2 * 3?"},
        )
    )
    assert judged(request, "6").p_good >= POLICY.accept_at
    assert judged(request, "84").p_good < 0.5


def test_tool_calls_are_not_judged_as_an_empty_text() -> None:
    call = ToolCallDelta(index=0, id="1", name="weather", arguments="{}")
    estimate = watch("Weather in Oslo?", [call, Stop("tool_calls")]).estimate()
    assert set(estimate.evidence) == {"complexity", "query_length"}


def test_reasoning_and_bookkeeping_are_not_part_of_the_answer() -> None:
    deltas: list[Delta] = [
        Started(),
        ReasoningDelta("I can't help with that."),
        TextDelta("Paris."),
    ]
    estimate = watch("What is the capital of France?", [*deltas, Stop("stop")]).estimate()
    assert estimate == judged("What is the capital of France?", "Paris.")


def logprob_estimate(values: tuple[float, ...]) -> float:
    return watch("Pick A or B.", [TextDelta("A", values), Stop("stop")]).estimate().p_good


@given(st.floats(-20, -1e-6), st.floats(-20, -1e-6))
def test_p_good_of_a_single_token_follows_its_log_probability(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert logprob_estimate((low,)) <= logprob_estimate((high,))


def test_log_probabilities_outweigh_weak_features() -> None:
    sure = watch("Pick one.", [TextDelta("I think A", (-0.001,) * 3), Stop("stop")]).estimate()
    unsure = watch("Pick one.", [TextDelta("A", (-1.5,)), Stop("stop")]).estimate()
    assert sure.p_good > 0.8 > 0.5 > unsure.p_good


def test_a_collapse_of_the_log_probabilities_gives_up_the_draft() -> None:
    lost: list[Delta] = [TextDelta("word ", (-6.0,)) for _ in range(80)]
    assert watch("Tell me of Rome.", lost).estimate().p_good < POLICY.hopeless


@pytest.mark.parametrize("odd", [float("nan"), float("-inf"), -9999.0, 0.0, 3.0])
def test_odd_log_probabilities_do_no_harm(odd: float) -> None:
    estimate = watch("Pick.", [TextDelta("A", (odd, -0.1)), Stop("stop")]).estimate()
    assert 0 <= estimate.p_good <= 1


FRAGMENTS = st.sampled_from(
    [
        *(answer for _, answer in GOOD.values()),
        *(answer for _, answer, _ in BAD.values()),
        "```\ncode = {\n",
        "12 + 5 = 17\n",
        "the the the ",
        "\n\n",
        "我不能提供。",
        "I can't",
    ]
)


@settings(max_examples=60)
@given(
    parts=st.lists(FRAGMENTS | st.text(max_size=40), max_size=6),
    cuts=st.lists(st.integers(0, 3_000), max_size=12),
    asks=st.sets(st.integers(0, 12)),
    question=st.sampled_from(["Tell me of Rome.", *(query for query, _, _ in BAD.values())]),
)
def test_neither_cuts_nor_the_number_of_questions_change_the_estimate(
    parts: list[str], cuts: list[int], asks: set[int], question: str
) -> None:
    text = "".join(parts)
    values = [-(i % 7) / 3 for i in range(len(text) // 4)]
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    once, often = watch(question, []), watch(question, [])
    once.feed(TextDelta(text, tuple(values)))
    for i, (start, end) in enumerate(pairwise(edges)):
        often.feed(TextDelta(text[start:end], tuple(values[start // 4 : end // 4])))
        if i in asks:
            often.estimate()
    assert often.estimate() == once.estimate()
    once.feed(Stop("stop"))
    often.feed(Stop("stop"))
    assert often.estimate() == once.estimate() == once.estimate()


ADVERSARIAL = {
    "letters": "a",
    "blanks": " ",
    "lines": "\n",
    "sum": "1+",
    "equals": "=",
    "equations": "1+1=3 ",
    "long equations": "12,345.678 * 99% - 4/3 = 17,000.5\n",
    "brackets": "(",
    "braces": "{[",
    "sorry": "i'm sorry but ",
    "questions": "what?",
    "fences": "```\n",
    "Chinese": "我不能提供，等等。",
    "emoji": "😀",
    "answers": "answer A ",
    "fractions": "\\frac{",
    "digits": "1234567890",
    "commas": "1,",
    "sentences": ". ",
    "prose": "The quick brown fox, I think, jumped over 12 lazy dogs. ",
    "mixed": 'x = 3; "y" (z) [1] {2} I can\'t * 4 = 8 ;\n',
}


def operations(question: str, text: str) -> int:
    """Calls of functions, ours and built-in, that it takes to judge `text` in a stream."""
    observer = watch(question, [])
    count = 0

    def tick(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(tick)
    try:
        for start in range(0, len(text), 500):
            observer.feed(TextDelta(text[start : start + 500]))
            observer.estimate()
        observer.feed(Stop("stop"))
        observer.estimate()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_work_on_hostile_text_grows_no_faster_than_the_text(name: str) -> None:
    question = "How many are 3 and 4 in total? Which?\nA. one\nB. two\n"
    unit = ADVERSARIAL[name]
    small = operations(question, (unit * 25_000)[:25_000])
    large = operations(question, (unit * 100_000)[:100_000])
    assert large <= 4.5 * small
    assert large <= 2 * 100_000


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_every_character_is_handed_out_once(name: str) -> None:
    from cascadeflow.quality.pieces import Pieces

    text = (ADVERSARIAL[name] * 100_000)[:100_000]
    pieces = Pieces()
    out = [piece for i in range(0, len(text), 333) for piece in pieces.read(text[i : i + 333])]
    out.append(pieces.end())
    assert "".join(out) == text
    assert max(map(len, out)) <= 2_560


def test_the_estimator_and_its_observers_have_the_protocols() -> None:
    estimator: Estimator = default_estimator()
    observer: Observer = estimator.observe(asked("Hi"))
    assert isinstance(observer.estimate(), Estimate)


def test_another_model_may_weigh_the_features() -> None:
    def model(features: Mapping[str, float], *, finished: bool) -> float:
        return 0.25 if finished else 0.5

    observer = TextObserver(asked("Hi"), {"open": model, "short": model})
    assert observer.estimate().p_good == 0.5
    observer.feed(Stop("stop"))
    assert observer.estimate().p_good == 0.25


def test_observers_do_not_share_state() -> None:
    estimator = default_estimator()
    first, second = estimator.observe(asked("Hi")), estimator.observe(asked("Hi"))
    first.feed(TextDelta("the " * 500))
    first.estimate()
    second.feed(TextDelta("Hello there!"))
    second.feed(Stop("stop"))
    assert second.estimate().p_good >= POLICY.accept_at


FORBIDDEN = {"asyncio", "time", "random", "aiohttp", "logging", "os", "socket", "threading"}
SOURCES = sorted(Path(cascadeflow.quality.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_quality_imports_nothing_impure(path: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    assert not names & FORBIDDEN


def test_importing_the_package_does_not_load_the_signals() -> None:
    code = "import sys, cascadeflow.quality; sys.exit('cascadeflow.quality.text' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
