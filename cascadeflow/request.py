"""What the caller asked for, checked, and turned into one `Request` for each model.

The nearest setting wins: the call, then the model, then the agent, then the documents' defaults.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from .config import ModelConfig, Timeouts, check_count, check_dollars, check_temperature
from .core.tier import Reveal
from .errors import ConfigError
from .providers.address import check_headers
from .providers.body import check_fields
from .providers.redact import hide
from .providers.traits import traits
from .types import Message, Request, ToolChoice

if TYPE_CHECKING:
    from .structured import Wanted
    from .tools.config import Offered

Query: TypeAlias = str | Sequence[Message]
"""What to answer: a text, or messages the last of which is to be answered."""

Choice: TypeAlias = str | Mapping[str, Any]
"""A tool choice in any provider's form."""

ResponseFormat: TypeAlias = Mapping[str, Any] | type[Any] | UnionType
"""The form of an answer: a type that pydantic can describe, a JSON Schema, or OpenAI's object."""

TEXT_TOKENS = 100
"""Token limit of a text answer where neither the call nor the model gives one."""
TOOL_TOKENS = 1000
"""The same where tools are offered, or JSON is asked for: cut short, it is worth nothing."""
INSTEAD = ("tool_calls", "function_call", "refusal")
"""What a message may hold in place of a content."""
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
COMPLEXITIES = ("simple", "moderate", "complex")
REVEALS: tuple[Reveal, ...] = ("live", "held")
ELSEWHERE = {
    **dict.fromkeys(
        ("enable_cascade", "estimator", "judges", "on_verifier_error", "policy", "retry"),
        "CascadeAgent",
    ),
    **dict.fromkeys(
        ("execute_tools", "max_turns", "tool_executor"), "agent.tool_streaming_manager.stream"
    ),
    "routing_strategy": "agent.text_streaming_manager.stream, or use force_direct here",
    "max_retries": "CascadeAgent as retry=RetryPolicy(attempts=…)",
    "max_completion_tokens": "max_tokens, which is sent under the name that the model knows",
    **dict.fromkeys(("budget", "cost_limit"), "max_cost"),
    "history": "messages",
    "system": "system_prompt, which reaches the models of every dialect",
    "extra_headers": "headers",
    "extra_body": "the call as plain arguments, a field of the body each",
}
"""Arguments that no provider's body has or may have, and what takes them. (`prompt` is none: it is
a field of the Responses API.)"""
BODY = (
    "max_tokens", "reasoning", "response_format", "seed", "stop", "temperature", "tool_choice",
    "tools",
)  # fmt: skip
"""Arguments whose names are fields of a body too, perhaps with another meaning."""
THINKING = ("thinking", "reasoning", "reasoning_effort")
"""Fields of a body that make a model think: of the Messages API, of OpenRouter, of LiteLLM."""
NO_THINKING = ("none", {"type": "disabled"}, {"effort": "none"}, {"enabled": False})
"""What they hold to say the opposite."""


class _Default(float):
    """A number that stands for "not given"."""


DEFAULT_TEMPERATURE: float = _Default(0.7)
"""Used where neither the call nor the model gives a temperature."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of one call besides the query: see `CascadeAgent.stream_events`."""

    messages: Sequence[Message] | None = None
    system_prompt: str | None = None
    tools: Sequence[Any] | None = None
    tool_choice: Choice | None = None
    max_tokens: int | None = None
    temperature: float | None = DEFAULT_TEMPERATURE
    complexity_hint: str | None = None
    force_direct: bool = False
    reveal: Reveal | None = None
    reasoning: bool | None = None
    max_cost: float | None = None
    response_format: Any = None
    stop: str | Sequence[str] | None = None
    seed: int | None = None
    timeouts: Timeouts | None = None
    headers: Mapping[str, str] | None = None
    extra: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        check_count("max_tokens", self.max_tokens)
        check_temperature("this call", self.temperature)
        check_dollars("max_cost", self.max_cost)
        check_type("system_prompt", self.system_prompt, str, "a string")
        check_type("timeouts", self.timeouts, Timeouts, "a cascadeflow.Timeouts")
        check_type("force_direct", self.force_direct, bool, "True or False")
        check_type("reasoning", self.reasoning, bool, "True or False")
        check_type("headers", self.headers, Mapping, "a mapping of names to values")
        if self.headers is not None:
            check_headers(self.headers, where="this call")
            msgspec.structs.force_setattr(self, "headers", hide(self.headers))
        if self.seed is not None and type(self.seed) is not int:
            raise ConfigError(f"seed is {self.seed!r}; it must be an integer, or None")
        check_choice("reveal", self.reveal, (None, *REVEALS))
        check_choice("complexity_hint", self.complexity_hint, (None, *COMPLEXITIES))
        check_extra(self.extra, self.__struct_fields__)


def options(given: Mapping[str, Any]) -> Options:
    """Known names as options; the others are fields for the provider's body.

    Raises:
        ConfigError: a value is wrong, or a name looks like a slip for a known one.
    """
    check_type("extra", given.get("extra"), Mapping, "a mapping of fields to values")
    known: dict[str, Any] = {"extra": {**(given.get("extra") or {})}}
    for name, value in given.items():
        if name not in Options.__struct_fields__:
            known["extra"][name] = value
        elif name != "extra":
            known[name] = value
    return Options(**known)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One question, ready to be put to any model."""

    conversation: tuple[Message, ...]
    """History and query, without a system prompt of ours."""
    options: Options
    tools: tuple[Offered, ...] = ()
    tool_choice: ToolChoice | None = None
    wanted: Wanted | None = None
    """The form of the answer; None: text."""
    stop: tuple[str, ...] = ()

    def then(self, added: Sequence[Message]) -> Ask:
        """The same after further messages. A forced tool was called by then: the choice is free."""
        return msgspec.structs.replace(
            self,
            conversation=(*self.conversation, *added),
            tool_choice=None if self.tool_choice != "none" else "none",
        )

    def request(self, model: ModelConfig, timeouts: Timeouts) -> Request:
        """What `model` is sent."""
        given = self.options
        system = model.system_prompt if given.system_prompt is None else given.system_prompt
        prompt = () if not system else ({"role": "system", "content": system},)
        temperature = given.temperature
        if isinstance(temperature, _Default):
            temperature = float(temperature) if model.temperature is None else model.temperature
        return Request(
            messages=(*prompt, *(_for_model(message, model) for message in self.conversation)),
            tools=tuple(tool.definition for tool in self.tools),
            tool_choice=self.tool_choice,
            max_tokens=self._max_tokens(model),
            temperature=temperature,
            stop=self.stop,
            seed=given.seed,
            logprobs=model.logprobs,
            response_format=None if self.wanted is None else self.wanted.format,
            headers=given.headers or {},
            extra={**(model.extra or {}), **given.extra},
            connect_timeout=timeouts.connect,
        )

    def _max_tokens(self, model: ModelConfig) -> int | None:
        """A model that thinks first gets no limit of ours: it would cut the thinking."""
        if self.options.max_tokens is not None:
            return self.options.max_tokens
        if model.max_tokens is not None:
            return model.max_tokens
        extra = {**(model.extra or {}), **self.options.extra}
        wishes = (extra.get(name) for name in THINKING)
        if traits(model.name).thinks or any(wish and wish not in NO_THINKING for wish in wishes):
            return None
        return TOOL_TOKENS if self.tools or self.wanted else TEXT_TOKENS


def _for_model(message: Message, model: ModelConfig) -> Message:
    """Signed thinking goes back only to the model that thought it."""
    if "thinking_blocks" not in message:
        return message
    dropped = {"thinking_model"}
    if message.get("thinking_model") != model.name:
        dropped.add("thinking_blocks")
    return {key: value for key, value in message.items() if key not in dropped}


def conversation(query: Query, history: Sequence[Message] | None) -> tuple[Message, ...]:
    """History and query as messages.

    Raises:
        ConfigError: a message without a known role or content, or nothing to answer.
    """
    asked = ({"role": "user", "content": query},) if isinstance(query, str) else query
    check_list("query", asked, "a text or a list of messages")
    check_list("messages", history, "a list of messages")
    told = (*(history or ()), *(asked or ()))
    for place, message in enumerate(told):
        _check_message(place, message)
    if not asked or query == "" or not any(map(_asks, told)):
        raise ConfigError(
            f"query is {_short(query)}; it must be a text or a list of messages, not empty: "
            "something besides system messages is to be answered"
        )
    return told


def _asks(message: Message) -> bool:
    """It holds what can be answered."""
    said = any(message.get(key) for key in ("content", *INSTEAD))
    return said and message["role"] not in ("system", "developer")


def _check_message(place: int, message: Message) -> None:
    if not isinstance(message, Mapping):
        raise ConfigError(
            f"message {place} is {type(message).__name__} {_short(message)}; it must be a mapping "
            'like {"role": "user", "content": "…"} (of an SDK\'s object: its model_dump())'
        )
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise ConfigError(
            f"message {place}: role is {role!r}; it must be one of {', '.join(ROLES)}"
        )
    if content is None and not any(message.get(key) for key in INSTEAD):
        raise ConfigError(f"message {place} ({role}): content is missing")
    if not isinstance(content, str | list | tuple | None):
        raise ConfigError(
            f"message {place}: content is {type(content).__name__}; it must be a string or a list "
            "of parts"
        )


def check_stop(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    """Stop sequences as a tuple.

    Raises:
        ConfigError: one is empty or not a string.
    """
    words = (stop,) if isinstance(stop, str) else stop
    check_list("stop", words, "a string or a list of strings")
    for word in words or ():
        if not (isinstance(word, str) and word):
            raise ConfigError(f"stop holds {word!r}; each stop sequence is a non-empty string")
    return tuple(words or ())


def check_list(name: str, value: object, what: str) -> None:
    """Raise `ConfigError` unless `value` is None or a list, a tuple or the like."""
    if isinstance(value, str | bytes):
        raise ConfigError(f"{name} is {_short(value)}; it must be {what}")
    check_type(name, value, Sequence, what)


def check_type(name: str, value: object, kind: type, what: str) -> None:
    """Raise `ConfigError` unless `value` is None or a `kind`."""
    if value is not None and not isinstance(value, kind):
        raise ConfigError(f"{name} is {type(value).__name__} {_short(value)}; it must be {what}")


def check_choice(name: str, value: object, allowed: Sequence[str | None]) -> None:
    """Raise `ConfigError` unless `value` is one of `allowed`."""
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")


def check_extra(extra: Mapping[str, Any], known: Sequence[str]) -> None:
    """Fields for the provider's body, unless they look like a slip for an argument of ours.

    Raises:
        ConfigError: a name close to one of `known`, one that the stream depends on, or a value
            that is no JSON.
    """
    for name in extra:
        if name in ("stream", "stream_options", "model"):
            raise ConfigError(f"{name} cannot be given: cascadeflow sets it for each request")
        if name == "n" and extra[name] not in (None, 1):
            raise ConfigError(f"n is {extra[name]!r}; it must be 1: a query has one answer")
        if name in ELSEWHERE:
            raise ConfigError(f"{name} cannot be given here; give it to {ELSEWHERE[name]}")
        if name in known and name not in BODY:
            raise ConfigError(f"{name} cannot be given in extra; give it beside it, to the call")
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if near and name not in known:
            raise ConfigError(f"unknown argument {name!r}; did you mean {near[0]!r}?")
    check_fields(extra)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
