"""Arithmetic: sums, `plus` and `times` understood, and worded problems. Exact throughout.

A sum is parsed, never run as code: numbers, `+ - * /` and brackets. A worded problem is a
text with blanks and the sum that solves it; the text makes the question and recognises it again.
"""

from __future__ import annotations

import ast
import operator
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from .solution import Number, Solution, Working, misread, numbers, show

STORIES: tuple[tuple[str, str, str, dict[str, tuple[int, int]]], ...] = (
    ("{who} has {a} {thing}. {who} buys {b} boxes with {c} {thing} each and gives {d} {thing} "
     "away. How many {thing} does {who} have now?",
     "{a} + {b} * {c} - {d}", "{thing}", {"a": (5, 40), "b": (3, 9), "c": (6, 24), "d": (4, 30)}),
    ("A train travels at {a} km per hour for {b} hours and then at {c} km per hour for {d} "
     "hours. How many kilometres does it travel in all?",
     "{a} * {b} + {c} * {d}", "km", {"a": (40, 120), "b": (2, 7), "c": (50, 160), "d": (2, 6)}),
    ("There are {a} {thing} in a crate. {b} of them are broken, and the others are packed into "
     "bags of {c}. How many bags are filled?",
     "({a} - {b}) / {c}", "bags", {"a": (60, 260), "b": (3, 30), "c": (4, 12)}),
    ("A jacket costs {a} dollars. The price is reduced by {b} percent. How many dollars does "
     "the jacket cost now?",
     "{a} - {a} * {b} / 100", "dollars", {"a": (40, 320), "b": (5, 45)}),
)  # fmt: skip
"""Worded problems: the text, the sum, what is counted, and the range of each number."""
LONGEST_SUM = 200
"""Characters; a longer one is not read."""

_SIGNS = (
    (r"\b(?:multiplied by|times)\b|[×·]|(?<=\d)\s*x\s*(?=\d)", " * "),
    (r"\bdivided by\b|÷", " / "),
    (r"\bplus\b", " + "),
    (r"\bminus\b|−", " - "),
)
_RUN = re.compile(r"[\d.+\-*/() ]{3,}")
_OPERATION = re.compile(r"[\d)]\s*[-+*/]+\s*[-(\d]")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OPS: Mapping[type[ast.operator], tuple[str, Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: ("+", operator.add), ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul), ast.Div: ("/", lambda a, b: a / b),
}  # fmt: skip


def pose(rng: random.Random) -> str:
    """A worded problem in which every step has a whole result, or one time in three a sum."""
    if rng.random() < 1 / 3:
        return f"What is {rng.randint(12, 99)} * {rng.randint(3, 29)} + {rng.randint(11, 400)}?"
    text, sum, _, ranges = rng.choice(STORIES)
    while True:
        blanks = {name: str(rng.randint(*bounds)) for name, bounds in ranges.items()}
        blanks |= {
            "who": rng.choice(("Ana", "Ben", "Clara", "Emil", "Fatima", "Hugo")),
            "thing": rng.choice(("apples", "marbles", "cookies", "books", "shells")),
        }
        steps = _calculate(sum.format_map(blanks)).values
        if all(value.denominator == 1 and value > 0 for value in steps):
            return text.format_map(blanks)


def solve(text: str, rng: random.Random) -> Solution | None:
    """The problem or sum in `text` calculated step by step; None: there is none."""
    for story, sum, unit, _ in STORIES:
        if match := _pattern(story).search(text):
            blanks = match.groupdict()
            return work(sum.format_map(blanks), rng, unit.format_map(blanks))
    found = find(text)
    return work(found, rng) if found else None


def find(text: str) -> str | None:
    """The sum in `text` with its words turned into signs; None: there is none."""
    for words, sign in _SIGNS:
        text = re.sub(words, sign, text, flags=re.IGNORECASE)
    run = max(_RUN.findall(text.replace(",", "")), key=len, default="").strip(" .")
    if len(run) > LONGEST_SUM or not _OPERATION.search(run) or _ISO_DATE.fullmatch(run):
        return None
    return re.sub(r"\s+", " ", run)


def work(
    sum: str, rng: random.Random, unit: str = "", *, lead: str = "", instead: str = ""
) -> Solution | None:
    """The sum calculated, behind the sentence `lead`; None if it is none, or has no value.

    Slips: `instead` calculated, a step miscalculated (the equation in the text is wrong), a number
    misread, the last step forgotten (every equation holds).
    """
    try:
        done = _calculate(sum)
        number = show(rng.choice(numbers(sum)))
        other = sum.replace(number, show(misread(Fraction(number), rng)), 1)
        slips = [_calculate(wrong).working(lead) for wrong in (instead, other) if wrong]
        for step, value in enumerate(done.values):
            off = misread(value, rng)
            slips.append(_calculate(sum, {step: off}).working(lead, show(off)))
    except (SyntaxError, RecursionError, ValueError, ArithmeticError, IndexError):
        return None
    if len(done.values) > 1:
        slips.append(_Calculation({}, done.lines[:-1], done.values[:-1]).working(lead))
    return Solution(done.working(lead), Number(show(done.values[-1])), slips, unit)


@dataclass(slots=True)
class _Calculation:
    """A sum calculated, each step with its line; `wrong` are steps that yield another value."""

    wrong: Mapping[int, Fraction]
    lines: list[str] = field(default_factory=list[str])
    values: list[Fraction] = field(default_factory=list[Fraction])

    def value(self, node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value=int() | float() as number):
                return Fraction(str(number))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.BinOp(op=op) if type(op) in _OPS:
                left, right = self.value(node.left), self.value(node.right)
                sign, apply = _OPS[type(op)]
                value = self.wrong.get(len(self.values), apply(left, right))
                equals = "=" if Fraction(_result(value)) == value else "is about"
                self.lines.append(f"{show(left)} {sign} {show(right)} {equals} {_result(value)}.")
                self.values.append(value)
                return value
            case _:
                raise ValueError(f"{ast.dump(node)} is no sum of numbers and + - * /")

    def working(self, lead: str, doubtful: str = "") -> Working:
        """The lines, and the value of the last step."""
        lines = tuple(filter(None, (lead, *self.lines)))
        return Working(_result(self.values[-1]), lines, doubtful)


def _calculate(sum: str, wrong: Mapping[int, Fraction] | None = None) -> _Calculation:
    done = _Calculation(wrong or {})
    done.value(ast.parse(sum, mode="eval").body)
    return done


def _result(value: Fraction) -> str:
    """`value` as precisely as a result is usually given."""
    return show(value, 4 if abs(value) >= 1 else 9)


@cache
def _pattern(story: str) -> re.Pattern[str]:
    """A story with each blank as a named group, and as a back reference when it recurs."""
    parts = re.split(r"\{(\w+)\}", story)
    found: set[str] = set()
    for place, name in enumerate(parts):
        if place % 2 == 0:
            parts[place] = re.escape(name).replace(r"\ ", r"\s+")
            continue
        kind = "[a-zA-Z]+" if name in ("who", "thing") else "[0-9]+"
        parts[place] = rf"(?P={name})" if name in found else rf"(?P<{name}>{kind})"
        found.add(name)
    return re.compile("".join(parts), re.IGNORECASE)
