"""An append-only file of lines that survives crashes, full disks and several writers.

- A line is one `write` to a file opened for appending: lines of threads and processes do not mix.
- A line that was cut off (a crash, a full disk) is blanked with spaces before the next is added, so
  that a reader finds whole lines and white space, nothing else.
- Past `max_bytes` the file is renamed (`calls.jsonl` becomes `calls.1.jsonl`, which is replaced)
  and begun anew: about twice as much is on disk at most.

Nothing is synced: what a crash of the machine, not of the process, leaves is up to its file system.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from contextlib import suppress
from pathlib import Path

from .errors import ConfigError

BLOCK = 65536
"""Bytes read or blanked at a time."""
APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT
if sys.platform == "win32":
    APPENDING |= os.O_BINARY
PRIVATE = 0o600
"""Only the owner reads what models were asked."""


class LineFile:
    """Lines on disk. Safe from several threads.

    Args:
        path: of a regular file; made if it is missing, its directory is not.
        max_bytes: size at which the file is renamed and begun anew.

    Raises:
        ConfigError: the file cannot be opened, or is not a regular one.
    """

    def __init__(self, path: str | os.PathLike[str], max_bytes: int) -> None:
        self.path = Path(path)
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._torn = True
        """The file may end in the middle of a line."""
        self._file = -1
        try:
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(os.stat(self.path).st_mode):
                    raise ConfigError(f"record: {self.path} is not a regular file")
            self._open()
        except OSError as error:
            raise ConfigError(
                f"record: {self.path} cannot be opened: {error.strerror or error}"
            ) from None

    @property
    def old(self) -> Path:
        """Where the full file is kept."""
        return self.path.with_name(f"{self.path.stem}.1{self.path.suffix}")

    def append(self, line: bytes) -> None:
        """Add a line; `line` is without its newline.

        Raises:
            ValueError: it is longer than the file may be.
            OSError: it could not be written, or not whole.
        """
        if len(line) >= self._max_bytes:
            raise ValueError(f"a line of {len(line)} bytes; {self._max_bytes} are the limit")
        with self._lock:
            size = self._follow()
            with suppress(FileNotFoundError):  # another process renamed it in this moment
                if size and size + len(line) >= self._max_bytes:
                    self._rotate()
                if self._torn:
                    self._mend()
            self._write(line + b"\n")

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        with self._lock:
            self._shut()

    def _open(self) -> None:
        self._file = os.open(self.path, APPENDING, PRIVATE)
        self._torn = True

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _follow(self) -> int:
        """Open the file again if another process renamed it; its size in bytes."""
        if self._file < 0:
            self._open()
        ours = os.fstat(self._file)
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            named = None
        if named is None or not os.path.samestat(ours, named):
            self._shut()
            self._open()
            ours = os.fstat(self._file)
        return ours.st_size if stat.S_ISREG(ours.st_mode) else 0

    def _rotate(self) -> None:
        self._shut()
        try:
            os.replace(self.path, self.old)
        finally:
            self._open()

    def _write(self, data: bytes) -> None:
        self._torn = True
        while data:
            data = data[os.write(self._file, data) :]
        self._torn = False

    def _mend(self) -> None:
        """Blank what follows the last newline, and end that line."""
        with self.path.open("r+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            start = _last_line(file.fileno(), end)
            if start == end:
                return
            file.seek(start)
            while start < end:
                start += file.write(b" " * min(BLOCK, end - start))
        self._write(b"\n")


def _last_line(file: int, end: int) -> int:
    """Where the line begins that reaches to `end`; `end` itself if a newline is before it."""
    while end:
        start = max(0, end - BLOCK)
        os.lseek(file, start, os.SEEK_SET)
        place = os.read(file, end - start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0
