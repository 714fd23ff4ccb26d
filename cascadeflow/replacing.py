"""Files that are written whole or not at all.

The text goes to a new file beside the old one and takes its place when it is complete: until then,
and after an error, the old one is there as it was. A link stays, and what it leads to is replaced.
What is no regular file, such as a pipe, is written directly.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def whole(path: str | os.PathLike[str]) -> Generator[TextIO, None, None]:
    """Where to write the text of a file, in UTF-8; it is the file's when the block has ended well.

    Raises:
        OSError: it cannot be written.
    """
    target = Path(os.path.realpath(path))
    there = target.exists()
    if there and not target.is_file():
        with target.open("w", encoding="utf-8", newline="\n") as out:
            yield out
        return
    draft = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as out:
            yield out
        if there:
            shutil.copymode(target, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
