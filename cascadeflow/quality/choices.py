"""Multiple choice: which options a query offers and which of them an answer settles on.

Options are lines (or parts of one) that begin with consecutive letters from A on: "A. ...",
"(B) ...", "C: ...". The answer settles on the letter it is made of, or on the last one that stands
behind a word for "answer" or in a box.
"""

from __future__ import annotations

import re

MOST_OPTIONS = 26
_OPTION = re.compile(r"(?:^|\n)[ \t]{0,8}[(*]{0,3}([A-Z])[).:*]{1,3}[ \t]")
_ALONE = re.compile(r"[\s(*\[]{0,6}([A-Z])(?:[\s).:*\]]|$)")
ANSWER_WORDS = (
    "answer", "boxed", "antwort", "réponse", "respuesta", "risposta", "resposta", "antwoord",
    "ответ", "答案", "正解",
)  # fmt: skip
_OPTION_WORDS = ("option", "choice", "选项", "選択肢")
"""Asked only if no word for "answer" was followed by a letter: options are also discussed."""
_LETTER = re.compile(
    r"(?: is| ist| est| es| è| é|是|为|は)?[:：]?[ *\n${(\[]{0,4}(?:\\boxed\{)?(?:\\text\{)?[(\[]?"
    r"([A-Z])(?![\w'])"
)


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
    return stated


def _stated(text: str, words: tuple[str, ...]) -> list[str]:
    """The letters behind one of `words`."""
    folded = text.lower()
    if len(folded) != len(text):  # a few letters grow when folded; positions would be off
        folded = text
    ends = sorted(found + len(word) for word in words for found in _occurrences(folded, word))
    letters = (_LETTER.match(text, end) for end in ends)
    return [letter[1] for letter in letters if letter]


def _occurrences(text: str, word: str) -> list[int]:
    places: list[int] = []
    at = text.find(word)
    while at >= 0:
        places.append(at)
        at = text.find(word, at + len(word))
    return places
