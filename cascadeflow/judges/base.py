"""What the judges share: a question put behind the draft, and a yes or no read from the reply."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec

from ..core.referee import Reply
from ..errors import ProviderError
from ..types import Delta, Message, Request, TextDelta, ToolCallDelta

_YES = frozenset(("true", "yes", "correct", "right"))
_NO = frozenset(("false", "no", "incorrect", "wrong"))
_WORD = re.compile(r"[^\W\d_]+")


def text_of(reply: Reply) -> str | None:
    """The text of a reply; None if it failed, holds a tool call, or is blank."""
    if isinstance(reply, ProviderError) or any(isinstance(d, ToolCallDelta) for d in reply):
        return None
    text = "".join(delta.text for delta in reply if isinstance(delta, TextDelta))
    return text if text.strip() else None


def p_yes(reply: Reply, bare: tuple[float, float]) -> float | None:
    """P(yes) by a reply that was asked for a word of yes or no; None if it says neither.

    Where the first token of that word has a log-probability, it is the model's own probability;
    all that it left is taken to be the other word's. `bare`: what yes and no stand for without one.
    """
    text = text_of(reply)
    found = _WORD.search(text) if text else None
    if found is None or isinstance(reply, ProviderError):
        return None
    word = found[0].lower()
    if word not in _YES | _NO:
        return None
    logprob = _logprob_at(reply, found.start())
    if logprob is None:
        return bare[word in _NO]
    p_said = math.exp(min(0.0, logprob))
    return p_said if word in _YES else 1 - p_said


def _logprob_at(reply: Sequence[Delta], place: int) -> float | None:
    """The log-probability of the token at `place` of the text, as far as it can be told.

    A delta of several tokens does not say where each begins: its first one is taken.
    """
    end = 0
    for delta in reply:
        if isinstance(delta, TextDelta):
            end += len(delta.text)
            if end > place:
                return delta.logprobs[0] if delta.logprobs else None
    return None


def ask_about(request: Request, draft: str, question: str, max_tokens: int | None) -> Request:
    """The conversation, the draft as its answer, and then a question about it.

    Tools stay only where the conversation already called some: servers refuse it without them, and
    give no log-probabilities with them.
    """
    added: tuple[Message, ...] = (
        {"role": "assistant", "content": draft},
        {"role": "user", "content": question},
    )
    called = any(message.get("tool_calls") for message in request.messages)
    return msgspec.structs.replace(
        request,
        messages=(*request.messages, *added),
        tools=request.tools if called else (),
        tool_choice="none" if called and request.tools else None,
        max_tokens=max_tokens,
        temperature=0.0,
        stop=(),
        response_format=None,
    )
