"""Ids of tool calls as a server takes them back: another model of the ladder may have made them.

Anthropic takes letters, digits, `_` and `-` (https://docs.anthropic.com/en/api/messages), OpenAI at
most 40 characters (https://platform.openai.com/docs/api-reference/chat/create), Mistral nine
letters and digits (https://docs.mistral.ai/capabilities/function_calling). Kimi's ids are like
`functions.f:0`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from ..types import Message
from .lenient import is_mapping, is_sequence


def fitting(messages: Iterable[Message], allowed: str) -> list[Message]:
    """Messages in which every id of a call matches the pattern; empty: whatever it is.

    One that does not is replaced, wherever it stands, by the same nine digits made from it.
    """
    return [_fitting(message, allowed) for message in messages] if allowed else list(messages)


def _fitting(message: Message, allowed: str) -> Message:
    calls = message.get("tool_calls")
    changed: dict[str, Any] = {}
    if is_sequence(calls):
        changed["tool_calls"] = [
            {**call, "id": _fit(call["id"], allowed)} if is_mapping(call) and "id" in call else call
            for call in calls
        ]
    if "tool_call_id" in message:
        changed["tool_call_id"] = _fit(message["tool_call_id"], allowed)
    return {**message, **changed} if changed else message


def _fit(id: object, allowed: str) -> object:
    if not isinstance(id, str) or re.fullmatch(allowed, id, re.DOTALL):
        return id
    return sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:9]
