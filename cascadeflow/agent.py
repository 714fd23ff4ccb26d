"""The agent: a ladder of models behind one object. Wiring only."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import warnings
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, overload

from . import parts
from .config import ModelConfig, RetryPolicy, Timeouts, check_dollars
from .consume import collect
from .core.policy import Estimator, Policy
from .core.referee import Panel, Referee
from .core.tier import OnVerifierError, Reveal
from .errors import ConfigError
from .ladder import Ladder, OnResult, Settings
from .providers.transport import Transport
from .providers.wire import Wire
from .recording import Recorder
from .request import (
    DEFAULT_TEMPERATURE,
    REVEALS,
    Choice,
    Query,
    ResponseFormat,
    check_choice,
    check_type,
    options,
)
from .result import CascadeResult
from .streaming.base import StreamEvent, StreamManager, rendered
from .streaming.tools import ToolStreamEvent, ToolStreamManager
from .streaming.tools import rendered as tools_rendered
from .types import Message

if TYPE_CHECKING:
    import aiohttp

    from .tools.executor import ToolExecutor


P = ParamSpec("P")
R = TypeVar("R")


def _outside_a_loop(run: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    @functools.wraps(run, assigned=())
    def run_sync(*args: P.args, **kwargs: P.kwargs) -> R:
        """`run` for scripts without an event loop. Each call opens connections of its own; to keep
        them, call `run` in an `asyncio.Runner` that stays open.

        Raises:
            RuntimeError: an event loop is running in this thread; use `await agent.run(…)`.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError(
                "an event loop is running in this thread; use `await agent.run(...)`"
            )
        return asyncio.run(run(*args, **kwargs))

    return run_sync


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    """The `locals()` of a call as it began, as options."""
    named = {name: arguments[name] for name in arguments.keys() - {"self", "query", "extra"}}
    return {**named, **arguments["extra"]}


class CascadeAgent:
    """Answers queries with the cheapest model whose answer will do.

    ```python
    agent = CascadeAgent(models=[
        ModelConfig("gpt-4o-mini", "openai"),
        ModelConfig("gpt-4o", "openai"),
    ])
    async for event in agent.stream_events("Why is the sky blue?"):
        ...
    ```

    An agent may be used from several event loops, one after the other, and from several threads.
    `async with agent:` or `await agent.aclose()` closes its connections; they are also closed when
    `asyncio.run` ends.

    Args:
        models: the ladder as listed, cheapest first; every one takes part.
        enable_cascade: False asks the last model alone.
        estimator: tells how good a draft is; default: the judge of `cascadeflow.quality`.
        policy: decides on the estimate; or the path of a calibration file, which
            `cascadeflow calibrate` writes; default: `ThresholdPolicy()`.
        judges: asked about a finished draft that the estimate leaves in doubt, where the estimator
            can use their opinion: `cascadeflow.judges`, or a `Panel` of them; default: none.
        tools: offered to every call that names none; see `stream_events`.
        tool_executor: runs the tools that `tool_streaming_manager` executes.
        reveal: "live" shows a draft as it comes, "held" only once it is accepted.
        reasoning: whether the models' thinking comes as REASONING events.
        max_cost: US dollars for one query, all attempts together; None: no limit.
        on_verifier_error: "error" ends a query whose last model failed with ERROR; "draft" returns
            a complete draft that was rejected, with `degraded=True`.
        timeouts: deadlines in seconds; those of a model or a call win.
        retry: how often and how soon a model is asked again.
        record: path of a JSONL file to which every judged query is appended, content included, for
            `cascadeflow eval` and `calibrate`; or a `Recorder`. None: nothing is recorded.
        session: your own `aiohttp.ClientSession`, with its proxies and TLS; never closed by us.
        wire: put around what carries the requests, or in its place: `Recording(path)` or
            `Replay(path)`; `docs/providers.md`.
        verbose: log each attempt to `logging.getLogger("cascadeflow")`, without content.
        on_result: called once for each query when it is over, with its `CascadeResult`, however it
            ended: whole, failed, or left by its consumer (then a moment later); on the event loop,
            so it must be quick. It must not raise.

    Raises:
        ConfigError: a model or a setting is wrong, a file cannot be used, or an API key is missing.
            No request was sent.
    """

    def __init__(
        self,
        models: Sequence[ModelConfig],
        *,
        enable_cascade: bool = True,
        estimator: Estimator | None = None,
        policy: Policy | str | os.PathLike[str] | None = None,
        judges: Sequence[Referee] | Panel | None = None,
        tools: Sequence[Any] | None = None,
        tool_executor: ToolExecutor | None = None,
        reveal: Reveal = "live",
        reasoning: bool = False,
        max_cost: float | None = None,
        on_verifier_error: OnVerifierError = "error",
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        record: str | os.PathLike[str] | Recorder | None = None,
        session: aiohttp.ClientSession | None = None,
        wire: Callable[[Wire], Wire] | None = None,
        verbose: bool = False,
        on_result: OnResult | None = None,
    ) -> None:
        parts.check_models(models)
        check_choice("reveal", reveal, REVEALS)
        check_choice("on_verifier_error", on_verifier_error, ("error", "draft"))
        check_dollars("max_cost", max_cost)
        check_type("timeouts", timeouts, Timeouts, "a cascadeflow.Timeouts")
        check_type("retry", retry, RetryPolicy, "a cascadeflow.RetryPolicy")
        check_type("enable_cascade", enable_cascade, bool, "True or False")
        check_type("reasoning", reasoning, bool, "True or False")
        check_type("verbose", verbose, bool, "True or False")
        if on_result is not None and (
            not callable(on_result) or inspect.iscoroutinefunction(on_result)
        ):
            raise ConfigError(
                f"on_result is {on_result!r}; it must be a function, not async, of a CascadeResult"
            )
        panel = parts.panel(judges)
        settings = Settings(
            estimator=parts.estimator(estimator),
            policy=parts.policy(policy, estimator, models if enable_cascade else (), panel),
            reveal=reveal,
            reasoning=reasoning,
            max_cost=max_cost,
            on_verifier_error=on_verifier_error,
            timeouts=timeouts or Timeouts(),
            retry=retry or RetryPolicy(),
            cascading=enable_cascade,
            verbose=verbose,
            tools=parts.tools(tools),
            tool_executor=parts.executor(tool_executor),
            recorder=parts.recorder(record),
            panel=panel,
            on_result=on_result,
        )
        self.models = tuple(models)
        self._transport = Transport(session=session)
        self._ladder = Ladder(models, settings, parts.carrier(wire, self._transport), os.environ)
        streams = len(models) > 1 and enable_cascade
        self.text_streaming_manager = StreamManager(self._ladder) if streams else None
        """Streams text; None with a single model, which needs no cascade."""
        self.tool_streaming_manager = ToolStreamManager(self._ladder) if streams else None
        """Streams answers with tool calls and runs the tools; None with a single model."""

    @property
    def cascade(self) -> Ladder:
        """The ladder that the managers wrap."""
        return self._ladder

    @property
    def streaming_manager(self) -> StreamManager | None:
        """Deprecated name of `text_streaming_manager`."""
        warnings.warn(
            "agent.streaming_manager is deprecated; use agent.text_streaming_manager",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.text_streaming_manager

    @property
    def spent(self) -> float:
        """US dollars of all queries so far, failed and cancelled ones included."""
        return float(self._ladder.spent)

    def health(self) -> list[dict[str, Any]]:
        """Which models are asked at the moment: one mapping for each, as listed.

        `model`, `provider`, `state` of its circuit breaker ("closed": it is asked; "open": it is
        left alone; "probing": one query tries it), `retry_after`: seconds to the next try, or None.
        """
        return self._ladder.health()

    @overload
    def stream_events(
        self,
        query: Query,
        *,
        tools: None = None,
        tool_choice: None = None,
        messages: Sequence[Message] | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = DEFAULT_TEMPERATURE,
        complexity_hint: str | None = None,
        force_direct: bool = False,
        reveal: Reveal | None = None,
        reasoning: bool | None = None,
        max_cost: float | None = None,
        response_format: ResponseFormat | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        timeouts: Timeouts | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> AsyncGenerator[StreamEvent, None]: ...

    @overload
    def stream_events(
        self,
        query: Query,
        *,
        tools: Sequence[Any],
        tool_choice: Choice | None = None,
        messages: Sequence[Message] | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = DEFAULT_TEMPERATURE,
        complexity_hint: str | None = None,
        force_direct: bool = False,
        reveal: Reveal | None = None,
        reasoning: bool | None = None,
        max_cost: float | None = None,
        response_format: ResponseFormat | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        timeouts: Timeouts | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> AsyncGenerator[ToolStreamEvent, None]: ...

    def stream_events(
        self,
        query: Query,
        *,
        tools: Sequence[Any] | None = None,
        tool_choice: Choice | None = None,
        messages: Sequence[Message] | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = DEFAULT_TEMPERATURE,
        complexity_hint: str | None = None,
        force_direct: bool = False,
        reveal: Reveal | None = None,
        reasoning: bool | None = None,
        max_cost: float | None = None,
        response_format: ResponseFormat | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        timeouts: Timeouts | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> AsyncGenerator[StreamEvent, None] | AsyncGenerator[ToolStreamEvent, None]:
        """Stream the answer to `query` as events; `docs/events.md` lists them.

        Nothing is sent before the first event is asked for. Leaving the loop, `aclose()` or
        cancelling closes the connection at once. Tools are offered, never executed: for that there
        is `agent.tool_streaming_manager.stream`.

        Args:
            query: a text, or a list of messages of which the last is to be answered.
            tools: what the model may call; then the events are `ToolStreamEvent`s. None: the
                agent's tools, `[]`: none.
            tool_choice: "auto", "required", "none", or {"type": "function", "function": {"name":
                …}}; or one of these in Anthropic's form.
            messages: the conversation before `query`, e.g. `result.messages`.
            system_prompt: beats that of the model; "": none.
            max_tokens: limit of generated tokens; None: the model's own, else 100, or 1,000 with
                tools (none for models that think before they answer).
            temperature: in [0, 2]; None: not sent. Beats that of the model, which beats 0.7.
            complexity_hint: "simple", "moderate" or "complex" instead of the measured complexity.
            force_direct: ask the last model alone.
            reveal: as for the agent, for this call.
            reasoning: as for the agent, for this call.
            max_cost: as for the agent, for this call, in US dollars.
            response_format: what the answer must be: a pydantic model or another type, a JSON
                Schema, or OpenAI's object; `docs/structured.md`. Needs the extra `[tools]`.
            stop: sequences that end the answer.
            seed: for providers that can repeat an answer.
            timeouts: deadlines in seconds; they beat those of models and agent.
            headers: HTTP headers for the requests of this call.
            **extra: fields for the provider's JSON body, unchanged.

        Raises:
            ConfigError: an argument is wrong. Nothing was sent.
        """
        ask = self._ladder.prepare(query, options(_given(locals())))
        batches = self._ladder.answer(ask)
        return tools_rendered(batches) if ask.tools else rendered(batches)

    async def run(
        self,
        query: Query,
        *,
        tools: Sequence[Any] | None = None,
        tool_choice: Choice | None = None,
        messages: Sequence[Message] | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = DEFAULT_TEMPERATURE,
        complexity_hint: str | None = None,
        force_direct: bool = False,
        reveal: Reveal | None = None,
        reasoning: bool | None = None,
        max_cost: float | None = None,
        response_format: ResponseFormat | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        timeouts: Timeouts | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> CascadeResult:
        """The result of `stream_events` with the same arguments, without the events.

        Raises:
            ConfigError: an argument is wrong. Nothing was sent.
            CascadeError: no model could answer; its `result` holds partial text and cost.
        """
        ask = self._ladder.prepare(query, options(_given(locals())))
        return await collect(rendered(self._ladder.answer(ask)))

    execute = run
    run_sync = _outside_a_loop(run)

    def feedback(self, id: str, *, correct: float) -> None:
        """Append to the recording how right the answer with this `result.id` was.

        Args:
            id: of a `CascadeResult`.
            correct: True or False, or a degree from 0 to 1.

        Raises:
            ConfigError: `correct` is out of range, or the agent records nothing.
        """
        recorder = self._ladder.settings.recorder
        if recorder is None:
            raise ConfigError("feedback needs a recording: CascadeAgent(record=path)")
        recorder.feedback(id, correct)

    async def aclose(self) -> None:
        """Close the connections made in the running event loop, and the recording."""
        await self._transport.aclose()
        if self._ladder.settings.recorder is not None:
            self._ladder.settings.recorder.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
