"""The lines of recordings: JSONL, gzipped if the file's name ends in `.gz`, one object a line."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError

SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
"""Endings of the files that are read of a directory."""
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_NUMBERED = re.compile(r"(.+)\.\d{1,9}")


def files(paths: list[Path]) -> list[Path]:
    """The files to read, each once; directories stand for the recordings in them.

    These are sorted by name, numbers by their value, so that a recorder's come as they were begun.

    Raises:
        ConfigError: a path does not exist, or a directory holds no recording.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = [each for each in path.iterdir() if each.name.endswith(SUFFIXES)]
            inside.sort(key=_begun)
        if not inside:
            raise ConfigError(f"{path}: no recording in it; names end in {', '.join(SUFFIXES)}")
        for each in inside:
            if not each.is_file():
                raise ConfigError(f"{each}: no such file or directory")
            found.setdefault(each.resolve(), each)
    return list(found.values())


def _begun(path: Path) -> list[str | int]:
    """The name in parts that sort as they should: each odd one is a number."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def name_of(path: Path) -> str:
    """The file's name without the endings of a recording.

    That of `calls.1.jsonl`, which a recorder set aside beside `calls.jsonl`, is `calls`.
    """
    name = path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".ndjson")
    part = None if "__" in name else _NUMBERED.fullmatch(name)
    return part[1] if part and path.with_name(f"{part[1]}.jsonl").exists() else name


def count(paths: list[Path]) -> int:
    """How many lines hold something; a little more than there are rows if some are feedback.

    Raises:
        ConfigError: a file cannot be read.
    """
    return sum(1 for path in paths for _ in lines(path))


def decode(text: bytes) -> dict[str, Any] | None:
    """The object of a line; None: it was cut off. No word of the line is in an error.

    Raises:
        ConfigError: it is none.
    """
    if text.lstrip().startswith(b"["):
        raise ConfigError("the line begins a list; JSONL is wanted: one object a line, no brackets")
    try:
        return _decoded(text)
    except json.JSONDecodeError as error:
        why = f"{error.msg.removesuffix(' at')} at column {error.colno}"
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        why = type(error).__name__ if isinstance(error, UnicodeError) else str(error)
    if text.endswith(b"\n"):
        raise ConfigError(f"not a JSON object of a row: {why}")
    return None


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line) of each line that holds something.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield number, text
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def _decoded(text: bytes) -> dict[str, Any]:
    """The object of a line. What msgspec refuses gets a second chance: NaN, lone surrogates."""
    with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
        return _OBJECT.decode(text)
    return msgspec.convert(json.loads(text), dict[str, Any])
