"""Takes in what the current attempt says, up to the delta at which something must be decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ..errors import BudgetExceeded, ProtocolError
from ..types import Delta, ReasoningDelta, Started, Stop, TextDelta, ToolCallDelta, UsageDelta
from .answer import Answer
from .deadlines import Deadlines
from .events import Chunk, Event, Reasoned
from .judge import Judge, Ruling
from .outcome import Story
from .purse import Purse
from .tier import Rules

NotText: TypeAlias = Started | ReasoningDelta | ToolCallDelta | UsageDelta | Stop
Due: TypeAlias = Stop | Ruling | ProtocolError | BudgetExceeded | None
"""What must be decided on: the end of the answer, a draft that is hopeless, one that breaks a rule,
more than may be spent. None: nothing yet."""


class Intake:
    """The ear of one query; `now` and the deadlines are those of the read at hand."""

    __slots__ = (
        "_deadlines", "_judges", "_now", "_out", "_purse", "_reasoning", "_story", "doubted",
    )  # fmt: skip

    def __init__(self, rules: Rules, judges: Sequence[Judge], story: Story, purse: Purse) -> None:
        self._reasoning = rules.reasoning
        self._judges = judges
        self._story = story
        self._purse = purse
        self._now = 0.0
        self._deadlines: Deadlines
        self._out: list[Event]
        self.doubted = False
        """The policy would hedge, by the read at hand."""

    def hear(
        self,
        answer: Answer,
        batch: Sequence[Delta],
        deadlines: Deadlines,
        now: float,
        out: list[Event],
    ) -> Due:
        """Take in one network read, or as much of it as comes before a decision.

        Content moves the `deadlines` on; the events that may be told go to `out`.
        """
        self._deadlines, self._now, self._out, self.doubted = deadlines, now, out, False
        place, due = 0, None
        while place < len(batch) and due is None:
            delta = batch[place]
            if isinstance(delta, TextDelta):
                self._heard(answer)
                run, said = answer.add(batch, place)
                place += len(run)
                speaker = answer.speaker
                answer.show([Chunk(piece.text, speaker) for piece in run if piece.text], out)
                due = self._watch(answer, said)
            else:
                place += 1
                due = self._other(answer, delta)
        return due

    def _other(self, answer: Answer, delta: NotText) -> Due:
        match delta:
            case ToolCallDelta():
                self._heard(answer)
                try:
                    told = answer.add_call(delta)
                except ProtocolError as error:
                    return error
                answer.show(told, self._out)
                return self._watch(answer, delta)
            case ReasoningDelta(text, block):
                self._deadlines.heard(self._now)
                answer.row.count(text)
                if block is not None:
                    answer.thinking.append(dict(block))
                if text and self._reasoning:
                    answer.show([Reasoned(text, answer.speaker)], self._out)
                return self._purse.overdraft(answer.row)
            case UsageDelta(usage):
                self._story.report(answer, usage)
                return self._purse.overdraft(answer.row)
            case Started(request_id):
                answer.row.request_id = request_id
                return None
            case Stop():
                return delta

    def _watch(self, answer: Answer, delta: TextDelta | ToolCallDelta) -> Due:
        """After what was taken in of a draft: is it hopeless, is there money left?"""
        observer = answer.observer
        if observer is not None:
            observer.feed(delta)
            if answer.due():
                found = self._judges[answer.row.tier].look(observer, "during", answer.flaw)
                if isinstance(found, Ruling):
                    return found
                self.doubted = self.doubted or found == "hedge"
        return None if self._purse.limit is None else self._purse.overdraft(answer.row)

    def _heard(self, answer: Answer) -> None:
        self._deadlines.heard(self._now)
        if not answer.begun:
            if answer.row.first_token is None:
                answer.row.first_token = self._now - answer.row.opened
            if not answer.held:
                self._story.visible(self._now)
