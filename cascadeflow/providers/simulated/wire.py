"""The OpenAI chat dialect: requests checked, answers and errors put into JSON.

https://platform.openai.com/docs/api-reference/chat . Unknown fields are ignored, as by the real
API's compatible servers; wrong ones get its error object with status 400.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from .jsontypes import as_object
from .logprobs import Token


class BadRequest(Exception):
    """A request the API refuses. `status` is the HTTP status, `param` the field at fault."""

    def __init__(self, message: str, *, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status


class FunctionSpec(msgspec.Struct, frozen=True):
    """An offered function."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolSpec(msgspec.Struct, frozen=True):
    """An offered tool."""

    function: FunctionSpec
    type: Literal["function"] = "function"


class CalledFunction(msgspec.Struct, frozen=True):
    """Name and arguments (JSON text) of a call made earlier."""

    name: str
    arguments: str = "{}"


class Called(msgspec.Struct, frozen=True):
    """A call made earlier in the conversation."""

    id: str
    function: CalledFunction


class ChatMessage(msgspec.Struct, frozen=True):
    """One message; `content` is a text, a list of parts or null."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[Called] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text of the message, its parts joined."""
        if isinstance(self.content, str):
            return self.content
        texts = (part.get("text") for part in self.content or ())
        return "\n".join(text for text in texts if isinstance(text, str))


class StreamOptions(msgspec.Struct, frozen=True):
    """Options of a stream."""

    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """The body of `POST /v1/chat/completions`."""

    model: str
    messages: list[ChatMessage]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None

    @property
    def limit(self) -> int | None:
        """The smaller of the two token limits."""
        given = (self.max_tokens, self.max_completion_tokens)
        return min((limit for limit in given if limit is not None), default=None)

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop sequences."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def forced_tool(self) -> str | None:
        """The name of the one tool that must be called."""
        name = as_object(as_object(self.tool_choice).get("function")).get("name")
        return name if isinstance(name, str) else None


def read(body: bytes) -> ChatRequest:
    """The checked request.

    Raises:
        BadRequest: if the body is no JSON or a field is missing or wrong.
    """
    try:
        request = msgspec.json.decode(body, type=ChatRequest)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid request: {error}.", param=_field(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"We could not parse the JSON body of your request: {error}.") from error
    _check(request)
    return request


def _field(message: str) -> str | None:
    """The field a validation message names: "... `model`" or "... at `$.messages[0].role`"."""
    if "`$." in message:
        return message.rpartition("`$.")[2].strip("`")
    return message.rpartition("field `")[2].strip("`") if "field `" in message else None


def _check(request: ChatRequest) -> None:
    if not request.model:
        raise BadRequest("You must provide a model parameter.", param="model")
    if not request.messages:
        raise BadRequest("messages is []; it must have at least one message.", param="messages")
    if request.n not in (None, 1):
        raise BadRequest(f"n is {request.n}; only 1 is supported.", param="n")
    limits: dict[str, tuple[float | None, float, float]] = {
        "temperature": (request.temperature, 0, 2),
        "max_tokens": (request.max_tokens, 1, 2**31),
        "max_completion_tokens": (request.max_completion_tokens, 1, 2**31),
        "top_logprobs": (request.top_logprobs, 0, 20),
    }
    for name, (value, low, high) in limits.items():
        if value is not None and not low <= value <= high:
            raise BadRequest(f"{name} is {value}; it must be from {low} to {high}.", param=name)
    if request.top_logprobs and not request.logprobs:
        raise BadRequest("top_logprobs needs logprobs to be true.", param="top_logprobs")
    if len(request.stops) > 4:
        raise BadRequest("stop has more than 4 sequences.", param="stop")
    _check_tools(request)


def _check_tools(request: ChatRequest) -> None:
    names = [tool.function.name for tool in request.tools or ()]
    choice = request.tool_choice
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        raise BadRequest(
            f"tool_choice is {choice!r}; it must be none, auto, required or a function.",
            param="tool_choice",
        )
    if choice not in (None, "none", "auto") and not names:
        raise BadRequest("tool_choice is set, but no tools are given.", param="tool_choice")
    if isinstance(choice, dict) and request.forced_tool not in names:
        raise BadRequest(
            f"tool_choice names {request.forced_tool!r}; the tools are {names}.",
            param="tool_choice",
        )
    offered = {call.id for message in request.messages for call in message.tool_calls or ()}
    for message in request.messages:
        if message.role == "tool" and message.tool_call_id not in offered:
            raise BadRequest(
                f"tool_call_id is {message.tool_call_id!r}; no message before has such a call.",
                param="messages",
            )


def error_body(message: str, *, param: str | None = None, status: int = 400) -> bytes:
    """The API's error object."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": param, "code": None}
    return msgspec.json.encode({"error": error})


def logprobs_json(tokens: list[Token], top: int) -> Mapping[str, Any]:
    """The `logprobs` object for some tokens; `top` alternatives each, at most 5."""
    return {
        "content": [
            {
                **_token_json(token.text, token.logprob),
                "top_logprobs": [_token_json(*other) for other in token.others[:top]],
            }
            for token in tokens
        ],
        "refusal": None,
    }


def _token_json(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}


def usage_json(prompt_tokens: int, completion_tokens: int) -> Mapping[str, Any]:
    """The `usage` object."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
