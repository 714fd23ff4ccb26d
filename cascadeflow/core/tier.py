"""What a cascade is made of: the tiers of the ladder and the rules of one query."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from ..config import RetryPolicy, Timeouts
from ..types import Request, Usage
from .calling import CheckCall, check_object
from .economics import TYPICAL_OUTPUT
from .health import Health
from .judge import Judge
from .ledger import Attempt, Ledger, Price
from .referee import Expert, Panel
from .structure import MakeStructure

Reveal: TypeAlias = Literal["live", "held"]
"""`live`: a draft is shown as it comes; `held`: only once it is accepted."""
OnVerifierError: TypeAlias = Literal["error", "draft"]
"""What ends a query whose last tier failed: an error, or the best complete draft, marked."""


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the ladder, with the request made for it."""

    model: str
    provider: str
    request: Request
    price: Price
    timeouts: Timeouts
    health: Health
    input_estimate: int = 0
    """Estimated tokens of the request."""
    context_window: int | None = None
    """Tokens; a draft whose request is longer is not asked."""

    @property
    def expected(self) -> Decimal:
        """US dollars of an answer of usual length."""
        limit = self.request.max_tokens
        output = TYPICAL_OUTPUT if limit is None else min(limit, TYPICAL_OUTPUT)
        return self.price.usd(Usage(input_tokens=self.input_estimate, output_tokens=output))

    def open(self, ledger: Ledger, place: int, at: float) -> Attempt:
        """Begin a row for a request that is due at `at` seconds; `place`: of this tier, from 0."""
        return ledger.open(
            model=self.model,
            provider=self.provider,
            tier=place,
            price=self.price,
            input_estimate=self.input_estimate,
            now=at,
        )


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How a query is to be answered. `CascadeAgent` says what each is for."""

    judge: Judge
    retry: RetryPolicy = RetryPolicy()
    reveal: Reveal = "live"
    reasoning: bool = False
    max_cost: Decimal | None = None
    """US dollars for the whole query."""
    on_verifier_error: OnVerifierError = "error"
    total: float | None = None
    """Seconds for the whole query; None: no limit."""
    direct: str = ""
    """Why the last tier is asked at once; empty: the cascade runs."""
    complexity: str = "simple"
    check_call: CheckCall = check_object
    """Whether a tool call may be executed."""
    structure: MakeStructure | None = None
    """What the answer must be in the end; None: any text."""
    panel: Panel | None = None
    """Optional judges of finished drafts."""
    experts: tuple[Expert | None, ...] = ()
    """The model of each judge of the panel; None: that of the draft."""
    recording: bool = False
    """Keep the log-probabilities of answers, for a recorder."""
    chance: Callable[[], float] = lambda: 0.5
    """Uniform in [0, 1): the randomness of retry delays."""
