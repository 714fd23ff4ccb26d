"""Everything cascadeflow raises.

CascadeflowError
├── ConfigError            the caller's set-up is wrong; raised before any request is sent
├── ProviderError          a model could not answer; `kind` says how
│   └── ProtocolError      the server's bytes broke the grammar of HTTP, SSE or the dialect
├── BudgetExceeded         `max_cost` would be, or was, overrun
└── CascadeError           no tier could answer; carries the result so far and every cause
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from .result import CascadeResult

ErrorKind: TypeAlias = Literal[
    "connect", "dns", "tls", "timeout.connect", "timeout.first_token", "timeout.idle",
    "timeout.total", "timeout.server", "auth", "bad_request", "not_found", "conflict",
    "rate_limit", "quota", "overloaded", "server", "protocol", "decode", "incomplete", "empty",
    "refused", "circuit_open", "budget",
]  # fmt: skip
"""How an attempt failed.

connect, dns, tls: no connection. timeout.connect / first_token / idle / total: a deadline of ours;
timeout.server: status 408. auth: 401, 403. bad_request: other 4xx. not_found: 404, 405, 410.
conflict: 409. rate_limit: 429; quota: 429 that no waiting cures. overloaded: 503, 529 or the like
in the stream. server: other 5xx, or an error inside the stream. protocol: not HTTP, not SSE, not
the dialect, a bound exceeded. decode: broken compression. incomplete: the connection or the stream
ended before the answer did. empty: an answer without content. refused: the model or its filter
declined. circuit_open: not asked, because the endpoint has just failed again and again. budget:
`max_cost`.
"""


class CascadeflowError(Exception):
    """Base of everything this package raises on purpose. It can be copied and pickled."""

    def __reduce__(self) -> tuple[object, ...]:
        cause = self.__cause__
        known = cause if isinstance(cause, CascadeflowError) else None
        # Without `__init__`: that of some takes what is not in `args`.
        return type(self).__new__, (type(self), *self.args), {**vars(self), "__cause__": known}


class ConfigError(CascadeflowError, ValueError):
    """A setting or argument is wrong: what it was, and what is allowed. No request was sent."""


class ProviderError(CascadeflowError):
    """A model could not answer.

    `str()` never holds a credential, and at most 2 KiB of what the server said.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind: ErrorKind = kind
        self.provider = provider
        self.model = model
        self.status = status
        """HTTP status, None if there was none."""
        self.retryable = retryable
        """True if asking the same model again may help."""
        self.retry_after = retry_after
        """Seconds the server asked to wait, None if it did not say."""
        self.request_id = request_id
        """The provider's name for the request, for its support."""
        self.attempt: int | None = None
        """Row of the ledger, counted from 1; set by the cascade."""

    def __str__(self) -> str:
        where = "/".join(part for part in (self.provider, self.model) if part)
        return f"{where}: {self.message}" if where else self.message


class ProtocolError(ProviderError):
    """The server's bytes broke the grammar of HTTP, SSE or the dialect."""

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind = "protocol",
        provider: str = "",
        status: int | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, kind=kind, provider=provider, status=status, retryable=retryable)


class BudgetExceeded(CascadeflowError):
    """The next request, or the answer so far, costs more than `max_cost` allows."""

    kind: ErrorKind = "budget"
    retry_after: float | None = None
    """As of a `ProviderError`, the other cause there may be; waiting does not help here."""


class CascadeError(CascadeflowError):
    """No tier could answer.

    Nothing is lost: `result` holds the partial text, the cost and every attempt, `causes` the
    failure of each tier in the order in which they happened.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        causes: Sequence[ProviderError | BudgetExceeded],
        result: CascadeResult,
        draft: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.causes = tuple(causes)
        self.result = result
        self.draft = draft
        """Text of the best complete draft that was rejected, if there was one."""
        self.__cause__ = self.causes[-1] if self.causes else None
