"""How the quantities of a question run through the equations of a solution.

Every quantity of the question and every result comes in once and should be used once. Quantities
that no equation uses, fewer operations than there are quantities to join, a result that no later
equation uses, a quantity that the same operation takes in again and again, a discount that is
computed and never taken off, a comparison turned round, a difference that is asked for and never
formed: each is how a wrong solution looks whose equations all hold.

A number counts as used where it, its percentage, its hundredfold or its reciprocal is an operand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

import msgspec

from .comparisons import MOST_COMPARISONS, Operand, comparisons
from .equations import LINE_CHARS, Equation, plain
from .quantity import Quantity, asked
from .rational import Rational, ratio, value_of, values, variants

NEAR = 5
"""Words around a percentage that say what it does."""
FEW_NUMBERS = 12.0
FEW_RELATIONS = 10.0
FEW_MISSING = 3.0
TRIVIAL: tuple[Rational, ...] = ((1, 1), (2, 1))

_RELATIONS = (
    "half", "third", "quarter", "percent", "%", "twice", "times as", "times more", "more than",
    "less than", "fewer than", "older", "younger", "average", "remaining", "left", "rest",
    "originally", "start with", "initially", "ratio", "hälfte", "prozent", "mal so", "mehr als",
    "weniger als", "übrig", "durchschnitt", "moitié", "pour cent", "fois plus", "de plus que",
    "de moins que", "reste", "moyenne", "mitad", "por ciento", "veces", "más que", "menos que",
    "queda", "promedio", "metà", "per cento", "volte", "più di", "meno di",
)  # fmt: skip
_PART = re.compile(r"\d[\d.,]*|[-+*/^]")
_OFF = re.compile(r"\b(?:off|discount|less|fewer|lower|cheaper|decreas|reduc|drop|rabatt)")
_ON = re.compile(
    r"\b(?:more|higher|increas|rais|interest|tax|tip|extra|markup|greater|zinsen|steuer)"
)
_HOW_MUCH_MORE = re.compile(r"how (?:many|much) (?:\w+ )?(?:more|less|fewer|longer|older|farther)")


class Change(msgspec.Struct):
    """A percentage that is taken off or put on, and what has become of it."""

    share: Rational
    sign: str
    amount: Rational | None = None
    """What it amounts to, computed but not yet taken off or put on."""
    applied: bool = False

    def take(self, used: set[Rational], equation: Equation) -> None:
        """Look at an equation with these operands."""
        top, bottom = self.share
        rest = 100 * bottom + (top if self.sign == "+" else -top)
        if not used.isdisjoint((ratio(rest, 100 * bottom), ratio(rest, bottom))):
            self.applied = True
        if not used.isdisjoint((self.share, ratio(top, 100 * bottom))):
            self.amount = equation.result
            self.applied |= self.sign in equation.expression
        elif self.amount in used:
            self.applied |= not {"+", "-"}.isdisjoint(equation.expression)


class Flow:
    """The quantities of one question, and the equations of an answer so far."""

    __slots__ = (
        "_changes", "_compared", "_digits", "_expressions", "_given", "_last", "_operands",
        "_operations", "_repeated", "_results", "_reversed", "_short", "_used", "_wanted",
        "_words", "query",
    )  # fmt: skip

    def __init__(self, query: str, given: Sequence[Quantity]) -> None:
        ask, folded = asked(query), query.lower()
        self._given = Counter(quantity.value for quantity in given)
        self._digits = frozenset(values(query))
        self._words = self._given.keys() - self._digits
        self._short = len(given) - 1
        self._compared = list(islice(comparisons(query, given), MOST_COMPARISONS))
        self._changes = [change for change in map(_change, given) if change]
        self._wanted = "-" if _HOW_MUCH_MORE.search(ask) else "/" if "average" in ask else ""
        self._expressions: set[str] = set()
        self._operands: set[Rational] = set()
        self._results: Counter[Rational] = Counter()
        self._used: Counter[Rational] = Counter()
        self._repeated: Counter[tuple[Rational, str]] = Counter()
        self._operations: dict[Rational, str] = {}
        self._last = ""
        self._reversed = 0
        relations = sum(phrase in folded for phrase in _RELATIONS)
        self.query = {
            "query_numbers": min(1.0, len(given) / FEW_NUMBERS),
            "relations": min(1.0, relations / FEW_RELATIONS),
        }
        """What the query alone tells of how hard the calculation is."""

    def is_new(self, equation: Equation, parts: Sequence[Operand]) -> bool:
        """Count in the operands of an equation; False if the same was written before."""
        written = equation.expression.replace(" ", "")
        if written in self._expressions:
            return False
        self._expressions.add(written)
        self._operands.update(value for value, _, _ in parts)
        self._short -= max(0, len(parts) - 1)
        return True

    def take(self, equation: Equation, parts: Sequence[Operand], sentence: str) -> None:
        """Take in an equation, its operands and the sentence it stands in."""
        for value, before, _ in parts:
            self._used[value] += 1
            if before in ("-", "*") and self._given[value] == 1 and value not in TRIVIAL:
                self._repeated[value, before] += 1
        self._results[equation.result] += 1
        self._last = self._operations[equation.result] = equation.expression
        for change in self._changes:
            change.take({value for value, _, _ in parts}, equation)
        if self._compared:
            before = plain(sentence[:LINE_CHARS]).partition(equation.expression.strip())[0]
            verdicts = [(each, each.reversed_by(before, parts)) for each in self._compared]
            self._compared = [each for each, verdict in verdicts if verdict is None]
            self._reversed += sum(verdict is True for _, verdict in verdicts)

    def left_out(self) -> dict[str, float]:
        """What the whole answer left out."""
        missed = sum(not self._uses(value) for value in self._digits)
        return {
            "numbers_uncomputed": missed / max(1, len(self._digits)),
            "words_uncomputed": float(not all(map(self._uses, self._words))),
            "operations_short": min(1.0, max(0, self._short) / FEW_MISSING),
        }

    def _uses(self, value: Rational) -> bool:
        top, bottom = value
        inverse = (bottom, top) in self._operands if top else False
        return inverse or not variants(value).isdisjoint(self._operands)

    def final(self, value: Rational) -> dict[str, float]:
        """What is odd about a solution that ends in `value`."""
        over = self._given + self._results - self._used
        loose = sum(result in over for result in self._results if result != value)
        last = self._operations.get(value, self._last)
        return {
            "results_loose": min(1.0, loose / 2),
            "operand_repeated": min(1.0, max(0, max(self._repeated.values(), default=0) - 1) / 2),
            "percentage_unapplied": float(any(not change.applied for change in self._changes)),
            "comparison_reversed": float(self._reversed > 0),
            "operation_unfit": float(bool(last) and self._wanted not in last),
        }


def operands(expression: str) -> list[Operand]:
    """The numbers of an expression, each with the operators before and behind it."""
    parts = ["", *_PART.findall(expression), ""]
    return [
        (value_of(part), parts[at - 1], parts[at + 1])
        for at, part in enumerate(parts)
        if part[:1].isdecimal()
    ]


def _change(quantity: Quantity) -> Change | None:
    """What a percentage does, by the words around it; None for a share of something."""
    if quantity.kind != "percent":
        return None
    words = quantity.words
    before = words[max(0, quantity.first - NEAR) : quantity.first]
    near = " ".join(words[quantity.last + 1 :][:NEAR] + before)
    sign = "-" if _OFF.search(near) else "+" if _ON.search(near) else ""
    return Change(quantity.value, sign) if sign else None
