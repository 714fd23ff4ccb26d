"""Asks servers on this machine which models they have. Loopback only, with a short deadline.

No proxy is used and no key is sent. Seconds.
"""

from __future__ import annotations

import http.client
import ipaddress
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from ..config import ModelConfig
from ..errors import ConfigError
from ..providers.catalog import CATALOG, endpoint

PATIENCE = 0.3
LARGEST_ANSWER = 1_000_000
"""Bytes that are read of a list of models."""


T = TypeVar("T")


class LocalServer(msgspec.Struct, frozen=True):
    """A server of the catalogue that runs on the user's own machine."""

    name: str
    url: str | None
    """Base URL; None: the environment puts it on another machine, which is not asked."""
    models: tuple[str, ...] | None
    """None: it does not answer."""
    by_size: tuple[str, ...] = ()
    """Its chat models, the smallest first; empty unless it is an Ollama that tells their sizes."""


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    """What `GET /v1/models` answers."""

    data: list[_Model]


class _Tag(msgspec.Struct):
    name: str
    size: int


class _Tags(msgspec.Struct):
    """What Ollama's `GET /api/tags` answers; sizes in bytes."""

    models: list[_Tag]


def local_servers(environ: Mapping[str, str]) -> list[LocalServer]:
    """Every local server of the catalogue, asked all at once."""
    names = [
        name for name, server in CATALOG.items() if server.base_url.startswith("http://127.0.0.1:")
    ]
    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(look_at, names, repeat(environ)))


def look_at(name: str, environ: Mapping[str, str]) -> LocalServer:
    """One local server and its models."""
    base = _loopback(name, environ)
    if base is None:
        return LocalServer(name, None, None)
    # Without a name and password that may stand before the host.
    url = f"http://{base.netloc.rpartition('@')[2]}{base.path}"
    found = _get(base, base.path + "/models", _Models)
    if found is None:
        return LocalServer(name, url, None)
    tags = _get(base, "/api/tags", _Tags) if name == "ollama" else None
    sized = [] if tags is None else sorted((each.size, each.name) for each in tags.models)
    by_size = tuple(name for _, name in sized if "embed" not in name)
    return LocalServer(name, url, tuple(model.id for model in found.data), by_size)


def _loopback(name: str, environ: Mapping[str, str]) -> SplitResult | None:
    """The base URL of a server, if it is on this machine."""
    try:
        parts = urlsplit(endpoint(ModelConfig("models", name), CATALOG[name], environ))
        host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
        local = parts.scheme == "http" and parts.port and ipaddress.ip_address(host).is_loopback
    except (ConfigError, ValueError):
        return None
    return parts._replace(path=parts.path.removesuffix("/chat/completions")) if local else None


def _get(base: SplitResult, path: str, shape: type[T]) -> T | None:
    """The JSON that the server answers; None if it answers anything else, or not in time."""
    connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(LARGEST_ANSWER)
        return msgspec.json.decode(body, type=shape) if response.status == 200 else None
    except (OSError, http.client.HTTPException, msgspec.MsgspecError, UnicodeError):
        return None
    finally:
        connection.close()
