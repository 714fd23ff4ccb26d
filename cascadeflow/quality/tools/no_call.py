"""Features of a draft that calls no tool: should it have?

Silence is right where no tool suits the query, where a required value is missing and is asked
for, and where the tools have answered already. It is wrong where a tool suits, and worst where the
text only describes or spells the call.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...types import ToolChoice
from .offer import Offer, Tool
from .question import Question
from .schema import kinds
from .words import GENERIC_STEMS, fold

MOST_TEXT = 8_192
_SEPARATORS = str.maketrans("", "", "._-")


def no_call_features(
    text: str, offer: Offer, question: Question, choice: ToolChoice | None
) -> dict[str, float]:
    """What is good and bad about answering `text` and calling nothing."""
    wanted = choice == "required" or isinstance(choice, Mapping)
    features = {
        "no_call": 1.0,
        "tool_choice_broken": float(wanted),
        "after_results": float(question.answered),
    }
    if question.answered or choice == "none":
        return {name: value for name, value in features.items() if value}
    fits = offer.fits(question)
    name = max(fits, key=lambda each: fits[each])
    tool = offer.tools[name]
    lacking = values_missing(tool, question)
    asking = any(mark in text[-160:] for mark in "?？;؟") and not text.rstrip().endswith("]")
    said = _plain(text[:MOST_TEXT])
    unasked, _, missed = offer.off_topic(tool, question)
    features |= {
        "tool_fits": fits[name],
        "name_unasked": unasked,
        "focus_missed": missed,
        "values_missing": lacking,
        "asks_for_missing": float(asking and lacking > 0),
        "call_in_text": float(any(len(each) > 3 and _plain(each) in said for each in fits)),
        "code_in_text": float("```" in text),
    }
    return {name: value for name, value in features.items() if value}


def _plain(text: str) -> str:
    """Names of tools are also written with other separators."""
    return fold(text).translate(_SEPARATORS)


def values_missing(tool: Tool, question: Question) -> float:
    """The share of the required values that the conversation cannot fill.

    A number needs a number; a string needs a word that the tool does not speak of itself.
    """
    wanted = [kinds(tool.properties.get(name)) for name in tool.required]
    numeric = sum(each in (["integer"], ["number"]) for each in wanted)
    missing = max(0, numeric - len(question.known_numbers))
    texts = wanted.count(["string"])
    if texts and not (question.names or question.quotations or question.numbers):
        missing += max(0, texts - len(question.asked - tool.words - GENERIC_STEMS))
    return missing / len(wanted) if wanted else 0.0
