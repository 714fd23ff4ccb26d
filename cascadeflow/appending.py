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
    """Lines on disk, in a regular file that is made if it is missing; its directory is not.

    Safe from several threads. At `max_bytes` the file is renamed and begun anew.

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
                    self._shut()
                    try:
                        old = self.path.with_name(f"{self.path.stem}.1{self.path.suffix}")
                        os.replace(self.path, old)
                    finally:
                        self._open()
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
        same = False
        with suppress(FileNotFoundError):
            same = os.path.samestat(ours, os.stat(self.path))
        if not same:
            self._shut()
            self._open()
            ours = os.fstat(self._file)
        return ours.st_size if stat.S_ISREG(ours.st_mode) else 0

    def _write(self, data: bytes) -> None:
        self._torn = True
        while data:
            data = data[os.write(self._file, data) :]
        self._torn = False

    def _mend(self) -> None:
        """Blank what follows the last newline, and end that line."""
        with self.path.open("r+b", buffering=0) as file:
            start = end = file.seek(0, os.SEEK_END)
            newline = -1
            while start and newline < 0:
                size = min(BLOCK, start)
                start = file.seek(start - size)
                newline = file.read(size).rfind(b"\n")
            start += newline + 1
            if start == end:
                return
            file.seek(start)
            while start < end:
                start += file.write(b" " * min(BLOCK, end - start))
        self._write(b"\n")
