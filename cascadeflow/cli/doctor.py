"""`cascadeflow doctor`: what is there to work with, and what to do next.

Of a key it tells the name of the variable and whether it is set, never the value or a part of it.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

import msgspec

from .. import __version__
from ..providers.catalog import CATALOG
from .evaluate import AsJson
from .ladders import LADDERS, key_of
from .plain import plain
from .probe import LocalServer, local_servers
from .telling import few
from .views import json_line

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "prices": ("genai-prices",),
    "tools": ("jsonschema-rs", "pydantic", "docstring-parser"),
    "cli": ("typer", "rich"),
    "eval": ("numpy", "altair", "vl-convert-python"),
}
"""Packages of each extra."""
MOST_MODELS = 3
"""Models of a local server that are named on its line."""


class ProviderKey(msgspec.Struct, frozen=True):
    """A provider of the catalogue and the state of its key."""

    provider: str
    variables: tuple[str, ...]
    """Where the key may be, in the order in which they are asked."""
    set_in: str | None
    """The variable that holds it."""
    needed: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    version: str
    python: str
    keys: tuple[ProviderKey, ...]
    servers: tuple[LocalServer, ...]
    extras: Mapping[str, Mapping[str, str | None]]
    """Extra -> package -> installed version; None: missing."""
    next: tuple[str, ...]
    """What to do, the first thing first."""


def doctor(as_json: AsJson = False) -> None:
    """Tell what there is to work with.

    Keys (never their values), servers on this machine, installed extras, and what to do next.
    """
    report = examine(os.environ)
    if as_json:
        sys.stdout.write(json_line(msgspec.to_builtins(report)))
    else:
        sys.stdout.write(plain("\n".join(lines(report))) + "\n")


def examine(environ: Mapping[str, str]) -> Report:
    """Look around; asks nobody but servers on loopback."""
    keys = tuple(
        ProviderKey(name, line.key_variables, key_of(name, environ), line.needs_key)
        for name, line in CATALOG.items()
        if not line.embedded
    )
    servers = tuple(local_servers(environ))
    extras = {extra: {name: _installed(name) for name in names} for extra, names in EXTRAS.items()}
    return Report(
        version=__version__,
        python=platform.python_version(),
        keys=keys,
        servers=servers,
        extras=extras,
        next=tuple(_steps(environ, servers, extras)),
    )


def lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield f"cascadeflow {report.version}, Python {report.python}"
    yield "\nProviders and their keys (names of variables only)"
    for key in report.keys:
        yield f"  {key.provider:<12} {_key_state(key)}"
    yield "\nServers on this machine"
    for server in report.servers:
        yield f"  {server.name:<12} {_server_state(server)}"
    yield "\nExtras"
    for extra, packages in report.extras.items():
        told = ", ".join(f"{name} {found or 'MISSING'}" for name, found in packages.items())
        yield f"  {extra:<12} {told}"
    yield "\nNext"
    for step in report.next:
        yield f"  {step}"


def _key_state(key: ProviderKey) -> str:
    if key.set_in is not None:
        return f"{key.set_in} is set"
    optional = "" if key.needed else ", not needed"
    return f"{' or '.join(key.variables)}: not set{optional}"


def _server_state(server: LocalServer) -> str:
    if server.url is None:
        return "set to another machine; not asked"
    if server.models is None:
        return f"{server.url}  does not answer"
    return f"{server.url}  answers: {few(server.models, MOST_MODELS) or 'no model'}"


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _steps(
    environ: Mapping[str, str],
    servers: tuple[LocalServer, ...],
    extras: Mapping[str, Mapping[str, str | None]],
) -> Iterator[str]:
    names = [f"{server.name}/{server.models[0]}@0,0" for server in servers if server.models]
    names += [
        f"{name}/NAME" for name, line in CATALOG.items() if line.needs_key and key_of(name, environ)
    ]
    ollama = any(server.name == "ollama" and server.models for server in servers)
    if ollama or any(key_of(provider, environ) for provider, *_ in LADDERS):
        yield 'cascadeflow ask "Why is the sky blue?"'
    elif names:
        yield f'cascadeflow ask --model {names[0]} "Why is the sky blue?"'
    else:
        yield "cascadeflow demo                     watch a cascade; no key needed"
        yield "export OPENAI_API_KEY=...            or another key of the list above"
    for extra, packages in extras.items():
        if None in packages.values():
            yield f'pip install ".[{extra}]"   from the checkout: packages of the extra are missing'
