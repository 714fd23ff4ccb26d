"""Optional judges: they ask a model about a finished draft. Off unless given to the agent.

    agent = CascadeAgent(models, judges=[SelfCheck()])

Each is pure: it says what to ask and reads the answers; the cascade does the asking, side by side,
only about a draft in doubt, at the expense of the query.
"""

from __future__ import annotations

from ..core.policy import Advisable, Opinion
from ..core.referee import Panel, Referee, Reply
from .agreement import Agreement
from .questions import JudgeModel, SelfCheck

__all__ = [
    "Advisable", "Agreement", "JudgeModel", "Opinion", "Panel", "Referee", "Reply", "SelfCheck",
]  # fmt: skip
