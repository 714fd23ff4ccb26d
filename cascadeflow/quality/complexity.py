"""How hard a query looks, from its text alone, in any language.

The score is a weighted sum of what makes tasks hard for small models: length, numbers to keep track
of, several asks in one, lines of options, code, mathematical notation, and words that ask for
reasoning or for long work. The weights are hand-set priors, not fitted; length carries most because
it needs no vocabulary. Scripts without spaces (Chinese, Japanese) say in one character what others
say in about three. Linear in the length, which is capped (`query.capped`).
"""

from __future__ import annotations

import math
import re
from typing import Literal, TypeAlias

from .query import capped

Complexity: TypeAlias = Literal["simple", "moderate", "complex"]

MODERATE_FROM = 0.3
COMPLEX_FROM = 0.6

_NUMBER = re.compile(r"\d+")
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ASKS = re.compile(r"[?？;；]")
_NOTATION = re.compile(r"\\[a-z]+|[∑∫√≤≥∞∂∀∃^]|```|\b(?:def|class|function|SELECT)\b")

_HARD_WORDS = (
    # English
    "prove", "proof", "derive", "analy", "compare", "contrast", "optimi", "design", "implement",
    "algorithm", "architect", "explain why", "trade-off", "evaluate", "debug",
    "essay", "refactor", "theorem", "differential", "in detail", "comprehensive", "critically",
    # German, Dutch
    "beweise", "vergleich", "entwirf", "begründe", "ausführlich", "bewijs", "vergelijk", "ontwerp",
    # French, Spanish, Italian, Portuguese
    "démontre", "conçois", "détaill", "demuestra", "diseña", "compara", "detallad",
    "dimostra", "confronta", "progetta", "dettagliat", "demonstre", "projete", "detalhad",
    # Russian, Chinese, Japanese
    "докажи", "сравни", "证明", "比较", "分析", "设计", "詳しく", "証明", "比較", "設計",
)  # fmt: skip


def score(query: str) -> float:
    """How hard the query looks: 0 a short question, 1 a long task of many parts."""
    text = capped(query)
    folded = text.lower()
    size = len(text) if text.isascii() else len(text) + 2 * len(_DENSE.findall(text))
    hard_words = sum([word in folded for word in _HARD_WORDS])
    total = (
        0.35 * math.log2(1 + size / 60)
        + 0.06 * min(len(_NUMBER.findall(text)), 10)
        + 0.08 * min(text.count("\n"), 8)
        + 0.10 * min(max(len(_ASKS.findall(text)) - 1, 0), 4)
        + 0.30 * min(len(_NOTATION.findall(text)), 3)
        + 0.60 * min(hard_words, 3)
    )
    return 1 - math.exp(-total / 1.6)


def measure(query: str) -> Complexity:
    """How hard the query looks, as a word: simple below 0.3, complex from 0.6."""
    value = score(query)
    if value < MODERATE_FROM:
        return "simple"
    return "moderate" if value < COMPLEX_FROM else "complex"
