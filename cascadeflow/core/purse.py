"""What a query may cost: checked before each request and while the answer streams."""

from __future__ import annotations

from decimal import Decimal

from ..errors import BudgetExceeded
from ..types import Usage
from .ledger import EXACT, Attempt, Ledger
from .tier import Tier


class Purse:
    """A limit in US dollars over the rows of a ledger; None: no limit."""

    __slots__ = ("beside", "ledger", "limit")

    def __init__(self, ledger: Ledger, limit: Decimal | None) -> None:
        self.ledger = ledger
        self.limit = limit
        self.beside: Attempt | None = None
        """Open beside the answer at hand: a hedge."""

    def affords(self, tier: Tier) -> bool:
        """Whether the prompt of a request can still be paid for."""
        if self.limit is None:
            return True
        prompt = Usage(input_tokens=tier.input_estimate)
        return EXACT.add(self.ledger.total, tier.price.usd(prompt)) <= self.limit

    def spares(self, row: Attempt, amount: Decimal) -> bool:
        """Whether so many dollars can be spent on top of all rows, the open `row` included."""
        return self.limit is None or EXACT.add(self._spent(row), amount) <= self.limit

    def overdraft(self, row: Attempt) -> BudgetExceeded | None:
        """The limit as an error, if the answer so far has cost more than there was."""
        exceeded = self.limit is not None and self._spent(row) > self.limit
        return self.error() if exceeded else None

    def _spent(self, row: Attempt) -> Decimal:
        return self.ledger.spent_now(*((row,) if self.beside is None else (row, self.beside)))

    def error(self) -> BudgetExceeded:
        """The limit as an error."""
        return BudgetExceeded(f"the answer would cost more than max_cost={self.limit} dollars")
