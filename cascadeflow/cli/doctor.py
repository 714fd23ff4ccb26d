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
from .ladders import choose, first_of, key_of
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


class Report(msgspec.Struct, frozen=True):
    """What was found."""

    version: str
    python: str
    keys: list[ProviderKey]
    servers: list[LocalServer]
    extras: Mapping[str, Mapping[str, str | None]]
    """Extra -> package -> installed version; None: missing."""
    next: list[str]
    """What to do, the first thing first."""


def doctor(as_json: AsJson = False) -> None:
    """Tell what there is to work with.

    Keys (never their values), servers on this machine, installed extras, and what to do next.
    """
    report = _examine(os.environ)
    told = json_line(msgspec.to_builtins(report)) if as_json else "\n".join(_lines(report)) + "\n"
    sys.stdout.write(plain(told))


def _examine(environ: Mapping[str, str]) -> Report:
    """Look around; asks nobody but servers on loopback."""
    keys = [
        ProviderKey(name, line.key_variables, key_of(name, environ), line.needs_key)
        for name, line in CATALOG.items()
        if not line.embedded
    ]
    servers = local_servers(environ)
    extras = {extra: {name: _installed(name) for name in names} for extra, names in EXTRAS.items()}
    names = first_of(servers)
    names += [f"{key.provider}/NAME" for key in keys if key.needed and key.set_in]
    steps = [
        "cascadeflow demo                     watch a cascade; no key needed",
        "export OPENAI_API_KEY=...            or another key of the list above",
    ]
    if choose((), simulated=False, max_tokens=None, environ=environ) is not None:
        steps = ['cascadeflow ask "Why is the sky blue?"']
    elif names:
        steps = [f'cascadeflow ask --model {names[0]} "Why is the sky blue?"']
    steps += [
        f'pip install ".[{extra}]"   from the checkout: packages of the extra are missing'
        for extra, packages in extras.items()
        if None in packages.values()
    ]
    return Report(__version__, platform.python_version(), keys, servers, extras, steps)


def _lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield f"cascadeflow {report.version}, Python {report.python}"
    yield "\nProviders and their keys (names of variables only)"
    for key in report.keys:
        state = f"{' or '.join(key.variables)}: not set{'' if key.needed else ', not needed'}"
        if key.set_in is not None:
            state = f"{key.set_in} is set"
        yield f"  {key.provider:<16} {state}"
    yield "\nServers on this machine"
    for server in report.servers:
        state = "set to another machine; not asked"
        if server.url is not None:
            state = f"{server.url}  does not answer"
        if server.models is not None:
            state = f"{server.url}  answers: {few(server.models, MOST_MODELS) or 'no model'}"
        yield f"  {server.name:<16} {state}"
    yield "\nExtras"
    for extra, packages in report.extras.items():
        told = ", ".join(f"{name} {found or 'MISSING'}" for name, found in packages.items())
        yield f"  {extra:<16} {told}"
    yield "\nNext"
    yield from (f"  {step}" for step in report.next)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
