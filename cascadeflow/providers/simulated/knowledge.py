"""Open questions: a bank of answers, and an honest one for what is not in it.

The bank is `knowledge.json`: ways to ask, a short answer of the small model, a good one of the
large. A way to ask fits if it has nearly the same words as the question, in any order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

_WORD = re.compile(r"\w+")
_PLACE = re.compile(r"\b(?:in|at|for|near)\s[^?.!]{1,60}")
_FILLERS = frozenset((
    "a", "an", "the", "is", "are", "s", "do", "does", "of", "to", "me", "please", "can",
    "could", "you", "what", "whats", "tell", "about", "briefly", "now",
))  # fmt: skip
ALIKE = 0.75
"""Share of words, of all words of both, that two questions must have in common to be the same."""


class Entry(msgspec.Struct, frozen=True):
    """One topic."""

    asks: tuple[str, ...]
    small: str
    large: str
    anywhere: bool = False
    """True: a place in the question ("in Paris") changes nothing."""


class _Bank(msgspec.Struct, frozen=True):
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    words: frozenset[str]
    entry: Entry


def entries() -> tuple[Entry, ...]:
    """All topics of the bank."""
    return tuple(dict.fromkeys(way.entry for way in _ways()))


def known(question: str, *, small: bool) -> str | None:
    """The bank's answer to `question`; None: not in the bank."""
    if len(question) > 400:
        return None
    found = _closest(question)
    if found is None:
        found = _closest(_PLACE.sub("", question))
        found = found if found and found.anywhere else None
    if found is None:
        return None
    return found.small if small else found.large


def unknown(question: str, *, small: bool) -> str:
    """An answer to a prompt nobody foresaw: it says what was understood, and claims nothing."""
    topic = _topic(question)
    if small:
        return f"I don't have a reliable answer about {topic}."
    return (
        f"You ask about {topic}. I am a simulated model: I compute arithmetic, dates, units, words "
        "and small programs exactly, and know a limited set of topics, and this is not among them. "
        "Rather than guess, I suggest to state what you already know, what the answer is for and "
        "in which form you need it; a real model in my place will then have what it needs."
    )


def _closest(question: str) -> Entry | None:
    asked = _words(question)
    best = max(_ways(), key=lambda way: _likeness(asked, way.words))
    return best.entry if _likeness(asked, best.words) >= ALIKE else None


@cache
def _ways() -> tuple[_Way, ...]:
    bank = msgspec.json.decode(Path(__file__).with_name("knowledge.json").read_bytes(), type=_Bank)
    return tuple(_Way(_words(ask), entry) for entry in bank.entries for ask in entry.asks)


def _words(text: str) -> frozenset[str]:
    """The words that matter; all of them if there are only fillers."""
    found = frozenset(_WORD.findall(text.lower().replace("'", " ").replace("’", " ")))
    return found - _FILLERS or found


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / (len(one | other) or 1)


def _topic(question: str) -> str:
    """The words of the question, shortened to a phrase."""
    words = _WORD.findall(question)
    meaningful = [word for word in words if word.lower() not in _FILLERS] or words
    if not meaningful:
        return "an empty message"
    return f'"{" ".join(meaningful[:8])}"'
