"""What the words of a question say about the calculation it wants.

Some questions are harder than their length shows: they ask for the beginning and give the end, move
people through time, or put a condition behind the question. Strong models fail on other ones than
weak models do, so what helps little to judge a draft may help to tell what escalating would gain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .numerals import Quantity, sentences

_AT_FIRST = (
    "original", "initial", "start with", "started with", "at first", "begin", " before ",
    "at the start", "ursprünglich", "anfangs", "zu beginn", "au début", "al principio",
    "inizialmente",
)  # fmt: skip
_SHIFT = re.compile(
    r"\byears? ago\b|\bin \w+ (?:more )?years?\b|\byears? from now\b|\bvor \w+ jahren\b|"
    r"\bin \w+ jahren\b|\bil y a \w+ ans\b|\bdans \w+ ans\b|\bhace \w+ años\b|\bfra \w+ anni\b"
)
_ASKS = re.compile(r"how (?:many|much|long|far|old)|what|calculate|find|[?？]")
_GAINS = (
    "profit", "earn", "save", "gain", "gewinn", "verdien", "spar", "bénéfice", "gagn", "ahorr",
    "ganancia", "guadagn", "risparm",
)  # fmt: skip
_CONDITIONS = (" if ", " wenn ", " falls ", " si ")
_NAME = re.compile(r"(?<=[^\W\d_A-Z] )[A-Z][a-z]+|(?<=, )[A-Z][a-z]+")
MOST_NAMES = 5
NAMES_ARE_NOUNS = 9
"""Capitalised words from which they are taken for the nouns of a language that writes them so."""


def asked(query: str) -> str:
    """The sentence that asks, lower-cased; the last one if none does."""
    found = [sentence.lower() for sentence in sentences(query)]
    asking = [sentence for sentence in found if _ASKS.search(sentence)]
    return (asking or found or [""])[-1]


def wording(query: str, given: Sequence[Quantity]) -> dict[str, float]:
    """What makes the calculation hard, each in [0, 1]; `given`: the quantities of the query."""
    folded, ask = " ".join(query.lower().split()), f" {asked(query)}"
    names = len(set(_NAME.findall(query)))
    kinds = [quantity.kind for quantity in given]
    features = {
        "asks_backwards": float(any(phrase in folded for phrase in _AT_FIRST)),
        "asks_other_time": float(bool(_SHIFT.search(folded))),
        "asks_on_condition": float(any(word in ask for word in _CONDITIONS)),
        "asks_for_gain": float(any(word in ask for word in _GAINS)),
        "names": min(1.0, names / MOST_NAMES) if names < NAMES_ARE_NOUNS else 0.0,
        "fractions": min(1.0, kinds.count("fraction") / 3),
        "percentages": min(1.0, kinds.count("percent") / 2),
    }
    return {name: value for name, value in features.items() if value}
