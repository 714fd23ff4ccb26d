"""Scores that a judge must beat: numbers that stand in the row itself, chance, and hindsight.

Higher where the draft should be kept. Of a raw signal that a row lacks the value is NaN.

    query_length       minus the characters of the last message: long queries escalate first
    min_logprob        the least log-probability of a token of the draft
    self_check         the recorded log P("true") of the draft model about its own answer
    oracle             how right the draft was, minus how right the verifier was
    random             APGR 0.5, CPT50 50 %, CPT80 80 %, AUROC 0.5: by definition, not by drawing

Weak and strong alone are the two ends of every curve.
"""

from __future__ import annotations

import math
from typing import Final

from ..types import Message
from .dataset import Answer, Row
from .ranking import Figures

RANDOM: Final = Figures(auroc=0.5, apgr=0.5, cpt50=0.5, cpt80=0.8)
QUERY: Final = "query_length"
RAW: Final = ("min_logprob", "self_check")
"""The signals that a single number of the row gives."""

MISSING: Final = float("nan")
LEAST: Final = -1e4
"""Servers report impossible tokens as -9999 or minus infinity; such scores must stay comparable."""


def query_length(row: Row) -> float:
    """Minus the characters of what was asked."""
    if row.query is not None:
        return -float(len(row.query))
    return -float(_length(row.messages[-1])) if row.messages else 0.0


def min_logprob(answer: Answer) -> float:
    """The least log-probability of a token; NaN without any."""
    known = [each for each in answer.logprobs or () if not math.isnan(each)]
    return max(min(known), LEAST) if known else MISSING


def self_check(answer: Answer) -> float:
    """log P("true") of the model about its own answer; NaN if it was not asked."""
    return MISSING if answer.self_verify_logp is None else max(answer.self_verify_logp, LEAST)


def _length(message: Message) -> int:
    content = message.get("content")
    return len(content) if isinstance(content, str) else len(str(content or ""))
