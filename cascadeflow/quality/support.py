"""Multiple choice: what speaks for the option that an answer settles on.

Options that are numbers must be reached by the reasoning: the number of the chosen one, or one that
rounds to it, stands in the text before the final statement. Models that guess prefer the options
that come first, so a late choice is more often a reason than a habit. A statement that names
several letters settles on none.
"""

from __future__ import annotations

import math
import re
from itertools import islice

from .accounts import values
from .choices import ANSWER_WORDS
from .leaning import asked_of, leaning
from .rational import Rational

_OPTION = re.compile(r"(?:^|\n)[ \t]{0,8}[(*]{0,3}([A-Z])[).:*]{1,3}[ \t]([^\n]*)")
_IN_BRACKETS = re.compile(r"\(([A-Z])\)")
MOST_OPTIONS = 26
OPTION_CHARS = 400
READ_CHARS = 16_384
LATE_CHARS = 1_024
"""Characters before the statement whose numbers are read in any case."""
CONCLUDING_CHARS = 300
CONCLUDING = 3
"""Numbers before the statement, one of which should be the chosen option's."""
TAIL_CHARS = 400
"""Characters at the end in which the final statement is looked for."""
STATEMENT_CHARS = 80
"""Characters of the final statement."""
NUMERIC_FROM = 0.6
"""Share of options with a digit from which they are taken for numbers."""
ROUNDING = 0.01
TEN_OPTIONS = 10.0


class Options:
    """The options of one query."""

    __slots__ = ("_numeric", "_query", "_texts", "stem_chars")

    def __init__(self, query: str) -> None:
        self._query = query
        found = list(islice(_OPTION.finditer(query), MOST_OPTIONS))
        self._texts = {match[1]: match[2][:OPTION_CHARS] for match in found}
        with_digits = sum(any(map(str.isdigit, text)) for text in self._texts.values())
        self._numeric = with_digits / max(1, len(self._texts))
        self.stem_chars = found[0].start() if found else len(query)
        """Characters of the question before the options."""

    def features(self, text: str, letter: str) -> dict[str, float]:
        """What is found for the chosen `letter` in the answer `text`."""
        end = _statement(text)
        body, statement = text[max(0, end - READ_CHARS) : end], text[end:][:STATEMENT_CHARS]
        place = (ord(letter) - ord("A")) / TEN_OPTIONS
        features = {
            "option_place": min(0.9, place),
            "options_numeric": self._numeric,
            "options_several": float(len(set(_IN_BRACKETS.findall(statement))) > 1),
        }
        features |= asked_of(self._query[: self.stem_chars])
        features |= leaning(self._texts, letter, body)
        wanted = values(self._texts.get(letter, ""))
        if wanted and self._numeric > NUMERIC_FROM:
            known = values(body) + values(body[-LATE_CHARS:])
            reached = sum(any(_near(value, other) for other in known) for value in wanted)
            features["option_unreached"] = 1 - reached / len(wanted)
            concluding = values(body[-CONCLUDING_CHARS:])[-CONCLUDING:]
            at_last = any(_near(one, other) for one in wanted for other in concluding)
            features["option_unconcluded"] = float(not at_last)
        return features


def _statement(text: str) -> int:
    """Where the final statement begins: at the last word for "answer", else at the end."""
    tail = text[-TAIL_CHARS:].lower()
    last = max(tail.rfind(word) for word in ANSWER_WORDS)
    return len(text) - len(tail) + last if last >= 0 else len(text)


def _near(one: Rational, other: Rational) -> bool:
    try:
        a, b = one[0] / one[1], other[0] / other[1]
    except (OverflowError, ZeroDivisionError):
        return one == other
    return math.isclose(a, b, rel_tol=ROUNDING, abs_tol=1e-12)
