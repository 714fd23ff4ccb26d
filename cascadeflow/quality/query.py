"""What a request asks: the text of the query and of the instructions around it.

The query is the last message of role `user`; the instructions are the system prompts and the
earlier user messages, which may name the language or the form of the answer. Images, audio and
other parts that are not text are passed over. Long texts are capped to their beginning and their
end, because the task of a long prompt stands at one of the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from ..types import Message, Request

HEAD_CHARS = 4_096
TAIL_CHARS = 1_024
_QUESTION = re.compile(r"(?:^|\n)\W{0,4}(?:question|problem|q)\b[^\n:]{0,4}:", re.IGNORECASE)
_ANSWER = re.compile(r"\n\W{0,4}(?:answer|solution|a)\b[^\n:]{0,4}:", re.IGNORECASE)
INSTRUCTION_MESSAGES = 8
"""How many messages before the query are read for instructions."""


class _Part(msgspec.Struct):
    """A part of a message, as far as it is text."""

    text: str = ""


def capped(text: str) -> str:
    """The text, or its first 4,096 and last 1,024 characters."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    return f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"


def holds(text: str, words: Iterable[str]) -> bool:
    """Whether one of `words` stands in `text`."""
    for word in words:  # noqa: SIM110 -- a generator takes twice as long
        if word in text:
            return True
    return False


def message_text(message: Message) -> str:
    """The words of one message, its text parts joined by newlines; capped."""
    content: Any = message.get("content")
    if isinstance(content, str):
        return capped(content)
    try:
        parts = msgspec.convert(content, list[_Part | str])
    except msgspec.ValidationError:
        return ""
    return capped("\n".join(part if isinstance(part, str) else part.text for part in parts))


def query_text(request: Request) -> str:
    """The text of the last user message, capped; empty if there is none."""
    for message in reversed(request.messages):
        if message.get("role") == "user":
            return message_text(message)
    return ""


def last_question(query: str) -> str:
    """The last question of a prompt that shows others with their answers; else all of it."""
    labels = [label.end() for label in _QUESTION.finditer(query)]
    shown = labels and _ANSWER.search(query, labels[0], labels[-1])
    return query[labels[-1] :].strip() if shown else query


def instructions(request: Request) -> str:
    """System prompts and earlier user messages near the query, the query not among them."""
    texts: list[str] = []
    seen_query = False
    for message in reversed(request.messages):
        role = message.get("role")
        if role == "user" and not seen_query:
            seen_query = True
        elif role in ("user", "system", "developer"):
            texts.append(message_text(message))
        if len(texts) == INSTRUCTION_MESSAGES:
            break
    return "\n".join(texts)
