"""The JSON body of a chat completions request. Pure.

Fields that are not given are not sent; what the server or the model lacks is left out; fields of
`Request.extra` win. Where servers and models differ, `Server` and `Traits` say how.
Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..types import Message, Request
from .call_ids import fitting
from .formats import form, prompted
from .openai_messages import adapted, uncached
from .traits import traits

if TYPE_CHECKING:
    from .catalog import Server


def encode(model: str, request: Request, server: Server) -> dict[str, Any]:
    """The JSON body that asks `model` on `server`.

    Raises:
        ConfigError: a message holds what this API has no form for.
    """
    known = traits(model)
    asked = form(request.response_format, known.formats & server.formats)
    told = prompted(adapted(request.messages, server), asked.words)
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(each) for each in fitting(told, server.call_ids)],
        "stream": True,
    }
    if server.stream_options:
        body["stream_options"] = {"include_usage": True}
    if request.temperature is not None and known.temperature:
        body["temperature"] = min(request.temperature, server.max_temperature)
    if request.max_tokens is not None:
        new = known.completion_limit and server.completion_limit
        body["max_completion_tokens" if new else "max_tokens"] = request.max_tokens
    if request.stop and server.stop and known.stop:
        body["stop"] = list(request.stop)
    if request.seed is not None and server.seed:
        body[server.seed] = request.seed
    if asked.sent is not None:
        body["response_format"] = dict(asked.sent)
    wanted = request.logprobs
    if wanted is None:
        # Unasked for text only: no server sends them for tool calls, and some refuse both at once.
        wanted = bool(server.logprobs) and not request.tools
    if known.logprobs and wanted:
        body["logprobs"] = server.logprobs or True
    if request.tools:
        body["tools"] = [{"type": "function", "function": uncached(tool)} for tool in request.tools]
        if isinstance(choice := request.tool_choice, str):
            body["tool_choice"] = choice
        elif choice is not None:
            body["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    return body | dict(request.extra)


def _message(message: Message) -> dict[str, Any]:
    """A message; what its model wants back of its thoughts goes where it came from.

    Source: https://ai.google.dev/gemini-api/docs/thought-signatures and
    https://api-docs.deepseek.com/guides/thinking_mode, as known in 2025.
    """
    made = dict(message)
    blocks = made.get("thinking_blocks") or ()
    own = [block for block in blocks if "type" not in block]
    if not own and all(block.get("type") != "reasoning" for block in blocks):
        return made
    # Items of the Responses API are known there alone.
    del made["thinking_blocks"]
    calls = [dict(call) for call in made.get("tool_calls") or ()]
    for block in own if calls else ():
        made["tool_calls"] = calls
        if "extra_content" in block:
            named = (call for call in calls if call.get("id") == block.get("id"))
            next(named, calls[0])["extra_content"] = block["extra_content"]
        else:
            made |= block
    return made
