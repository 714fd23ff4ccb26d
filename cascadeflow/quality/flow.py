"""How the quantities of a question run through the equations of a solution.

Every quantity of the question and every result comes in once and should be used once. A result that
no later equation uses, a quantity that the same operation takes in again and again, a discount that
is computed and never taken off, a comparison turned round, a difference that is asked for and
never formed: each is how a wrong solution looks whose equations all hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

import msgspec

from .comparisons import MOST_COMPARISONS, Comparison, Operand, comparisons
from .equations import LINE_CHARS, Equation, plain, value_of
from .numerals import Quantity
from .rational import Rational, ratio
from .wording import asked

_PART = re.compile(r"\d[\d.,]*|[-+*/^()%]")
_OFF = re.compile(r"\b(?:off|discount|less|fewer|lower|cheaper|decreas|reduc|drop|rabatt)")
_ON = re.compile(
    r"\b(?:more|higher|increas|rais|interest|tax|tip|extra|markup|greater|zinsen|steuer)"
)
_HOW_MUCH_MORE = re.compile(r"how (?:many|much) (?:\w+ )?(?:more|less|fewer|longer|older|farther)")
NEAR = 5
"""Words around a percentage that say what it does."""
TRIVIAL: tuple[Rational, ...] = ((1, 1), (2, 1))


class Change(msgspec.Struct):
    """A percentage that is taken off or put on, and what has become of it."""

    share: Rational
    sign: str
    amount: Rational | None = None
    """What it amounts to, computed but not yet taken off or put on."""
    applied: bool = False

    def take(self, values: set[Rational], equation: Equation) -> None:
        """Look at an equation with these operands."""
        top, bottom = self.share
        rest = 100 * bottom + (top if self.sign == "+" else -top)
        if not values.isdisjoint((ratio(rest, 100 * bottom), ratio(rest, bottom))):
            self.applied = True
        if not values.isdisjoint((self.share, ratio(top, 100 * bottom))):
            self.amount = equation.result
            self.applied |= self.sign in equation.expression
        elif self.amount in values:
            self.applied |= not {"+", "-"}.isdisjoint(equation.expression)


class Flow:
    """The quantities of one question, and the equations of an answer so far."""

    __slots__ = (
        "_changes", "_compared", "_given", "_last", "_operations", "_repeated", "_results",
        "_reversed", "_used", "_wanted",
    )  # fmt: skip

    def __init__(self, query: str, given: Sequence[Quantity]) -> None:
        ask = asked(query)
        self._given = Counter(quantity.value for quantity in given)
        self._compared: list[Comparison] = list(islice(comparisons(query, given), MOST_COMPARISONS))
        self._changes = [change for change in map(_change, given) if change]
        self._wanted = "-" if _HOW_MUCH_MORE.search(ask) else "/" if "average" in ask else ""
        self._results: Counter[Rational] = Counter()
        self._used: Counter[Rational] = Counter()
        self._repeated: Counter[tuple[Rational, str]] = Counter()
        self._operations: dict[Rational, str] = {}
        self._last = ""
        self._reversed = 0

    def take(self, equation: Equation, sentence: str) -> None:
        """Take in an equation and the sentence it stands in."""
        parts = operands(equation.expression)
        values = {value for value, _, _ in parts}
        for value, before, _ in parts:
            self._used[value] += 1
            if before in ("-", "*") and self._given[value] == 1 and value not in TRIVIAL:
                self._repeated[value, before] += 1
        self._results[equation.result] += 1
        self._last = self._operations[equation.result] = equation.expression
        for change in self._changes:
            change.take(values, equation)
        if self._compared:
            self._compare(equation, parts, sentence)

    def _compare(self, equation: Equation, parts: list[Operand], sentence: str) -> None:
        before = plain(sentence[:LINE_CHARS]).partition(equation.expression.strip())[0]
        verdicts = [(each, each.reversed_by(before, parts)) for each in self._compared]
        self._compared = [each for each, verdict in verdicts if verdict is None]
        self._reversed += sum(verdict is True for _, verdict in verdicts)

    def final(self, value: Rational) -> dict[str, float]:
        """What is odd about a solution that ends in `value`."""
        over = self._given + self._results - self._used
        loose = sum(result in over for result in self._results if result != value)
        last = self._operations.get(value, self._last)
        found = {
            "results_loose": min(1.0, loose / 2),
            "operand_repeated": min(1.0, max(0, max(self._repeated.values(), default=0) - 1) / 2),
            "percentage_unapplied": float(any(not change.applied for change in self._changes)),
            "comparison_reversed": float(self._reversed > 0),
            "operation_unfit": float(bool(last) and self._wanted not in last),
        }
        return {name: each for name, each in found.items() if each}


def operands(expression: str) -> list[Operand]:
    """The numbers of an expression, each with the operators before and behind it."""
    parts = _PART.findall(expression)
    marks = [part for part in parts if part not in "()%"]
    found: list[Operand] = []
    for at, part in enumerate(marks):
        if part[0].isdecimal():
            before = marks[at - 1] if at else ""
            behind = marks[at + 1] if at + 1 < len(marks) else ""
            found.append((value_of(part.rstrip(".,")), before, behind))
    return found


def _change(quantity: Quantity) -> Change | None:
    """What a percentage does, by the words around it; None for a share of something."""
    if quantity.kind != "percent":
        return None
    words = quantity.words
    before = words[max(0, quantity.first - NEAR) : quantity.first]
    near = " ".join(words[quantity.last + 1 :][:NEAR] + before)
    sign = "-" if _OFF.search(near) else "+" if _ON.search(near) else ""
    return Change(quantity.value, sign) if sign else None
