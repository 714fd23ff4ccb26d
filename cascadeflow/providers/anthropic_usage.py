"""The token counts of Anthropic's Messages API, brought to our convention. Pure.

Counts are cumulative, and of each field the last valid number holds: `message_delta` may repeat
what `message_start` said, or leave it out. Three things differ from `types.Usage`:

- `input_tokens` does not include what was read from or written to the prompt cache; ours does.
- A compaction of the context on the way is billed but not in the top-level counts; it is added.
- `message_start` knows only the first generated token or so; the rest comes with `message_delta`.

Source: https://docs.anthropic.com/en/api/messages, `usage`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..types import Usage
from .lenient import is_list, is_object

MOST_TOKENS = 10**12
"""No model has read or written as many; a larger number is garbage."""

_INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_COUNTS = (*_INPUT, "output_tokens")
_UNPRICED = (
    ("cache_creation", "ephemeral_1h_input_tokens",
     "what was cached for an hour is counted at the lower price of five minutes"),
    ("server_tool_use", "web_search_requests", "the fee of web searches is not in the cost"),
)  # fmt: skip
"""What may be billed that the prices, which are per token, do not hold; and what is told then."""


class Tally:
    """The counts of one message."""

    def __init__(self) -> None:
        self.complete = False
        """Both the input and all of the output were reported."""
        self.warnings: dict[str, None] = {}
        self._counts: dict[str, int] = {}
        self._thought = 0
        self._compaction = Usage()

    def take(self, usage: object, *, final: bool) -> bool:
        """Take in a `usage` object; True if it told anything. `final`: it counts all the output."""
        if usage is None:
            return False
        if not is_object(usage):
            self.warnings["the reported usage is not an object"] = None
            return False
        counts = self._numbers(usage)
        if not any(counts.get(key) for key in _INPUT) and any(map(self._counts.get, _INPUT)):
            # Some servers fill in zeros at the end; what was read does not become unread.
            counts = {key: count for key, count in counts.items() if key not in _INPUT}
        self._counts.update(counts)
        if final and "output_tokens" in counts and "input_tokens" in self._counts:
            self.complete = True
        details = usage.get("output_tokens_details")
        if is_object(details):
            self._thought = self._number(details, "thinking_tokens", self._thought)
        for place, key, told in _UNPRICED:
            part = usage.get(place)
            if is_object(part) and self._number(part, key, 0):
                self.warnings[told] = None
        if is_list(iterations := usage.get("iterations")):
            compacted = [e for e in iterations if is_object(e) and e.get("type") == "compaction"]
            self._compaction = sum((_as_usage(self._numbers(e)) for e in compacted), Usage())
        return bool(counts)

    def usage(self) -> Usage:
        """The tokens so far."""
        return _as_usage(self._counts, self._thought) + self._compaction

    def _numbers(self, usage: dict[str, Any]) -> dict[str, int]:
        found = {key: self._number(usage, key, -1) for key in _COUNTS}
        return {key: number for key, number in found.items() if number >= 0}

    def _number(self, usage: dict[str, Any], key: str, default: int) -> int:
        value = usage.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is int and 0 <= value <= MOST_TOKENS:
            return value
        if value is not None:
            self.warnings[f"the reported {key} is not a count of tokens"] = None
        return default


def _as_usage(counts: Mapping[str, int], thought: int = 0) -> Usage:
    read = counts.get("cache_read_input_tokens", 0)
    written = counts.get("cache_creation_input_tokens", 0)
    return Usage(
        input_tokens=counts.get("input_tokens", 0) + read + written,
        output_tokens=counts.get("output_tokens", 0),
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=thought,
    )
