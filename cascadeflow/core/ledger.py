"""What a query cost: a row for each attempt, exact sums, an estimate where nothing is reported.

Units: dollars are `Decimal` and exact, tokens are counts, times are seconds of a monotonic clock.

The rules by which `Ledger.close` fixes the dollars of a row, the first that fits:
1. The provider's closing count is truth: source "reported".
2. Nothing came back, and no byte of the request can have left (it waited for its turn or for a
   connection), or the failure says that no answer was begun (not asked at all, no connection, a
   redirect, or an error status): 0 tokens, 0 dollars, source "reported", since nothing in the row
   is a guess.
3. Anything else, e.g. a stream that was cut or cancelled, is estimated: source "estimated".
   Input: what the provider reported before the end, else the estimate of the request. Output: the
   larger of what was reported so far and the estimate from the bytes received, thinking included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from functools import reduce
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from ..errors import ErrorKind, ProviderError
from ..types import Request, Usage

JSON: TypeAlias = "str | float | bool | Mapping[str, JSON] | Sequence[JSON] | None"

CostSource: TypeAlias = Literal["priced", "configured", "unknown"]
"""Where a price comes from. priced: separate prices of input and output, from the caller or the
catalogue; configured: the caller's flat `cost`; unknown: no price, 0 dollars."""

Outcome: TypeAlias = Literal[
    "open", "accepted", "rejected", "abandoned", "answered", "judged", "failed", "cancelled"
]
"""How an attempt ended. open: it has not. accepted: a judged draft was kept. rejected: it was
whole, and not kept. abandoned: given up while it streamed. answered: a tier that is not judged, the
last one or the only one, answered. judged: an optional judge was answered about a draft of this
tier. failed: see `error`. cancelled: the caller left, or a hedge was not needed."""

EXACT = Context(prec=100)
"""Money is computed in this context: no sum or product of prices and token counts is rounded,
whatever precision the caller's own decimal context has."""

UNBILLED: frozenset[ErrorKind] = frozenset((
    "circuit_open", "connect", "dns", "tls", "timeout.connect",  # it never reached the server
    "auth", "bad_request", "not_found", "conflict", "rate_limit", "quota",  # it declined
    "overloaded", "server", "timeout.server",  # it broke down before it began
))  # fmt: skip
"""Failures that cost nothing if nothing at all came back before them."""

IMAGE_TOKENS = 1000
"""Flat figure for an image, or any other part of a message that is not text. A square photograph of
1024 pixels costs 765 tokens at OpenAI and 1,398 at Anthropic, and 258 at Google."""

MESSAGE_TOKENS = 4
"""Role and separators of one message. OpenAI's cookbook counts 3 or 4:
https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken"""


class Price(Protocol):
    """What a model's tokens cost."""

    @property
    def source(self) -> CostSource:
        """Where the price comes from."""
        ...

    def usd(self, usage: Usage) -> Decimal:
        """Dollars of one request with this usage, exact, >= 0; never raises.

        For a given input it is linear in `output_tokens`: tiers depend on the input alone. What is
        shown of a stream that still runs takes thinking for ordinary output.
        """
        ...


class FlatPrice(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars per million tokens, whatever their number."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    """Input read from the provider's cache; None: like any other input."""
    cache_write: Decimal | None = None
    """Input written to the provider's cache; None: like any other input."""
    source: CostSource = "priced"

    def usd(self, usage: Usage) -> Decimal:
        """Dollars of one request with this usage, exact."""
        usage = consistent(usage)
        read, written = usage.cached_tokens, usage.cache_write_tokens
        total = EXACT.multiply(self.output, usage.output_tokens)
        total = EXACT.fma(self.input, usage.input_tokens - read - written, total)
        if read:
            total = EXACT.fma(self.input if self.cached is None else self.cached, read, total)
        if written:
            price = self.input if self.cache_write is None else self.cache_write
            total = EXACT.fma(price, written, total)
        return EXACT.scaleb(total, -6)


def consistent(usage: Usage) -> Usage:
    """The same usage with no count below 0 and no part larger than its whole."""
    whole_input, whole_output = max(usage.input_tokens, 0), max(usage.output_tokens, 0)
    read = min(max(usage.cached_tokens, 0), whole_input)
    return Usage(
        input_tokens=whole_input,
        output_tokens=whole_output,
        cached_tokens=read,
        cache_write_tokens=min(max(usage.cache_write_tokens, 0), whole_input - read),
        reasoning_tokens=min(max(usage.reasoning_tokens, 0), whole_output),
    )


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, not rounded."""
    return reduce(EXACT.add, amounts, Decimal(0))


def utf8_length(text: str) -> int:
    """Bytes of `text` in UTF-8; constant time for ASCII."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def estimate_tokens(text_bytes: int) -> int:
    """Tokens of so many bytes of UTF-8: a quarter, rounded up.

    Source: OpenAI's rule of thumb of four characters to a token of English,
    https://help.openai.com/en/articles/4936856.
    Estimate / true count of recorded answers of GPT and Llama models, median and middle 90 %:
    0.90 (0.74 to 1.04) for 882 English solutions of GSM8K, 1.12 (0.78 to 1.36) for 741 tool calls
    of BFCL as JSON. Other languages and tokenisers differ more.
    """
    return -(-text_bytes // 4)


def estimate_input(request: Request) -> int:
    """Estimated tokens of a request: messages, tools and schema of the answer. Linear, no I/O."""
    text_bytes = _json_bytes(request.tools) + _json_bytes(request.response_format)
    flat = 0
    for message in request.messages:
        flat += MESSAGE_TOKENS
        text_bytes += _json_bytes(message.get("tool_calls"))
        content: JSON = message.get("content")
        for part in content if isinstance(content, list | tuple) else (content or "",):
            text = part.get("text") if isinstance(part, Mapping) else part
            if isinstance(text, str):
                text_bytes += utf8_length(text)
            else:
                flat += IMAGE_TOKENS
    return flat + estimate_tokens(text_bytes)


def _json_bytes(value: JSON) -> int:
    """About the length of `value` as JSON, 0 if it is empty.

    A loop, so that no depth of nesting can break it.
    """
    total = 0
    pending: list[JSON] = [value] if value else []
    while pending:
        match pending.pop():
            case str() as text:
                total += utf8_length(text) + 2
            case Mapping() as mapping:
                pending += mapping.keys()
                pending += mapping.values()
                total += 2 + 2 * len(mapping)
            case list() | tuple() as items:
                pending += items
                total += 2 + len(items)
            case _:
                total += 4
    return total


class Attempt(msgspec.Struct, kw_only=True, eq=False):
    """One row: one request that was opened, a refused connection included."""

    model: str
    provider: str
    tier: int
    """Place of the model in the ladder, from 0."""
    number: int
    """Place of the row in its ledger, from 1."""
    price: Price
    input_estimate: int
    """Estimated tokens of the request, used until the provider reports."""
    opened: float
    """When the request is due, in seconds of the caller's clock."""
    outcome: Outcome = "open"
    error: ErrorKind | None = None
    """Why it failed, None unless it did."""
    message: str | None = None
    """The same in words, without credentials; they may quote what the server said."""
    reason: str = ""
    """Of the decision on this draft; empty: there was none."""
    usage: Usage = Usage()
    """Tokens of the row; zeros while it is open."""
    usd: Decimal = Decimal(0)
    """Dollars of the row; 0 while it is open."""
    source: Literal["reported", "estimated"] = "estimated"
    """estimated: some number in the row is a guess."""
    latency: float | None = None
    """Seconds from opened to the end of the answer, None before it."""
    first_token: float | None = None
    """Seconds from opened to the first token, None before it."""
    request_id: str | None = None
    """The provider's name for the request."""
    output_bytes: int = 0
    """Bytes of UTF-8 received: text, thinking, names and arguments of calls."""
    reported: Usage | None = None
    """The provider's last count."""
    final: bool = False
    """`reported` is the provider's closing count."""
    sent: bool | None = False
    """Whether its request may have reached the server. Told by whoever sends it; None: nobody says,
    and it may have."""
    redirected: bool = False
    """It failed with a redirect, which is refused."""
    judging: bool = False
    """It asked an optional judge about a draft, beside the answers."""
    ahead: float | None = None
    """Of a hedge: seconds it was under way before its draft was decided on; None: it was none."""
    rate: tuple[tuple[int, int, int], Decimal, Decimal] | None = None
    """Of the live estimate: tokens of the input, its dollars, dollars of one token of output."""

    @property
    def free(self) -> bool:
        """Nothing came back, and nothing was begun (rule 2)."""
        nothing = self.reported is None and not self.output_bytes
        return nothing and (self.sent is False or self.redirected or self.error in UNBILLED)

    def count(self, text: str) -> None:
        """Add a piece of the output. Runs for every chunk: it adds to one integer."""
        self.output_bytes += len(text) if text.isascii() else utf8_length(text)

    def tokens(self) -> Usage:
        """Tokens so far: the closing count (rule 1), else the estimate (rule 3)."""
        told = self.reported or Usage()
        if self.final:
            return told
        return msgspec.structs.replace(
            told,
            input_tokens=told.input_tokens or self.input_estimate,
            output_tokens=max(told.output_tokens, estimate_tokens(self.output_bytes)),
        )

    def to_dict(self) -> dict[str, Any]:
        """The row in JSON types: dollars as float, latency in milliseconds."""
        return {
            "number": self.number,
            "model": self.model,
            "provider": self.provider,
            "tier": self.tier,
            "outcome": self.outcome,
            "error": self.error,
            "message": self.message,
            "reason": self.reason,
            "usage": msgspec.structs.asdict(self.usage),
            "usd": float(self.usd),
            "source": self.source,
            "latency_ms": None if self.latency is None else self.latency * 1000,
            "request_id": self.request_id,
        }


class Ledger:
    """The rows of one query; the turns of a tool loop share it. Sums are exact."""

    def __init__(self) -> None:
        self.rows: list[Attempt] = []
        """Every attempt in the order in which they were opened."""
        self.total = Decimal(0)
        """Dollars of all rows; open ones count 0."""

    @property
    def usage(self) -> Usage:
        """Tokens of all rows; open ones count 0."""
        return sum((row.usage for row in self.rows), Usage())

    @property
    def cost_source(self) -> CostSource:
        """The weakest source among the prices of the rows; "priced" without rows."""
        sources = {row.price.source for row in self.rows}
        if "unknown" in sources:
            return "unknown"
        return "configured" if "configured" in sources else "priced"

    def open(
        self, *, model: str, provider: str, tier: int, price: Price, input_estimate: int, now: float
    ) -> Attempt:
        """Begin a row.

        `input_estimate`: tokens, from `estimate_input`. `now`: seconds; later than the present if
        the request has to wait.
        """
        attempt = Attempt(
            model=model,
            provider=provider,
            tier=tier,
            number=len(self.rows) + 1,
            price=price,
            input_estimate=input_estimate,
            opened=now,
        )
        self.rows.append(attempt)
        return attempt

    def report(self, attempt: Attempt, usage: Usage, *, final: bool = False) -> bool:
        """Take the provider's count so far; the last one counts.

        `final`: it is the closing count, as in a `Stop`; one without output, though there was some,
        closes nothing. Returns False, and takes nothing, if a number is negative or no integer:
        then it is not a count.
        """
        if any(type(count) is not int or count < 0 for count in msgspec.structs.astuple(usage)):
            return False
        attempt.reported = consistent(usage)
        attempt.final = final and (usage.output_tokens > 0 or not attempt.output_bytes)
        return True

    def spent_now(self, *attempts: Attempt) -> Decimal:
        """Dollars of all closed rows and of those of `attempts` that are open, as estimated."""
        live = (_so_far(attempt) for attempt in attempts if attempt.outcome == "open")
        return exact_sum((self.total, *live))

    def fail(self, attempt: Attempt, error: ProviderError, now: float) -> None:
        """Close a row whose attempt failed, as `close` does."""
        attempt.request_id = error.request_id or attempt.request_id
        attempt.redirected = error.status is not None and 300 <= error.status < 400
        attempt.message = error.message
        self.close(attempt, "failed", now, error.kind)

    def close(
        self, attempt: Attempt, outcome: Outcome, now: float, error: ErrorKind | None = None
    ) -> None:
        """Fix outcome, tokens and dollars of a row by the rules above.

        Raises:
            ValueError: the row is closed already, or `outcome` is "open".
        """
        if attempt.outcome != "open" or outcome == "open":
            raise ValueError(
                f"attempt {attempt.number} is {attempt.outcome} and cannot become {outcome}; "
                "a row is closed once"
            )
        attempt.outcome, attempt.error = outcome, error
        if attempt.latency is None:
            attempt.latency = max(now - attempt.opened, 0.0)
        attempt.source = "reported" if attempt.free or attempt.final else "estimated"
        if not attempt.free:
            attempt.usage = attempt.tokens()
            attempt.usd = attempt.price.usd(attempt.usage)
            self.total = EXACT.add(self.total, attempt.usd)


def saved(ledger: Ledger, answer: Attempt | None, last: Price) -> Decimal:
    """Dollars saved against the last tier answering alone; negative if a draft was paid in vain.

    Alone, it is taken to need the tokens measured on the attempts that were kept: those accepted or
    answered, one for each turn, and `answer` (a rejected draft may be, when nothing better came). 0
    without an answer: there is nothing to compare.
    """
    if answer is None:
        return Decimal(0)
    kept = [row for row in ledger.rows if row.outcome in ("accepted", "answered") or row is answer]
    alone = exact_sum(row.usd if row.price is last else last.usd(row.usage) for row in kept)
    return EXACT.subtract(alone, ledger.total)


def _so_far(attempt: Attempt) -> Decimal:
    """Dollars of an open row."""
    usage = attempt.tokens()
    prompt = (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens)
    if attempt.rate is None or attempt.rate[0] != prompt:
        without, with_one = (
            attempt.price.usd(msgspec.structs.replace(usage, output_tokens=n, reasoning_tokens=0))
            for n in (0, 1)
        )
        attempt.rate = (prompt, without, EXACT.subtract(with_one, without))
    _, of_input, of_token = attempt.rate
    return EXACT.fma(of_token, usage.output_tokens, of_input)
