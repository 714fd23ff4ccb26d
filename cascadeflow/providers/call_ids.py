"""Ids of tool calls as a server takes them back: another model of the ladder may have made them.

Anthropic takes letters, digits, `_` and `-` (https://docs.anthropic.com/en/api/messages), OpenAI at
most 40 characters (https://platform.openai.com/docs/api-reference/chat/create), Mistral nine
letters and digits (https://docs.mistral.ai/capabilities/function_calling). Kimi's ids are like
`functions.f:0`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from ..types import Message
from .lenient import is_mapping, is_sequence


def fitting(messages: Iterable[Message], allowed: str) -> list[Message]:
    """Messages in which every id of a call matches the pattern, and no two calls share one.

    One that does not is replaced, with that of its result, by nine digits made from it and from how
    often it was used before: some servers count ids anew in each answer, which Anthropic refuses.
    A result belongs to the nearest call before it. An empty pattern: ids stay as they are.
    """
    uses: Counter[str] = Counter()
    return [_fitting(message, allowed, uses) for message in messages] if allowed else [*messages]


def _fitting(message: Message, allowed: str, uses: Counter[str]) -> Message:
    calls = message.get("tool_calls")
    changed: dict[str, Any] = {}
    if is_sequence(calls):
        changed["tool_calls"] = [_renamed(call, allowed, uses) for call in calls]
    if "tool_call_id" in message:
        changed["tool_call_id"] = _fit(message["tool_call_id"], allowed, uses)
    return {**message, **changed} if changed else message


def _renamed(call: object, allowed: str, uses: Counter[str]) -> object:
    if not is_mapping(call) or "id" not in call:
        return call
    id = call["id"]
    if isinstance(id, str):
        uses[id] += 1
    return {**call, "id": _fit(id, allowed, uses)}


def _fit(id: object, allowed: str, uses: Counter[str]) -> object:
    if not isinstance(id, str):
        return id
    again = uses[id] > 1
    if not again and re.fullmatch(allowed, id, re.DOTALL):
        return id
    told = f"{uses[id]} {id}" if again else id
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:9]
