"""What the optional judges of a draft are to the core: whom they ask, and how to read the answer.

A judge is pure. It says what to ask about a finished draft and what it makes of the answers; the
cascade asks, beside the query and at its expense. `cascadeflow.judges` holds three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from ..config import ModelConfig, is_number
from ..errors import ConfigError, ProviderError
from ..types import Delta, Request
from .ledger import Price
from .policy import Opinion

JudgeName: TypeAlias = Literal["self_check", "agreement", "model"]
Reply: TypeAlias = Sequence[Delta] | ProviderError
"""What came of one inquiry: a whole answer, its `Stop` included, or why there is none."""


@runtime_checkable
class Referee(Protocol):
    """An optional judge. Holds no state of a query: one object serves many at once."""

    @property
    def judge(self) -> JudgeName:
        """Its name in evidence and warnings."""
        ...

    @property
    def model(self) -> ModelConfig | None:
        """Whom it asks; None: the model that gave the draft."""
        ...

    def inquiries(self, request: Request, draft: str) -> Sequence[Request]:
        """What to ask about the text that answered `request`; nothing: it has no opinion of it.

        Each request should limit its tokens: they are paid for.
        """
        ...

    def opinion(self, request: Request, draft: str, replies: Sequence[Reply]) -> Opinion | None:
        """What follows from the replies, one for each inquiry in order; None: nothing."""
        ...


class Panel(msgspec.Struct, frozen=True):
    """The judges of an agent's drafts, and when they are asked.

    Args:
        judges: asked side by side.
        unsure: `p_good` of a finished draft, from the first up to below the second number, for
            which they are asked; a draft the policy calls hopeless is never asked about.
        timeout: seconds for all of them; opinions that come later are not waited for.

    Raises:
        ConfigError: a number is out of range, or a judge is none.
    """

    judges: Sequence[Referee]
    unsure: tuple[float, float] = (0.0, 0.95)
    timeout: float = 10.0

    def __post_init__(self) -> None:
        low, high = self.unsure
        if not 0 <= low <= high <= 1:
            raise ConfigError(f"Panel: unsure is {self.unsure}; it must hold that 0 <= a <= b <= 1")
        if not (is_number(self.timeout) and self.timeout > 0):
            raise ConfigError(f"Panel: timeout is {self.timeout!r}; it must be seconds > 0")
        for judge in self.judges:
            if isinstance(judge, type) or not isinstance(judge, Referee):
                raise ConfigError(
                    f"judges holds {judge!r}; each must have judge, model, inquiries and opinion, "
                    "e.g. cascadeflow.judges.SelfCheck()"
                )


class Expert(msgspec.Struct, frozen=True):
    """The model of a judge that does not ask the draft's."""

    model: str
    provider: str
    price: Price
    line: int
    """Place of its provider among those of the driver."""
