"""Values that travel between provider, core and caller. No I/O, no provider names.

Units: tokens are counts, money is US dollars, time is seconds, probabilities are in [0, 1].
A provider yields lists of `Delta`, one list per network read; the last delta is a `Stop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from .errors import ConfigError

Message: TypeAlias = Mapping[str, Any]
"""One chat message in the shape of OpenAI's API: `role`, `content` (text or a list of parts), and
for tools `tool_calls` or `tool_call_id`. Unknown keys travel to the provider as they are."""

StopReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "content_filter", "refusal", "pause"
]
"""Why a model ended. `length`: a token limit; `pause`: the server stopped in mid-turn and expects
to be called again."""

ToolChoice: TypeAlias = Literal["auto", "required", "none"] | Mapping[str, str]
"""Normal form of a tool choice: a word, or `{"name": tool}` to force one tool."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What one model is asked. Built and checked by the agent, one for each tier."""

    messages: tuple[Message, ...]
    """System prompt (role `system`) included, oldest first."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Normal form `{"name", "description", "parameters"}`; `parameters` is a JSON Schema."""
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    """Limit of generated tokens; None sends no limit where the provider allows that."""
    temperature: float | None = None
    """None: not sent."""
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool | None = None
    """Ask for token log-probabilities; None: wherever the provider is known to offer them."""
    response_format: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}
    """HTTP headers of this call; they win over those of the model."""
    extra: Mapping[str, Any] = {}
    """Fields added to the provider's JSON body unchanged; they win over ours."""
    connect_timeout: float | None = 5.0
    """Seconds for name resolution, TCP and TLS together."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tokens of one attempt. The provider's numbers, brought to one convention."""

    input_tokens: int = 0
    """All tokens of the prompt, cached ones included."""
    output_tokens: int = 0
    """All generated tokens, reasoning included."""
    cached_tokens: int = 0
    """Part of `input_tokens` that was read from the provider's prompt cache."""
    cache_write_tokens: int = 0
    """Part of `input_tokens` that was written to the provider's prompt cache."""
    reasoning_tokens: int = 0
    """Part of `output_tokens` spent on thinking, where the provider tells."""

    def __add__(self, other: Usage) -> Usage:
        counts = msgspec.structs.asdict(self)
        for name, count in msgspec.structs.asdict(other).items():
            counts[name] += count
        return Usage(**counts)


class Started(msgspec.Struct, gc=False):
    """The server accepted the request. Optional; at most one, before any other delta."""

    request_id: str | None = None


class TextDelta(msgspec.Struct, gc=False):
    """A piece of the answer: valid Unicode, never empty."""

    text: str
    logprobs: tuple[float, ...] = ()
    """Natural-log probability of each sampled token in `text`; empty if not offered."""


class ReasoningDelta(msgspec.Struct, gc=False):
    """A piece of the model's thinking; never part of the answer."""

    text: str
    block: Mapping[str, Any] | None = None
    """At the end of a signed thinking block: the block as the provider wants it back."""


class ToolCallDelta(msgspec.Struct, gc=False):
    """A fragment of a tool call, as the server cut it. `core/calls.py` puts calls together."""

    index: int | None
    """Which call; None if the server does not say."""
    id: str = ""
    name: str = ""
    arguments: str = ""
    """JSON text, a fragment of it, or empty."""
    closed: bool = False
    """The server said that this call is complete."""


class UsageDelta(msgspec.Struct, gc=False):
    """Tokens so far. Cumulative: the last one counts."""

    usage: Usage


class Stop(msgspec.Struct, gc=False):
    """The end of a stream that did not fail."""

    reason: StopReason | None
    """None: the stream ended without saying why; the answer is incomplete."""
    usage: Usage | None = None
    """None: the provider sent none, and tokens must be estimated."""
    raw_reason: str = ""
    """The provider's own word for `reason`."""
    detail: str = ""
    """Text of a refusal, at most 2 KiB."""
    warnings: tuple[str, ...] = ()
    """What was odd in the stream but did not end it."""
    damaged: bool = False
    """True if part of the answer may be missing, e.g. an event that could not be parsed."""


Delta: TypeAlias = Started | TextDelta | ReasoningDelta | ToolCallDelta | UsageDelta | Stop


class ToolCall(msgspec.Struct, frozen=True):
    """A finished tool call as the model wrote it."""

    id: str
    name: str
    arguments: str
    """JSON text."""


ROUNDING = 1e-6
"""By which a sum of floats may miss a bound."""


class Estimate(msgspec.Struct, frozen=True):
    """How likely a draft is good, and why.

    Raises:
        ConfigError: `p_good` is no probability.
    """

    p_good: float
    """Probability in [0, 1] that the draft would be judged acceptable."""
    evidence: Mapping[str, float] = {}
    """Named features behind the number, for a person to read."""
    benefit: float | None = None
    """Estimated P(the last tier is right) - P(the draft is right), in [-1, 1]; None if the
    estimator has no opinion of the last tier. Where the strong model shares the draft's failures,
    escalating gains nothing though `p_good` is low."""

    def __post_init__(self) -> None:
        p_good = self.p_good
        if type(p_good) is float and 0.0 <= p_good <= 1.0:
            return
        if not -ROUNDING <= p_good <= 1 + ROUNDING:
            raise ConfigError(f"Estimate: p_good is {p_good!r}; it must be in [0, 1]")
        # A number of numpy is no JSON; a sum of weights may pass 1 by its last bit.
        msgspec.structs.force_setattr(self, "p_good", min(max(float(p_good), 0.0), 1.0))
