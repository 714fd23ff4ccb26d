"""Recognises the form of an answer from the request and from the answer so far.

Text does not transfer across forms: what tells a wrong calculation from a right one says nothing of
an essay. So each form has weights of its own, and where none were fitted the hand-set ones judge.

    tools offered: a call --> tool_call            response_format is JSON --> structured
                   none   --> no_call              options offered --> letter (bare) or choice
    a number is asked for --> arithmetic           a code fence, or code is asked for --> code
    a word is asked for, or no more came --> short otherwise --> open
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

from ..types import Request
from .query import holds

Form: TypeAlias = Literal[
    "tool_call", "no_call", "arithmetic", "choice", "letter", "short", "code", "structured", "open"
]  # fmt: skip
"""`choice` is a multiple choice with reasoning, `letter` one without."""

LETTER_CHARS = 40
"""Longest answer that only names an option where nothing else was asked for, and"""
ALONE_CHARS = 4
"""the same where reasoning would have been welcome."""
SHORT_CHARS = 80
"""Longest whole answer that counts as short though nobody asked for it."""
BRIEF_CHARS = 400
"""Longest answer that counts as short where a short one was asked for."""
TASK_CHARS = 2_048
"""Characters of a query that are read for whether it is about code."""

# Substrings of the lower-cased query, so that inflected words match. They are hints: they weigh
# little, and a query that matches nothing expects nothing.
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
_CODE = re.compile(
    r"```|\bdef |\bclass \w+[(:{]|#include|\bSELECT\b.{1,80}\bFROM\b|"
    r"\b(?:python|javascript|typescript|java|rust|golang|kotlin|haskell|sql|bash|regex|html|css)\b|"
    r"c\+\+|\b(?:function|script|program|code|unit test|programm|programa|funktion|fonction|"
    r"funci[oó]n|funzione|код|функци)|代码|函数|コード|関数",
    re.IGNORECASE,
)
_WRITE = re.compile(
    r"\b(?:write|implement|create|fix|debug|refactor|complete|schreib|erstelle|[ée]cri[st]|"
    r"escrib|scrivi|escrev|schrijf|напиши|исправь)|写|実装|作成",
    re.IGNORECASE,
)


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for."""

    options: bool
    """Options to choose from."""
    number: bool
    """The result of a calculation."""
    brief: bool
    """A word, a letter, a sentence."""
    long: bool
    """An essay, a story, an explanation."""
    copied: bool
    """The answer may repeat the query, or itself."""
    json: bool
    """`response_format` demands JSON."""
    code: bool
    """To write or to mend code."""


def asked_of(request: Request, query: str, *, options: bool, number: bool) -> Asked:
    """What a request asks for, read from its query; linear in its length."""
    folded, task = query.lower(), query[:TASK_CHARS]
    return Asked(
        options=options,
        number=number,
        brief=holds(folded, _BRIEF),
        long=holds(folded, _LONG),
        copied=holds(folded, _COPY) or bool(_MANY_TIMES.search(folded)),
        json=str((request.response_format or {}).get("type", "")).startswith("json"),
        code="```" in task or bool(_WRITE.search(task) and _CODE.search(task)),
    )


def form_of(asked: Asked, *, size: int, fenced: bool, finished: bool) -> Form:
    """The form of a text answer.

    Args:
        asked: what the request asks for.
        size: characters of the answer so far.
        fenced: whether it holds a code fence.
        finished: whether `size` is all there will be.
    """
    if asked.json:
        return "structured"
    if asked.options:
        bare = LETTER_CHARS if asked.brief else ALONE_CHARS if finished else -1
        return "letter" if size <= bare else "choice"
    if asked.number:
        return "arithmetic"
    if asked.brief and size <= BRIEF_CHARS and not fenced:
        return "short"
    if asked.code or fenced:
        return "code"
    return "short" if finished and size <= SHORT_CHARS else "open"
