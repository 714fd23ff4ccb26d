"""The numbers of many replayed rows: a few per row, none of its text.

Workload.add(row, replayed) ...  ->  columns of doubles, 128 bytes a row
                                 ->  the most costly mistakes, a fixed number, text shortened
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np

from .baselines import MISSING, min_logprob, query_length, self_check
from .dataset import Answer, Row
from .metrics import Floats
from .replay import Replayed

Kind: TypeAlias = Literal["kept_wrong", "escalated_in_vain"]

MOST_MISTAKES: Final = 10
"""Of each kind."""
SHORT: Final = 280
"""Characters of a query or answer that are kept of a mistake."""
MOST_EVIDENCE: Final = 6
COLUMNS: Final = (
    "weak", "strong", "p_good", "benefit", "score", "before", "accepted", "asked",
    "draft_dollars", "strong_dollars", "query_length", "min_logprob", "self_check",
    "tokens", "abandoned_tokens", "abandoned_p",
)  # fmt: skip
"""One number per row each; NaN where it is unknown. Units: dollars, tokens, natural logs."""


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that hindsight calls wrong."""

    kind: Kind
    id: str
    weight: float
    """What it lost: correctness of a draft kept, dollars of an escalation in vain."""
    p_good: float
    query: str
    draft: str
    evidence: dict[str, float]
    """The largest features."""


class Workload:
    """The rows of one file, as numbers.

    Args:
        name: of the file, without its ending.
        rate: tokens per second at which drafts were replayed; None: they were not.
    """

    def __init__(self, name: str, rate: float | None = None) -> None:
        self.name = name
        self.rate = rate
        self.forms: Counter[str] = Counter()
        self._columns = {column: array("d") for column in COLUMNS}
        self._mistakes: dict[Kind, list[tuple[float, int, Mistake]]] = {
            "kept_wrong": [],
            "escalated_in_vain": [],
        }

    def __len__(self) -> int:
        return len(self._columns["weak"])

    def add(self, row: Row, replayed: Replayed) -> None:
        """Keep the numbers of a row."""
        self.forms[replayed.form] += 1
        for column, value in _numbers(row, replayed).items():
            self._columns[column].append(MISSING if value is None else value)
        if row.draft_correct is not None and row.verifier_correct is not None:
            self._blame(row, replayed, row.verifier_correct - row.draft_correct)

    def column(self, name: str) -> Floats:
        """One of `COLUMNS`, a value per row in the order they were added."""
        return np.array(self._columns[name], dtype=np.float64)

    def mistakes(self, kind: Kind) -> list[Mistake]:
        """The most costly, the worst first."""
        return [mistake for *_, mistake in sorted(self._mistakes[kind], reverse=True)]

    def _blame(self, row: Row, replayed: Replayed, gain: float) -> None:
        """Remember the row if its decision was a costly mistake."""
        if replayed.kept and gain > 0:
            # The surer the judge was, the worse.
            self._remember("kept_wrong", gain, gain * replayed.estimate.p_good, row, replayed)
        elif not replayed.kept and gain <= 0:
            dollars = _strong_dollars(row) or 0.0
            surety = 1 - replayed.estimate.p_good
            self._remember("escalated_in_vain", dollars, dollars * surety, row, replayed)

    def _remember(
        self, kind: Kind, weight: float, rank: float, row: Row, replayed: Replayed
    ) -> None:
        heap = self._mistakes[kind]
        if len(heap) == MOST_MISTAKES and rank <= heap[0][0]:
            return
        # The place breaks ties: mistakes are not compared, and the earlier one stays.
        entry = (rank, -len(self), _mistake(kind, weight, row, replayed))
        if len(heap) < MOST_MISTAKES:
            heapq.heappush(heap, entry)
        else:
            heapq.heapreplace(heap, entry)


def _numbers(row: Row, replayed: Replayed) -> dict[str, float | None]:
    gone = replayed.abandoned
    return {
        "weak": row.draft_correct,
        "strong": row.verifier_correct,
        "p_good": replayed.estimate.p_good,
        "benefit": replayed.estimate.benefit,
        "score": replayed.score,
        "before": replayed.before,
        "accepted": float(replayed.accepted),
        "asked": float(replayed.asked),
        "draft_dollars": row.draft.cost,
        "strong_dollars": _strong_dollars(row),
        "query_length": query_length(row),
        "min_logprob": min_logprob(row.draft),
        "self_check": self_check(row.draft),
        "tokens": float(replayed.tokens),
        "abandoned_tokens": None if gone is None else float(gone.tokens),
        "abandoned_p": None if gone is None else gone.p_good,
    }


def _strong_dollars(row: Row) -> float | None:
    return None if row.verifier is None else row.verifier.cost


def _mistake(kind: Kind, weight: float, row: Row, replayed: Replayed) -> Mistake:
    evidence = sorted(replayed.estimate.evidence.items(), key=lambda item: -abs(item[1]))
    asked = row.query or str((row.messages or [{}])[-1].get("content", ""))
    return Mistake(
        kind=kind,
        id=row.id,
        weight=weight,
        p_good=replayed.estimate.p_good,
        query=_short(asked),
        draft=_short(_said(row.draft)),
        evidence=dict(evidence[:MOST_EVIDENCE]),
    )


def _said(answer: Answer) -> str:
    calls = [str(call.get("function", call)) for call in answer.tool_calls or ()]
    return "\n".join([answer.content or "", *calls]).strip()


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
