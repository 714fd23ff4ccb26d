"""Asks the model that gave the draft whether its answer is right: P(True).

Source: Kadavath et al., "Language Models (Mostly) Know What They Know", 2022, section 3,
https://arxiv.org/abs/2207.05221. One token is generated. With log-probabilities the opinion is the
model's probability of that token; without, only the word is known, and it is trusted little.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..config import ModelConfig
from ..core.policy import Opinion
from ..core.referee import JudgeName, Reply
from ..types import Request
from .base import ask_about, p_yes

QUESTION = (
    "Is your last answer above correct? Whatever form was asked for before, reply with one word "
    "only: true or false."
)


class SelfCheck(msgspec.Struct, frozen=True):
    """Whether the model that gave the draft holds it to be right."""

    @property
    def judge(self) -> JudgeName:
        """Its name in the evidence."""
        return "self_check"

    @property
    def model(self) -> ModelConfig | None:
        """None: the model that gave the draft."""
        return None

    def inquiries(self, request: Request, draft: str) -> Sequence[Request]:
        """One short question behind the draft. A model that thinks first gets no limit of ours."""
        limit = None if request.max_tokens is None else 1
        return (ask_about(request, draft, QUESTION, limit),)

    def opinion(self, request: Request, draft: str, replies: Sequence[Reply]) -> Opinion | None:
        """The probability of "true"; None if the reply is neither that nor "false"."""
        said = [p for reply in replies if (p := p_yes(reply)) is not None]
        return Opinion("self_check", said[0]) if said else None
