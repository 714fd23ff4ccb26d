"""Plain sums such as `What is 17 * 23 + 4?`, with `plus`, `times` and the like understood.

The sum is parsed, never evaluated as code: numbers, `+ - * /`, brackets and small powers only.
"""

from __future__ import annotations

import ast
import random
import re
from dataclasses import dataclass, field
from fractions import Fraction

from . import check, numerals
from .arithmetic import apply
from .solution import Solution, Working, solution

LONGEST_SUM = 200
"""Characters; a longer one is not read."""

_WORDS = (
    (r"\bmultiplied by\b|\btimes\b|[×·]|(?<=\d)\s*x\s*(?=\d)", " * "),
    (r"\bdivided by\b|\bover\b|÷", " / "),
    (r"\bplus\b|\badded to\b", " + "),
    (r"\bminus\b|−", " - "),
    (r"\bsquared\b", " ** 2 "),
    (r"\^", "**"),
)
_RUN = re.compile(r"[\d.+\-*/() ]{3,}")
_OPERATION = re.compile(r"[\d)]\s*[-+*/]+\s*[-(\d]")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OPS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class _Unreadable(Exception):
    """The text is no sum we calculate."""


def pose(rng: random.Random) -> str:
    """A sum of three numbers."""
    a, b, c = rng.randint(12, 99), rng.randint(3, 29), rng.randint(11, 400)
    sums = (f"{a} * {b} + {c}", f"{c} + {a} * {b}", f"({a} + {b}) * {rng.randint(3, 12)}")
    return f"What is {rng.choice(sums)}?"


def solve(text: str, rng: random.Random) -> Solution | None:
    """The sum in `text` calculated step by step; None: there is none."""
    tree = _parse(text)
    if tree is None:
        return None
    exact = _Calculation()
    try:
        value = exact.value(tree)
    except (ZeroDivisionError, _Unreadable):
        return None
    if not exact.lines:
        return None
    slips = [_slip(tree, exact, step, rng) for step in range(len(exact.lines))]
    right = Working(numerals.show(value), tuple(exact.lines))
    return solution("arithmetic", right, check.Number(value, 1e-4), [s for s in slips if s])


def find(text: str) -> str | None:
    """The sum in `text` with its words turned into signs; None: there is none."""
    for words, sign in _WORDS:
        text = re.sub(words, sign, text, flags=re.IGNORECASE)
    run = max(_RUN.findall(text.replace(",", "")), key=len, default="").strip(" .")
    if len(run) > LONGEST_SUM or not _OPERATION.search(run) or _ISO_DATE.fullmatch(run):
        return None
    return re.sub(r"\s+", " ", run)


def _parse(text: str) -> ast.expr | None:
    run = find(text)
    try:
        tree: ast.Expression = ast.parse(run or "", mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return None
    return tree.body


def _slip(tree: ast.expr, exact: _Calculation, step: int, rng: random.Random) -> Working | None:
    wrong = numerals.misread(exact.values[step], rng)
    try:
        off = _Calculation({step: wrong})
        answer = numerals.show(off.value(tree))
    except (ZeroDivisionError, _Unreadable):
        return None
    return Working(answer, tuple(off.lines), (numerals.show(wrong),))


@dataclass(slots=True)
class _Calculation:
    """One evaluation, keeping each step; `wrong` maps a step to the value it yields instead."""

    wrong: dict[int, Fraction] = field(default_factory=dict[int, Fraction])
    lines: list[str] = field(default_factory=list[str])
    values: list[Fraction] = field(default_factory=list[Fraction])

    def value(self, node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return Fraction(str(number))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
                base = self.value(left)
                return self._step("*", base, base)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=3)):
                base = self.value(left)
                return self._step("*", self._step("*", base, base), base)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPS:
                return self._step(_OPS[type(op)], self.value(left), self.value(right))
            case _:
                raise _Unreadable

    def _step(self, op: str, left: Fraction, right: Fraction) -> Fraction:
        value = self.wrong.get(len(self.values), apply(op, left, right))
        equals = "=" if numerals.is_shown_exactly(value) else "is about"
        shown = (numerals.show(number) for number in (left, right, value))
        self.lines.append("{} {op} {} {equals} {}".format(*shown, op=op, equals=equals) + ".")
        self.values.append(value)
        return value
