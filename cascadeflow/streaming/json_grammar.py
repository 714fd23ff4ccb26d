"""The words of the incremental JSON parser: states, errors, the grammar, values of tokens.

Strict RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259). Used by `incremental_json`.

- Repetitions are of single characters, and possessive (`*+`): no expression can backtrack into one,
  so a match costs time in proportion to the characters it looks at.
- Units: positions and lengths are characters (code points), counted from 0.
"""

from __future__ import annotations

import json
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


# What comes next. Plain numbers: looking up an enum's member costs as much as a small token.
AT_VALUE: Final = 0
AT_ELEMENT: Final = 1
"""A value, or the end of an empty array."""
AT_NAME: Final = 2
AT_FIRST_NAME: Final = 3
"""A key, or the end of an empty object."""
AT_COLON: Final = 4
AT_DELIMITER: Final = 5
IN_KEY: Final = 6
IN_STRING: Final = 7
AT_END: Final = 8

STATES: Final = (
    *(None, None, None, None, None, None),
    JSONParseState.IN_KEY,
    JSONParseState.IN_STRING,
    JSONParseState.COMPLETE,
)
"""By what comes next; None where that does not tell."""


_SPACE: Final = r"[ \t\n\r]*+"
_PLAIN: Final = r'[^"\\\x00-\x1f]*+'

CARRIED: Final = 64
"""Keys and strings shorter than this, when cut, are read again with the next fragment."""
SHORT: Final = 512
"""No interpreter refuses an integer of so few digits."""
NAME: Final = re.compile(rf'{_SPACE}"({_PLAIN})("{_SPACE}:{_SPACE}|\Z)')
"""A key without escapes; then its colon, or nothing where the end of the fragment cuts it."""
SCALAR: Final = re.compile(
    rf'{_SPACE}(?:"({_PLAIN})("|\Z)|([-0-9a-z][-+.0-9Ea-z]{{0,{SHORT - 1}}}+))'
    rf"{_SPACE}([,\]}}]|\Z){_SPACE}"
)
"""A string without escapes and its closing quote, or what may be a `SHORT` number or a literal;
then a delimiter. Quote and delimiter are empty at the end of the fragment."""
WHOLE_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
NUMBER: Final = re.compile(
    r"-?(?:(?:0|[1-9][0-9]*+)(?:\.(?:[0-9]++(?:[eE][+-]?[0-9]*+)?)?|[eE][+-]?[0-9]*+)?)?"
)
"""The longest start of a number; always matches."""
LITERALS: Final = {"true": True, "false": False, "null": None}
SPECIAL: Final = re.compile(r'["\\\x00-\x1f]')
"""What ends a run of plain characters in a string."""
ESCAPE: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+')
"""A whole escape, and the plain characters after it."""
CUT_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
"""The longest start of an escape that is not whole."""
_NON_SPACE: Final = re.compile(r"[^ \t\n\r]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DECODER: Final = json.JSONDecoder()


def skip_space(text: str, pos: int) -> int:
    """Position of the first character at or after `pos` that is no white space, or the end."""
    if text[pos : pos + 1] > " ":
        return pos
    match = _NON_SPACE.search(text, pos)
    return len(text) if match is None else match.start()


def skip_escapes(text: str, pos: int) -> int:
    """Where the escapes and plain characters of a string end that begin at `pos`."""
    match = ESCAPE.match(text, pos)
    while match is not None:
        pos = match.end()
        match = ESCAPE.match(text, pos)
    return pos


def skip_cut_escape(text: str, pos: int) -> int:
    """The end of the text if it cuts the escape at `pos`, else the first wrong character."""
    match = CUT_ESCAPE.match(text, pos)
    return pos if match is None else match.end()


def unescape(body: str) -> str:
    """The text that a part of a string stands for; its escapes are whole."""
    text: str = _DECODER.raw_decode(f'"{body}"')[0]
    return text


def mend(text: str) -> tuple[str, bool]:
    """Join the surrogate pairs of `text`, replace single halves by U+FFFD: was there one?"""
    if _SURROGATE.search(text) is None:
        return text, False
    mended = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return mended, mended.count("\ufffd") > text.count("\ufffd")


def match_literal(text: str, pos: int) -> tuple[str, int]:
    """The literal that begins like `text` at `pos`, and how many characters agree; "", 0: none."""
    for word in LITERALS:
        if word[0] == text[pos]:
            count = 1
            while count < len(word) and text.startswith(word[count], pos + count):
                count += 1
            return word, count
    return "", 0


def bare_value(token: str, position: int) -> int | float | bool | None:
    """The value of a literal, or of a number of at most `SHORT` characters.

    Raises:
        ValueError: if it is neither.
        MalformedJSON: if the number is beyond the range of a float.
    """
    if token in LITERALS:
        return LITERALS[token]
    if WHOLE_NUMBER.fullmatch(token) is None:
        raise ValueError
    return number(token, position)


def number(digits: str, position: int) -> int | float:
    """The value of a number of at most `MAX_NUMBER` characters that starts at `position`.

    Integers are exact; other numbers the nearest float, as everywhere in Python.

    Raises:
        MalformedJSON: if it is beyond the range of a float. RFC 8259 has no Infinity.
    """
    if digits.lstrip("-").isdigit():
        return _integer(digits)
    value = float(digits)
    if math.isinf(value):
        message = "a number beyond the range of a float, about 1.8e308"
        raise MalformedJSON("number", message, position)
    return value


def _integer(digits: str) -> int:
    """`int(digits)` in pieces, so that `sys.set_int_max_str_digits` has no say in it."""
    if digits.startswith("-"):
        return -_integer(digits[1:])
    value = 0
    for start in range(0, len(digits), SHORT):
        piece = digits[start : start + SHORT]
        value = value * 10 ** len(piece) + int(piece)
    return value
