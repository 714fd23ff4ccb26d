"""Finds the equations "a op b = c" in a line and verifies them by exact evaluation.

The left side is the longest run of arithmetic characters before the sign, the right side the number
(or expression) behind it, so chains "a = b = c" are verified link by link. A result may be rounded
to the decimals it shows. A number that could be English or European ("1,500"), and a percentage
that could be a factor or a change ("100 - 20%"), is wrong only if it is wrong in every reading.
What cannot be parsed is passed over: an equation counts only if it is understood.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec

from .rational import Rational, evaluate, number, value_of

LINE_CHARS = 512
"""Longer lines are cut: a line of arithmetic is short."""

_ARITHMETIC = "0123456789 .,+-*/^()%"
_SIGNS = str.maketrans(
    {
        "×": "*", "·": "*", "∗": "*", "÷": "/", "−": "-", "–": "-", "≈": "=", "＝": "=", "，": ",",
        "$": None, "€": None, "£": None, "¥": None,
    }
)  # fmt: skip
_LATEX = (
    ("\\*", "*"), ("\\$", ""), ("\\times", "*"), ("\\cdot", "*"), ("\\div", "/"), ("\\%", "%"),
    ("\\approx", "="), ("\\,", " "),
    ("\\(", " "), ("\\)", " "), ("\\[", " "), ("\\]", " "),
    ("\\left", ""), ("\\right", ""), ("{,}", ","), ("\\dfrac", "\\frac"), ("\\!", ""),
)  # fmt: skip
_FRACTION = re.compile(r"\\frac\{([\d., ]{1,20})\}\{([\d., ]{1,20})\}")
_WORDS_IN_LATEX = re.compile(r"\\text\{[^{}]{0,80}\}")
_TIMES = re.compile(r"(?:(?<=[\d)%]) ?[xX] ?|(?<=\w) [xX] )(?=[\d($€£])")
_OVER_FRACTION = re.compile(r"(?<=[/*] )(\d{1,9}/\d{1,9})(?![\d/])")
_RESULT = re.compile(r" ?(-?)(\d[\d.,]*)(?: ?(/) ?(\d[\d.,]*))?( ?%)?")
_SCALE = re.compile(r" ?(?:million|billion|thousand|hundred|dozen|[\d(*/^+]|- ?\d)", re.IGNORECASE)
_RUN = re.compile(r"[\d .,+\-*/^()%]+")
_VARIABLE = re.compile(r"[\d)][^\W\d_](?![^\W\d_])")
_OPERATOR = re.compile(r"[\d)%] ?[-+*/^] ?[\d(.-]|\d ?\(")
_TERM = re.compile(r"[^\W\d_](?![^\W\d_])")
_REMARK = re.compile(r"\([^\W\d_]{2}[^()=+*/^<>]{0,60}\)")
_SPACES = re.compile(r"  +")
_UNITS = re.compile(r"(?:(?<=\d)/(?=[^\W\d_]{2}))?[^\W\d_]+\.?(?:/[^\W\d_]+)?")
Verdict: TypeAlias = Literal["right", "wrong", "unsure"]


class Equation(msgspec.Struct, frozen=True):
    """An equation that was understood."""

    verdict: Verdict
    """Unsure: wrong, but words had to be left out to read it."""
    result: Rational
    """What the text gives as the result."""
    expression: str
    """The left side as it was evaluated."""


def equations(line: str, limit: int) -> list[Equation]:
    """The equations of one line, at most `limit`."""
    if "=" not in line and "≈" not in line:
        return []
    sides = plain(line[:LINE_CHARS]).split("=")[: max(limit, 0) + 1]
    found = (_verify(left, right) for left, right in pairwise(sides))
    return [finding for finding in found if finding is not None]


def plain(line: str) -> str:
    """A line in ASCII arithmetic: LaTeX, signs, currencies brought to one form."""
    if "\\" in line:
        line = _WORDS_IN_LATEX.sub(" ", line)
        for written, meant in _LATEX:
            line = line.replace(written, meant)
        line = _FRACTION.sub(r"(\1/\2)", line)
    if "(" in line:
        line = _SPACES.sub(" ", _REMARK.sub(" ", line))
    if line.count("/") > 1:
        line = _OVER_FRACTION.sub(r"(\1)", line)
    return _TIMES.sub("*", line.translate(_SIGNS).replace("**", "^"))


def _verify(left: str, right: str) -> Equation | None:
    found = _RESULT.match(right)
    if found and _TERM.match(right, found.end()) and _VARIABLE.search(left):
        return None  # "4a + 2(a + 1) = 6a"; without a variable it is a unit: "2 * 8 = 16g"
    if not found or (_SCALE.match(right, found.end()) and right[found.end() :].strip()):
        return _balance(left, right)
    result, divisor = found[1] + found[2].rstrip(".,"), (found[4] or "").rstrip(".,")
    before = left.rstrip(_ARITHMETIC)
    plainly = _last_part(left[len(before) :], listed=bool(before))
    wrongs: tuple[Verdict, Verdict] = "wrong", "unsure"
    for expression, wrong in zip((plainly, _without_units(left)), wrongs, strict=True):
        if not _OPERATOR.search(expression):
            continue
        verdict = holds(expression, result, divisor, percent=bool(found[5]))
        if divisor and verdict is False:  # "6 * 6 = 36 / 12 = 3" goes on with the result
            verdict = holds(expression, result)
        if verdict is not None:
            return Equation("right" if verdict else wrong, value_of(result), expression)
    return None


def _balance(left: str, right: str) -> Equation | None:
    """The equation of two expressions, "2 * 3 + 4 = 6 + 4"; None if either is not plain.

    In "10 / 2 = 5 + 3 = 8" the reader goes on with the result; that is meant well.
    """
    run = _RUN.match(right)
    ahead = _last_part(left[len(left.rstrip(_ARITHMETIC)) :], listed=True)
    if run is None or not _OPERATOR.search(ahead) or _TERM.match(right, run.end()):
        return None
    behind = run[0].partition(". ")[0].partition(", ")[0].rstrip(" .,")
    if not _OPERATOR.search(behind) or "%" in ahead + behind:
        return None
    try:
        a, b = evaluate(ahead), evaluate(behind)
    except ValueError:
        return None
    opening = _RESULT.match(behind)
    if opening and value_of(opening[1] + opening[2]) == a and not opening[3]:
        return Equation("right", a, ahead)
    apart = abs(a[0] * b[1] - b[0] * a[1])
    right_enough = 100 * apart <= abs(a[0] * b[1])
    return Equation("right" if right_enough else "wrong", b, ahead)


def _last_part(run: str, *, listed: bool) -> str:
    """What follows a full stop, a listing comma or a stray bracket; empty if it began before."""
    for mark in (". ", ", "):
        run = run.rpartition(mark)[2]
    while run.count(")") > run.count("("):
        run = run.partition(")")[2]
    run = run.strip()
    return "" if run.startswith(("-", "+")) and listed else run


def _without_units(left: str) -> str:
    """The last clause with its words left out: "3 apples * 2 each" is "3 * 2"."""
    clause = left[-100:]
    for mark in (". ", ", ", ": ", "; ", ">>"):
        clause = clause.rpartition(mark)[2]
    if _VARIABLE.search(clause):
        return ""
    clause = " ".join(_UNITS.sub(" ", clause.replace(" of ", " * ")).split()).lstrip("* ")
    return "" if clause.strip(_ARITHMETIC) else clause


def arithmetic_runs(text: str) -> list[str]:
    """The expressions with an operator that stand in a text, in ASCII arithmetic."""
    runs = _RUN.findall(plain(text[:LINE_CHARS]))
    return [run.strip(" .,") for run in runs if _OPERATOR.search(run)]


def holds(expression: str, result: str, divisor: str = "", *, percent: bool = False) -> bool | None:
    """Whether some reading of `expression` equals the written `result`, by `divisor` if given.

    None if no reading can be evaluated.
    """
    verdict: bool | None = None
    text = expression + result + divisor
    for comma in (False, True) if "," in text or "." in text else (False,):
        for relative in (False, True) if "%" in expression else (False,):
            reading = _read(expression, result, divisor, percent, comma, relative)
            if reading:
                return True
            verdict = verdict if reading is None else False
    return verdict


def _read(
    expression: str, result: str, divisor: str, percent: bool, comma: bool, relative: bool
) -> bool | None:
    try:
        top, bottom = evaluate(expression, comma=comma, relative=relative)
        (a, b), decimals = number(result.lstrip("-"), comma=comma)
        over = number(divisor, comma=comma)[0] if divisor else (1, 1)
    except ValueError:
        return None
    a = -a if result.startswith("-") else a
    if divisor:
        return over[0] != 0 and top * b * over[0] == a * over[1] * bottom
    for scale in (1, 100) if percent or "%" in expression else (1,):
        # The result may be rounded, or cut to the decimals it shows.
        error, unit = abs(scale * top * b - a * bottom), bottom * b
        rounded = 2 * error <= unit and 20 * error < abs(scale * top) * b
        if error == 0 or (error * 10**decimals < unit if decimals else rounded):
            return True
    return False
