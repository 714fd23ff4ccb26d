"""Asks the model that gave the draft again, and counts how many answers agree with it.

Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models",
2022, https://arxiv.org/abs/2203.11171; as the sign to escalate in a cascade: Yue et al., "Large
Language Model Cascades with Mixture of Thought Representations", https://arxiv.org/abs/2310.03094.
It costs `k` more drafts. Open texts, code and tool calls are not judged this way.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..config import ModelConfig, check_count, is_number
from ..core.policy import Opinion
from ..core.referee import JudgeName, Reply
from ..errors import ConfigError
from ..quality.query import query_text
from ..types import Request
from .base import text_of
from .final import outcome


class Agreement(msgspec.Struct, frozen=True):
    """How many of `k` further drafts settle on what the draft settles on.

    Args:
        k: further drafts, at least 1.
        temperature: of those for which the query gives no higher one, in (0, 2].

    Raises:
        ConfigError: a number is out of range.
    """

    k: int = 3
    temperature: float = 0.7

    def __post_init__(self) -> None:
        check_count("Agreement: k", self.k)
        if not (is_number(self.temperature) and 0 < self.temperature <= 2):
            raise ConfigError(
                f"Agreement: temperature is {self.temperature!r}; it must be > 0 and <= 2, or all "
                "drafts are the same"
            )

    @property
    def judge(self) -> JudgeName:
        """Its name in the evidence."""
        return "agreement"

    @property
    def model(self) -> ModelConfig | None:
        """None: the model that gave the draft."""
        return None

    def inquiries(self, request: Request, draft: str) -> Sequence[Request]:
        """The request `k` times more; nothing for a draft without an outcome to compare."""
        if outcome(query_text(request), draft) is None:
            return ()
        return [
            msgspec.structs.replace(
                request,
                temperature=max(request.temperature or 0.0, self.temperature),
                seed=None if request.seed is None else request.seed + number,
            )
            for number in range(1, self.k + 1)
        ]

    def opinion(self, request: Request, draft: str, replies: Sequence[Reply]) -> Opinion | None:
        """The share that agrees, by the rule of succession; None if no draft came at all.

        (agreeing + 1) / (drafts + 2): a handful of drafts makes nothing certain.
        """
        query = query_text(request)
        first = outcome(query, draft)
        texts = [text for reply in replies if (text := text_of(reply)) is not None]
        if first is None or not texts:
            return None
        others = (outcome(query, text) for text in texts)
        agreeing = sum(other is not None and first.agrees(other) for other in others)
        return Opinion("agreement", (agreeing + 1) / (len(texts) + 2))
