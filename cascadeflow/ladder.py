"""The ladder of models behind an agent: its providers, prices and settings.

One ladder answers any number of queries at once; each query is one `Cascade` driven by `drive`.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from decimal import Decimal

import msgspec

from . import costs
from .config import ModelConfig, RetryPolicy, Timeouts
from .core import events
from .core.cascade import Cascade
from .core.ledger import Price, estimate_input
from .core.policy import Estimator, Policy
from .core.retry import RetryBudget
from .core.tier import OnVerifierError, Reveal, Rules, Tier
from .providers.base import Provider
from .providers.catalog import connect, needs_embedded
from .providers.transport import Transport
from .quality.complexity import measure
from .quality.query import query_text
from .request import Ask, Options, Query, check_extra, check_stop, conversation
from .runner import drive
from .types import Request

logger = logging.getLogger("cascadeflow")


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


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the ladder, ready to be asked."""

    config: ModelConfig
    provider_name: str
    provider: Provider
    price: Price
    retries: RetryBudget


class Ladder:
    """Models as listed, cheapest first."""

    def __init__(
        self,
        models: Sequence[ModelConfig],
        settings: Settings,
        transport: Transport,
        environ: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self.rungs = tuple(_rung(model, transport, environ) for model in models)
        self.spent = Decimal(0)
        """US dollars of all queries so far, those that failed or were cancelled included."""

    def ask(self, query: Query, options: Options) -> AsyncGenerator[list[events.Event], None]:
        """Answer one query; nothing is sent before the first `anext`.

        Raises:
            ConfigError: an argument is wrong.
        """
        ask = Ask(
            conversation=conversation(query, options.messages),
            options=options,
            stop=check_stop(options.stop),
        )
        tiers = [self._tier(rung, ask) for rung in self.rungs]
        cascade = Cascade(
            tiers,
            self._rules(ask, tiers[-1].request),
            id=uuid.uuid4().hex,
            conversation=ask.conversation,
        )
        return drive(cascade, [rung.provider for rung in self.rungs], done=self._account)

    def _tier(self, rung: Rung, ask: Ask) -> Tier:
        timeouts = ask.options.timeouts or rung.config.timeouts or self.settings.timeouts
        request = ask.request(rung.config, timeouts)
        return Tier(
            model=rung.config.name,
            provider=rung.provider_name,
            request=request,
            price=rung.price,
            timeouts=timeouts,
            retries=rung.retries,
            input_estimate=estimate_input(request),
            context_window=rung.config.context_window,
        )

    def _rules(self, ask: Ask, request: Request) -> Rules:
        settings, given = self.settings, ask.options
        max_cost = settings.max_cost if given.max_cost is None else given.max_cost
        timeouts = given.timeouts or settings.timeouts
        return Rules(
            estimator=settings.estimator,
            policy=settings.policy,
            retry=settings.retry,
            reveal=given.reveal or settings.reveal,
            reasoning=settings.reasoning if given.reasoning is None else given.reasoning,
            max_cost=None if max_cost is None else Decimal(str(max_cost)),
            on_verifier_error=settings.on_verifier_error,
            total=timeouts.total,
            direct=self._direct(given),
            complexity=given.complexity_hint or measure(query_text(request)),
            chance=random.random,
        )

    def _direct(self, given: Options) -> str:
        if not self.settings.cascading:
            return "cascade_disabled"
        return "forced_direct" if given.force_direct else ""

    def _account(self, cascade: Cascade) -> None:
        self.spent += cascade.ledger.total
        if self.settings.verbose:
            for row in cascade.ledger.rows:
                logger.info(
                    "%s: attempt %d of %s %s%s, $%s %s",
                    cascade.id,
                    row.number,
                    row.model,
                    row.outcome,
                    f" ({row.error})" if row.error else "",
                    row.usd,
                    row.source,
                )


def _rung(model: ModelConfig, transport: Transport, environ: Mapping[str, str]) -> Rung:
    check_extra(model.extra or {}, ())
    base_url = None
    if needs_embedded(model, environ):
        from .providers.simulated import embedded_url

        base_url = embedded_url()
    name = model.provider if isinstance(model.provider, str) else type(model.provider).__name__
    return Rung(
        config=model,
        provider_name=name,
        provider=connect(model, transport, environ, base_url=base_url),
        price=costs.resolve(model, name),
        retries=RetryBudget(),
    )
