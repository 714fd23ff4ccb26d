"""What the wording of an answer gives away: a change of mind, gaps, gibberish, an echo.

*Phrases* are counted on the lower-cased pieces. Text in code fences is not read. Each phrase is
long enough to mean what it is listed for; one that the query itself contains is not held against
the answer. *Gibberish* is measured where a wrong call is unlikely: characters that no text holds
(replacement, control and private-use characters), and words of Latin letters with six consonants in
a row, which even German and Polish hold only now and then. An *echo* is the whole query, or one of
its questions, with at most two words more, compared without case, punctuation and spacing. Short
queries are left alone: a one-word query may well be answered by that word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

READ_CHARS = 16_384
POOR = 12
"""Different characters below which phrases are sorted out before they are looked for."""
LEAST_WORDS = 8
"""Words from which hammered ones are counted."""
LEAST_ECHO = 4
LEAST_DENSE = 6
"""Characters of a query in a script without spaces."""
MORE_WORDS = 2

CORRECTIONS = (
    "wait,", "wait.", "wait -", "let me re", "correction:", "i made a mistake", "made an error",
    "oops", "my mistake", "i apologize for the", "scratch that", "let's re", "on second thought",
    "actually, no", "none of the options", "none of the above", "there seems to be", "not listed",
    "does not match any", "doesn't match any", "moment mal", "ich habe mich", "korrektur:",
    "je me suis tromp", "me equivoqué", "mi sono sbagliat", "me enganei", "ik heb me vergist",
    "я ошиб", "等等", "更正", "我错了", "訂正",
)  # fmt: skip

PLACEHOLDERS = (
    "[insert", "<insert", "lorem ipsum", "todo:", "[placeholder", "[your answer",
    "your answer here", "[answer here", "[to be ", "fixme", "your code here", "[fill in", "xxxx",
    "[hier einfügen", "[insérer", "[insertar", "[inserire", "[inserir", "[在此",
)  # fmt: skip

_BROKEN = re.compile("[\ufffd\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff]")
_HAMMERED = re.compile("[bcdfghjklmnpqrstvwxz]{6}")
_WORDS = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?。！？\n]+[?？]?")


class Wording:
    """Phrases and unreadable text in one answer so far."""

    __slots__ = (
        "_broken", "_hammered", "_left", "_placeholders", "_size", "_words", "corrections",
        "placeholders",
    )  # fmt: skip

    def __init__(self, query: str) -> None:
        folded = query.lower()
        self._placeholders = tuple([each for each in PLACEHOLDERS if each not in folded])
        self._left = READ_CHARS
        self._broken = self._hammered = self._size = self._words = 0
        self.corrections = self.placeholders = 0

    def take(self, piece: str, *, code: bool) -> None:
        """Count in the next piece; in code only gaps count."""
        folded = piece.lower()
        if not code and self._size < READ_CHARS:
            self._size += len(piece)
            self._words += len(piece.split())
            self._hammered += len(_HAMMERED.findall(folded))
            if not piece.isascii() or not piece.isprintable():
                self._broken += len(_BROKEN.findall(piece))
        if self._left > 0:
            self._left -= len(piece)
            text = folded.replace("’", "'")
            letters = set(text)
            self.placeholders += _count(text, self._placeholders, letters)
            if not code:
                self.corrections += _count(text, CORRECTIONS, letters)

    def gibberish(self) -> float:
        """0 for ordinary text; 1 where a fifth of it cannot be read."""
        broken = self._broken / self._size if self._size else 0.0
        hammered = self._hammered / self._words if self._words >= LEAST_WORDS else 0.0
        return min(1.0, 5 * max(broken, hammered - 0.04))


def _count(text: str, phrases: Iterable[str], letters: set[str]) -> int:
    if len(letters) < POOR:  # searching is slowest in a text that is nearly the phrase
        phrases = [each for each in phrases if each[0] in letters and each[-1] in letters]
    return sum([text.count(phrase) for phrase in phrases if phrase in text])


def is_echo(query: str, answer: str) -> bool:
    """Whether `answer` only repeats `query` or a question in it."""
    if len(answer) > 2 * len(query) + 80:
        return False
    said = _WORDS.findall(answer.lower())
    questions = (part for part in _SENTENCE.findall(query) if part.endswith(("?", "？")))
    return any(_repeats(said, _WORDS.findall(part.lower())) for part in (query, *questions))


def _repeats(said: list[str], asked: list[str]) -> bool:
    joined = "".join(asked)
    if len(asked) < LEAST_ECHO and (len(joined) < LEAST_DENSE or joined.isascii()):
        return False
    extra = len(said) - len(asked)
    return 0 <= extra <= MORE_WORDS and (said[: len(asked)] == asked or said[extra:] == asked)
