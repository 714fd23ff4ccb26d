"""How to get to a URL: through which proxy, and trusting which certificate authorities.

The variables of the environment, listed in `docs/providers.md`, are read as curl reads them.
Source: https://curl.se/docs/manpage.html, section ENVIRONMENT.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..errors import ConfigError
from ..forking import Lock
from .redact import Hidden, hide, host_of

if TYPE_CHECKING:
    import ssl


class Direct(Hidden):
    """A URL that is gone to without a proxy, whatever the environment says."""

    __slots__ = ()


class Route(NamedTuple):
    """How to get to one URL."""

    origin: str
    """Scheme, host and port, for messages."""
    proxy: str | None
    """URL of the proxy, None if there is none."""
    tls: ssl.SSLContext | None
    """None: no TLS on the way."""


class Routes:
    """The routes that an environment prescribes, each found once. May be used by many threads.

    Args:
        environ: variables of the environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._lock = Lock()
        self._known: dict[tuple[str, bool], Route] = {}
        self._tls: ssl.SSLContext | None = None

    def find(self, url: str) -> Route:
        """The route to `url`.

        Raises:
            ConfigError: the URL, its proxy or the certificate authorities cannot be used.
        """
        key = url, isinstance(url, Direct)
        route = self._known.get(key)
        if route is not None:
            return route
        environ = hide(self._environ)
        origin, proxy = origin_of(url), None if key[1] else proxy_for(url, environ)
        secure = origin.startswith("https:") or (proxy or "").startswith("https:")
        with self._lock:
            if secure and self._tls is None:
                self._tls = tls_context(environ)
            return self._known.setdefault(key, Route(origin, proxy, self._tls if secure else None))


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL that a request can be sent to.

    Raises:
        ConfigError: it is not http or https, has no host, or holds a user name or password.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"the URL is {host_of(url)!r}; it must be http:// or https:// with a host"
        )
    if "@" in parts.netloc:
        raise ConfigError(
            f"the URL of {parts.hostname} holds a user name or password; use a header instead"
        )
    return f"{parts.scheme}://{parts.netloc}"


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """URL of the proxy for `url`; None: go there directly.

    Raises:
        ConfigError: the proxy is neither http nor https.
    """
    parts = urlsplit(url)
    given = _setting(f"{parts.scheme}_proxy", environ) or _setting("all_proxy", environ)
    if not given:
        return None
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    ways = (host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}")
    for entry in _setting("no_proxy", environ).lower().replace(",", " ").split():
        name = entry.removeprefix("*").lstrip(".")
        if entry == "*" or any(way == name or way.endswith(f".{name}") for way in ways):
            return None
        if "/" in entry and _in_network(host, entry):
            return None
    proxy = Hidden(given if "://" in given else f"http://{given}")
    split = _split(proxy)
    if split is None or split.scheme not in ("http", "https") or not split.hostname:
        raise ConfigError(
            f"the proxy for {parts.scheme}:// is {host_of(proxy)!r}; "
            "it must be http:// or https:// with a host"
        )
    return proxy


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Verify servers against the authorities that `environ` names, else against the system's.

    One context for all who name the same files, as long as these do not change: it takes tens of
    milliseconds to make, and a megabyte.

    Raises:
        ConfigError: a bundle cannot be read.
    """
    import ssl

    file = environ.get("SSL_CERT_FILE") or None
    folder = environ.get("SSL_CERT_DIR") or None
    if bundle := environ.get("REQUESTS_CA_BUNDLE"):
        if os.path.isdir(bundle):
            folder = folder or bundle
        else:
            file = file or bundle
    system = ssl.get_default_verify_paths()
    read = (file, folder) if file or folder else (system.cafile, system.capath)
    # Python writes the secrets of connections to this file, if it is named.
    key = file, folder, tuple(map(_version, read)), os.environ.get("SSLKEYLOGFILE")
    with _making:
        if key not in _contexts:
            if len(_contexts) == _KEPT:
                del _contexts[next(iter(_contexts))]
            _contexts[key] = _new_context(file, folder)
        return _contexts[key]


_KEPT = 16
_making = Lock()
_contexts: dict[object, ssl.SSLContext] = {}


def _version(path: str | None) -> tuple[int, int, int, int] | None:
    """Another one for another content; None if there is no such file."""
    try:
        found = os.stat(path or "")
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _new_context(file: str | None, folder: str | None) -> ssl.SSLContext:
    import ssl

    try:
        context = ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:
        raise ConfigError(
            f"the certificate authorities SSL_CERT_FILE, REQUESTS_CA_BUNDLE ('{file}') and "
            f"SSL_CERT_DIR ('{folder}') cannot be loaded: {error}; they must be PEM"
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _in_network(host: str, network: str) -> bool:
    """Whether `host` is an address in a network like `10.0.0.0/8`; a name is in none."""
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _setting(name: str, environ: Mapping[str, str]) -> str:
    """A variable in lower or upper case.

    `HTTP_PROXY` counts for nothing in a CGI program: there it is a header of the visitor.
    """
    if name in environ:
        return environ[name].strip()
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return ""
    return environ.get(name.upper(), "").strip()


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None
