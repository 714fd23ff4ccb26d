"""A request in the shape of Anthropic's Messages API. Pure.

Messages come in OpenAI's shape (`types.Message`) and become turns of content blocks; blocks that
already have Anthropic's shape pass unchanged, `cache_control` included. Turns of the same role that
follow each other become one: some servers of this dialect insist on alternation, the others merge
by themselves. Keys of a message that the API does not know are left out, for it refuses them.

What the API lacks is not sent: `seed`, log-probabilities. A form of the answer that it lacks, or a
schema that `anthropic_schema` cannot express, is asked for in the system prompt. A temperature
above the largest the server takes (Anthropic: 1) is sent as that.

Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from ..errors import ConfigError
from ..types import Message, Request
from .anthropic_schema import reduced
from .call_ids import fitting
from .formats import Form, form, prompted, schema_of
from .lenient import is_mapping, is_sequence
from .traits import traits

if TYPE_CHECKING:
    from .catalog import Server

DEFAULT_MAX_TOKENS = 4096
"""The API requires a limit. This is the largest that every model of the dialect accepts: the limit
of the first Claude 3 models."""
LONG_MAX_TOKENS = 32_000
"""The limit for Claude 4 and later, of which each accepts at least this much (Opus 4: 32,000)."""
INVALID_JSON = "INVALID_JSON"
"""The API wants the arguments of an earlier call as an object. Arguments that were none are quoted
back to the model as the only member, of this name."""

_LONG = re.compile(r"claude-(?![123]|v\d|instant)")
_DATA_URL = re.compile(r"data:(?P<type>[^;,\s]+)(?:;[^;,\s]+=[^;,]*)*;base64,", re.IGNORECASE)
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}

Block: TypeAlias = Mapping[str, Any]
Content: TypeAlias = str | list[Block]


def encode(model: str, request: Request, server: Server) -> dict[str, Any]:
    """The JSON body for one call. `request.extra` wins over every field of ours.

    Raises:
        ConfigError: a message cannot be expressed: an unknown role, a part of a kind the API does
            not have, a malformed `data:` URL.
    """
    asked, schema = _form(model, request, server)
    messages = fitting(prompted(request.messages, asked.words), server.call_ids)
    system, turns = _turns(messages, server.name)
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "max_tokens": _max_tokens(model, request),
        "stream": True,
    }
    if system:
        body["system"] = system
    thinks = _thinking(request).get("type") not in (None, "disabled")
    if request.temperature is not None and traits(model).temperature and not thinks:
        body["temperature"] = min(request.temperature, server.max_temperature)
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if isinstance(choice := request.tool_choice, str):
            body["tool_choice"] = {"type": _CHOICES[choice]}
        elif choice is not None:
            body["tool_choice"] = {"type": "tool", "name": choice["name"]}
    body.update(request.extra)
    if schema is not None:
        # A format and, say, an effort of the caller's do not exclude each other.
        ours = {"format": {"type": "json_schema", "schema": schema}}
        theirs = body.get("output_config")
        body["output_config"] = {**ours, **theirs} if is_mapping(theirs) else ours
    return body


def _form(model: str, request: Request, server: Server) -> tuple[Form, object]:
    """How to ask for the form of the answer, and its schema; None if that is not sent."""
    wish = request.response_format
    asked = form(wish, traits(model).formats & server.formats)
    if wish is None or asked.sent is None or asked.sent.get("type") != "json_schema":
        return asked, None
    schema = reduced(schema_of(wish))
    return (form(wish, ()) if schema is None else asked), schema


def _thinking(request: Request) -> Mapping[str, Any]:
    thinking = request.extra.get("thinking")
    return thinking if is_mapping(thinking) else {}


def _max_tokens(model: str, request: Request) -> int:
    """The limit to send; the thinking budget counts against it, so it has to be larger."""
    budget = _thinking(request).get("budget_tokens", 0)
    default = LONG_MAX_TOKENS if _LONG.search(model) else DEFAULT_MAX_TOKENS
    limit = default if request.max_tokens is None else request.max_tokens
    return limit if not isinstance(budget, int) or limit > budget else limit + budget


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    described = {key: value for key, value in tool.items() if key != "parameters" and value}
    return {**described, "input_schema": {"type": "object", **(tool.get("parameters") or {})}}


def _turns(messages: Iterable[Message], server: str) -> tuple[Content, list[dict[str, Any]]]:
    """System prompt and turns. System messages in mid-conversation join the prompt."""
    system: list[Content] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        match role:
            case "system" | "developer":
                system.append(_content(message.get("content"), server))
            case "user":
                _append(turns, "user", _content(message.get("content"), server))
            case "assistant":
                _append(turns, "assistant", _assistant(message, server))
            case "tool":
                _append(turns, "user", [_tool_result(message, server)])
            case _:
                raise ConfigError(
                    f"{server}: a message has the role {role!r}; allowed are 'system', "
                    "'developer', 'user', 'assistant' and 'tool'"
                )
    texts = [part for part in system if isinstance(part, str)]
    if len(texts) == len(system):
        return "\n\n".join(filter(None, texts)), turns
    return [block for part in system for block in _blocks(part)], turns


def _append(turns: list[dict[str, Any]], role: str, content: Content) -> None:
    if not content:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] = [*_blocks(turns[-1]["content"]), *_blocks(content)]
    else:
        turns.append({"role": role, "content": content})


def _blocks(content: Content) -> list[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def _content(content: object, server: str) -> Content:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if is_sequence(content):
        return [_part(part, server) for part in content]
    raise ConfigError(
        f"{server}: the content of a message is a {type(content).__name__}; "
        "allowed are a string and a list of parts"
    )


def _assistant(message: Message, server: str) -> Content:
    """Thinking first, as the API demands, then text without empty pieces, then calls."""
    content = _content(message.get("content") or message.get("refusal"), server)
    if isinstance(content, str):
        content = content if content.strip() else ""
    else:
        content = [b for b in content if b.get("type") != "text" or str(b.get("text")).strip()]
    kept: Sequence[Block] = message.get("thinking_blocks") or ()
    thinking = [block for block in kept if block.get("type") in ("thinking", "redacted_thinking")]
    calls: Sequence[Mapping[str, Any]] = message.get("tool_calls") or ()
    if not thinking and not calls:
        return content
    return [*thinking, *_blocks(content), *(_tool_use(call) for call in calls)]


def _tool_use(call: Mapping[str, Any]) -> Block:
    function: Mapping[str, Any] = call.get("function") or call
    given = function.get("arguments")
    arguments: Mapping[str, Any] = {**given} if is_mapping(given) else {}
    if isinstance(given, str) and given.strip():
        try:
            arguments = msgspec.json.decode(given, type=dict[str, Any])
        except (ValueError, RecursionError):
            arguments = {INVALID_JSON: given}
    name, id = function.get("name", ""), call.get("id", "")
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def _tool_result(message: Message, server: str) -> Block:
    content = _content(message.get("content"), server)
    return {
        "type": "tool_result",
        "tool_use_id": message.get("tool_call_id", ""),
        **({"content": content} if content else {}),
        **{key: message[key] for key in ("is_error", "cache_control") if key in message},
    }


def _part(part: object, server: str) -> Block:
    """One part of a content, as a block."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not is_mapping(part):
        raise ConfigError(
            f"{server}: a part of a content is a {type(part).__name__}; "
            "allowed are a string and a mapping with a type"
        )
    kept = {"cache_control": part["cache_control"]} if "cache_control" in part else {}
    match part.get("type"):
        case "image_url":
            image = part.get("image_url")
            url = image.get("url") if is_mapping(image) else image
            return {**_media(url, server), **kept}
        case "file" if is_mapping(file := part.get("file")):
            return {**_media(file.get("file_data"), server), **kept}
        case "refusal":
            return {"type": "text", "text": part.get("refusal", ""), **kept}
        case "input_audio":
            raise ConfigError(
                f"{server}: a part of type 'input_audio'; the Messages API takes text, images, "
                "PDF documents, and blocks of its own types"
            )
        case _:
            return {**part}


def _media(url: object, server: str) -> Block:
    """An image or document block from a URL."""
    shown = repr(url[:40] if isinstance(url, str) else url)
    if not isinstance(url, str) or not url.lower().startswith(("data:", "https://", "http://")):
        raise ConfigError(
            f"{server}: image or file URL {shown}; "
            "allowed are https:, http: and data:<media type>;base64,<data>"
        )
    if url[:5].lower() != "data:":
        return {"type": "image", "source": {"type": "url", "url": url}}
    head = _DATA_URL.match(url)
    data = "".join(url[head.end() :].split()) if head else ""
    if head is None or not _is_base64(data):
        raise ConfigError(
            f"{server}: malformed data URL {shown}; allowed is data:<media type>;base64,<data>"
        )
    media_type = head["type"].lower()
    if media_type != "application/pdf" and not media_type.startswith("image/"):
        raise ConfigError(
            f"{server}: data URL {shown} of media type {media_type!r}; "
            "allowed are image/jpeg, image/png, image/gif, image/webp and application/pdf"
        )
    source = {"type": "base64", "media_type": media_type, "data": data}
    return {"type": "image" if media_type.startswith("image/") else "document", "source": source}


def _is_base64(data: str) -> bool:
    try:
        return bool(binascii.a2b_base64(data, strict_mode=True))
    except ValueError:
        return False
