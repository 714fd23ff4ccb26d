"""The answer of one attempt, as far as it has arrived."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from ..errors import ProtocolError
from ..types import (
    Delta,
    ReasoningDelta,
    Request,
    Started,
    Stop,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    UsageDelta,
)
from .calling import FinishedCall
from .calls import CallClosed, CallFragment, Calls, CallStarted, CallStep
from .events import CallArguments, CallReady, Event, Speaker
from .events import CallStarted as CallAnnounced
from .ledger import Attempt, Ledger, utf8_length
from .policy import Observer
from .tier import Rules

_INVISIBLE = re.compile("[\\s\0\u200b\u200c\u200d\u2060\ufeff]*")
"""White space, and characters that are nothing either."""

FIRST_LOOK = 48
"""Bytes of a draft, calls included, before it is first judged; about a dozen tokens."""
LOOKS_PER_DOUBLING = 8
"""After that it is judged again each time it has grown by an eighth, so the number of looks is
logarithmic in the length and does not depend on how the network cut the text."""


def note(ledger: Ledger, row: Attempt, delta: Delta, now: float) -> None:
    """What a delta of an answer that nobody sees tells its row: tokens, times, its id."""
    match delta:
        case TextDelta() | ReasoningDelta() | ToolCallDelta():
            said = delta.name + delta.arguments if isinstance(delta, ToolCallDelta) else delta.text
            row.count(said)
            if row.first_token is None:
                row.first_token = now - row.opened
        case Started(request_id):
            row.request_id = request_id
        case UsageDelta(usage):
            ledger.report(row, usage)
        case Stop(reason, Usage() as usage):
            ledger.report(row, usage, final=reason is not None)
        case Stop():
            pass


class Answer:
    """One attempt: its text and calls, what of it was shown, who watches it."""

    __slots__ = (
        "_calls", "_check", "_choice", "_early", "_finished", "_next_look", "_parts", "_singly",
        "_structure", "_sure", "_told", "begun", "calling", "held", "logprobs", "observer",
        "problem", "row", "speaker", "stop", "thinking", "unseen",
    )  # fmt: skip

    def __init__(
        self,
        speaker: Speaker,
        row: Attempt,
        observer: Observer | None,
        request: Request,
        rules: Rules,
    ) -> None:
        self.speaker = speaker
        self.row = row
        self.observer = observer
        """None: this answer is not judged."""
        self.held = observer is not None and rules.reveal == "held"
        """Nothing of it is shown before it is accepted."""
        self.unseen: list[Event] = []
        """What was held back so far."""
        self.calling = False
        """A piece of a tool call arrived."""
        self.begun = False
        """Something of the answer arrived: the attempt cannot be silently repeated any more."""
        self.logprobs: list[float] | None = [] if rules.recording else None
        """Of the tokens of its text; None: not kept."""
        self.thinking: list[dict[str, Any]] = []
        """Signed blocks of thinking, as the provider wants them back."""
        self.stop: Stop | None = None
        offered = (tool["name"] for tool in request.tools)
        self._calls = Calls(offered, f"call_{speaker.turn}_")
        self._check = rules.check_call
        self._choice = request.tool_choice if request.tools else "none"
        self._sure = observer is None and rules.on_verifier_error == "error"
        """Nothing can take its place any more: its calls are ready as soon as they are closed."""
        self._structure = None if rules.structure is None else rules.structure()
        self._early = self._structure if observer is not None and not request.tools else None
        """Reads along with a draft. Where tools are offered, text may come before a call."""
        self._singly = self._early is not None or rules.max_cost is not None
        """Anything may be decided on after each piece."""
        self.problem = ""
        """Why it is not, or cannot become, the structure asked for; empty: nothing known."""
        self._finished: dict[int, FinishedCall] = {}
        """Checked calls by position."""
        self._told: set[int] = set()
        """Positions of the calls that were announced as ready."""
        self._parts: list[str] = []
        self._next_look: float = math.inf if observer is None else FIRST_LOOK

    def add(self, batch: Sequence[Delta], start: int) -> tuple[list[TextDelta], TextDelta]:
        """Take in the text from `start` on, up to the piece after which something may be decided.

        Returns:
            The pieces, and all of them as one.
        """
        run: list[TextDelta] = []
        size, enough = self.row.output_bytes, 0 if self._singly else self._next_look
        for place in range(start, len(batch)):
            delta = batch[place]
            if not isinstance(delta, TextDelta):
                break
            run.append(delta)
            text = delta.text
            size += len(text) if text.isascii() else utf8_length(text)
            if size >= enough:
                break
        said = run[0]
        if len(run) > 1:
            logprobs = chain.from_iterable([piece.logprobs for piece in run])
            said = TextDelta("".join([piece.text for piece in run]), tuple(logprobs))
        if self.logprobs is not None:
            self.logprobs += said.logprobs
        self._parts.append(said.text)
        self.begun = self.begun or bool(said.text)
        self.row.output_bytes = size
        if self._early is not None:
            self.problem = self._early.feed(said.text)
        return run, said

    def due(self) -> bool:
        """Whether enough has arrived since the last look to judge again; counts as that look."""
        size = self.row.output_bytes
        if size < self._next_look and not self.problem:
            return False
        self._next_look = size + max(FIRST_LOOK, size // LOOKS_PER_DOUBLING)
        return True

    def skip(self, deltas: Iterable[Delta], ledger: Ledger) -> None:
        """The read during which the attempt was given up: its token counts make the cost exact.

        The rest of its text is not counted: it is no better known than what was still under way.
        """
        for delta in deltas:
            if isinstance(delta, UsageDelta | Stop):
                note(ledger, self.row, delta, 0.0)

    @property
    def text(self) -> str:
        """All text so far."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def empty(self) -> bool:
        """Neither a call nor a character that can be seen."""
        return not self.calling and _INVISIBLE.fullmatch(self.text) is not None

    @property
    def flaw(self) -> str:
        """Why a draft cannot be kept, however good it looks; empty: nothing known."""
        if self.problem:
            return "invalid_structure"
        return "invalid_tool_call" if self.stop is not None and self.detail else ""

    @property
    def detail(self) -> str:
        """The `flaw` in words, which may quote the answer."""
        if self.problem or self.stop is None:
            return self.problem
        calls = [call for call in self.finished_calls() if not call.valid]
        return "; ".join(chain.from_iterable(call.problems for call in calls)) or self.lacking

    @property
    def lacking(self) -> str:
        """Why an answer that ended without a call should have one; empty: it need not."""
        if self.stop is None or self.calling or self._choice == "none":
            return ""
        if self.stop.reason == "tool_calls":
            return "the model ended to have a tool called, but no call came"
        forced = self._choice == "required" or isinstance(self._choice, Mapping)
        return "the model called no tool, though tool_choice asked for it" if forced else ""

    @property
    def parsed(self) -> Any:  # noqa: ANN401 -- JSON
        """The value of a structured answer; None if there is none, or before `end`."""
        if self._structure is None or self.stop is None or self.problem:
            return None
        return self._structure.value

    def show(self, told: Iterable[Event], out: list[Event]) -> None:
        """Tell events of this answer, or hold them back."""
        (self.unseen if self.held else out).extend(told)

    # --- tool calls ----------------------------------------------------------------------------

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls so far."""
        return self._calls.calls if self.calling else ()

    def add_call(self, delta: ToolCallDelta) -> list[Event]:
        """Take in a fragment of a tool call.

        Raises:
            ProtocolError: a bound is exceeded, or a call goes on that was announced as ready.
        """
        # An empty fragment begins no call, and is no answer.
        self.calling = self.calling or bool(delta.id or delta.name or delta.arguments)
        self.begun = self.begun or self.calling
        self.row.count(delta.name + delta.arguments)
        return self._told_by(self._calls.add(delta))

    def end(self) -> list[Event]:
        """The model has finished: nothing will be added. An answer that calls tools is no other."""
        if self.calling:
            self._structure = None
            return self._told_by(self._calls.finish())
        if self._structure is not None:
            if self._early is None:
                self._structure.feed(self.text)
            self.problem = self._structure.finish()
        return []

    def ready_calls(self) -> list[Event]:
        """Every valid call that was not announced as ready yet; the answer is final."""
        return [
            self._ready(position, finished)
            for position, finished in enumerate(self.finished_calls())
            if finished.valid and position not in self._told
        ]

    def finished_calls(self) -> tuple[FinishedCall, ...]:
        """Every call, checked. Only after `end`."""
        return tuple(self._finish(position, call) for position, call in enumerate(self.calls))

    def _finish(self, position: int, call: ToolCall) -> FinishedCall:
        known = self._finished.get(position)
        if known is None or known.call != call:
            arguments, problems = self._check(call.name, call.arguments)
            cut = self.stop is not None and self.stop.reason in ("length", "pause")
            if self._calls.repeated(position):
                told = "the same call, under the same id, came before in this answer"
                problems = (*problems, told)
            elif cut and self._calls.bare(position):
                told = "the answer was cut off before the arguments of this call"
                problems = (*problems, told)
            known = self._finished[position] = FinishedCall(call, arguments, problems)
        return known

    def _told_by(self, steps: list[CallStep]) -> list[Event]:
        out: list[Event] = []
        for step in steps:
            match step:
                case CallStarted(position, id, name):
                    out.append(CallAnnounced(position, id, name, self.speaker))
                case CallFragment(position, fragment) if position in self._told:
                    if fragment.strip():
                        raise ProtocolError(f"tool call {position} goes on after its end")
                case CallFragment(position, fragment):
                    out.append(CallArguments(position, fragment, self.speaker))
                case CallClosed(position) if self._sure:
                    finished = self._finish(position, self._calls.call(position))
                    out += [self._ready(position, finished)] if finished.valid else ()
                case CallClosed():
                    pass
        return out

    def _ready(self, position: int, finished: FinishedCall) -> Event:
        self._told.add(position)
        return CallReady(position, finished, self.speaker)
