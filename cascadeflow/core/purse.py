"""What a query may cost: checked before each request and while the answer streams."""

from __future__ import annotations

from decimal import Decimal

from ..errors import BudgetExceeded
from ..types import Usage
from .ledger import Attempt, Ledger
from .tier import Tier


class Purse:
    """A limit in US dollars over the rows of a ledger; None: no limit."""

    __slots__ = ("_limit", "ledger")

    def __init__(self, ledger: Ledger, limit: Decimal | None) -> None:
        self.ledger = ledger
        self._limit = limit

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._limit is not None

    def affords(self, tier: Tier) -> bool:
        """Whether the prompt of a request can still be paid for."""
        if self._limit is None:
            return True
        prompt = Usage(input_tokens=tier.input_estimate)
        return self.ledger.total + tier.price.usd(prompt) <= self._limit

    def spares(self, row: Attempt, amount: Decimal) -> bool:
        """Whether so many dollars can be spent on top of all rows, the open `row` included."""
        return self._limit is None or self.ledger.spent_now(row) + amount <= self._limit

    def overdrawn(self, row: Attempt) -> bool:
        """Whether the answer so far has cost more than there was."""
        return self._limit is not None and self.ledger.spent_now(row) > self._limit

    def error(self) -> BudgetExceeded:
        """The limit as an error."""
        return BudgetExceeded(f"the answer would cost more than max_cost={self._limit} dollars")
