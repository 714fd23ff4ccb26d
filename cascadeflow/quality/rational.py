"""Written numbers and arithmetic, read exactly: "3 * (4 + 1) / 2" is 15/2.

Values are pairs of integers (numerator, positive denominator), reduced. Everything is bounded:
tokens, nesting, digits and exponents; what exceeds a bound or is no expression raises `ValueError`.

    sum     = product (("+" | "-") product)*
    product = power (("*" | "/" | nothing before "(") power)*
    power   = factor ("^" factor)?
    factor  = "-" factor | "(" sum ")" "%"? | number "%"?
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

Rational: TypeAlias = tuple[int, int]

MOST_TOKENS = 32
MOST_DIGITS = 15
MOST_BITS = 256
DEEPEST = 8
LARGEST_EXPONENT = 16
MOST_NUMBERS = 64
"""Numbers that are read of one text."""
MOST_CACHED = 1_024

NUMBER = re.compile(r"\d[\d.,]*")
_TOKEN = re.compile(r"\d[\d.,]*|\.\d+|[-+*/^()%]|\S")
_ENGLISH = re.compile(r"(?:\d{1,3}(?:,\d{3}){1,4}|\d+)(?:\.\d*)?$|\.\d+$")
_EUROPEAN = re.compile(r"(?:\d{1,3}(?:\.\d{3}){1,4}|\d+)(?:,\d*)?$")


def ratio(top: int, bottom: int) -> Rational:
    """The reduced fraction; raises `ValueError` for a zero denominator or huge values."""
    if bottom == 0 or max(top.bit_length(), bottom.bit_length()) > MOST_BITS:
        raise ValueError("not a bounded fraction")
    shared = math.gcd(top, bottom) * (-1 if bottom < 0 else 1)
    return top // shared, bottom // shared


def number(text: str, *, comma: bool) -> tuple[Rational, int]:
    """Value and count of decimals of a written number; `comma` reads 1.234,5 as Europe does.

    Raises:
        ValueError: `text` is no number in that notation, or has more than 15 digits.
    """
    text = text.rstrip(".,")
    if len(text) <= MOST_DIGITS and text.isdecimal():
        return (int(text), 1), 0
    if len(text) > MOST_DIGITS + 5 or not (_EUROPEAN if comma else _ENGLISH).match(text):
        raise ValueError(f"{text[:20]!r} is no number")
    point, thousands = (",", ".") if comma else (".", ",")
    whole, _, decimals = text.replace(thousands, "").partition(point)
    return ratio(int((whole or "0") + decimals), 10 ** len(decimals)), len(decimals)


def value_of(text: str) -> Rational:
    """The value of a written number in either notation; 0 if it is none."""
    bare = text.rstrip(".,")
    return _value_of(bare) if len(bare) <= MOST_DIGITS + 6 else (0, 1)


@lru_cache(MOST_CACHED)
def _value_of(text: str) -> Rational:
    for comma in (False, True):
        try:
            (top, bottom), _ = number(text.lstrip("-"), comma=comma)
        except ValueError:
            continue
        return (-top, bottom) if text.startswith("-") else (top, bottom)
    return 0, 1


def values(text: str) -> list[Rational]:
    """The numbers in digits of a text, in order; at most 64."""
    return [value_of(found[0]) for found in islice(NUMBER.finditer(text), MOST_NUMBERS)]


def evaluate(text: str, *, comma: bool = False, relative: bool = False) -> Rational:
    """The value of an expression; `relative` reads "100 - 20%" as 80.

    Raises:
        ValueError: no expression, or beyond the bounds.
    """
    tokens = _TOKEN.findall(text[: 8 * MOST_TOKENS])
    if not tokens or len(tokens) > MOST_TOKENS or len(text) > 8 * MOST_TOKENS:
        raise ValueError("not an expression of bounded length")
    parser = _Parser(tokens, comma=comma, relative=relative)
    value = parser.sum(0)
    if parser.ahead:
        raise ValueError(f"{parser.ahead!r} is out of place")
    return value


class _Parser:
    __slots__ = ("_before", "_comma", "_left", "_relative", "ahead")

    def __init__(self, tokens: list[str], *, comma: bool, relative: bool) -> None:
        self._left = iter(tokens)
        self._comma = comma
        self._relative = relative
        self._before = ""
        self.ahead = next(self._left)
        """The next token; empty behind the last."""

    def _next(self) -> str:
        self._before, self.ahead = self.ahead, next(self._left, "")
        return self._before

    def sum(self, depth: int) -> Rational:
        top, bottom = self._product(depth)
        while self.ahead in ("+", "-"):
            sign = 1 if self._next() == "+" else -1
            a, b = self._product(depth)
            if self._relative and self._before == "%":
                a, b = ratio(a * top, b * bottom)
            top, bottom = ratio(top * b + sign * a * bottom, bottom * b)
        return top, bottom

    def _product(self, depth: int) -> Rational:
        top, bottom = self._power(depth)
        while self.ahead in ("*", "/", "("):
            over = self.ahead != "(" and self._next() == "/"
            a, b = self._power(depth)
            if over:
                a, b = b, a
            top, bottom = ratio(top * a, bottom * b)
        return top, bottom

    def _power(self, depth: int) -> Rational:
        top, bottom = self._factor(depth)
        if self.ahead != "^":
            return top, bottom
        self._next()
        exponent, whole = self._factor(depth)
        if whole != 1 or not 0 <= exponent <= LARGEST_EXPONENT:
            raise ValueError("only small whole exponents are evaluated")
        return ratio(top**exponent, bottom**exponent)

    def _factor(self, depth: int) -> Rational:
        if depth > DEEPEST:
            raise ValueError("too deep")
        token = self._next()
        if token == "-":
            top, bottom = self._factor(depth + 1)
            return -top, bottom
        if token == "(":
            value = self.sum(depth + 1)
            if self._next() != ")":
                raise ValueError("a bracket is not closed")
        else:
            value = number(token, comma=self._comma)[0]
        if self.ahead == "%":
            self._next()
            value = ratio(value[0], value[1] * 100)
        return value
