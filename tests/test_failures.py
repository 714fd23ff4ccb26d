"""What statuses and error bodies mean, in every shape servers send them."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.errors import ErrorKind, ProviderError
from cascadeflow.providers.excerpt import LIMIT, clean, excerpt, find_message, html_text
from cascadeflow.providers.failures import (
    error_from_body,
    error_from_redirect,
    error_from_status,
    request_id,
)
from cascadeflow.providers.redact import scrub

WIRE = Path(__file__).resolve().parents[2] / "shared" / "wire"


def from_status(
    status: int, body: object = b"", headers: dict[str, str] | None = None
) -> ProviderError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_status(status, headers or {}, data, now=time.time())


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, "bad_request", False),
        (401, "auth", False),
        (402, "quota", False),
        (403, "auth", False),
        (404, "not_found", False),
        (405, "not_found", False),
        (408, "timeout.server", True),
        (409, "conflict", True),
        (410, "not_found", False),
        (413, "bad_request", False),
        (422, "bad_request", False),
        (429, "rate_limit", True),
        (500, "server", True),
        (502, "server", True),
        (503, "overloaded", True),
        (504, "server", True),
        (524, "server", True),
        (529, "overloaded", True),
    ],
)
def test_a_status_has_a_kind_and_a_chance(status: int, kind: ErrorKind, retryable: bool) -> None:
    error = from_status(status, {"error": {"message": "no", "type": "some_error"}})
    assert (error.kind, error.retryable, error.status) == (kind, retryable, status)
    assert str(error) == f"status {status}: no"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"message": "m", "type": "insufficient_quota"}}),
        (429, {"error": {"message": "m", "code": "billing_hard_limit_reached"}}),
        (
            429,
            {"error": {"message": "m", "details": {"error_code": "enforced_spend_limit_reached"}}},
        ),
        (
            400,
            {
                "error": {
                    "type": "invalid_request_error",
                    "message": "Your credit balance is too low",
                }
            },
        ),
        (403, {"error": {"type": "billing_error", "message": "m"}}),
        (402, {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}}),
    ],
)
def test_an_empty_purse_is_quota_and_no_waiting_cures_it(status: int, body: object) -> None:
    error = from_status(status, body, {"retry-after": "1"})
    assert (error.kind, error.retryable) == ("quota", False)


def test_a_rate_limit_that_speaks_of_quota_in_passing_is_no_quota() -> None:
    told = "You exceeded your current quota, please check your plan. Please retry in 38s."
    body = [{"error": {"code": 429, "message": told, "status": "RESOURCE_EXHAUSTED"}}]
    error = from_status(429, body)
    assert (error.kind, error.retryable) == ("rate_limit", True)
    assert told in str(error)


def test_a_content_filter_is_a_refusal() -> None:
    inner = {"code": "ResponsibleAIPolicyViolation"}
    error = from_status(400, {"error": {"code": "400", "message": "m", "innererror": inner}})
    assert (error.kind, error.retryable) == ("refused", False)
    assert from_status(400, {"error": {"code": "content_filter"}}).kind == "refused"


def test_the_server_may_overrule_whether_to_retry() -> None:
    assert not from_status(500, b"", {"x-should-retry": "false"}).retryable
    assert from_status(400, b"", {"x-should-retry": " True"}).retryable
    assert from_status(503, b"", {"x-should-retry": "perhaps"}).retryable


NOON = "Sun, 06 Nov 2044 12:00:00 GMT"
TEN_LATER = "Sun, 06 Nov 2044 12:00:10 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1"}, 1.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "3600"}, 3600.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "banana"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "300"}, 0.3),
        ({"retry-after-ms": "300", "retry-after": "9"}, 0.3),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": TEN_LATER, "date": NOON}, 10.0),
        ({"retry-after": NOON, "date": TEN_LATER}, 0.0),
        ({"retry-after": "Sun, 99 Foo 2044", "date": NOON}, None),
    ],
)
def test_retry_after_is_understood_in_every_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert from_status(429, b"", headers).retry_after == seconds


def test_a_date_without_a_date_of_the_response_is_compared_with_our_clock() -> None:
    headers = {"retry-after": formatdate(1_000_020, usegmt=True)}
    assert error_from_status(429, headers, b"", now=1_000_000).retry_after == 20
    headers["date"] = "garbage"
    assert error_from_status(429, headers, b"", now=1_000_000).retry_after == 20


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b'{"error":{"message":"openai says no","type":"t","param":null,"code":null}}',
            "openai says no",
        ),
        (
            b'{"type":"error","error":{"type":"t","message":"anthropic says no"}}',
            "anthropic says no",
        ),
        (b'{"object":"error","message":"vllm says no","type":"t","code":400}', "vllm says no"),
        (b'{"detail":"fastapi says no"}', "fastapi says no"),
        (
            b'{"detail":[{"loc":["body","n"],"msg":"field required"},{"msg":"x"}]}',
            "body.n: field required; x",
        ),
        (b'{"error":"ollama says no"}', "ollama says no"),
        (b'{"errors":[{"message":"first"},{"message":"second"}]}', "first; second"),
        (b'{"message":"gateway says no"}', "gateway says no"),
        (b'"just a string"', "just a string"),
        (
            b'{"error":{"message":"Provider returned error","metadata":{"raw":"why"}}}',
            "Provider returned error: why",
        ),
        (
            b'{"error":{"error":[null,{"message":7}]}}',
            '{"error": {"error": [null, {"message": 7}]}}',
        ),
        (b"<html><head><title>502 Bad\n Gateway</title></head><body><h1>x</h1>", "502 Bad Gateway"),
        (
            b"<!doctype html><body><script>x=1;</script><h1>Sign&nbsp;in</h1><style>p</style>",
            "Sign in",
        ),
        (b"upstream connect error", "upstream connect error"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (
            b'{"error":{"message":"a\\u0000b\\u001b[31mc\\r\\nd\\u202ee\\ud83d"}}',
            "a b [31mc d e\ufffd",
        ),
    ],
)
def test_the_message_is_found_in_every_shape(body: bytes, message: str) -> None:
    assert str(from_status(502, body)) == f"status 502: {message}"


@pytest.mark.parametrize("body", [b"", b"   ", b"null", b"{}", b"[]", b'""', b'{"error":null}'])
def test_a_body_that_says_nothing_still_gives_an_error(body: bytes) -> None:
    error = from_status(500, body)
    assert (error.kind, error.retryable) == ("server", True)
    assert "500" in str(error)


NAMES = st.sampled_from(["error", "message", "detail", "code", "type", "status", "metadata", "loc"])
BODIES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
)


@given(st.binary(max_size=200) | BODIES.map(lambda body: json.dumps(body).encode()))
def test_no_body_makes_it_stumble(body: bytes) -> None:
    for status in (400, 429, 503):
        message = str(from_status(status, body))
        assert message.encode()
        assert clean(message) == message


def test_deep_and_huge_bodies_are_cut() -> None:
    for body in (b"[" * 100_000, b'{"error":' * 5000 + b"1" + b"}" * 5000, b"<" * 65_536):
        assert len(str(from_status(500, body)).encode()) < LIMIT + 100
    long = from_status(500, {"error": {"message": "\u6f22" * 5000}})
    assert LIMIT - 3 < len(long.message.encode()) <= LIMIT + len("status 500: ")
    assert long.message.endswith("\u6f22\u2026")


@pytest.mark.parametrize(
    ("body", "kind", "retryable"),
    [
        ({"error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded", True),
        ({"error": "overloaded"}, "overloaded", True),
        ({"type": "error", "error": "Overloaded"}, "overloaded", True),
        ({"error": {"type": "api_error", "message": "Internal"}}, "server", True),
        ({"error": {"message": "m", "type": "server_error", "code": None}}, "server", True),
        ({"error": {"message": "m", "type": "rate_limit_error", "code": 429}}, "rate_limit", True),
        ({"error": {"message": "m", "code": "rate_limit_exceeded"}}, "rate_limit", True),
        (
            {"object": "error", "message": "m", "type": "BadRequest", "code": 400},
            "bad_request",
            False,
        ),
        ({"error": {"message": "m", "code": "502"}}, "server", True),
        ({"error": {"message": "m", "code": 503}}, "overloaded", True),
        ({"error": {"code": 1302, "message": "m"}}, "server", True),
        ({"error": {"message": "m", "type": "insufficient_quota"}}, "quota", False),
        ({"error": {"message": "m", "code": "invalid_api_key"}}, "auth", False),
        ({"error": {"message": "m", "type": "permission_error"}}, "auth", False),
        (
            {"error": {"message": "m", "type": "invalid_request_error", "code": "model_not_found"}},
            "not_found",
            False,
        ),
        ({"error": {"message": "m", "type": "invalid_request_error"}}, "bad_request", False),
        ({"error": {"message": "m", "code": "content_filter"}}, "refused", False),
        ({"error": {"message": "m", "type": "timeout_error"}}, "timeout.server", True),
        ({"error": {"message": "m", "status": "UNAVAILABLE"}}, "overloaded", True),
        ({"__type": "ThrottlingException", "message": "m"}, "rate_limit", True),
        ("engine dead", "server", True),
        (None, "server", True),
        ([], "server", True),
        ({"error": {"error": [None, {"message": 7}]}}, "server", True),
    ],
)
def test_an_error_inside_an_answer_has_only_its_words(
    body: object, kind: ErrorKind, retryable: bool
) -> None:
    error = error_from_body(body)
    assert (error.kind, error.retryable, error.status) == (kind, retryable, None)


def test_a_given_status_decides_the_kind_of_a_body() -> None:
    assert error_from_body({"error": {"type": "server_error"}}, status=404).kind == "not_found"
    assert error_from_body({"error": {"type": "overloaded_error"}}, status=200).kind == "overloaded"


def test_the_request_id_is_found_and_bounded() -> None:
    assert request_id({"request-id": "req_1"}) == "req_1"
    assert request_id({"cf-ray": "a1", "x-request-id": "b2"}) == "b2"
    assert request_id({"x-request-id": "r" * 4000}) == "r" * 200
    assert request_id({"x-request-id": " \r\n", "x-amzn-requestid": "z"}) == "z"
    assert request_id({"server": "x"}) is None
    assert (
        from_status(404, {"error": {"message": "m"}, "request_id": "req_2"}).request_id == "req_2"
    )


def test_a_redirect_names_no_more_than_the_origin_of_its_target() -> None:
    location = "https://user:pass@evil.test:8/path?key=1"
    error = error_from_redirect(307, {"location": location}, "https://here.test")
    assert "https://evil.test:8," in str(error)
    assert not {"pass", "path", "key"} & set(str(error).replace("?", " ").replace("/", " ").split())
    assert (error.kind, error.retryable, error.status) == ("protocol", False, 307)
    assert "to https://here.test," in str(error_from_redirect(302, {}, "https://here.test"))
    assert "not valid" in str(error_from_redirect(302, {"location": "http://[x"}, "http://h"))


KEY = "sk-canary-0123456789abcdefghij"


@pytest.mark.parametrize(
    "echo",
    [
        f"bad key {KEY}!",
        f"bad header Bearer {KEY}",
        f"{KEY}{KEY}",
        f"it starts with {KEY[:8]} ...",
        f"it ends with {KEY[-9:]}",
        f"{KEY[:12]}********{KEY[-4:]}",
        f"in the middle {KEY[5:20]}",
    ],
)
def test_no_eight_characters_of_a_key_survive(echo: str) -> None:
    text = scrub(echo, (f"Bearer {KEY}",))
    assert "[redacted]" in text
    assert not any(KEY[at : at + 8] in text for at in range(len(KEY) - 7))


def test_scrubbing_leaves_other_text_alone() -> None:
    text = "The model `x` does not exist. Bearer tokens are fine. sk-can"
    assert scrub(text, (f"Bearer {KEY}", "", "abc")) == text
    assert scrub("short pass1 here", ("pass1",)) == "short [redacted] here"


@given(st.text(max_size=50), st.text(max_size=50), st.integers(0, 30), st.integers(0, 30))
def test_whatever_part_of_the_key_is_echoed_is_taken_out(
    before: str, after: str, start: int, end: int
) -> None:
    text = scrub(before + KEY[start:end] + after, (KEY,))
    assert not any(KEY[at : at + 8] in text for at in range(len(KEY) - 7))


def test_an_excerpt_of_html_and_of_text_is_one_clean_line() -> None:
    assert excerpt("a\tb\x9b\u2028c\x00") == "a b c"
    assert html_text(b"\xef\xbb\xbf <p>one</p><p>two").split() == ["one", "two"]
    assert html_text(b"<title> </title><p>x</p>").split() == ["x"]
    assert find_message({"error": {"message": "  "}, "detail": "d"}) == "d"


EXPECTED: dict[int, tuple[ErrorKind, bool]] = {
    400: ("bad_request", False),
    401: ("auth", False),
    404: ("not_found", False),
    429: ("rate_limit", True),
}


@pytest.mark.skipif(not WIRE.exists(), reason="the recorded error bodies are not here")
def test_recorded_error_bodies_give_a_kind_and_the_message_of_the_server() -> None:
    rows = [json.loads(line) for line in (WIRE / "INDEX.jsonl").read_text().splitlines()]
    errors = [row for row in rows if row["kind"] == "error"]
    assert errors
    for row in errors:
        body = (WIRE / row["file"]).read_bytes()
        error = error_from_status(row["status"], {}, body, now=0)
        assert (error.kind, error.retryable) == EXPECTED[row["status"]], row["file"]
        told = json.loads(body)["error"]
        told = told if isinstance(told, str) else told["message"]
        assert clean(told) in str(error), row["file"]
        assert "{" not in str(error).replace(clean(told), ""), row["file"]
