"""The numbers of many replayed rows: a few per row, none of its text.

collect((row, replayed), ...)  ->  a workload a file: columns of doubles, 136 bytes a row
                               ->  the most costly mistakes, a fixed number, text shortened

Among the numbers are signals that a judge must beat, higher where the draft should be kept:

    query_length       minus the characters of the last message: long queries escalate first
    min_logprob        the least log-probability of a token of the draft
    self_check         the recorded log P("true") of the draft model about its own answer
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from .dataset import Row
from .metrics import Floats
from .replay import Replayed

Kind: TypeAlias = Literal["kept_wrong", "escalated_in_vain"]
Mask: TypeAlias = NDArray[np.bool_]

QUERY: Final = "query_length"
RAW: Final = ("min_logprob", "self_check")
"""The signals that a single number of the row gives."""
LEAST: Final = -1e4
"""Servers report impossible tokens as -9999 or minus infinity; such scores must stay comparable."""
MOST_MISTAKES: Final = 10
"""Of each kind."""
SHORT: Final = 280
"""Characters of a query or answer that are kept of a mistake."""
MOST_EVIDENCE: Final = 6


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that hindsight calls wrong."""

    id: str
    weight: float
    """What it lost: correctness of a draft kept, dollars of an escalation in vain."""
    p_good: float
    query: str
    draft: str
    evidence: dict[str, float]
    """The largest features."""


class Workload:
    """The rows of one file, as numbers; `name` is that of the file without its ending.

    `rate`: tokens per second at which drafts were replayed; None: they were not. `held_out`:
    whether each fold was judged by weights of its own.
    """

    def __init__(self, name: str, rate: float | None = None, *, held_out: bool = False) -> None:
        self.name = name
        self.rate = rate
        self.held_out = held_out
        self.forms: Counter[str] = Counter()
        self._columns = {column: array("d") for column in _NUMBERS}
        self._mistakes: dict[Kind, list[tuple[float, int, Mistake]]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._columns["weak"])

    def add(self, row: Row, replayed: Replayed) -> None:
        """Keep the numbers of a row."""
        self.forms[replayed.form] += 1
        for column, number in _NUMBERS.items():
            value = number(row, replayed)
            self._columns[column].append(math.nan if value is None else value)
        if row.labelled:
            self._blame(row, replayed)

    @property
    def judged(self) -> Mask:
        """Rows of which it is known how right the draft was."""
        return ~np.isnan(self.column("weak"))

    @property
    def paired(self) -> Mask:
        """Of these the rows of which it is known how right the verifier was."""
        return self.judged & ~np.isnan(self.column("strong"))

    @property
    def kept(self) -> Mask:
        """Rows whose draft was asked for, not given up half-way, and accepted."""
        whole = np.isnan(self.column("abandoned_tokens"))
        return whole & (self.column("accepted") > 0) & (self.column("asked") > 0)

    def column(self, name: str) -> Floats:
        """One of `COLUMNS`, a value per row in the order they were added."""
        return np.array(self._columns[name], dtype=np.float64)

    def mistakes(self, kind: Kind) -> list[Mistake]:
        """The most costly, the worst first."""
        return [mistake for *_, mistake in self._mistakes[kind]]

    def _blame(self, row: Row, replayed: Replayed) -> None:
        """Remember the row if its decision was a costly mistake; the surer the judge, the worse."""
        p_good = replayed.estimate.p_good
        gain = (row.verifier_correct or 0.0) - (row.draft_correct or 0.0)
        if replayed.kept != (gain > 0):
            return
        kind: Kind = "kept_wrong" if replayed.kept else "escalated_in_vain"
        weight = gain if replayed.kept else row.strong_cost or 0.0
        calls = [str(call.get("function", call)) for call in row.draft.tool_calls or ()]
        evidence = sorted(replayed.estimate.evidence.items(), key=lambda item: -abs(item[1]))
        mistake = Mistake(
            id=row.id,
            weight=weight,
            p_good=p_good,
            query=_short(row.asked),
            draft=_short("\n".join([row.draft.content or "", *calls]).strip()),
            evidence=dict(evidence[:MOST_EVIDENCE]),
        )
        worst = self._mistakes[kind]
        # The place breaks ties: mistakes are not compared, and the earlier one stays.
        worst.append((weight * (p_good if replayed.kept else 1 - p_good), -len(self), mistake))
        worst.sort(reverse=True)
        del worst[MOST_MISTAKES:]


def collect(
    rows: Iterable[tuple[Row, Replayed]], rate: float | None = None, *, held_out: bool = False
) -> list[Workload]:
    """The workload of each file, in the order in which they come; see `Workload`."""
    found: dict[str, Workload] = {}
    for row, replayed in rows:
        if row.file not in found:
            found[row.file] = Workload(row.file, rate, held_out=held_out)
        found[row.file].add(row, replayed)
    return list(found.values())


def _bounded(logp: float | None) -> float | None:
    return None if logp is None else max(logp, LEAST)


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


_NUMBERS: Final[Mapping[str, Callable[[Row, Replayed], float | None]]] = {
    "weak": lambda row, _: row.draft_correct,
    "strong": lambda row, _: row.verifier_correct,
    "p_good": lambda _, seen: seen.estimate.p_good,
    "benefit": lambda _, seen: seen.estimate.benefit,
    "score": lambda _, seen: seen.score,
    "before": lambda _, seen: seen.before,
    "accepted": lambda _, seen: seen.accepted,
    "asked": lambda _, seen: seen.asked,
    "draft_dollars": lambda row, _: row.draft.cost,
    "strong_dollars": lambda row, _: row.strong_cost,
    QUERY: lambda row, _: -len(row.asked),
    "min_logprob": lambda row, _: _bounded(
        min((each for each in row.draft.logprobs or () if not math.isnan(each)), default=None)
    ),
    "self_check": lambda row, _: _bounded(row.draft.self_verify_logp),
    "tokens": lambda _, seen: seen.tokens,
    "abandoned_tokens": lambda _, seen: seen.abandoned.tokens if seen.abandoned else None,
    "abandoned_p": lambda _, seen: seen.abandoned.p_good if seen.abandoned else None,
    "fold": lambda row, _: row.fold,
}
COLUMNS: Final = tuple(_NUMBERS)
"""One number per row each; NaN where it is unknown. Units: dollars, tokens, natural logs."""
