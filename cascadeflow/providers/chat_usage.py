"""From the token counts of the many chat servers to one convention.

`Usage.output_tokens` holds all generated tokens, thinking included; some servers leave it out of
`completion_tokens` and give themselves away by `total_tokens`.
"""

from __future__ import annotations

from ..types import Usage
from .chat_chunk import WireUsage

_MOST = 10**9
"""A larger count is no count of one answer."""


def read_usage(wire: WireUsage, *, hidden_thinking: bool) -> Usage | None:
    """The counts in `wire`; None if they are not there or cannot be counts.

    Args:
        wire: as sent.
        hidden_thinking: what `total_tokens` has beyond prompt and completion is thinking, even
            where no number of thinking tokens is given.
    """
    prompt, output, total = _ends(wire)
    if prompt is None or output is None or not (0 <= prompt <= _MOST and 0 <= output <= _MOST):
        return None
    thought = _reasoning(wire)
    beyond = (total or 0) - prompt - output
    if 0 < beyond <= _MOST and (hidden_thinking or beyond == thought):
        output, thought = output + beyond, beyond
    cached, written = _cache(wire)
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=_part(cached, prompt),
        cache_write_tokens=_part(written, prompt),
        reasoning_tokens=_part(thought, output),
    )


def says_nothing(wire: WireUsage) -> bool:
    """True for an empty object, and for zeros: no request has no tokens."""
    prompt, output, _ = _ends(wire)
    return not prompt and not output


def _ends(wire: WireUsage) -> tuple[int | None, int | None, int | None]:
    prompt = wire.input_tokens if wire.prompt_tokens is None else wire.prompt_tokens
    output = wire.output_tokens if wire.completion_tokens is None else wire.completion_tokens
    total = wire.total_tokens
    if total is not None and prompt is not None and output is None:
        output = total - prompt
    return prompt, output, total


def _reasoning(wire: WireUsage) -> int:
    details = wire.completion_tokens_details
    return (details.reasoning_tokens if details else None) or 0


def _cache(wire: WireUsage) -> tuple[int, int]:
    details = wire.prompt_tokens_details
    read = details.cached_tokens if details else None
    written = details.cache_write_tokens if details else None
    return read or wire.prompt_cache_hit_tokens or wire.cached_tokens or 0, written or 0


def _part(count: int, whole: int) -> int:
    return max(0, min(count, whole))
