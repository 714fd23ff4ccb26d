"""What kind of answer a query expects, read from its words in several languages.

Substrings of the lower-cased query, so that inflected words match. They are hints: the weights
given to them are small, and a query that matches nothing expects nothing.
"""

from __future__ import annotations

import re

import msgspec

_BRIEF = (
    "one word", "single word", "only the", "just the", "don't say anything else", "do not explain",
    "no explanation", "directly", "without writing", "concise", "yes or no", "true or false",
    "one sentence", "briefly", "by outputting", "nur ein wort", "ein wort", "ja oder nein", "kurz",
    "un mot", "oui ou non", "seulement", "una palabra", "sí o no", "solo ", "una parola",
    "sì o no", "uma palavra", "sim ou não", "één woord", "ja of nee", "alleen", "одним словом",
    "да или нет", "一个词", "一句话", "只回答", "一言で", "はいかいいえ",
)  # fmt: skip

_LONG = (
    "essay", "in detail", "detailed", "article", "blog post", "story", "at length",
    "comprehensive", "explain how", "explain why", "write a letter", "report", "ausführlich",
    "aufsatz", "geschichte", "artikel", "erkläre", "en détail", "histoire", "dissertation",
    "explique", "ensayo", "historia", "detalladamente", "saggio", "spiega", "dettagli", "redação",
    "história", "verhaal", "uitgebreid", "leg uit", "сочинение", "рассказ", "подробно", "объясни",
    "文章", "故事", "详细", "作文", "物語", "詳しく", "説明",
)  # fmt: skip

_COPY = (
    "repeat", "say exactly", "copy", "verbatim", "echo", "quote", "wiederhol", "répèt", "repite",
    "repit", "ripeti", "herhaal", "повтор", "重复", "繰り返",
)  # fmt: skip

_MANY_TIMES = re.compile(r"\d ?(?:(?:times|mal|fois|veces|volte|vezes|keer)\b|次|回|раз)")


class Expectations(msgspec.Struct, frozen=True):
    """Which forms of answer a query asks for."""

    brief: bool
    """A word, a letter or a sentence."""
    long: bool
    """An essay, a story, an explanation."""
    copied: bool
    """The answer may repeat the query, or itself."""


def expectations(query: str) -> Expectations:
    """What `query` asks for; linear in its length."""
    folded = query.lower()
    return Expectations(
        brief=any(word in folded for word in _BRIEF),
        long=any(word in folded for word in _LONG),
        copied=any(word in folded for word in _COPY) or bool(_MANY_TIMES.search(folded)),
    )
