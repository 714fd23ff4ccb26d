"""The OpenAI chat dialect: requests checked, replies and errors put into JSON and events.

https://platform.openai.com/docs/api-reference/chat . Unknown fields are ignored, as by the real
API's compatible servers; wrong ones get its error object with status 400.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from .tokens import tokens

PIECE = 3
"""Tokens of one fragment of a call's arguments."""
Json: TypeAlias = Any
"""Any JSON value."""
Limit: TypeAlias = Annotated[int, Meta(ge=1)] | None
Token: TypeAlias = tuple[str, float]
"""A text and its natural log-probability."""


class FunctionSpec(msgspec.Struct, frozen=True):
    """An offered function."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}


class ToolSpec(msgspec.Struct, frozen=True):
    """An offered tool."""

    function: FunctionSpec


class CalledFunction(msgspec.Struct, frozen=True):
    """Name and arguments (JSON text) of a call."""

    name: str
    arguments: str = "{}"


class Called(msgspec.Struct, frozen=True):
    """A tool call."""

    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class ChatMessage(msgspec.Struct, frozen=True):
    """One message; `content` is a text, a list of parts or null."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[Called] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text of the message, its parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(part.get("text", "")) for part in self.content or ())


class ChatRequest(msgspec.Struct, frozen=True):
    """The body of `POST /v1/chat/completions`."""

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    max_tokens: Limit = None
    max_completion_tokens: Limit = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    seed: int | None = None
    n: Annotated[int, Meta(ge=1, le=1)] | None = None
    logprobs: bool | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None

    @property
    def forced_tool(self) -> str | None:
        """The name of the one tool that must be called."""
        match self.tool_choice:
            case {"function": {"name": str(name)}}:
                return name
            case _:
                return None


class Reply(msgspec.Struct, frozen=True):
    """A whole answer."""

    tokens: Sequence[Token]
    calls: Sequence[Called]
    finish_reason: Literal["stop", "length", "tool_calls"]
    prompt_tokens: int

    @property
    def text(self) -> str:
        """The text of the answer."""
        return "".join(text for text, _ in self.tokens)

    @property
    def completion_tokens(self) -> int:
        """Tokens of text and calls."""
        made = ((call.function.name, call.function.arguments) for call in self.calls)
        return len(self.tokens) + sum(len(tokens(text)) for pair in made for text in pair)


class BadRequest(ValueError):
    """A request the API refuses."""


def read(body: bytes) -> ChatRequest:
    """The checked request.

    Raises:
        BadRequest: if the body is no JSON or a field is missing or wrong.
    """
    try:
        request = msgspec.json.decode(body, type=ChatRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"Invalid request: {error}.") from error
    names = [tool.function.name for tool in request.tools or ()]
    if (request.tool_choice == "required" and not names) or (
        isinstance(request.tool_choice, dict) and request.forced_tool not in names
    ):
        raise BadRequest(f"tool_choice is {request.tool_choice!r}; the tools are {names}.")
    return request


def error_body(message: str) -> bytes:
    """The API's error object."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return msgspec.json.encode({"error": error})


def whole(request: ChatRequest, reply: Reply, base: Mapping[str, Any]) -> bytes:
    """The body of a non-streaming answer; `base` holds its id and time."""
    message: dict[str, Json] = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message = {"role": "assistant", "content": None, "tool_calls": reply.calls}
    choice: dict[str, Json] = {"index": 0, "message": message}
    choice["logprobs"] = _logprobs(reply.tokens, request)
    choice["finish_reason"] = reply.finish_reason
    body = {**base, "object": "chat.completion", "choices": [choice], "usage": _usage(reply)}
    return msgspec.json.encode(body)


def events(
    request: ChatRequest, reply: Reply, base: Mapping[str, Any]
) -> Iterator[tuple[int, bytes]]:
    """The events of a stream, each with the tokens that pass before it is sent."""

    def event(delta: Mapping[str, Any], finish: str | None = None, logprobs: Json = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return _event({**base, "choices": [choice]})

    yield 0, event({"role": "assistant", "content": None if reply.calls else ""})
    for token in reply.tokens:
        yield 1, event({"content": token[0]}, None, _logprobs([token], request))
    for index, call in enumerate(reply.calls):
        first = {"name": call.function.name, "arguments": ""}
        delta = {"index": index, "id": call.id, "type": "function", "function": first}
        yield 1, event({"tool_calls": [delta]})
        pieces = tokens(call.function.arguments)
        for start in range(0, len(pieces), PIECE):
            fragment = {"arguments": "".join(pieces[start : start + PIECE])}
            yield PIECE, event({"tool_calls": [{"index": index, "function": fragment}]})
    yield 0, event({}, reply.finish_reason)
    if (request.stream_options or {}).get("include_usage"):
        yield 0, _event({**base, "choices": [], "usage": _usage(reply)})
    yield 0, b"data: [DONE]\n\n"


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode({**body, "object": "chat.completion.chunk"}) + b"\n\n"


def _logprobs(spoken: Sequence[Token], request: ChatRequest) -> Mapping[str, Any] | None:
    if not request.logprobs:
        return None
    content: list[Json] = [
        {"token": text, "logprob": p, "bytes": None, "top_logprobs": []} for text, p in spoken
    ]
    return {"content": content, "refusal": None}


def _usage(reply: Reply) -> Mapping[str, int]:
    read, made = reply.prompt_tokens, reply.completion_tokens
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}
