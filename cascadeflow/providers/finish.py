"""The words with which servers say why an answer ended, brought to `StopReason`.

Compared in lower case, so that `STOP` and `stop` are one. A word that is not listed is known by
what it holds: servers invent names for their failures and filters, and put two words into one
(`function_call_filter: MALFORMED_FUNCTION_CALL`). Sources: the API references of OpenAI,
Anthropic, Google, Mistral, Cohere, Together, Z.ai, DeepSeek, vLLM and text-generation-inference.
"""

from __future__ import annotations

import re

from ..types import StopReason

_WORDS: dict[StopReason, str] = {
    "stop": "stop end_turn eos eos_token stop_sequence stop_token complete completed done",
    "tool_calls": "tool_calls tool_call tool_use function_call function_calls",
    "content_filter": "language spii error_toxic",
    "refusal": "refusal",
    "pause": "pause pause_turn",
}
_REASONS: dict[str, StopReason] = {
    word: reason for reason, words in _WORDS.items() for word in words.split()
}
_FAILED = re.compile(
    "error|abort|cancel|fail|time_?d?_?out|malformed|unexpected|missing|insufficient|unavailable"
    "|overload|rate_limit"
)
_LIKE: dict[StopReason, str] = {
    "content_filter": "filter|safety|prohibited|moderat|guardrail|recitation|block|sensitive|toxic",
    "length": r"length|max_(\w+_)?tokens|token_limit|context_(window|limit)",
}

UNSAID = frozenset(("", "null", "none"))
"""Words, in lower case, with which servers write out that the answer goes on."""

_TELLING = ("stop", "pause", "tool_calls", "length", "content_filter", "refusal")


def says_failure(word: str) -> bool:
    """True if a server's word means that it failed."""
    word = word.lower()
    return word not in _REASONS and _FAILED.search(word) is not None


def stop_reason(word: str) -> StopReason | None:
    """What a server's word means; None if it is not known."""
    word = word.lower()
    if word in _REASONS:
        return _REASONS[word]
    return next((reason for reason, like in _LIKE.items() if re.search(like, word)), None)


def more_telling(new: StopReason, old: StopReason) -> bool:
    """True if `new` says more than `old`, where a server gave both: a plain stop says least."""
    return _TELLING.index(new) >= _TELLING.index(old)
