"""The words with which chat servers say why an answer ended, brought to `StopReason`.

Compared in lower case, so that `STOP` and `stop` are one. Sources: the API references of OpenAI,
Anthropic, Google, Mistral, Cohere, Together, Z.ai, DeepSeek, vLLM and text-generation-inference.
"""

from __future__ import annotations

from ..types import StopReason

_WORDS: dict[StopReason, str] = {
    "stop": "stop end_turn eos eos_token stop_sequence stop_token complete completed done",
    "length": (
        "length max_tokens max_output_tokens max_completion_tokens model_length token_limit "
        "model_context_window_exceeded context_length"
    ),
    "tool_calls": "tool_calls tool_call tool_use function_call function_calls",
    "content_filter": (
        "content_filter content_filtered safety recitation language blocklist prohibited_content "
        "spii image_safety sensitive guardrail_intervened error_toxic"
    ),
    "refusal": "refusal",
    "pause": "pause pause_turn",
}
_REASONS: dict[str, StopReason] = {
    word: reason for reason, words in _WORDS.items() for word in words.split()
}

FAILURES = frozenset(
    (
        "error",
        "abort",
        "aborted",
        "cancelled",
        "canceled",
        "timeout",
        "network_error",
        "malformed_function_call",
        "unexpected_tool_call",
        "insufficient_system_resource",
    )
)
"""Words that say that the server failed."""

UNSAID = frozenset(("", "null", "none"))
"""Words, in lower case, with which servers write out that the answer goes on."""

_TELLING: tuple[StopReason, ...] = (
    "stop",
    "pause",
    "tool_calls",
    "length",
    "content_filter",
    "refusal",
)


def stop_reason(word: str) -> StopReason | None:
    """What a server's word means; None if it is not known."""
    return _REASONS.get(word.lower())


def more_telling(new: StopReason, old: StopReason) -> bool:
    """True if `new` says more than `old`, where a server gave both: a plain stop says least."""
    return _TELLING.index(new) >= _TELLING.index(old)
