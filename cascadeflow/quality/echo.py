"""Whether an answer merely repeats the question.

Compared without case, punctuation and spacing. An answer is an echo if it is the whole query, or
one of its questions, with at most two words more. Short queries are left alone: a one-word query
may well be answered by that word.
"""

from __future__ import annotations

import re

LEAST_WORDS = 4
LEAST_DENSE = 6
"""Characters of a query in a script without spaces."""
MORE_WORDS = 2

_WORDS = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?。！？\n]+[?？]?")


def words(text: str) -> list[str]:
    """The words of a text, folded."""
    return _WORDS.findall(text.lower())


def is_echo(query: str, answer: str) -> bool:
    """Whether `answer` only repeats `query` or a question in it."""
    if len(answer) > 2 * len(query) + 80:
        return False
    said = words(answer)
    questions = (part for part in _SENTENCE.findall(query) if part.endswith(("?", "？")))
    return any(_repeats(said, words(part)) for part in (query, *questions))


def _repeats(said: list[str], asked: list[str]) -> bool:
    if len(asked) < LEAST_WORDS and len("".join(asked)) < LEAST_DENSE:
        return False
    if len(asked) < LEAST_WORDS and "".join(asked).isascii():
        return False
    extra = len(said) - len(asked)
    return 0 <= extra <= MORE_WORDS and (said[: len(asked)] == asked or said[extra:] == asked)
