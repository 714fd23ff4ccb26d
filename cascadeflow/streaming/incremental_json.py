"""JSON that is still arriving: a resumable parser that keeps a live, partial value.

Strict RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259). Units: sizes and positions are characters
(code points) of the JSON text, counted from 0.

Each fragment costs time in proportion to its own length, however long the text already is:

    fragment ──▶ step ─▶ step ─▶ ...     what comes next chooses the step; a step reads one token,
                  │                      or what has come of it
                  └─▶ `LiveValue`        dicts and lists that grow in place

- A number, literal or short key that the end of a fragment cuts is carried to the next one and read
  again; a number has at most `MAX_NUMBER` characters. A string is a list of parts, and no part of
  it is read twice.
- A `str` cannot grow in place, and copying a long one for each fragment is quadratic. So the live
  value shows an open string whole up to `EXACT` characters; a longer one may lack less than its
  last 1/64 (`unshown` says how much) until it closes or `refresh` is called. It is a plain `str`
  all the same, so that the value can be serialised at any time.
- An open number or literal is not shown: the 12 of 1234 is another value, not part of one. The same
  holds for an open key, and for a key whose value has not begun.
- A number that is not inside anything has no end; it counts as complete where it could end.
- The position of an error is that of the first character after which no text could be valid; of a
  number out of range, that of its first character.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Final

from ..errors import ConfigError
from .json_grammar import (
    CARRIED,
    LITERALS,
    MAX_DEPTH,
    MAX_NUMBER,
    MAX_SIZE,
    JSONParseState,
    MalformedJSON,
    ParseResult,
    find_special,
    match_cut_escape,
    match_escape,
    match_name,
    match_number,
    match_scalar,
    match_whole_number,
    number,
    skip_space,
)
from .json_value import EXACT, LAG, LiveValue, OpenText

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

_COMPLETE: Final = JSONParseState.COMPLETE
_CUT_KEY: Final = JSONParseState.IN_KEY
_CUT_STRING: Final = JSONParseState.IN_STRING
_STATES: Final = (*(None, None, None, None, None, None), _CUT_KEY, _CUT_STRING, _COMPLETE)
"""By what comes next; None where that does not tell."""
_DECODER: Final = json.JSONDecoder()


class ProgressiveJSONParser:
    """Reads one JSON text in fragments, in time proportional to their length.

    Values are those of `json.loads`, except that lone surrogates become U+FFFD and that numbers
    beyond the range of a float are errors; so are comments, NaN, a byte order mark, a second value.

    Args:
        max_depth: arrays and objects inside each other, at least 1.
        max_size: characters of the whole text, white space included, at least 1.

    Raises:
        ConfigError: if a bound is smaller than 1.
    """

    __slots__ = (
        "_base", "_carry", "_cut", "_error", "_live", "_max_depth", "_max_size", "_mode",
        "_received", "_text",
    )  # fmt: skip

    def __init__(self, *, max_depth: int = MAX_DEPTH, max_size: int = MAX_SIZE) -> None:
        for name, bound in (("max_depth", max_depth), ("max_size", max_size)):
            if bound < 1:
                raise ConfigError(f"ProgressiveJSONParser: {name} is {bound}; it must be >= 1")
        self._max_depth = max_depth
        self._max_size = max_size
        self._error: MalformedJSON | None = None
        self._live = LiveValue()
        self._mode = AT_VALUE
        self._received = 0
        self._base = 0  # position of the first character of the text at hand
        self._carry = ""  # a short cut token, to be read with the next fragment
        self._cut = JSONParseState.IN_KEY  # the state within it
        self._text = OpenText()

    def feed(self, fragment: str) -> ParseResult:
        """Read the next fragment; it may be cut anywhere, or be empty.

        Wrong input is reported in the result, not raised, and every later result repeats it.
        """
        if self._error is not None:
            return self._result()
        text = fragment
        self._base = self._received
        if self._carry:
            text = self._carry + fragment
            self._base -= len(self._carry)
            self._carry = ""
        self._received += len(fragment)
        excess = self._received > self._max_size
        if excess:
            text = text[: self._max_size - self._base]
        try:
            pos, size, steps = 0, len(text), self._STEPS
            while pos < size:
                pos = steps[self._mode](self, text, pos)
            if excess:
                message = f"more than {self._max_size} characters"
                raise MalformedJSON("size", message, self._max_size)
        except MalformedJSON as error:
            self._error = error
            self._received = error.position
            return self.refresh()
        string = self._text
        if self._mode == IN_STRING and (
            len(string.shown) < EXACT or string.unshown * LAG >= len(string.shown)
        ):
            self._live.show(string.refresh())
        return self._result()

    def refresh(self) -> ParseResult:
        """Show an open string to its last character, at the cost of copying it (`unshown`)."""
        if self._mode == IN_STRING:
            self._live.show(self._text.refresh())
        return self._result()

    def parse(self, text: str) -> ParseResult:
        """Read a text, or the start of one, by itself; what was fed is not touched.

        For text that keeps arriving `feed` is the cheaper way: this reads from the beginning.
        """
        parser = ProgressiveJSONParser(max_depth=self._max_depth, max_size=self._max_size)
        parser.feed(text)
        return parser.refresh()

    def _result(self) -> ParseResult:
        mode, error, live = self._mode, self._error, self._live
        state, message, kind = _STATES[mode], None, None
        if error is not None:
            state, message, kind = JSONParseState.INVALID, str(error), error.kind
        elif state is None:
            if self._carry:
                state = self._cut
            elif live.object is not None:
                state = JSONParseState.IN_OBJECT
            else:
                state = JSONParseState.EMPTY if live.array is None else JSONParseState.IN_ARRAY
        return ParseResult(
            state,
            live.root,
            state is _COMPLETE,
            message,
            kind,
            self._received,
            live.duplicates,
            self._text.lone_surrogates,
            self._text.unshown if mode == IN_STRING else 0,
        )

    def _unexpected(self, text: str, pos: int, expected: str) -> MalformedJSON:
        message = f"unexpected {text[pos]!r}; allowed: {expected}"
        return MalformedJSON("syntax", message, self._base + pos)

    # Values

    def _value(self, text: str, pos: int) -> int:
        match = match_scalar(text, pos)
        if match is None:
            return self._other_value(text, pos)
        string, quote, bare, delimiter = match.groups()
        if bare is None:
            if not quote:
                self._mode = IN_STRING
                self._text.take(string)
                return len(text)
            value = string if string.isascii() else self._text.whole(string)
        elif not delimiter:
            return self._other_value(text, match.start(3))
        elif bare.isdigit() and bare[0] != "0":
            value = int(bare)
        elif bare in LITERALS:
            value = LITERALS[bare]
        elif match_whole_number(bare):
            value = number(bare, self._base + match.start(3))
        else:
            return self._other_value(text, match.start(3))
        live = self._live
        if live.object is None:
            self._put(value)
            return match.start(4)
        live.object[live.key] = value
        if delimiter == ",":
            self._mode = AT_NAME
            return match.end()
        self._mode = AT_DELIMITER
        return match.start(4)

    def _other_value(self, text: str, pos: int) -> int:
        """A container, a value with an escape or a fault in it, or the start of any."""
        char = text[pos]
        if char in " \t\n\r":
            return skip_space(text, pos)
        if char == '"':
            self._mode = IN_STRING
            return pos + 1
        if char in "{[":
            if len(self._live.around) == self._max_depth:
                message = f"more than {self._max_depth} arrays and objects inside each other"
                raise MalformedJSON("depth", message, self._base + pos)
            self._live.open({} if char == "{" else [])
            self._mode = AT_FIRST_NAME if char == "{" else AT_ELEMENT
            return pos + 1
        if char in "-0123456789":
            return self._digits(text, pos)
        if char == "]" and self._mode == AT_ELEMENT:
            return self._close(pos)
        return self._literal(text, pos)

    def _literal(self, text: str, pos: int) -> int:
        word = next((word for word in LITERALS if word[0] == text[pos]), "")
        if not word:
            raise self._unexpected(text, pos, "a value")
        end = pos + 1
        while end - pos < len(word) and text.startswith(word[end - pos], end):
            end += 1
        if end - pos == len(word):
            self._put(LITERALS[word])
        elif end == len(text):
            self._carry, self._cut = text[pos:], JSONParseState.IN_LITERAL
        else:
            raise self._unexpected(text, end, f"{word[end - pos]!r}, as in {word}")
        return end

    def _digits(self, text: str, pos: int) -> int:
        match = match_number(text, pos, pos + MAX_NUMBER + 1)
        found = match[0] if match else ""
        digits, at = found[:MAX_NUMBER], self._base + pos
        end = pos + len(digits)
        whole = match_whole_number(digits) is not None
        if not self._live.around:
            self._live.root = None
        if whole and "e" in digits.lower():
            number(digits, at)  # out of range is out of range, whatever digits follow
        if len(found) > MAX_NUMBER:
            message = f"a number of more than {MAX_NUMBER} characters"
            raise MalformedJSON("number", message, at + MAX_NUMBER)
        if end < len(text):
            if not whole:
                raise self._unexpected(text, end, "the rest of a number")
            self._put(number(digits, at))
            return end
        self._carry, self._cut = digits, JSONParseState.IN_NUMBER
        if whole and not self._live.around:
            self._live.root, self._cut = number(digits, at), _COMPLETE
        return end

    def _put(self, value: object) -> None:
        self._live.put(value)
        self._mode = AT_DELIMITER if self._live.around else AT_END

    # Arrays and objects

    def _close(self, pos: int) -> int:
        self._mode = AT_DELIMITER if self._live.close() else AT_END
        return pos + 1

    def _delimiter(self, text: str, pos: int) -> int:
        char = text[pos]
        is_object = self._live.object is not None
        if char == ",":
            self._mode = AT_NAME if is_object else AT_VALUE
            return pos + 1
        if char == ("}" if is_object else "]"):
            return self._close(pos)
        if char in " \t\n\r":
            return skip_space(text, pos)
        raise self._unexpected(text, pos, "',' or '}'" if is_object else "',' or ']'")

    def _name(self, text: str, pos: int) -> int:
        match = match_name(text, pos)
        if match is None:
            return self._other_name(text, pos)
        key, colon = match.groups()
        if colon:
            self._live.name(key if key.isascii() else self._text.whole(key))
            self._mode = AT_VALUE
        elif len(key) < CARRIED:
            self._carry, self._cut = '"' + key, _CUT_KEY
        else:
            self._mode = IN_KEY
            self._text.take(key)
        return match.end()

    def _other_name(self, text: str, pos: int) -> int:
        char = text[pos]
        if char in " \t\n\r":
            return skip_space(text, pos)
        if char == '"':
            self._mode = IN_KEY
            return pos + 1
        if char == "}" and self._mode == AT_FIRST_NAME:
            return self._close(pos)
        raise self._unexpected(text, pos, "a key in double quotes")

    def _colon(self, text: str, pos: int) -> int:
        pos = skip_space(text, pos)
        if pos == len(text):
            return pos
        if text[pos] != ":":
            raise self._unexpected(text, pos, "':'")
        self._mode = AT_VALUE
        return pos + 1

    def _end(self, text: str, pos: int) -> int:
        pos = skip_space(text, pos)
        if pos < len(text):
            raise self._unexpected(text, pos, "nothing more, the value is complete")
        return pos

    # Strings

    def _string(self, text: str, pos: int) -> int:
        special = find_special(text, pos)
        if special is None:
            self._text.take(text[pos:])
            return len(text)
        end = special.start()
        if text[end] == "\\":
            return self._escaped(text, pos, end)
        self._text.take(text[pos:end])
        if text[end] != '"':
            raise self._unexpected(text, end, "no control character in a string")
        if self._mode == IN_KEY:
            self._live.name(self._text.close())
            self._mode = AT_COLON
        else:
            self._put(self._text.close())
        return end + 1

    def _escaped(self, text: str, pos: int, escape: int) -> int:
        end, match = escape, match_escape(text, escape)
        while match is not None:
            end = match.end()
            match = match_escape(text, end)
        self._text.take(_DECODER.raw_decode(f'"{text[pos:end]}"')[0])
        if not text.startswith("\\", end):
            return end
        cut = match_cut_escape(text, end)
        if cut is not None and cut.end() < len(text):
            raise self._unexpected(text, cut.end(), "the rest of an escape")
        self._carry = text[end:]
        return len(text)

    # By what comes next. (`Any` is this class: the type checkers disagree on how to say so here.)
    _STEPS: ClassVar[tuple[Callable[[Any, str, int], int], ...]] = (
        *(_value, _value, _name, _name, _colon, _delimiter),
        *(_string, _string, _end),
    )
