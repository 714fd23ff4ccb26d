"""Settings of models, deadlines and retries. Checked when made; nothing here touches a network.

Units: seconds; US dollars per 1,000 tokens for `cost`, per million tokens for every `*_price`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import Any, TypeGuard

from .errors import ConfigError
from .providers.base import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Deadlines in seconds, on a monotonic clock; None: no such deadline.

    They run while we wait for the network or a tool, not while the consumer holds the stream.

    Raises:
        ConfigError: if one is not a positive number.
    """

    connect: float | None = 5.0
    """Name resolution, TCP and TLS together."""
    first_token: float | None = 30.0
    """From the request to the first token, thinking included."""
    idle: float | None = 30.0
    """Between two pieces of content; comments and pings do not count."""
    total: float | None = 300.0
    """The whole query: all tiers, retries and tools."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not (is_number(value) and value > 0):
                raise ConfigError(
                    f"Timeouts: {name} is {value!r}; it must be a number of seconds > 0, or None"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a model is asked again before its first visible output.

    The delay before retry n is random in [0, min(cap, base * 2**n)] seconds ("full jitter").

    Raises:
        ConfigError: if a bound is out of range.
    """

    attempts: int = 3
    """Attempts per model, the first included; at least 1."""
    base: float = 0.25
    cap: float = 8.0
    longest_wait: float = 60.0
    """A `Retry-After` beyond this is not waited for."""
    draft_wait: float = 2.0
    """The same for a model that has another one behind it: switching beats waiting."""
    breaker: bool = True
    """Leave a model that fails again and again alone for a while: `cascadeflow.core.breaker`."""

    def __post_init__(self) -> None:
        if not isinstance(self.breaker, bool):
            raise ConfigError(f"RetryPolicy: breaker is {self.breaker!r}; it must be True or False")
        check_count("RetryPolicy: attempts", self.attempts, optional=False)
        for name, value in asdict(self).items():
            seconds = name not in ("attempts", "breaker")
            if seconds and not (is_number(value) and value >= 0):
                raise ConfigError(f"RetryPolicy: {name} is {value!r}; it must be seconds >= 0")
        if self.base > self.cap:
            raise ConfigError(
                f"RetryPolicy: base={self.base}, cap={self.cap}; base must not be above cap"
            )


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model of the ladder.

    Args:
        name: the model's name at its provider.
        provider: a name of the catalogue (`cascadeflow doctor` lists them), or an object with the
            `Provider` protocol.
        cost: US dollars per 1,000 tokens, input and output alike.
        api_key: else the provider's environment variable is read when the agent is made.
        base_url: else the provider's environment variable, else its public address.
        headers: HTTP headers added to each request.
        input_price: US dollars per million input tokens; with `output_price` it beats `cost`.
        output_price: US dollars per million output tokens.
        cached_price: US dollars per million cached input tokens; None: `input_price`.
        max_tokens: limit of generated tokens if the call gives none.
        temperature: if the call gives none.
        system_prompt: if the call gives none.
        context_window: tokens of prompt and answer together; a longer prompt skips this model.
        logprobs: ask for token log-probabilities; None: wherever the provider offers them.
        timeouts: for this model; those of the call win.
        extra: fields for the provider's JSON body, unchanged.

    Raises:
        ConfigError: if a value is out of range.
    """

    name: str
    provider: str | Provider
    cost: float | None = None
    _: KW_ONLY
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    input_price: float | None = None
    output_price: float | None = None
    cached_price: float | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    system_prompt: str | None = None
    context_window: int | None = None
    logprobs: bool | None = None
    timeouts: Timeouts | None = None
    extra: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigError(f"ModelConfig: name is {self.name!r}; it must be a non-empty string")
        self._check_kinds()
        check_dollars(f"{self.name}: cost", self.cost, " per 1,000 tokens")
        million = " per million tokens"
        check_dollars(f"{self.name}: input_price", self.input_price, million)
        check_dollars(f"{self.name}: output_price", self.output_price, million)
        check_dollars(f"{self.name}: cached_price", self.cached_price, million)
        if (self.input_price is None) != (self.output_price is None):
            raise ConfigError(
                f"{self.name}: input_price={self.input_price}, output_price={self.output_price}; "
                "give both or neither (dollars per million tokens)"
            )
        if self.cached_price is not None and self.input_price is None:
            raise ConfigError(
                f"{self.name}: cached_price is {self.cached_price} without input_price; give "
                "input_price and output_price too (dollars per million tokens)"
            )
        check_count(f"{self.name}: max_tokens", self.max_tokens)
        check_count(f"{self.name}: context_window", self.context_window)
        check_temperature(self.name, self.temperature)

    def _check_kinds(self) -> None:
        """The values are not printed: some are secrets."""
        for field_name, value, kind, allowed in (
            ("api_key", self.api_key, str, "a string"),
            ("base_url", self.base_url, str, "a string"),
            ("system_prompt", self.system_prompt, str, "a string"),
            ("headers", self.headers, Mapping, "a mapping of names to values"),
            ("extra", self.extra, Mapping, "a mapping of fields to values"),
            ("logprobs", self.logprobs, bool, "True or False"),
            ("timeouts", self.timeouts, Timeouts, "a cascadeflow.Timeouts"),
        ):
            if value is not None and not isinstance(value, kind):
                raise ConfigError(
                    f"{self.name}: {field_name} is a {type(value).__name__}; it must be {allowed}"
                )


def is_number(value: object) -> TypeGuard[float]:
    """True for a finite int or float; False for a bool, which is an int by accident."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_count(what: str, value: object, *, optional: bool = True) -> None:
    """Raise `ConfigError` unless `value` is an int >= 1, or None where it is optional."""
    if not (type(value) is int and value >= 1) and not (optional and value is None):
        more = ", or None" if optional else ""
        raise ConfigError(f"{what} is {value!r}; it must be an integer >= 1{more}")


def check_temperature(where: str, value: object) -> None:
    """Raise `ConfigError` unless `value` is None or a number in [0, 2]."""
    if value is not None and not (is_number(value) and 0 <= value <= 2):
        raise ConfigError(f"{where}: temperature is {value!r}; it must be between 0 and 2")


def check_dollars(what: str, value: object, per: str = "") -> None:
    """Raise `ConfigError` unless `value` is None or a number >= 0 of US dollars."""
    if value is not None and not (is_number(value) and value >= 0):
        raise ConfigError(f"{what} is {value!r}; it must be >= 0 dollars{per}, or None")
