"""Reads one answer that must be JSON: while it arrives, and as a whole.

    text ──▶ opening fence ──▶ ProgressiveJSONParser ──▶ closing fence
                                      │ now and then
                                      └──▶ members that are whole, against the relaxed schema

A problem found early is final: nothing that could follow would mend it. What the text is worth in
the end does not depend on how it was cut.

Models are fond of a Markdown fence, whatever they were told. The word after the opening backticks
goes up to the end of its line; where the JSON follows on the same line, the word must be `json` or
none. The closing backticks may be missing: a stop sequence eats them. Source:
https://spec.commonmark.org/0.31.2/#fenced-code-blocks
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..providers.lenient import is_list, is_object
from ..streaming.incremental_json import ProgressiveJSONParser
from ..streaming.json_grammar import JSONParseState, ParseResult
from ..tools.show import escaped, shown
from ..tools.strict_json import MAX_BYTES, MAX_DEPTH
from ..tools.validate import problems

if TYPE_CHECKING:
    from jsonschema_rs import Validator

ROOT = "the answer"
"""What the whole value is called in problems."""
LONGEST = 200
"""Characters of a problem."""
SPACE: Final = " \t\n\r"
"""White space of JSON."""
_OPENING: Final = re.compile(r"`{3,}+[ \t]*+((?:[A-Za-z][\w+.-]*+)?+)[ \t]*+")
_CLOSING: Final = re.compile(rf"`*+|`{{3,}}+[{SPACE}]*+")
"""What may come of a closing fence, to its end or not."""


class JSONReader:
    """A `Structure` for JSON.

    Args:
        whole: what the value must fit; None: any object.
        partial: what its whole members must fit while it grows; see `relaxed`. None: not looked at.
    """

    __slots__ = (
        "_fenced", "_head", "_next_look", "_parser", "_partial", "_problem", "_tail", "_whole",
        "value",
    )  # fmt: skip

    def __init__(self, whole: Validator | None, partial: Validator | None) -> None:
        self._whole = whole
        self._partial = partial
        self._parser = ProgressiveJSONParser(max_depth=MAX_DEPTH, max_size=MAX_BYTES)
        self._head: str | None = ""
        """The text so far, while it is not known whether it opens a fence."""
        self._fenced = False
        self._tail: str | None = None
        """What came of the closing fence, shortened; None: the JSON goes on."""
        self._problem = ""
        self._next_look = 1
        self.value: Any = None
        """See `Structure`."""

    def feed(self, text: str) -> str:
        """See `Structure`."""
        if not self._problem:
            self._problem = escaped(self._read(text), LONGEST)
        return self._problem

    def finish(self) -> str:
        """See `Structure`."""
        if not self._problem:
            self._problem = escaped(self._end(), LONGEST)
        return self._problem

    def _end(self) -> str:
        if self._head and (problem := self._body(self._head)):
            return problem
        result = self._parser.refresh()
        if result.state is JSONParseState.EMPTY:
            return "it holds no JSON"
        if not result.complete:
            return f"the JSON ends too early, {result.state.value} at character {result.position}"
        problem = (
            _not_an_object(result.value)
            if self._whole is None
            else _first(self._whole, result.value, result.position)
        )
        self.value = None if problem else result.value
        return problem

    # --- text ----------------------------------------------------------------------------------

    def _read(self, text: str) -> str:
        if self._tail is not None:
            return self._after(self._tail + text)
        if self._head is None:
            return self._body(text)
        # White space before the answer is not kept: it could be any amount.
        self._head = (self._head + text).lstrip(SPACE)
        begun = _opening(self._head)
        if begun is None:
            return ""
        self._head = None
        self._fenced, rest = begun
        return self._body(rest)

    def _body(self, text: str) -> str:
        while self._fenced and "`" in text:
            before, _, after = text.partition("`")
            if self._parser.feed(before).complete:
                return self._judge(self._parser.feed("")) or self._after("`" + after)
            if problem := self._judge(self._parser.feed("`")):
                return problem
            text = after
        return self._judge(self._parser.feed(text))

    def _after(self, tail: str) -> str:
        self._tail = tail[:3] + tail[3:][-1:]
        return "" if _CLOSING.fullmatch(tail) else "text follows the JSON"

    # --- what has come -------------------------------------------------------------------------

    def _judge(self, result: ParseResult) -> str:
        if result.error is not None:
            return f"not JSON: {result.error}"
        if result.duplicates:
            return f"the key {result.duplicates[0]!r} comes twice in one object"
        if result.lone_surrogates:
            return "half a surrogate pair is escaped in a string"
        value, at = result.value, result.position
        # A number grows, and may fit only when it is whole.
        if value is None or isinstance(value, int | float) or at < self._next_look:
            return ""
        # Once it has grown by an eighth: all looks together cost a multiple of one.
        self._next_look = at + max(16, at // 8)
        if self._whole is None:
            return _not_an_object(value)
        if self._partial is None:
            return ""
        # The last member may still change.
        if is_object(value):
            value = dict(list(value.items())[:-1])
        elif is_list(value):
            value = value[:-1]
        return _first(self._partial, value, at)


def _opening(text: str) -> tuple[bool, str] | None:
    """Whether a text opens a fence, and the rest; None if more must come before that is known."""
    if text in ("", "`", "``"):
        return None
    match = _OPENING.match(text)
    if match is None:
        return False, text
    if match.end() == len(text):
        # A longer opening is none.
        return None if len(text) < 64 else (False, text)
    word, after = match[1], text[match.end() :]
    is_label = after[0] in "\r\n" or word.lower() in ("", "json")
    return True, after if is_label else word + after


def _first(validator: Validator, value: object, size: int) -> str:
    """The first thing that is wrong with a value."""
    return next(iter(problems(validator, value, size, ROOT)), "")


def _not_an_object(value: object) -> str:
    return "" if isinstance(value, dict) else f"{ROOT} is {shown(value)}; it must be a JSON object"
