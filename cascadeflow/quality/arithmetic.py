"""Checks of an answer to a calculation, sentence by sentence, whatever its layout.

The strongest sign that such an answer is wrong is an equation that does not hold. Then: a final
number that is missing, that is not the last result, or that cannot be a count; results that are
computed and never used; numbers of the query that are left out.
All linear, with caps on the characters, equations and numbers that are read.

A sentence that begins with the sign, or with the words of the one before it, continues that one:

    Total = 400 + 900              Total cost            x = 450 / 0.9
    Total = 1300                     = 400 + 900         x = 500
                                     = 1300
"""

from __future__ import annotations

import re
from collections import Counter

from .equations import Verdict, equations, plain
from .flow import Solution
from .quantity import asks_for_a_number
from .rational import NUMBER, values

MOST_EQUATIONS = 32
MOST_SIGNS = 48
"""Signs of equality after which no more are looked at, understood or not."""
LEAST_LINE = 3
READ_CHARS = 8_192
CHAIN_CHARS = 200
"""Characters of an expression that a later line may continue."""
TAIL_CHARS = 400
"""Characters at the end in which the final number is looked for."""

_MARGIN = " -*\\[]()&\t"
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])|(?<=[\d)%]\.) +")
_BULLET = re.compile(r"\s*(?:[-*•+] +)?(?:(?:[^\W\d_]{1,9} )?\d{1,2}[.:)] +)?")
_EMPHASIS = re.compile(r"`|(?<![\w)])\*\*(?=\S)|(?<=\S)\*\*(?![\w(])")
"""Marks of Markdown around numbers; between two numbers they are a power."""


class Arithmetic:
    """Equations of one answer, and its numbers if a number is what the query wants."""

    __slots__ = ("_label", "_left", "_open", "_signs", "_verdicts", "solution")

    def __init__(self, query: str, *, choice: bool = False) -> None:
        """`choice`: the answer is an option, not a number; only equations are checked."""
        wanted = not choice and asks_for_a_number(query)
        self.solution = Solution(query) if wanted else None
        """None: the query is a choice, or a question with numbers in it."""
        self._label = self._open = ""
        self._left = READ_CHARS
        self._signs = 0
        self._verdicts: Counter[Verdict] = Counter()

    def take(self, piece: str) -> None:
        """Read the next piece."""
        if self._left <= 0:
            return
        self._left -= len(piece)
        if self.solution:
            self.solution.doubt(piece)
        for line in filter(str.strip, _EMPHASIS.sub("", piece).splitlines()):
            for sentence in _SENTENCE.split(_BULLET.sub("", line, count=1)):
                self._take_sentence(_BULLET.sub("", sentence, count=1))

    def _take_sentence(self, line: str) -> None:
        if len(line) < LEAST_LINE or not NUMBER.search(line):
            if line.strip(" \\[]\t.0123456789"):  # It is continued by none.
                self._open = ""
                self._label = line.partition("=")[0].strip(_MARGIN) if "=" in line else ""
            return
        if self.solution:
            self.solution.see(values(line))
        signs = line.count("=") + line.count("≈")
        if signs and self._signs < MOST_SIGNS:
            self._signs += signs
            found = equations(self._join(line), MOST_EQUATIONS - self.steps)
            self._verdicts.update([equation.verdict for equation in found])
            if self.solution:
                self.solution.take(found)

    def _join(self, line: str) -> str:
        """A sentence with signs of equality, with what it continues written in front of it."""
        label, _, rest = line.partition("=")
        label = label.strip(_MARGIN)
        going_on = bool(self._open) and label in ("", self._label)
        whole = f"{self._open} ={rest}" if going_on else line
        self._label = label or self._label
        self._open = plain(rest.rpartition("=")[2]).strip(" \\[]&\t").rstrip(".")[-CHAIN_CHARS:]
        return whole

    @property
    def steps(self) -> int:
        """Equations that were understood."""
        return self._verdicts.total()

    def features(self) -> dict[str, float]:
        """What the query asks for, and what the equations read so far amount to."""
        features = dict(self.solution.query) if self.solution else {}
        if not self.steps:
            return features
        count = self._verdicts
        each = 0.7 if count["right"] else 1.0
        features["equations_wrong"] = min(1.0, each * count["wrong"] + 0.3 * count["unsure"])
        if self.solution:
            features["equations_right"] = count["right"] / self.steps
            features["steps"] = min(1.0, self.steps / 10)
            features |= self.solution.features()
        return features

    def final(self, tail: str, *, brief: bool) -> dict[str, float]:
        """What is odd about the final number of an answer that ends in `tail`.

        `brief` says that written steps were not asked for.
        """
        if not self.solution:
            return {}
        return self.solution.final(tail[-TAIL_CHARS:], steps=self.steps, brief=brief)
