"""What a server was asked and how it ended, for tests to read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"}
)
"""Recorded with the value `***`."""


@dataclass(slots=True, eq=False)
class RecordedRequest:
    """One request. Times are seconds of `time.monotonic`."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    """The JSON body; empty if it could not be read."""
    started_at: float = field(default_factory=time.monotonic)
    closed_at: float | None = None
    """When the answer was complete or the client left; None: still answering."""
    finished: bool = False
    """True if the whole answer was sent; False with a `closed_at`: the client left before."""
    status: int = 0
    """HTTP status of the answer; 0: none was begun."""
    sent_tokens: int = 0
    """Tokens written to the client so far."""


def record(path: str, headers: Mapping[str, str]) -> RecordedRequest:
    """A new record, with the values of secret headers left out."""
    kept = {
        name.lower(): "***" if name.lower() in SECRET_HEADERS else value
        for name, value in headers.items()
    }
    return RecordedRequest(path, kept)
