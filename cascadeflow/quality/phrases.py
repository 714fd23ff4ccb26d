"""Phrases that tell of doubt, of a change of mind, or of a gap left to fill.

Counted with `str.count` on the lower-cased pieces, so the cost is linear. Text in code fences is
not read. Each phrase is long enough to mean what it is listed for; a phrase that the query itself
contains is not held against the answer.
"""

from __future__ import annotations

READ_CHARS = 16_384

HEDGES = (
    "i think", "i'm not sure", "i am not sure", "not certain", "i'm not entirely", "i guess",
    "might be", "could be", "it's possible that", "it is possible that", "i believe", "perhaps",
    "maybe", "as far as i know", "not 100%", "hard to say", "unclear", "we can assume",
    "let's assume", "assuming that", "it seems", "approximately", "if we assume",
    "ich glaube", "ich denke", "vielleicht", "möglicherweise", "bin mir nicht sicher", "vermutlich",
    "je pense", "peut-être", "il se peut", "je crois", "pas certain", "pas sûr",
    "tal vez", "quizás", "no estoy seguro", "es posible que", "creo que", "forse", "non sono sicur",
    "credo che", "probabilmente", "talvez", "não tenho certeza", "acho que", "misschien",
    "ik denk", "niet zeker", "waarschijnlijk", "наверное", "возможно", "не уверен",
    "可能是", "也许", "不确定", "大概", "かもしれません", "たぶん", "と思います",
)  # fmt: skip

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


class Phrases:
    """How often each kind of phrase occurred in one answer."""

    __slots__ = ("_hedges", "_left", "_placeholders", "corrections", "hedges", "placeholders")

    def __init__(self, query: str) -> None:
        folded = query.lower()
        self._hedges = tuple(phrase for phrase in HEDGES if phrase not in folded)
        self._placeholders = tuple(phrase for phrase in PLACEHOLDERS if phrase not in folded)
        self._left = READ_CHARS
        self.hedges = 0
        self.corrections = 0
        self.placeholders = 0

    def take(self, piece: str, *, code: bool) -> None:
        """Count in the next piece; in code only gaps count."""
        if self._left <= 0:
            return
        self._left -= len(piece)
        folded = piece.lower().replace("’", "'")
        self.placeholders += _count(folded, self._placeholders)
        if not code:
            self.hedges += _count(folded, self._hedges)
            self.corrections += _count(folded, CORRECTIONS)


def _count(text: str, phrases: tuple[str, ...]) -> int:
    return sum(text.count(phrase) for phrase in phrases if phrase in text)
