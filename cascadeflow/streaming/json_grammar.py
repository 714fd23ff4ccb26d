"""The words of the incremental JSON parser: states, errors, the grammar, values of tokens.

Strict RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259). Used by `incremental_json`.

- Repetitions are of single characters, and possessive (`*+`): no expression can backtrack into one,
  so a match costs time in proportion to the characters it looks at.
- Units: positions and lengths are characters (code points), counted from 0.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

import msgspec

MAX_SIZE: Final = 1024 * 1024
"""Characters of a JSON text, unless the caller says otherwise."""
MAX_DEPTH: Final = 128
"""Arrays and objects inside each other, unless the caller says otherwise."""
MAX_NUMBER: Final = 4300
"""Characters of one number: the interpreter's own default for integers, here for all numbers."""

Problem: TypeAlias = Literal["syntax", "depth", "size", "number"]
"""syntax: not JSON. depth, size: the text exceeds a bound. number: too long or out of range."""


class JSONParseState(StrEnum):
    """Where in the text the parser stands: the innermost thing that is still open."""

    EMPTY = "empty"
    """Nothing but white space so far."""
    IN_OBJECT = "in_object"
    IN_ARRAY = "in_array"
    IN_KEY = "in_key"
    IN_STRING = "in_string"
    IN_NUMBER = "in_number"
    IN_LITERAL = "in_literal"
    """Within `true`, `false` or `null`."""
    COMPLETE = "complete"
    """The text so far is one whole JSON value. Only a number by itself can still go on."""
    INVALID = "invalid"
    """No continuation can make the text valid."""


class ParseResult(msgspec.Struct, frozen=True, gc=False):
    """What a JSON text says so far."""

    state: JSONParseState
    value: Any
    """dict, list, str, int, float, bool or None. While the text is incomplete: what is certain,
    and the open string as far as it has come. After an error: what came before it.

    It is live: the next `feed` changes the same dicts and lists. Read it, do not change it; what
    must not change, copy."""
    complete: bool
    """The text so far is one whole JSON value."""
    error: str | None
    """What was wrong, where, and what is allowed; None: nothing."""
    error_kind: Problem | None
    """"syntax": not JSON. "depth", "size": beyond the parser's bounds. "number": a number of more
    than 4,300 characters, or beyond the range of a float."""
    position: int
    """Characters read so far; with an error, its offset in the text."""
    duplicates: tuple[str, ...]
    """Keys that came twice in one object, at most 16 of them; the last value wins."""
    lone_surrogates: bool
    """Half a surrogate pair was escaped in the text, and U+FFFD stands in its place."""
    unshown: int
    """Characters of an open string longer than 8,192 that `value` does not show yet: less than
    1/64 of it. `ProgressiveJSONParser.refresh` shows them."""


class MalformedJSON(Exception):
    """The text is not JSON, or exceeds a bound."""

    def __init__(self, kind: Problem, message: str, position: int) -> None:
        super().__init__(f"character {position}: {message}")
        self.kind: Problem = kind
        self.position = position
        """Offset in the text, in characters."""


_SPACE: Final = r"[ \t\n\r]*+"
_PLAIN: Final = r'[^"\\\x00-\x1f]*+'

CARRIED: Final = 64
"""Keys shorter than this, when cut, are read again with the next fragment."""
SHORT: Final = 512
"""No interpreter refuses an integer of so few digits."""
# Methods of expressions: an imported expression would be asked for its method at each call.
match_name: Final = re.compile(rf'{_SPACE}"({_PLAIN})("{_SPACE}:{_SPACE}|\Z)').match
"""A key without escapes; then its colon, or nothing where the end of the fragment cuts it."""
match_scalar: Final = re.compile(
    rf'{_SPACE}(?:"({_PLAIN})("|\Z)|([-0-9a-z][-+.0-9Ea-z]{{0,{SHORT - 1}}}+))'
    rf"{_SPACE}([,\]}}]|\Z){_SPACE}"
).match
"""A string without escapes and its closing quote, or what may be a `SHORT` number or a literal;
then a delimiter. Quote and delimiter are empty at the end of the fragment."""
match_whole_number: Final = re.compile(
    r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
).fullmatch
match_number: Final = re.compile(
    r"-?(?:(?:0|[1-9][0-9]*+)(?:\.(?:[0-9]++(?:[eE][+-]?[0-9]*+)?)?|[eE][+-]?[0-9]*+)?)?"
).match
"""The longest start of a number; always matches."""
LITERALS: Final = {"true": True, "false": False, "null": None}
find_special: Final = re.compile(r'["\\\x00-\x1f]').search
"""What ends a run of plain characters in a string."""
match_escape: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+').match
"""A whole escape, and the plain characters after it."""
match_cut_escape: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?").match
"""The longest start of an escape that is not whole."""
_NON_SPACE: Final = re.compile(r"[^ \t\n\r]")


def skip_space(text: str, pos: int) -> int:
    """Position of the first character at or after `pos` that is no white space, or the end."""
    if text[pos : pos + 1] > " ":
        return pos
    match = _NON_SPACE.search(text, pos)
    return len(text) if match is None else match.start()


def number(digits: str, position: int) -> int | float:
    """The value of a number of at most `MAX_NUMBER` characters that starts at `position`.

    Integers are exact; other numbers the nearest float, as everywhere in Python.

    Raises:
        MalformedJSON: if it is beyond the range of a float. RFC 8259 has no Infinity.
    """
    size = digits.lstrip("-")
    if size.isdigit():
        # In pieces, so that `sys.set_int_max_str_digits` has no say in it.
        whole = 0
        for start in range(0, len(size), SHORT):
            piece = size[start : start + SHORT]
            whole = whole * 10 ** len(piece) + int(piece)
        return whole if size == digits else -whole
    value = float(digits)
    if math.isinf(value):
        message = "a number beyond the range of a float, about 1.8e308"
        raise MalformedJSON("number", message, position)
    return value
