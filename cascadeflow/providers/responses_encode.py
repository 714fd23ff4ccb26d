"""The JSON body of a request of OpenAI's Responses API. Pure.

Messages come in the shape of chat completions (`types.Message`) and become items. The answer is not
stored (`store` is false): the conversation is in the request. So a model that thinks first is asked
for its thoughts in encrypted form, and what it thought before a call goes back in front of that
call. The API has neither stop sequences nor a seed. Fields of `Request.extra` win; what they add to
`text`, `include` and `tools` stands beside ours, unless it is empty.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..types import Message, Request, ToolChoice
from .call_ids import fitting
from .formats import form, prompted
from .lenient import as_arguments, is_mapping, is_sequence
from .openai_messages import adapted, uncached
from .traits import Traits, traits

if TYPE_CHECKING:
    from .catalog import Server

LEAST_TOKENS = 16
"""A lower `max_output_tokens` is refused, so this is sent instead."""

_Item = dict[str, Any]


def encode(model: str, request: Request, server: Server) -> dict[str, Any]:
    """The JSON body that asks `model` on `server`.

    Raises:
        ConfigError: a part of a message is neither a string nor a mapping, or has no form here.
    """
    known = traits(model)
    asked = form(request.response_format, known.formats & server.formats)
    told = prompted(adapted(request.messages, server), asked.words)
    body: dict[str, Any] = {
        "model": model,
        "input": [each for message in fitting(told, server.call_ids) for each in _items(message)],
        "stream": True,
        "store": False,
    }
    if request.temperature is not None and known.temperature:
        body["temperature"] = min(request.temperature, server.max_temperature)
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(request.max_tokens, LEAST_TOKENS)
    if asked.sent is not None:
        body["text"] = {"format": _format(asked.sent)}
    if include := list(_include(request, server, known)):
        body["include"] = include
    if request.tools:
        # Where it is not said, this API takes a schema for a strict one.
        tools = map(uncached, request.tools)
        body["tools"] = [{"strict": False, **tool, "type": "function"} for tool in tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice)
    extra = dict(request.extra)
    if is_mapping(text := extra.get("text")):
        extra["text"] = {**body.get("text", {}), **text}
    for name in ("include", "tools"):
        if is_sequence(more := extra.get(name)) and more:
            ours: list[Any] = body.get(name, [])
            extra[name] = [*ours, *(each for each in more if each not in ours)]
    return body | extra


def _include(request: Request, server: Server, known: Traits) -> Iterator[str]:
    """What is told only if it is asked for."""
    if known.thinks:
        yield "reasoning.encrypted_content"
    wanted = request.logprobs
    if wanted is None:
        # Unasked for text only; servers of open models that think refuse it.
        wanted = bool(server.logprobs) and not (request.tools or known.thinks)
    if known.logprobs and wanted:
        yield "message.output_text.logprobs"


def _format(asked: Mapping[str, Any]) -> dict[str, Any]:
    """`response_format` as this API has it: the schema beside its name."""
    named = asked.get("json_schema")
    return {"type": asked.get("type"), **(named if is_mapping(named) else {})}


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    return choice if isinstance(choice, str) else {"type": "function", "name": choice["name"]}


def _items(message: Message) -> Iterator[_Item]:
    """A message as items: what was thought, what was said, what was called."""
    role, content = message.get("role"), message.get("content")
    if role in ("tool", "function"):
        output = _parts(content) if is_sequence(content) else content
        id = message.get("tool_call_id") or message.get("name")
        yield {"type": "function_call_output", "call_id": id, "output": output or ""}
        return
    if role != "assistant":
        yield {"role": role, "content": _parts(content) if is_sequence(content) else content}
        return
    text, calls = _text(content), [*_calls(message)]
    # A thought that nothing follows is refused.
    thoughts = _thoughts(message) if text or calls else []
    before: dict[object, list[_Item]] = {call["call_id"]: [] for call in calls}
    for thought in thoughts:
        # Which call it preceded is our own note; the API gave the rest.
        place = thought.pop("call_id", None)
        before.setdefault(place if place in before else None, []).append(thought)
    yield from before.get(None, ())
    if text:
        phase = {"phase": message["phase"]} if "phase" in message else {}
        yield {"role": "assistant", "content": text, **phase}
    for call in calls:
        yield from before.pop(call["call_id"], ())
        yield call


def _thoughts(message: Message) -> list[_Item]:
    """What was thought, if it is in the form of this API; it refuses null."""
    blocks: Any = message.get("thinking_blocks") or ()
    thoughts = [block for block in blocks if is_mapping(block) and block.get("type") == "reasoning"]
    return [{key: each[key] for key in each if each[key] is not None} for each in thoughts]


def _calls(message: Message) -> Iterator[_Item]:
    old: Any = message.get("function_call")
    alone: list[Any] = [{"id": old.get("name"), "function": old}] if old else []
    calls: list[Any] = message.get("tool_calls") or alone
    for call in calls:
        function: Any = call.get("function") or call
        given = function.get("arguments")
        yield {
            "type": "function_call",
            "call_id": call.get("id"),
            "name": function.get("name"),
            "arguments": as_arguments({**given} if is_mapping(given) else given) or "{}",
        }


def _text(content: object) -> str:
    """The words of an assistant's message."""
    if isinstance(content, str):
        return content
    parts = content if is_sequence(content) else ()
    return "".join(
        str(part.get("text") or part.get("refusal") or "") if is_mapping(part) else str(part)
        for part in parts
    )


def _parts(content: Any) -> list[_Item]:  # noqa: ANN401 -- JSON
    return [_part({"type": "text", "text": p} if isinstance(p, str) else p) for p in content]


def _part(part: object) -> _Item:
    """One part of a message; one that already has the shape of this API stays as it is."""
    if not is_mapping(part):
        raise ConfigError(
            f"a part of a content is a {type(part).__name__}; "
            "allowed are a string and a mapping with a type"
        )
    match part.get("type"):
        case "text":
            return {**part, "type": "input_text"}
        case "image_url":
            image = part.get("image_url")
            given = dict(image) if is_mapping(image) else {"url": image}
            url = given.pop("url", None)
            # The API's own types demand a detail; this is its default.
            return {"type": "input_image", "detail": "auto", "image_url": url, **given}
        case "refusal":
            return {"type": "input_text", "text": part.get("refusal", "")}
        case "file":
            file = part.get("file")
            return {"type": "input_file", **(file if is_mapping(file) else {})}
        case _:
            return dict(part)
