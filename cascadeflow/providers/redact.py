"""Keeps credentials out of what is shown: of tracebacks, and of what servers echo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

_SECRET = re.compile("auth|key|token|secret|cookie|password|credential|signature", re.IGNORECASE)
"""Names of headers and of URL parameters whose values are credentials."""
_MARK = "[redacted]"
_SHORTEST = 4
_RUN = 8
"""Characters; so many of a credential give it away, fewer may be anything."""


class Hidden(str):
    """A text whose `repr` does not show it: a traceback may show local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


def hide(values: Mapping[str, str]) -> dict[str, str]:
    """A copy with values that are not shown, of headers or of an environment."""
    return {name: Hidden(value) for name, value in values.items()}


def host_of(url: str) -> str:
    """What may be shown of a URL that is not valid: scheme and host, for what follows may be a key.

    Of a text without "://" it is no more than of any text that may be one.
    """
    found = re.match(r"[^:/?#@]*://([^/?#\\]*)", url)
    if found is None:
        return url if len(url) < _RUN else url[: _RUN - 1] + "…"
    scheme, host = found[0].partition("://")[0], found[1].rpartition("@")[2]
    # What stands in the place of a port and is none.
    host = re.sub(r":(?!\d{1,5}$)[^\]]{8,}$", ":\u2026", host)
    return f"{scheme}://{host}{'/…' if found.end() < len(url) else ''}"[:200]


def secrets_of(url: str, headers: Mapping[str, str]) -> tuple[str, ...]:
    """The credentials that a request carries in its headers and in the query of its URL."""
    named = (*headers.items(), *parse_qsl(urlsplit(url).query))
    return tuple(Hidden(value) for name, value in named if _SECRET.search(name))


def scrub(text: str, secrets: Iterable[str]) -> str:
    """`text` without the credentials, whole or in part.

    Args:
        text: what the server said, possibly an echo of the request.
        secrets: header values: a scheme like "Bearer" before the key is no secret itself.

    Every run of 8 or more characters that is also found in a credential is replaced, so a server
    that shows the first or last characters of a key gives nothing away. Linear in `text`.
    """
    return _replaced(text, secrets, lambda _: _MARK)


def mask(text: str, secrets: Iterable[str]) -> str:
    """The same with an asterisk for each character: nothing changes its place."""
    return _replaced(text, secrets, lambda length: "*" * length)


def _replaced(text: str, secrets: Iterable[str], mark: Callable[[int], str]) -> str:
    if not text:
        return text
    hidden = bytearray(len(text))
    for secret in secrets:
        for start, end in _spans(text, secret):
            hidden[start:end] = b"x" * (end - start)
    kept: list[str] = []
    at = 0
    for run in re.finditer(b"x+", hidden):
        kept += text[at : run.start()], mark(run.end() - run.start())
        at = run.end()
    return "".join((*kept, text[at:]))


def _spans(text: str, secret: str) -> Iterator[tuple[int, int]]:
    key = secret.rpartition(" ")[2]
    for part in {str(secret), key}:
        if len(part) >= _SHORTEST and part in text:
            yield from (
                (found.start(), found.end()) for found in re.finditer(re.escape(part), text)
            )
    if len(text) >= _RUN:
        runs = {key[at : at + _RUN] for at in range(len(key) - _RUN + 1)}
        for at in range(len(text) - _RUN + 1):
            if text[at : at + _RUN] in runs:
                yield at, at + _RUN
