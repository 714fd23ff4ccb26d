"""Messages as OpenAI's dialects take them, whichever dialect they were written for. Pure.

Blocks of Anthropic's Messages API become what chat completions have, from which the Responses API
goes on:

    image                           a part image_url
    document                        a part file; a title and words around it: parts of text
    text                            the same without `citations`
    tool_use                        a member of tool_calls
    tool_result                     a message of role tool, before the rest of its message
    thinking, redacted_thinking     nothing

What an API has no word for is refused by its name. Parts that are no such blocks stay as they are,
since servers have kinds of their own. `cache_control`, the role `developer` and the field `refusal`
go where `Server` says that they are known.

Sources: https://docs.anthropic.com/en/api/messages,
https://platform.openai.com/docs/api-reference/chat/create (a tool's message holds text alone, a
file no URL), https://platform.openai.com/docs/guides/pdf-files (a URL in the Responses API).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import ConfigError
from ..types import Message
from .lenient import as_arguments, is_mapping, is_sequence

if TYPE_CHECKING:
    from .catalog import Server

Part: TypeAlias = Mapping[str, Any]

_UNSAID = ("thinking", "redacted_thinking")
_ALONE = re.compile(r"search_result|server_tool_use|container_upload|mcp_tool_use|\w+_tool_result")
"""Types of blocks that stand for what Anthropic's servers have or did."""


def adapted(messages: Iterable[Message], server: Server) -> list[Message]:
    """`messages` in the form of chat completions, as far as `server` knows it.

    Raises:
        ConfigError: a block has no such form.
    """
    return [made for message in messages for made in _adapted(message, server)]


def uncached(given: Mapping[str, Any]) -> dict[str, Any]:
    """A message, a part or a tool without its `cache_control`."""
    return {key: value for key, value in given.items() if key != "cache_control"}


def _adapted(message: Message, server: Server) -> Iterator[Message]:
    made = _known(message, server)
    content = made.get("content")
    if not is_sequence(content):
        yield made
        return
    blocks = [block for block in content if _type(block) not in _UNSAID]
    calls = [_call(block) for block in blocks if _type(block) == "tool_use"]
    results = [_result(block, server) for block in blocks if _type(block) == "tool_result"]
    rest = [block for block in blocks if _type(block) not in ("tool_use", "tool_result")]
    parts = [part for block in rest for part in _parts(block, server)]
    yield from results
    if calls:
        made["tool_calls"] = [*(made.get("tool_calls") or ()), *calls]
    if parts or not results:
        foreign = calls or len(blocks) < len(content)
        empty = None if made.get("tool_calls") else ""
        yield {**made, "content": (_joined(parts, "") if foreign else parts) or empty}


def _known(message: Message, server: Server) -> dict[str, Any]:
    """The message without what the server does not know beside the content."""
    made = dict(message) if server.cache_control else uncached(message)
    if made.get("role") == "developer" and not server.developer:
        made["role"] = "system"
    if "refusal" in made and not server.refusal:
        refusal = made.pop("refusal")
        made["content"] = made.get("content") or refusal
    return made


def _type(block: object) -> object:
    return block.get("type") if is_mapping(block) else None


def _call(block: Part) -> dict[str, Any]:
    given = block.get("input")
    arguments = as_arguments({**given} if is_mapping(given) else given) or "{}"
    function = {"name": block.get("name", ""), "arguments": arguments}
    return {"id": block.get("id", ""), "type": "function", "function": function}


def _result(block: Part, server: Server) -> Message:
    given = block.get("content") or ""
    parts = [part for each in _listed(given) for part in _parts(each, server)]
    content = given if isinstance(given, str) else _joined(parts, "\n")
    if server.dialect == "chat" and any(_type(part) not in ("text", None) for part in parts):
        raise _refusal(server, "a tool_result with more than text")
    kept = {"cache_control": block["cache_control"]} if _cached(block, server) else {}
    return {
        "role": "tool",
        "tool_call_id": block.get("tool_use_id", ""),
        "content": content,
        **kept,
    }


def _listed(content: object) -> Iterable[object]:
    return content if is_sequence(content) else (content,)


def _joined(parts: list[Any], between: str) -> str | list[Any]:
    """One text, if the parts are nothing else: some servers take no list from a model or a tool."""
    texts: list[str] = []
    for part in parts:
        text = part.get("text") if is_mapping(part) and set(part) == {"type", "text"} else part
        if not isinstance(text, str):
            return parts
        texts.append(text)
    return between.join(texts)


def _parts(block: object, server: Server) -> Iterator[Any]:
    """A block as parts; the last of them has its `cache_control`."""
    if not is_mapping(block):
        yield block
        return
    kind, source = str(block.get("type")), block.get("source")
    kept = {"cache_control": block["cache_control"]} if _cached(block, server) else {}
    if _ALONE.fullmatch(kind):
        raise _refusal(server, f"a block of type {kind!r}")
    if kind == "image" and is_mapping(source):
        yield {"type": "image_url", "image_url": {"url": _url(kind, source, server)}, **kept}
    elif kind == "document" and is_mapping(source):
        parts = list(_document(block, source, server))
        yield from parts[:-1]
        yield from ({**last, **kept} for last in parts[-1:])
    else:
        made = {**uncached(block), **kept}
        if kind == "text":
            made.pop("citations", None)
        yield made


def _cached(block: Part, server: Server) -> bool:
    return server.cache_control and "cache_control" in block


def _document(block: Part, source: Part, server: Server) -> Iterator[Part]:
    for words in (block.get("title"), block.get("context")):
        if words:
            yield {"type": "text", "text": words}
    match source.get("type"):
        case "text":
            yield {"type": "text", "text": source.get("data", "")}
        case "content":
            for each in _listed(source.get("content") or ()):
                text = isinstance(each, str)
                yield from _parts({"type": "text", "text": each} if text else each, server)
        case "url" if server.dialect == "responses":
            yield {"type": "file", "file": {"file_url": _url("document", source, server)}}
        case "url":
            raise _refusal(server, "a document by its URL")
        case _:
            data = _url("document", source, server)
            yield {"type": "file", "file": {"filename": "document.pdf", "file_data": data}}


def _url(kind: str, source: Part, server: Server) -> str:
    """Where the bytes are, or the bytes themselves."""
    match source:
        case {"type": "base64", "media_type": str(media_type), "data": str(data)}:
            return f"data:{media_type};base64,{data}"
        case {"type": "url", "url": str(url)}:
            return url
        case _:
            raise _refusal(server, f"the block {kind!r} with a source of type {_type(source)!r}")


def _refusal(server: Server, form: str) -> ConfigError:
    return ConfigError(
        f"{server.name}: {form} of the Messages API cannot be said in its dialect; allowed are "
        "text, images (base64, URL), PDF documents (base64), tool_use, and tool_result with text"
    )
