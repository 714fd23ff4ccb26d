"""The ladder of models behind an agent: its providers, prices and settings.

One ladder answers any number of queries at once; each query is one `Cascade` driven by `drive`.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from .config import ModelConfig, RetryPolicy, Timeouts, check_count
from .core import events
from .core.calibrated import CalibratedPolicy
from .core.calling import CheckCall, check_object
from .core.cascade import Cascade, State
from .core.health import Health
from .core.judge import Judge
from .core.ledger import EXACT, Attempt, estimate_input, exact_sum
from .core.policy import Estimator, Policy
from .core.referee import Expert, Panel
from .core.tier import OnVerifierError, Reveal, Rules, Tier
from .drift import DriftAlarm
from .errors import ConfigError, ErrorKind
from .forking import Lock
from .logs import logger_named
from .providers.redact import hide
from .providers.wire import Wire
from .quality.complexity import measure
from .quality.query import query_text
from .recording import Recorder
from .request import Ask, Options, Query, check_stop, check_type, conversation
from .result import CascadeResult
from .rung import Rung, health_of, rung_of
from .runner import Clock, drive
from .types import Message, Request, ToolChoice

if TYPE_CHECKING:
    from .structured import Wanted
    from .tools.config import Offered
    from .tools.executor import ToolExecutor

Batches: TypeAlias = AsyncGenerator[list[events.Event], None]
OnResult: TypeAlias = Callable[[CascadeResult], None]
MISCONFIGURED: frozenset[ErrorKind] = frozenset(("auth", "not_found", "bad_request", "protocol"))
"""Failures of a draft that a better set-up would probably cure; the next model hides them."""
CREDENTIALS = frozenset(("authorization", "x-api-key", "api-key", "x-goog-api-key"))
"""Headers by which servers know who asks."""
STRANGERS = 1024
"""Credentials of calls of which the health of a model is remembered."""
logger = logger_named("cascadeflow")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all queries of an agent; a call may override some."""

    estimator: Estimator
    policy: Policy
    reveal: Reveal = "live"
    reasoning: bool = False
    max_cost: float | None = None
    on_verifier_error: OnVerifierError = "error"
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy = RetryPolicy()
    cascading: bool = True
    verbose: bool = False
    tools: Sequence[Any] | None = None
    tool_executor: ToolExecutor | None = None
    recorder: Recorder | None = None
    panel: Panel | None = None
    on_result: OnResult | None = None


class Ladder:
    """Models as listed, cheapest first.

    Args:
        models: at least one.
        settings: of the agent.
        transport: carries the requests.
        environ: where keys and URLs are looked up.
        clock: seconds, monotonic; the running event loop must measure its delays on the same.
        chance: uniform in [0, 1), for the delays of retries.
    """

    def __init__(
        self,
        models: Sequence[ModelConfig],
        settings: Settings,
        transport: Wire,
        environ: Mapping[str, str],
        *,
        clock: Clock = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        environ = hide(environ)
        self.settings = settings
        self.clock = clock
        self._chance = chance
        known: dict[object, Health] = {}
        self.rungs = tuple(rung_of(model, transport, environ, clock, known) for model in models)
        judges = () if settings.panel is None else settings.panel.judges
        own = [
            None if judge.model is None else rung_of(judge.model, transport, environ, clock, known)
            for judge in judges
        ]
        asked = [*self.rungs, *filter(None, own)]
        self.providers = tuple(rung.provider for rung in asked)
        """Of the models, then of the judges that ask a model of their own."""
        self._experts = tuple(
            Expert(rung.config.name, rung.provider_name, rung.price, asked.index(rung))
            if rung
            else None
            for rung in own
        )
        self.spent = Decimal(0)
        """US dollars of all queries so far, those that failed or were cancelled included."""
        self._accounting = Lock()
        self._warned: set[str] = set()
        """Models whose drafts failed as if misconfigured."""
        self._strangers: OrderedDict[tuple[str, bytes], Health] = OrderedDict()
        """Of models asked with the credentials of a call, by what these are."""
        policy = settings.policy
        self._judge = Judge(settings.estimator, policy)
        self._drift = DriftAlarm(policy) if isinstance(policy, CalibratedPolicy) else None

    def prepare(self, query: Query, options: Options) -> Ask:
        """Check a query and its options.

        Raises:
            ConfigError: one is wrong, or the extra that checks it is not installed.
        """
        self._check_credentials(options.headers or {})
        given = self.settings.tools if options.tools is None else options.tools
        tools: tuple[Offered, ...] = ()
        choice: ToolChoice | None = None
        form: Wanted | None = None
        if given:
            from .tools.config import normalise, normalise_choice

            tools = normalise(given)
            choice = normalise_choice(options.tool_choice, tools)
        elif options.tool_choice is not None:
            raise ConfigError(f"tool_choice is {options.tool_choice!r}, but no tools are offered")
        if options.response_format is not None:
            from .structured import wanted

            form = wanted(options.response_format)
        return Ask(
            conversation=conversation(query, options.messages),
            options=options,
            tools=tools,
            tool_choice=choice,
            wanted=form,
            stop=check_stop(options.stop),
        )

    def answer(self, ask: Ask) -> Batches:
        """Answer with one cascade, running no tool; nothing is sent before the first `anext`."""
        return drive(self.cascade(ask), self.providers, self.clock, self._answered)

    def converse(self, ask: Ask, executor: ToolExecutor | None, max_turns: int) -> Batches:
        """Answer with a cascade for each turn, running the tools between them.

        Raises:
            ConfigError: `max_turns` is not a positive integer, or the executor is none.
        """
        from .tools.executor import ToolExecutor
        from .tools.loop import Toolboxes, converse

        check_count("max_turns", max_turns, optional=False)
        executor = self.settings.tool_executor if executor is None else executor
        check_type("tool_executor", executor, ToolExecutor, "a cascadeflow.tools.ToolExecutor")
        offered = ToolExecutor([tool for tool in ask.tools if tool.function])
        known = (offered,) if executor is None else (executor, offered)
        toolbox = Toolboxes(*(each.session() for each in known))
        turns = _Turns(self, ask)
        total = self._total(ask)
        return converse(turns, toolbox, max_turns=max_turns, total=total, clock=self.clock)

    def cascade(
        self, ask: Ask, added: Sequence[Message] = (), after: Cascade | None = None
    ) -> Cascade:
        """The cascade of one turn; `added`: messages since the query."""
        asked = ask.then(added) if added else ask
        tiers = [self._tier(rung, asked) for rung in self.rungs]
        return Cascade(
            tiers,
            self._rules(asked, tiers[-1].request),
            id=os.urandom(16).hex() if after is None else after.id,
            conversation=asked.conversation,
            after=after,
        )

    def _total(self, ask: Ask) -> float | None:
        return (ask.options.timeouts or self.settings.timeouts).total

    def _check_credentials(self, headers: Mapping[str, str]) -> None:
        given = [name for name in headers if name.lower() in CREDENTIALS]
        if given and len({rung.home for rung in self.rungs}) > 1:
            names = " and ".join(dict.fromkeys(rung.config.name for rung in self.rungs))
            raise ConfigError(
                f"headers: {given[0]} would go to the servers of {names} alike; give each model "
                "its own key in ModelConfig(api_key=…), and whoever has other keys another agent"
            )

    def _health(self, rung: Rung, headers: Mapping[str, str]) -> Health:
        """What a server limits and refuses, it does by credential: one knows not of another."""
        own = [headers[name] for name in headers if name.lower() in CREDENTIALS]
        if not own:
            return rung.health
        key = rung.config.name, sha256("\n".join(own).encode("utf-8", "surrogatepass")).digest()
        with self._accounting:
            if key not in self._strangers:
                self._strangers[key] = health_of(rung.config.name, self.clock)
            self._strangers.move_to_end(key)
            if len(self._strangers) > STRANGERS:
                self._strangers.popitem(last=False)
            return self._strangers[key]

    def _tier(self, rung: Rung, ask: Ask) -> Tier:
        timeouts = ask.options.timeouts or rung.config.timeouts or self.settings.timeouts
        request = ask.request(rung.config, timeouts)
        return Tier(
            model=rung.config.name,
            provider=rung.provider_name,
            request=request,
            price=rung.price,
            timeouts=timeouts,
            health=self._health(rung, request.headers),
            input_estimate=estimate_input(request),
            context_window=rung.config.context_window,
        )

    def _rules(self, ask: Ask, request: Request) -> Rules:
        settings, given = self.settings, ask.options
        max_cost = settings.max_cost if given.max_cost is None else given.max_cost
        check_call: CheckCall = check_object
        if ask.tools:
            from .tools.validate import ToolCallValidator

            check_call = ToolCallValidator(ask.tools, ask.tool_choice).check
        direct = "forced_direct" if given.force_direct else ""
        return Rules(
            judge=self._judge,
            retry=settings.retry,
            reveal=given.reveal or settings.reveal,
            reasoning=settings.reasoning if given.reasoning is None else given.reasoning,
            max_cost=None if max_cost is None else Decimal(str(max_cost)),
            on_verifier_error=settings.on_verifier_error,
            total=self._total(ask),
            check_call=check_call,
            structure=None if ask.wanted is None else ask.wanted.structure,
            direct=direct if settings.cascading else "cascade_disabled",
            complexity=given.complexity_hint or measure(query_text(request)),
            panel=settings.panel,
            experts=self._experts,
            recording=settings.recorder is not None,
            chance=self._chance,
        )

    def _answered(self, cascade: Cascade) -> None:
        self.account(cascade)
        self.tell(cascade)

    def tell(self, cascade: Cascade) -> None:
        """A query is over, and this was its last cascade."""
        told, result = self.settings.on_result, cascade.result
        if told is None or result is None:
            return
        if cascade.state is State.CLOSED:
            # Its consumer leaves: what is raised here must not take the place of a cancellation.
            asyncio.get_running_loop().call_soon(told, result)
        else:
            told(result)

    def health(self) -> list[dict[str, Any]]:
        """The circuit breaker of each model, as `CascadeAgent.health` tells it."""
        told: list[dict[str, Any]] = []
        for rung in self.rungs:
            state, left = rung.health.state()
            named = {"model": rung.config.name, "provider": rung.provider_name}
            told.append({**named, "state": state, "retry_after": left})
        return told

    def account(self, cascade: Cascade, since: int = 0, turn: int | None = None) -> None:
        """Note and record a finished cascade.

        `since`: rows of its ledger that were noted with turns before; `turn`: from 1.
        """
        rows = cascade.ledger.rows[since:]
        with self._accounting:
            self.spent = EXACT.add(self.spent, exact_sum(row.usd for row in rows))
        for row in rows:
            if row.error in MISCONFIGURED and row.tier < len(self.rungs) - 1:
                self._warn(row)
            if self.settings.verbose:
                logger.info(
                    "%s: attempt %d of %s %s, $%s %s",
                    cascade.id,
                    row.number,
                    row.model,
                    f"{row.outcome} ({row.error})" if row.error else row.outcome,
                    row.usd,
                    row.source,
                )
        if self.settings.recorder is not None:
            self.settings.recorder.write(cascade, turn)
        if self._drift is not None:
            self._drift.note(cascade)

    def _warn(self, row: Attempt) -> None:
        with self._accounting:
            known = row.model in self._warned
            self._warned.add(row.model)
        if not known:
            logger.warning(
                "%s: a %s failed (%s), and others may likewise; the row of its attempt says why",
                row.model,
                "judge" if row.judging else "draft",
                row.error,
            )


class _Turns:
    """The cascades of one query with tools."""

    def __init__(self, ladder: Ladder, ask: Ask) -> None:
        self._ladder = ladder
        self._ask = ask
        self._accounted = 0
        """Rows of the ledger that are already noted."""
        self._turn = 0
        self._over = False

    def turn(self, added: Sequence[Message], after: Cascade | None) -> Cascade:
        """The cascade of the next turn."""
        return self._ladder.cascade(self._ask, added, after)

    def drive(self, cascade: Cascade, clock: Clock) -> Batches:
        """Run it."""
        return drive(cascade, self._ladder.providers, clock, done=self._account)

    def _account(self, cascade: Cascade) -> None:
        self._turn += 1
        self._ladder.account(cascade, self._accounted, self._turn)
        self._accounted = len(cascade.ledger.rows)
        if cascade.state is not State.DONE:
            self.over(cascade)

    def over(self, cascade: Cascade) -> None:
        """The query is over with this cascade; may be said again."""
        if not self._over:
            self._over = True
            self._ladder.tell(cascade)
