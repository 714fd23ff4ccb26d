"""The files that commands write: never one that is read, and whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..errors import ConfigError
from ..replacing import whole

DASH = Path("-")
"""Standard output; what else would stand there goes to standard error."""


def _check_apart(option: str, path: Path, others: Iterable[Path]) -> None:
    for other in others:
        there = path.exists() and other.exists() and path.samefile(other)
        if there or os.path.realpath(path) == os.path.realpath(other):
            raise ConfigError(
                f"{option}: {path} is another file of this command already; it would be lost"
            )


@contextmanager
def output(
    option: str, path: Path | None, others: Iterable[Path]
) -> Generator[TextIO | None, None, None]:
    """Where an option writes; None: nowhere. The file is there when the block has ended well.

    Raises:
        ConfigError: it is one of the `others` of the command, or cannot be written.
    """
    if path is None or path == DASH:
        yield None if path is None else sys.stdout
        return
    _check_apart(option, path, others)
    try:
        with whole(path) as out:
            yield out
    except OSError as error:
        told = error.strerror or error
        raise ConfigError(f"{option}: {path} cannot be written: {told}") from None
