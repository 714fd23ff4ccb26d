"""What says the same is judged the same: layout, emphasis, notation and wrappers change nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from cascadeflow.quality import default_estimator
from cascadeflow.quality.choices import chosen, options
from cascadeflow.types import Estimate, Request, Stop, TextDelta

QUERY = (
    "A baker has 1500 rolls in bags of 12, and 60 in a basket. He sells 40 bags for $9 each. "
    "He pays $30 for the stall. How many dollars has he left in the evening?"
)
STEPS = (
    "The bags bring him 40 * 9 = 360 dollars.",
    "The stall costs 30, so 360 - 30 = 330 dollars are left.",
)
RIGHT = "\n".join((*STEPS, "#### 330"))
WRONG = RIGHT.replace("360 - 30 = 330", "360 - 30 = 310").replace("#### 330", "#### 310")
SAME = 0.02
"""Most that `p_good` may move."""


def judged(query: str, answer: str) -> Estimate:
    observer = default_estimator().observe(Request(messages=({"role": "user", "content": query},)))
    observer.feed(TextDelta(answer))
    observer.feed(Stop("stop"))
    return observer.estimate()


def numbered(text: str) -> str:
    return "\n".join(f"{at}. {line}" for at, line in enumerate(text.split("\n"), 1))


def latex(text: str) -> str:
    return re.sub(r"\d+ [*-] \d+ = \d+", lambda found: rf"\( {found[0]} \)", text).replace(
        "*", r"\times"
    )


REWRITTEN: dict[str, Callable[[str], str]] = {
    "bold results": lambda text: re.sub(r"= (\d+)", r"= **\1**", text),
    "bold equations": lambda text: re.sub(r"(\d+ [*-] \d+ = \d+)", r"**\1**", text),
    "code": lambda text: re.sub(r"(\d+ [*-] \d+ = \d+)", r"`\1`", text),
    "LaTeX": latex,
    "one paragraph": lambda text: text.replace(".\n", ". ", 1),
    "numbered": numbered,
    "bullets": lambda text: "\n".join(f"- {line}" for line in text.split("\n")),
    "steps": lambda text: "\n".join(f"**Step 1:** {line}" for line in text.split("\n")),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "spaces that do not break": lambda text: text.replace(" ", "\u00a0"),
    "no spaces": lambda text: re.sub(r"(?<=\d) ([*=-]) (?=\d)", r"\1", text),
    "another sign": lambda text: text.replace(" * ", " × ").replace(" - ", " − "),
    "box": lambda text: re.sub("#### (.*)", r"The answer is $\\boxed{\1}$.", text),
    "bold answer": lambda text: re.sub("#### (.*)", r"**Answer: \1**", text),
    "heading": lambda text: re.sub("#### (.*)", r"### Final Answer\n**\1 dollars**", text),
    "no marker": lambda text: re.sub("#### (.*)", r"So he has **$\1** left.", text),
    "decimals": lambda text: re.sub("#### (.*)", r"#### $\1.00", text),
    "opening": lambda text: f"Sure! Let me work that out.\n\n{text}",
    "closing": lambda text: f"{text}\n\nI hope this answer helps!",
}


def test_the_wrong_solution_is_judged_worse() -> None:
    assert judged(QUERY, WRONG).p_good < judged(QUERY, RIGHT).p_good - 0.2


@pytest.mark.parametrize("how", REWRITTEN)
@pytest.mark.parametrize("answer", [RIGHT, WRONG])
def test_a_solution_is_judged_the_same_however_it_is_laid_out(answer: str, how: str) -> None:
    told = judged(QUERY, REWRITTEN[how](answer))
    assert told.p_good == pytest.approx(judged(QUERY, answer).p_good, abs=SAME), told.evidence


@pytest.mark.parametrize(
    "wrapped",
    [
        f"Question: {QUERY}\nAnswer:",
        f"Solve this step by step.\n\n{QUERY}",
        f"{QUERY}\n\nLet's think step by step.",
        f"Question: What are 3 and 4?\nAnswer: 3 + 4 = 7\n\nQuestion: {QUERY}\nAnswer:",
        QUERY.replace(". ", ".\n"),
        QUERY.replace("1500", "1,500"),
    ],
)
def test_a_solution_is_judged_the_same_however_the_question_is_wrapped(wrapped: str) -> None:
    for answer in (RIGHT, WRONG):
        told = judged(wrapped, answer)
        assert told.p_good == pytest.approx(judged(QUERY, answer).p_good, abs=SAME), told.evidence


@pytest.mark.parametrize(
    "statement",
    [
        "The answer is (C).", "**Answer: C**", "Answer: C)", "Answer: `C`", 'The answer is "C".',
        "Answer: [[C]]", "So option C is correct.", r"\[\boxed{\text{C}}\]", "### Answer\nC",
        "answer: c.", "C", "(C)", "**C**", "#### C",
    ],
)  # fmt: skip
def test_the_chosen_letter_is_read_however_it_is_stated(statement: str) -> None:
    assert chosen(f"A whale is no fish, and D is a bird.\n{statement}") == ["C"]


@pytest.mark.parametrize("mark", ["A.", "A)", "(A)", "A:", "[A]", "**A.**", "- A.", "A -"])
def test_options_are_read_however_they_are_marked(mark: str) -> None:
    lines = [
        f"{mark.replace('A', letter)} {word}" for letter, word in zip("ABC", "xyz", strict=True)
    ]
    assert options("\n".join(("Which is it?", *lines))) == "ABC"
