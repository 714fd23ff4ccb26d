"""How a decided answer is put into words: manner, system prompt, and the tokens it hangs on."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from .mistakes import Outcome

REFUSAL = "I'm sorry, but I can't help with that."

_LEADS = ("The answer is ", "So the answer is ", "Therefore, the answer is ")
_SHORT_LEADS = ("The answer is ", "Answer: ", "I get ")
_DOUBTS = ("I'm not sure, but I think", "I may be wrong, but I guess", "Probably, I'm not certain,")
_LOOPS = ("Let me check the numbers again. ", "So we start from the beginning. ", "Let me see. ")
LOOPS = 100
"""Repetitions of a looped answer; the model's limit cuts them."""

_BRIEF = re.compile(
    r"\b(?:one word|single word|just the (?:answer|number|result)|only the (?:answer|number|result)"
    r"|(?:answer|reply|respond) only with|only with the (?:answer|number|result))\b",
    re.IGNORECASE,
)
_UPPER = re.compile(r"\b(?:upper[ -]?case|all caps|capital letters)\b", re.IGNORECASE)
_LOWER = re.compile(r"\blower[ -]?case\b", re.IGNORECASE)
_ONE_SENTENCE = re.compile(r"\b(?:one|a single) (?:short )?sentence\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Style:
    """What a system prompt asks of the form of an answer."""

    brief: bool = False
    upper: bool = False
    lower: bool = False
    one_sentence: bool = False

    def dress(self, text: str) -> str:
        """`text` in this style."""
        if self.one_sentence:
            text = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
        return text.upper() if self.upper else text.lower() if self.lower else text


def style(system: str, question: str) -> Style:
    """What the system prompt asks for; a wish for brevity also counts in the question."""
    return Style(
        brief=_BRIEF.search(system) is not None or _BRIEF.search(question) is not None,
        upper=_UPPER.search(system) is not None,
        lower=_LOWER.search(system) is not None,
        one_sentence=_ONE_SENTENCE.search(system) is not None,
    )


def put(decided: Outcome, unit: str, *, small: bool, brief: bool, rng: random.Random) -> str:
    """The words of a decided answer."""
    working = decided.working
    match decided.manner:
        case "refused":
            return REFUSAL
        case "looped":
            return rng.choice(_LOOPS) * LOOPS
        case "hedged" | "plain" if brief:
            return working.answer
        case "hedged":
            return _hedged(working.answer, rng)
        case "plain":
            pass
    if "\n" in working.answer:
        return "\n".join((*working.lines, working.answer))
    end = f" {unit}" if unit and rng.random() < 0.5 else ""
    lead = rng.choice(_SHORT_LEADS if small else _LEADS)
    return " ".join((*working.lines, f"{lead}{working.answer}{end}."))


def _hedged(answer: str, rng: random.Random) -> str:
    if "\n" in answer:
        return f"I'm not sure this is right:\n{answer}"
    return f"{rng.choice(_DOUBTS)} it might be {answer}."


def bearing(text: str, values: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where in `text` the `values` stand as whole words: spans of characters, in order."""
    spans: list[tuple[int, int]] = []
    for value in filter(None, values):
        pattern = rf"(?<![\w.]){re.escape(value)}(?!\w)"
        spans.extend(match.span() for match in re.finditer(pattern, text, re.IGNORECASE))
    return sorted(spans)
