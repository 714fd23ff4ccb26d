"""Environments of other libraries, so that they can be measured beside this one.

    python -m benchmarks.peers [NAME ...]

makes `.venv-peers/NAME` with pip for each that is missing; without names, for all. Nothing of them
is ever needed by the package. Other Python versions are used where they are found.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv-peers"


class Peer(NamedTuple):
    """An environment of its own."""

    packages: tuple[str, ...]
    python: str = ""
    """Another interpreter than the one that runs the benchmark."""
    with_ours: bool = False
    """Whether this package is imported there, from the checkout."""


PEERS = {
    "litellm": Peer(("litellm",)),
    "langchain": Peer(("langchain-openai",)),
    "index": Peer(("cascadeflow", "openai")),
    "uvloop": Peer(("uvloop", "aiohttp", "msgspec", "openai", "jsonschema-rs"), with_ours=True),
    **{
        name: Peer(("aiohttp", "msgspec"), name, with_ours=True)
        for name in ("python3.11", "python3.12", "python3.13")
    },
}


def interpreter(name: str) -> Path:
    """Where the Python of a peer is, or would be."""
    return HOME / name / "bin" / "python"


def search_path(name: str, home: Path = HOME) -> str:
    """What a peer's Python must find beside its own packages.

    A library of our own name must not be hidden by our checkout: there only the benchmark is
    found, through a link.
    """
    if not name or PEERS[name].with_ours:
        return str(ROOT)
    alone = home / "path"
    alone.mkdir(parents=True, exist_ok=True)
    link = alone / "benchmarks"
    if link.resolve() != ROOT / "benchmarks":
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / "benchmarks", target_is_directory=True)
    return str(alone)


def missing(name: str) -> str:
    """Why a peer cannot take part; empty if it can."""
    return "" if interpreter(name).exists() else f"python -m benchmarks.peers {name} installs it"


def versions() -> dict[str, str]:
    """What is installed for each peer that has a library of its own, by the library's name."""
    found: dict[str, str] = {}
    for name, peer in PEERS.items():
        places = [str(each) for each in (HOME / name).glob("lib/python*/site-packages")]
        for each in importlib.metadata.distributions(name=peer.packages[0], path=places):
            if not peer.python:
                found[f"{each.name} (index)" if name == "index" else each.name] = each.version
    return found


def install(name: str) -> str:
    """Make the environment of a peer; what went wrong, if anything."""
    peer = PEERS[name]
    if not (python := found(peer.python) if peer.python else sys.executable):
        return f"{peer.python} is not installed"
    pip = [str(interpreter(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([python, "-m", "venv", str(HOME / name)], [*pip, *peer.packages]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            shutil.rmtree(HOME / name, ignore_errors=True)
            return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return ""


def found(python: str) -> str:
    """The path of an interpreter that works under this name, or nothing."""
    for folder in [*os.get_exec_path(), *_managed(python.removeprefix("python"))]:
        path = Path(folder) / python
        if (
            path.exists()
            and not subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode
        ):
            return str(path)
    return ""


def _managed(version: str) -> list[str]:
    """Folders of interpreters that pyenv installed."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return [str(each / "bin") for each in sorted(root.glob(f"versions/{version}.*"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *PEERS], metavar="NAME")
    for name in parser.parse_args().names or PEERS:
        if PEERS[name].python == "python{}.{}".format(*sys.version_info):
            print(f"{name}: runs the benchmark")
        elif interpreter(name).exists():
            print(f"{name}: there")
        else:
            print(f"{name}: {install(name) or 'installed'}", flush=True)


if __name__ == "__main__":
    main()
