"""What an answer settles on, and whether two answers settle on the same. Pure, linear in the text.

Only answers with one short outcome can be compared: a letter of a multiple choice, a number, a JSON
value, or a few words. Of anything else nothing is said.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from ..core.ledger import EXACT
from ..quality.choices import chosen, options
from ..quality.quantity import asks_for_a_number

SHORT = 100
"""Characters of a text that is compared as a whole."""
TAIL = 2_000
"""Characters at the end of a text in which its outcome is looked for."""

_MARKED = re.compile(r"(?:\\boxed\{|####|\banswer(?:\s+is\b|\s*:))[ \t*:{(]*([^\n}]{1,100})", re.I)
_NUMBER = re.compile(r"(?<![\w.])[-−+]?[$€£]?\d++(?:,\d{3}(?!\d))*+(?:\.\d++)?+(?!\w*\d)")
_FENCE = re.compile(r"\A\s*```\w*\n(.*)\n```\s*\Z", re.DOTALL)
_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(("a", "an", "the"))
_NEGATIONS = frozenset(("not", "no", "never", "cannot", "neither", "nor"))


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of an answer; of the fields, one is set."""

    value: str = ""
    """A letter, a number or a JSON value, in one spelling."""
    words: tuple[str, ...] = ()

    def agrees(self, other: Outcome) -> bool:
        """Whether both say the same; of words, one may say it in a longer sentence."""
        if self.value or other.value:
            return self.value == other.value
        short, long = sorted((self.words, other.words), key=len)
        if _NEGATIONS.intersection(short) != _NEGATIONS.intersection(long):
            return False
        places = range(len(long) - len(short) + 1)
        return any(long[at : at + len(short)] == short for at in places)


def outcome(query: str, text: str) -> Outcome | None:
    """What `text` settles on as an answer to `query`; None if it has no short outcome."""
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced else text.strip()
    if text[:1] in ("{", "["):
        return _json(text)
    tail = text[-TAIL:]
    if options(query):
        letters = chosen(tail)
        return Outcome(value=letters[-1]) if letters else None
    if marked := _MARKED.findall(tail):
        number = _NUMBER.match(marked[-1])
        return Outcome(value=_plain(number[0])) if number else _short(marked[-1])
    if asks_for_a_number(query) and (numbers := _numbers(tail)):
        return Outcome(value=numbers[-1])
    return _short(text) if len(text) <= SHORT else None


def _short(text: str) -> Outcome | None:
    numbers = _numbers(text)
    if len(numbers) == 1:
        return Outcome(value=numbers[0])
    words = tuple(word for word in _WORD.findall(text.casefold()) if word not in _ARTICLES)
    return Outcome(words=words) if words else None


def _numbers(text: str) -> list[str]:
    return [_plain(found) for found in _NUMBER.findall(text)]


def _plain(number: str) -> str:
    """One spelling: "1,200.50", "$1200.5" and "+1200.5" are the same."""
    digits = re.sub(r"[,$€£+]", "", number).replace("−", "-")
    value = Decimal(digits).normalize(EXACT)
    return format(value if value else Decimal(0), "f")


def _json(text: str) -> Outcome | None:
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None
    return Outcome(value=msgspec.json.encode(value, order="sorted").decode())
