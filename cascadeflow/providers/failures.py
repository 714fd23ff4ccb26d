"""From what a server said about a failure to a `ProviderError`. Pure: no I/O, no clock.

A status decides the kind, and the words of the body refine it where a status is ambiguous: a
429 may be a quota that no waiting cures, a 400 a content filter. An error inside a 200 answer has
only its words, or a status repeated in the body. Bodies come in every shape: OpenAI's and
Anthropic's objects, vLLM's flat one, FastAPI's `detail`, strings, lists, an event, HTML, nothing.

Retryable: 408, 409, 429 unless quota, everything from 500 on; `x-should-retry` wins.
Units: seconds; bytes of UTF-8 for `EXCERPT`.
Sources: https://platform.openai.com/docs/guides/error-codes,
https://docs.anthropic.com/en/api/errors, RFC 9110 sections 10.2.3 (Retry-After) and 15 (status).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from ..errors import ErrorKind, ProtocolError, ProviderError
from .excerpt import clean, excerpt, find_message, html_text
from .lenient import begins_as_json, is_list, is_object
from .sse import SSEDecoder

_READ = 64 * 1024
"""Of events in place of an error body, no more than this is looked at."""
REQUEST_IDS = (
    "x-request-id", "request-id", "x-amzn-requestid", "x-amz-request-id", "apim-request-id",
    "x-ms-request-id", "x-goog-request-id", "x-generation-id", "cf-ray",
)  # fmt: skip
"""Headers in which providers name the request."""
_RETRYABLE: frozenset[ErrorKind] = frozenset(
    ("timeout.server", "conflict", "rate_limit", "overloaded", "server")
)
_BY_STATUS: Mapping[int, ErrorKind] = {
    401: "auth", 402: "quota", 403: "auth", 404: "not_found", 405: "not_found",
    408: "timeout.server", 409: "conflict", 410: "not_found", 429: "rate_limit",
    503: "overloaded", 529: "overloaded",
}  # fmt: skip
_QUOTA = (
    "insufficientquota|insufficientbalance|insufficientcredit|insufficientfunds|billing|spendlimit"
    "|creditbalance|creditlimit|outofcredit|paymentrequired|exceededcurrentquota|exceededquota"
    # Cerebras calls so what is allowed in a minute: `request_quota_exceeded`.
    "|(?<!request)(?<!token)quotaexceeded"
)
_CLOSED = "accessterminated|accountdeactivated|accountsuspended"
_REFUSED = "contentfilter|contentpolicy|responsibleai|contentmoderation"
_BY_WORD: Mapping[ErrorKind, str] = {
    "quota": _QUOTA,
    "refused": _REFUSED,
    "overloaded": "overload|unavailable|capacity|slowdown|serverbusy|modelloading",
    "rate_limit": "ratelimit|toomanyrequests|resourceexhausted|throttl|quotaexceeded",
    "auth": "authent|apikey|permission|unauthori|forbidden|accessdenied",
    "not_found": "notfound|doesnotexist",
    "timeout.server": "timeout|timedout|deadlineexceeded",
    "conflict": "conflict",
    "bad_request": "badrequest|invalid|unsupported|validation|toolarge|toolong|contextlength"
    "|unproc",
}
"""Tried in order on the words of an error, see `_words`."""
_INNER = ("error", "errors", "detail", "details", "innererror")
_QUOTA_MESSAGE = re.compile(
    "credit balance is too low|insufficient (balance|credits|funds)|billing hard limit"
    "|(spend|spending|usage) limit (has been )?(reached|exceeded)|used all available credits"
    r"|(reach|exceed)(ed|ing) (its|the|your)( \w+){0,3} (spend|spending|usage) limit",
    re.IGNORECASE,
)
"""Where only the sentence tells: Anthropic sends this one as an `invalid_request_error`."""


def error_from_status(
    status: int, headers: Mapping[str, str], body: bytes, *, now: float
) -> ProviderError:
    """What an answer with a status other than success means.

    Args:
        status: HTTP status, usually 400 or more.
        headers: names in lower case, or a mapping that does not mind.
        body: as much of it as was read, decompressed; any bytes.
        now: wall clock, seconds since the epoch; only for a date in `Retry-After` of a response
            that does not say its own date.
    """
    parsed = _parse(body)
    told = find_message(parsed) if parsed is not None else html_text(body)
    kind = _kind(status, parsed, told)
    words = excerpt(told)
    wait = retry_after(headers, now)
    advised = headers.get("x-should-retry", "").strip().lower()
    return ProviderError(
        f"status {status}: {words}" if words else f"status {status} without a message",
        kind=kind,
        status=status,
        retryable={"true": True, "false": False}.get(advised, kind in _RETRYABLE),
        retry_after=_retry_delay(parsed) if wait is None else wait,
        request_id=request_id(headers) or _request_id_in(parsed),
    )


def error_from_body(body: object, *, status: int | None = None) -> ProviderError:
    """What an error object inside an otherwise successful answer means.

    Args:
        body: the decoded JSON of the event or answer, of any shape.
        status: HTTP status of the response, if it is to be named; 400 or more decides the kind.
    """
    told = find_message(body)
    decisive = status if status is not None and status >= 400 else _status_in(body)
    kind = _kind(decisive, body, told)
    return ProviderError(
        excerpt(told) or "the server reported an error without a message",
        kind=kind,
        status=status,
        retryable=kind in _RETRYABLE,
        retry_after=_retry_delay(body),
        request_id=_request_id_in(body),
    )


def error_from_unread(body: bytes) -> ProviderError:
    """What it means that a body, sent in place of events, is no answer and no error object."""
    if begins_as_json(body) and _parse(body) is None:
        told = f"the JSON of the answer is not whole: {len(body)} bytes of it came"
        return ProviderError(told, kind="incomplete", retryable=True)
    return ProtocolError(
        f"the server sent {len(body)} bytes that are neither events nor an answer in JSON"
    )


def error_from_redirect(status: int, headers: Mapping[str, str], origin: str) -> ProtocolError:
    """A redirect is refused: its target would be handed the key.

    Args:
        status: 3xx.
        headers: of the response.
        origin: scheme, host and port of the request. Of the target no more is named.
    """
    try:
        parts = urlsplit(headers.get("location", ""))
        target = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else origin
    except ValueError:
        target = "an address that is not valid"
    return ProtocolError(
        f"status {status}: {origin} redirects to {clean(target)[:200]}, which is not followed; "
        "the base URL must be the final one",
        status=status,
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's name for the request, at most 200 characters; None if it gave none."""
    for name in REQUEST_IDS:
        if (given := headers.get(name)) and (ident := clean(given[:200])):
            return ident
    return None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the server asked to wait; None if it did not, or not in a way one can follow.

    A date is compared with the date of the response itself, so that two clocks need not agree.
    """
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get("retry-after", "")
    seconds, until = _seconds(given), _timestamp(given)
    if seconds is not None or until is None:
        return seconds
    sent = _timestamp(headers.get("date", ""))
    return max(0.0, until - (now if sent is None else sent))


def _kind(status: int | None, body: object, told: str) -> ErrorKind:
    """What the status says, where the words of the body do not know better."""
    words = _words(body)
    unpaid = re.search(_QUOTA, words) or _QUOTA_MESSAGE.search(told)
    if status is None:
        if unpaid:
            return "quota"
        # An error that is a bare word, {"error": "overloaded"}, has said its type as its message.
        words = words or (_squeeze(told) if len(told) <= 40 else "")
        for kind, like in _BY_WORD.items():
            if re.search(like, words):
                return kind
        return "server"
    usual: ErrorKind = "server" if status >= 500 else "bad_request" if status >= 400 else "protocol"
    match _BY_STATUS.get(status, usual):
        case "rate_limit" | "auth" | "bad_request" if unpaid:
            return "quota"
        case "rate_limit" if re.search(_CLOSED, words):
            return "quota"
        case "bad_request" if re.search(_REFUSED, words):
            return "refused"
        case "server" if "overload" in words:
            return "overloaded"
        case kind:
            return kind


def _parts(body: object) -> list[Mapping[str, Any]]:
    """The objects that may describe the error: the body, its `error`, `details` and the like."""
    found: list[Mapping[str, Any]] = []
    queue: list[object] = [body]
    for item in queue:
        if is_list(item):
            queue += item[:8]
        elif is_object(item):
            found.append(item)
            queue += [item.get(name) for name in _INNER]
        if len(queue) > 64:
            break
    return found


def _words(body: object) -> str:
    """Types and codes in the body, of each the letters and digits."""
    names = ("code", "type", "__type", "status", "error_code", "reason")
    values = [part.get(name) for part in _parts(body) for name in names]
    words = [_squeeze(value) for value in values if isinstance(value, str)]
    return " ".join(word for word in words if word not in ("", "error"))


def _squeeze(word: str) -> str:
    return re.sub("[^a-z0-9]", "", word[:200].lower())


def _status_in(body: object) -> int | None:
    """A status of 400 or more that the error object repeats; the innermost one."""
    for part in reversed(_parts(body)):
        for name in ("code", "status_code", "status", "http_status"):
            value = part.get(name)
            if isinstance(value, str) and re.fullmatch("[45][0-9]{2}", value):
                value = int(value)
            if isinstance(value, int) and 400 <= value <= 599:
                return value
    return None


def _request_id_in(body: object) -> str | None:
    given = (part.get("request_id") for part in _parts(body))
    return next(filter(None, (clean(v[:200]) for v in given if isinstance(v, str))), None)


def _parse(body: bytes) -> object:
    """The JSON of a body, or of an event in its place; None if it is not JSON."""
    if body.startswith((b"data:", b"event:")):
        events = list(SSEDecoder().feed(body[:_READ] + b"\n\n"))
        body = events[0].data[0] if events else b""
    try:
        parsed: object = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return parsed


def _retry_delay(body: object) -> float | None:
    """Seconds in Google's `RetryInfo`, which has no header beside it."""
    given = (part.get("retryDelay") for part in _parts(body))
    delays = (value[:-1] for value in given if isinstance(value, str) and value.endswith("s"))
    return _seconds(next(delays, None))


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _timestamp(date: str) -> float | None:
    try:
        when = parsedate_to_datetime(date)
        # The old form of asctime() names no zone: it is UTC, not ours.
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
