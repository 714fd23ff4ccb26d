"""URLs and headers as people write them, checked and completed. No I/O.

A base URL may end in a slash or not, stop before or after the version, or already name the
endpoint: all of `https://host`, `https://host/`, `https://host/v1` and
`https://host/v1/chat/completions` lead to the last one. Any other path is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ..errors import ConfigError
from .redact import Hidden, host_of

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile("[^\t -~\x80-\xff]|^[\t ]|[\t ]$")
"""Control characters, what latin-1 lacks, and outer white space, which a server would cut off."""


_FRAMING = frozenset((
    "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
))  # fmt: skip
"""Say where a request ends and what becomes of its connection, which is not the caller's to say.
Source: RFC 9110, section 7.6.1; RFC 9112, section 6."""


def full_url(given: str, standard: str, endpoint: str, *, where: str) -> str:
    """The URL to post to.

    Args:
        given: base URL of the user, or of the catalogue.
        standard: base URL of the catalogue; if `given` stops short of its path, that is added.
        endpoint: path below the base URL; `/v1` is not repeated.
        where: whose URL this is, for the error.

    Raises:
        ConfigError: `given` is not an http or https URL with a host.
    """
    given = Hidden(given)
    parts = _split(given, where)
    path, usual = parts.path.rstrip("/"), urlsplit(standard).path
    if usual.startswith(path + "/"):
        path = usual
    if not path.endswith(endpoint):
        path = path.removesuffix("/v1") if endpoint.startswith("/v1/") else path
        path += endpoint
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _split(given: str, where: str) -> SplitResult:
    # Raised where the parts of the URL are no local variables: a traceback may show those.
    if problem := _problem(given):
        raise ConfigError(f"{where}: base_url {problem}")
    return urlsplit(given)


def _problem(given: str) -> str:
    """What is wrong with a URL; empty if nothing is."""
    try:
        parts = urlsplit(given)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
        parts = SplitResult("", "", "", "", "")
    if "@" in parts.netloc:
        return "holds a user name or password; use ModelConfig(headers=...)"
    if not good or re.search(r"[\x00-\x20\x7f\\]", given):
        return (
            f"is {host_of(str(given))!r}; it must be http:// or https:// with a host, "
            "like 'https://example.com/v1'"
        )
    return ""


def with_scheme(given: str, standard: str) -> str:
    """Complete `host` or `host:port` with the scheme and port of `standard`, else of https.

    An address that only a listener can use (`0.0.0.0`, or none) becomes loopback.
    """
    if not given or "://" in given:
        return given
    usual = urlsplit(standard)
    host, _, path = given.partition("/")
    name, colon, port = host.rpartition(":") if re.search(r":\d*$", host) else (host, "", "")
    name = "127.0.0.1" if name in ("", "0.0.0.0", "[::]") else name
    if not colon and usual.port:
        port = str(usual.port)
    return f"{usual.scheme or 'https'}://{name}{':' if port else ''}{port}/{path}"


def check_headers(headers: Mapping[Any, Any], *, where: str) -> dict[str, str]:
    """A copy of `headers` that can be sent; names in lower case, values hidden.

    Raises:
        ConfigError: a name or a value cannot be sent. Values are never printed.
    """
    headers = {n: Hidden(v) if isinstance(v, str) else v for n, v in headers.items()}
    for name, value in headers.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ConfigError(
                f"{where}: a header has the name {name!r}; "
                "it must be letters, digits and the signs !#$%&'*+-.^_`|~"
            )
        if name.lower() in _FRAMING:
            raise ConfigError(
                f"{where}: the header {name!r} is set by the connection; it must be left out"
            )
        check_value(value, f"{where}: header {name!r}")
    return {name.lower(): value for name, value in headers.items()}


def check_value(value: object, what: str) -> None:
    """Raise `ConfigError` unless `value` can be sent in a header; it is not printed."""
    if not isinstance(value, str):
        raise ConfigError(f"{what} is a {type(value).__name__}; it must be a string")
    if found := _UNSENDABLE.search(value):
        raise ConfigError(
            f"{what} has the character U+{ord(found[0]):04X} at position {found.start()}; "
            "it must be latin-1 text without control characters and without white space around it"
        )
