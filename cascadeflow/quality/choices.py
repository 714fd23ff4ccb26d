"""Multiple choice: the options of a query, the one an answer settles on, what speaks for it.

Options are lines (or parts of one) that begin with consecutive letters from A on: "A. ...",
"(B) ...", "C: ...". The answer settles on the letter it is made of, or on the last one that stands
behind a word for "answer" or in a box; a statement that names several letters settles on none.

Options that are numbers must be reached by the reasoning. Models that guess prefer the options that
come first; writers of questions make the right option the longest and rarely the extreme one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import islice

from .rational import Rational, values

MOST_OPTIONS = 26
OPTION_CHARS = 400
READ_CHARS = 16_384
LATE_CHARS = 1_024
"""Characters before the final statement whose numbers are read in any case."""
TAIL_CHARS = 400
"""Characters at the end in which the final statement is looked for."""
NUMERIC_FROM = 0.6
"""Share of options with a digit from which they are taken for numbers."""
ROUNDING = 0.01

ANSWER_WORDS = (
    "answer", "boxed", "antwort", "réponse", "respuesta", "risposta", "resposta", "antwoord",
    "ответ", "答案", "正解",
)  # fmt: skip
_OPTION_WORDS = ("option", "choice", "选项", "選択肢")
"""Asked only if no word for "answer" was followed by a letter: options are also discussed."""
_OPTION = re.compile(
    r"(?:^|\n)[ \t]{0,8}(?:[-*•] )?[(\[*]{0,3}([A-Z])(?:[)\].:*]{1,3}| -)[ \t]+([^\n]*)"
)
_ALONE = re.compile(r"[\s(*\[]{0,6}([A-Z])(?:[\s).:*\]]|$)")
_LAST = re.compile(r"(?:^|\n)[\s(*\[#\"'`]{0,8}([A-Z])[).:*\]\"'`]{0,4}\Z")
"""A last line that is nothing but a letter."""
_LETTER = re.compile(
    r"(?: is| ist| est| es| è| é|是|为|は)?[:：]?[ *\n${(\[#\"'`]{0,6}"
    r"(?:\\boxed\{)?(?:\\text\{)?[(\[]?"
    r"([A-Z](?![\w'])|[a-z](?=[).*]{0,4}(?:\n|\Z)))"
)
_SYMBOL = re.compile(r"[=^∫√π°]")


def options(query: str) -> str:
    """The letters offered, "ABCD" for instance; empty if the query is no multiple choice."""
    letters = ""
    for found in _OPTION.finditer(query):
        if found[1] == chr(ord("A") + len(letters)):
            letters += found[1]
        elif found[1] == "A":
            letters = "A"
    return letters if len(letters) >= 2 else ""


def chosen(text: str) -> list[str]:
    """The letters that `text` states as the answer, in order."""
    stated = _stated(text, ANSWER_WORDS) or _stated(text, _OPTION_WORDS)[-1:]
    alone = _ALONE.match(text)
    if alone and not stated and (len(text) < 8 or alone[0].rstrip()[-1:] in ").:"):
        return [alone[1]]
    last = _LAST.search(text)
    return stated or ([last[1]] if last else [])


def _stated(text: str, words: tuple[str, ...]) -> list[str]:
    """The letters behind one of `words`."""
    folded = text.lower()
    if len(folded) != len(text):  # a few letters grow when folded; positions would be off
        folded = text
    ends = sorted(found.end() for word in words for found in re.finditer(word, folded))
    letters = (_LETTER.match(text, end) for end in ends)
    return [letter[1].upper() for letter in letters if letter]


class Options:
    """The options of one query."""

    __slots__ = ("_numeric", "_symbols", "_texts", "stem_chars")

    def __init__(self, query: str) -> None:
        found = list(islice(_OPTION.finditer(query), MOST_OPTIONS))
        self._texts = {match[1]: match[2][:OPTION_CHARS].strip() for match in found}
        with_digits = sum(any(map(str.isdigit, text)) for text in self._texts.values())
        self._numeric = with_digits / max(1, len(self._texts))
        self.stem_chars = found[0].start() if found else len(query)
        """Characters of the question before the options."""
        self._symbols = min(1.0, len(_SYMBOL.findall(query[: self.stem_chars])) / 5)

    def features(self, text: str, letter: str) -> dict[str, float]:
        """What is found for the chosen `letter` in the answer `text`."""
        # The final statement begins at the last word for "answer", or is missing.
        tail = text[-TAIL_CHARS:].lower()
        last = max(tail.rfind(word) for word in ANSWER_WORDS)
        end = len(text) - len(tail) + last if last >= 0 else len(text)
        body = text[max(0, end - READ_CHARS) : end]
        return {
            "option_place": min(0.9, (ord(letter) - ord("A")) / 10),
            "options_numeric": self._numeric,
            "query_symbols": self._symbols,
            **self._leaning(letter, body),
            **self._reached(letter, body),
        }

    def _reached(self, letter: str, body: str) -> dict[str, float]:
        """How far the reasoning comes to the number of the chosen option."""
        wanted = values(self._texts.get(letter, ""))
        if not wanted or self._numeric <= NUMERIC_FROM:
            return {}
        known = {*values(body), *values(body[-LATE_CHARS:])}
        reached = sum(any(_near(value, other) for other in known) for value in wanted)
        return {"option_unreached": 1 - reached / len(wanted)}

    def _leaning(self, letter: str, body: str) -> dict[str, float]:
        """What speaks for the chosen option, whatever it says, and for a doubt."""
        text = self._texts.get(letter, "")
        if not text:
            return {}
        texts = list(self._texts.values())
        return {
            "option_longest": float(len(text) >= max(map(len, texts))),
            "option_extreme": float(_extreme(texts, text)),
            "however": min(1.0, body.lower().count("however") / 2),
        }


def _extreme(texts: Sequence[str], chosen: str) -> bool:
    """Whether the options are numbers, and the chosen one is the least or the largest of them."""
    own = values(chosen)
    numbers = [found[0] for found in map(values, texts) if found] if own else []
    if len(numbers) < 3 or len(numbers) < 0.8 * len(texts):
        return False
    sizes = [top / bottom for top, bottom in numbers]
    return own[0][0] / own[0][1] in (min(sizes), max(sizes))


def _near(one: Rational, other: Rational) -> bool:
    return math.isclose(one[0] / one[1], other[0] / other[1], rel_tol=ROUNDING, abs_tol=1e-12)
