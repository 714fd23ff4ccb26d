"""What a cascade tells its caller and its driver. One class per event, one closed union each.

`Event` goes to the caller, rendered by `streaming/`; `Command` goes to the driver, `runner.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from ..errors import CascadeError
from ..result import CascadeResult
from ..types import Request, ToolCall
from .calling import FinishedCall
from .judge import Ruling

if TYPE_CHECKING:
    from ..tools.call import ToolResult

Phase: TypeAlias = Literal["draft", "verifier", "direct"]
"""`draft`: a judged tier; `verifier`: the last tier after a draft; `direct`: no draft was asked."""
Strategy: TypeAlias = Literal["cascade", "direct"]


class Speaker:
    """Who is speaking: one object, and one `data` mapping, for all chunks of an attempt."""

    __slots__ = ("attempt", "data", "model", "phase", "provider", "turn")

    def __init__(self, model: str, provider: str, attempt: int, phase: Phase, turn: int) -> None:
        self.model = model
        self.provider = provider
        self.attempt = attempt
        """Row of the ledger, counted from 1."""
        self.phase: Phase = phase
        self.turn = turn
        """Model calls of this query so far, this one included; above 1 only in a tool loop."""
        self.data: dict[str, Any] = {
            "model": model,
            "provider": provider,
            "attempt": attempt,
            "phase": phase,
            "turn": turn,
        }


class Routed(msgspec.Struct):
    """Which models will be asked, and why."""

    strategy: Strategy
    models: tuple[str, ...]
    complexity: str
    reason: str
    turn: int


class DraftStarted(msgspec.Struct):
    """A judged tier is asked."""

    speaker: Speaker
    strategy: Strategy


class Chunk(msgspec.Struct, gc=False):
    """A piece of the answer."""

    text: str
    speaker: Speaker


class Reasoned(msgspec.Struct, gc=False):
    """A piece of the model's thinking."""

    text: str
    speaker: Speaker


class CallStarted(msgspec.Struct, gc=False):
    """A tool call got its name; provisional while the phase is "draft"."""

    index: int
    id: str
    name: str
    speaker: Speaker


class CallArguments(msgspec.Struct, gc=False):
    """A raw JSON fragment of a call's arguments."""

    index: int
    fragment: str
    speaker: Speaker


class CallReady(msgspec.Struct, gc=False):
    """A complete call of an answer that will not be switched away."""

    index: int
    call: FinishedCall
    speaker: Speaker


class ToolExecuting(msgspec.Struct):
    """A tool was started."""

    call: FinishedCall
    turn: int


class ToolReturned(msgspec.Struct):
    """A tool gave a result."""

    call: FinishedCall
    result: ToolResult
    turn: int


class ToolFailed(msgspec.Struct):
    """A tool failed, or the call was not valid and no tool was started; the model is told."""

    call: FinishedCall
    result: ToolResult
    error: str
    turn: int


class Decided(msgspec.Struct):
    """The verdict on a draft."""

    ruling: Ruling
    speaker: Speaker
    detail: str = ""
    """What was wrong with the draft, in words that may quote it; the ruling's reason is a code."""


class Switched(msgspec.Struct):
    """What was shown of an attempt is void; another model takes over."""

    from_model: str
    to_model: str
    reason: str
    discard_chars: int
    """Code points already shown that the reader should take back."""
    discarded_calls: tuple[ToolCall, ...]
    speaker: Speaker
    """Of the discarded attempt."""


class Completed(msgspec.Struct):
    """The answer is whole. Always the last event of a turn."""

    result: CascadeResult
    calls: tuple[FinishedCall, ...] = ()
    """Every call of the answer, those that may not be executed included."""
    message: Mapping[str, Any] = {}
    """The answer as the assistant's message, with all its calls."""


class Errored(msgspec.Struct):
    """No answer. Always the last event."""

    error: CascadeError


CallEvent: TypeAlias = (
    CallStarted | CallArguments | CallReady | ToolExecuting | ToolReturned | ToolFailed
)
AnswerEvent: TypeAlias = (
    Routed | DraftStarted | Chunk | Reasoned | Decided | Switched | Completed | Errored
)
Event: TypeAlias = AnswerEvent | CallEvent


class Open(msgspec.Struct, frozen=True):
    """Ask a tier, after `delay` seconds."""

    tier: int
    attempt: int
    delay: float = 0.0
    ahead: bool = False
    """Beside the current attempt, which goes on: a hedge."""


class Join(msgspec.Struct, frozen=True):
    """The current attempt is over; the one that was opened ahead is current from here on."""

    attempt: int


class Abort(msgspec.Struct, frozen=True):
    """Close the stream of an attempt at once."""

    attempt: int


class Inquiry(msgspec.Struct, frozen=True):
    """One question about a draft, put to a model."""

    line: int
    """Place of the provider among those of the driver."""
    model: str
    attempt: int
    """Its row of the ledger."""
    request: Request


class Consult(msgspec.Struct, frozen=True):
    """Ask all of these side by side, and tell `Cascade.consulted` what comes."""

    inquiries: tuple[Inquiry, ...]


Command: TypeAlias = Open | Join | Abort | Consult
