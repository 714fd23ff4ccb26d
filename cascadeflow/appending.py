"""An append-only file of lines that survives crashes, full disks and several writers.

- A line is one `write` to a file opened for appending: lines of threads and processes do not mix.
- A line that was cut off (a crash, a full disk) is blanked with spaces before the next is added, so
  that a reader finds whole lines and white space, nothing else.
- Past `max_bytes` the file is renamed to the next number that is free (`calls.jsonl` becomes
  `calls.1.jsonl`, then `calls.2.jsonl`) and begun anew. No line is ever lost to that, so how much
  is on disk is up to whoever takes the numbered files away.

Nothing is synced: what a crash of the machine, not of the process, leaves is up to its file system.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
from contextlib import suppress
from pathlib import Path

from .errors import ConfigError
from .forking import renew_in_child

BLOCK = 65536
"""Bytes read or blanked at a time."""
APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT
if sys.platform == "win32":
    APPENDING |= os.O_BINARY
else:
    import fcntl
PRIVATE = 0o600
"""Only the owner reads what models were asked."""


class LineFile:
    """Lines on disk, in a regular file that is made if it is missing; its directory is not.

    Safe from several threads and processes. At `max_bytes` the file is renamed and begun anew; a
    link stays, and leads to the new one.

    Raises:
        ConfigError: the file cannot be opened, or is not a regular one.
    """

    def __init__(self, path: str | os.PathLike[str], max_bytes: int) -> None:
        self.path = Path(os.path.realpath(path))
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        renew_in_child(self)
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
            try:
                while (size := self._follow()) and size + len(line) >= self._max_bytes:
                    self._set_aside()
                if self._torn:
                    with suppress(FileNotFoundError):  # it was moved away in this moment
                        self._mend()
                self._write(line + b"\n")
            finally:
                if self._file >= 0:
                    _hold(self._file, False)

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        with self._lock:
            self._shut()

    def renew(self) -> None:
        """In a forked child: open the file there, for whoever shares it shares its lock too."""
        self._lock = threading.Lock()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        self._file = os.open(self.path, APPENDING, PRIVATE)
        self._torn = True

    def _shut(self) -> None:
        if self._file >= 0:
            _hold(self._file, False)  # a copy of it in a forked process would keep the lock
            file, self._file = self._file, -1
            os.close(file)

    def _set_aside(self) -> None:
        """Rename the file to the next number."""
        old = self._claim()
        if sys.platform == "win32":  # which renames no open file
            self._shut()
        try:
            os.replace(self.path, old)
        except OSError as error:
            old.unlink()
            if not isinstance(error, FileNotFoundError):  # another process was quicker
                raise
        self._shut()

    def _claim(self) -> Path:
        """A name that no other process takes, since there is an empty file of that name."""
        stem, suffix = self.path.stem, self.path.suffix
        numbered = re.compile(rf"{re.escape(stem)}\.(\d{{1,9}}){re.escape(suffix)}(\.|$)")
        taken = map(numbered.match, os.listdir(self.path.parent))
        number = max((int(each[1]) for each in taken if each), default=0)
        while True:
            number += 1
            name = self.path.with_name(f"{stem}.{number}{suffix}")
            with suppress(FileExistsError):
                os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
                return name

    def _follow(self) -> int:
        """Lock the file that has the name now, opened again if need be; its size in bytes."""
        while True:
            if self._file < 0:
                self._open()
            _hold(self._file, True)
            ours = os.fstat(self._file)
            with suppress(FileNotFoundError):
                if os.path.samestat(ours, os.stat(self.path)):
                    return ours.st_size if stat.S_ISREG(ours.st_mode) else 0
            self._shut()

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


def _hold(file: int, held: bool) -> None:
    """Lock a file against other processes, or unlock it; nothing where that is not possible.

    Without it one could take the line that another is about to write for one that was cut off.
    """
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX if held else fcntl.LOCK_UN)
