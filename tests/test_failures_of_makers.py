"""Errors in the words of many makers: what waiting cures, what it does not, and for how long."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest

from cascadeflow.providers.failures import error_from_body, error_from_status

_EMPTY = b'{"error": {"message": "m", "code": "insufficient_quota"}}'

EXHAUSTED = [
    (429, {"code": "x", "error": "Your team has either used all available credits or so."}),
    (429, {"error": "You have reached your monthly spending limit."}),
    (400, {"error": {"message": "You have reached your specified API usage limits."}}),
    (412, {"error": {"message": "Suspended, possibly due to reaching the monthly spending limit"}}),
    (429, {"error": {"message": "Add credits", "type": "credit_limit"}}),
    (429, {"error": {"message": "m", "type": "access_terminated", "code": None}}),
    (429, {"error": {"message": "m", "code": "account_deactivated"}}),
    (429, {"detail": {"error": {"message": "m", "code": "insufficient_quota"}}}),
    (429, {"errors": [{"message": "m", "code": "insufficient_quota"}]}),
    (429, b"\xef\xbb\xbf" + _EMPTY),
    (429, b"event: error\ndata: " + _EMPTY + b"\n\n"),
    (429, b"data:" + _EMPTY),
]


@pytest.mark.parametrize(("status", "body"), EXHAUSTED)
def test_what_no_waiting_cures_is_quota_whoever_says_it(status: int, body: object) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = error_from_status(status, {"retry-after": "1"}, data, now=0)
    assert (error.kind, error.retryable) == ("quota", False)
    assert "event" not in str(error)


@pytest.mark.parametrize("code", ["request_quota_exceeded", "token_quota_exceeded"])
def test_a_quota_of_a_minute_is_a_rate_limit(code: str) -> None:
    told = {"message": "too many", "type": "too_many_tokens_error", "param": "quota", "code": code}
    error = error_from_status(429, {}, json.dumps(told).encode(), now=0)
    assert (error.kind, error.retryable) == ("rate_limit", True)
    inside = error_from_body(told)
    assert (inside.kind, inside.retryable) == ("rate_limit", True)
    assert error_from_body({"error": {"code": "quota_exceeded"}}).kind == "quota"


def test_a_closed_account_behind_401_is_a_matter_of_the_key() -> None:
    body = b'{"error": {"message": "m", "code": "account_deactivated"}}'
    assert error_from_status(401, {}, body, now=0).kind == "auth"


def test_an_event_that_never_ends_or_is_empty_is_no_error_of_ours() -> None:
    for body in (b"data:", b"event: error\n\n", b"data: " + b"x" * 200_000):
        assert error_from_status(500, {}, body, now=0).kind == "server"


@pytest.mark.parametrize(
    ("delay", "seconds"), [("17s", 17.0), ("1.5s", 1.5), ("s", None), ("17", None), (17, None)]
)
def test_googles_wait_stands_in_the_body(delay: object, seconds: float | None) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    body = [{"error": {"code": 429, "message": "m", "details": [{"@type": "x"}, info]}}]
    assert error_from_body(body).retry_after == seconds
    data = json.dumps(body).encode()
    assert error_from_status(429, {}, data, now=0).retry_after == seconds
    assert error_from_status(429, {"retry-after": "0"}, data, now=0).retry_after == 0


@pytest.fixture
def far_west() -> Iterator[None]:
    """A machine whose own time is not UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("far_west")
def test_a_date_without_a_zone_is_utc() -> None:
    for until in ("Sun Nov  6 08:49:37 1994", "Sunday, 06-Nov-94 08:49:37 GMT"):
        headers = {"retry-after": until, "date": "Sun, 06 Nov 1994 08:49:27 GMT"}
        assert error_from_status(429, headers, b"", now=0).retry_after == 10
