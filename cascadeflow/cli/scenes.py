"""Finds questions that show what a cascade does: one for each way in which a draft can end.

The models' answers are a function of the question, so they can be tried beforehand without their
pauses. Nothing is arranged: a way that does not occur among the questions is not shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from ..agent import CascadeAgent
from ..providers.simulated import Question
from ..streaming.base import StreamEventType

Outcome: TypeAlias = Literal["accepted", "rejected", "abandoned"]
"""Of a draft: kept; read to its end and not kept; given up while it streamed."""

OUTCOMES: tuple[Outcome, ...] = ("accepted", "rejected", "abandoned")
BATCH = 20
"""Questions tried at once."""
SHORTEST, LONGEST = 80, 700
"""Characters of a draft that can be watched and read in passing."""


class Scene(msgspec.Struct, frozen=True):
    """A question and what becomes of its draft."""

    question: Question
    outcome: Outcome
    telling: int
    """How well it shows the outcome, in [0, 3]: 2 if the judge was right about the draft, and 1 if
    there is enough of the draft to watch it stream."""


async def find_scenes(agent: CascadeAgent, questions: Sequence[Question]) -> list[Scene]:
    """The most telling scene of each outcome that occurs, in the order of `OUTCOMES`.

    Only questions whose final answer is right are taken.
    """
    best: dict[Outcome, Scene] = {}
    for start in range(0, len(questions), BATCH):
        tried = [_try(agent, question) for question in questions[start : start + BATCH]]
        for scene in await asyncio.gather(*tried):
            if scene and (scene.outcome not in best or scene.telling > best[scene.outcome].telling):
                best[scene.outcome] = scene
        if len(best) == len(OUTCOMES) and all(scene.telling == 3 for scene in best.values()):
            break
    return [best[outcome] for outcome in OUTCOMES if outcome in best]


async def _try(agent: CascadeAgent, question: Question) -> Scene | None:
    """What becomes of the draft; None if it shows nothing, or not in passing."""
    draft, outcome, final = "", None, ""
    async for event in agent.stream_events(question.text):
        match event.type:
            case StreamEventType.CHUNK if event.data["phase"] == "draft":
                draft += event.content
            case StreamEventType.DRAFT_DECISION:
                outcome = _outcome(event.data["accepted"], event.data["stage"])
            case StreamEventType.COMPLETE:
                final = event.data["result"]["content"]
            case _:
                pass
    if outcome is None or not 0 < len(draft) <= LONGEST or not question.check(final):
        return None
    judged_well = question.check(draft) == (outcome == "accepted")
    return Scene(question, outcome, 2 * judged_well + (len(draft) >= SHORTEST))


def _outcome(accepted: bool, stage: str) -> Outcome | None:
    match stage:
        case "after":
            return "accepted" if accepted else "rejected"
        case "during":
            return "abandoned"
        case _:
            return None
