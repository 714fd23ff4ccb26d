"""A Markdown fence around a JSON text: models are fond of it, whatever they were told.

    ```json
    {"city": "Paris"}
    ```

The word after the opening backticks goes up to the end of its line; where the JSON follows on the
same line, the word must be `json` or none. The closing backticks may be missing: a stop sequence
eats them. Source: https://spec.commonmark.org/0.31.2/#fenced-code-blocks
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

SPACE: Final = " \t\n\r"
"""White space of JSON."""
LEAST: Final = 3
"""Backticks of a fence."""

_LONGEST: Final = 64
"""Characters of an opening; a longer one is none."""
_OPENING: Final = re.compile(r"`{3,}+[ \t]*+((?:[A-Za-z][\w+.-]*+)?+)[ \t]*+")


class Opening(msgspec.Struct, frozen=True):
    """How a text begins."""

    fenced: bool
    rest: str
    """The text without the opening."""


def opening(text: str) -> Opening | None:
    """How `text` begins; None if more of it must come before that is known."""
    rest = text.lstrip(SPACE)
    if not rest or (len(rest) < LEAST and not rest.strip("`")):
        return None
    match = _OPENING.match(rest)
    if match is None:
        return Opening(False, rest)
    if match.end() == len(rest):
        return None if len(rest) < _LONGEST else Opening(False, rest)
    word, after = match[1], rest[match.end() :]
    if after[0] in "\r\n" or word.lower() in ("", "json"):
        return Opening(True, after)
    return Opening(True, word + after)


class Closing:
    """The end of a fenced text: backticks, then nothing but white space."""

    __slots__ = ("_ticks", "_told")

    def __init__(self) -> None:
        self._ticks = 0
        self._told = False
        """Something else than a backtick came."""

    def feed(self, text: str) -> str:
        """What is wrong with the text after the JSON; empty: nothing."""
        rest = text
        if not self._told:
            rest = text.lstrip("`")
            self._ticks += len(text) - len(rest)
            self._told = rest != ""
        if rest.strip(SPACE) or (self._told and self._ticks < LEAST):
            return "text follows the JSON"
        return ""
