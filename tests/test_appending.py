from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cascadeflow.appending import LineFile
from cascadeflow.errors import ConfigError

MEGABYTE = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def whole(path: Path) -> list[bytes]:
    """The lines that hold something."""
    return [line for line in path.read_bytes().split(b"\n") if line.strip()]


def test_lines_are_appended_to_what_was_there(path: Path) -> None:
    path.write_bytes(b"one\n")
    LineFile(path, MEGABYTE).append(b"two")
    assert path.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        (b'{"a": 1}\n{"b": ', [b'{"a": 1}']),
        (b"first\n" + b"x" * 300_000, [b"first"]),
        (b"half", []),
    ],
    ids=["short", "longer than a block", "alone"],
)
def test_a_half_line_is_blanked_whole_and_ended(
    there: bytes, kept: list[bytes], path: Path
) -> None:
    path.write_bytes(there)
    LineFile(path, MEGABYTE).append(b"last")
    assert whole(path) == [*kept, b"last"]


def test_opening_alone_changes_nothing(path: Path) -> None:
    path.write_bytes(b"one\nhalf")
    LineFile(path, MEGABYTE).close()
    assert path.read_bytes() == b"one\nhalf"


def numbered(path: Path) -> list[Path]:
    """The files that were set aside, the oldest first, and the one that is written."""
    aside = path.parent.glob(f"{path.stem}.*{path.suffix}")
    return [*sorted(aside, key=lambda each: int(each.name.split(".")[1])), path]


def test_full_files_are_numbered_on_and_no_line_is_lost(path: Path) -> None:
    lines = LineFile(path, 1000)
    for number in range(120):
        lines.append(b"%03d" % number + b"x" * 90)
    files = numbered(path)
    assert [int(line[:3]) for each in files for line in whole(each)] == list(range(120))
    assert [each.name for each in files[:2]] == ["rows.1.jsonl", "rows.2.jsonl"]
    assert len(files) == 12
    assert all(each.stat().st_size <= 1000 for each in files)


def test_a_number_is_not_taken_again_when_older_files_were_moved_or_packed(path: Path) -> None:
    (path.parent / "rows.7.jsonl.gz").write_bytes(b"packed")
    lines = LineFile(path, 100)
    lines.append(b"a" * 60)
    lines.append(b"b" * 60)
    assert whole(path.parent / "rows.8.jsonl") == [b"a" * 60]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_a_link_stays_and_leads_to_the_new_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    path.symlink_to(tmp_path / "disk" / "real.jsonl")
    lines = LineFile(path, 100)
    lines.append(b"a" * 60)
    lines.append(b"b" * 60)
    assert path.is_symlink()
    assert whole(path) == [b"b" * 60]
    assert whole(tmp_path / "disk" / "real.1.jsonl") == [b"a" * 60]


def test_processes_that_share_a_file_lose_no_line_of_any_length(path: Path) -> None:
    script = """
import json, sys
from pathlib import Path
from cascadeflow.appending import LineFile
lines = LineFile(Path(sys.argv[1]), 200_000)
for number in range(60):
    lines.append(json.dumps([sys.argv[2], number, "x" * 700 * number]).encode())
"""
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), who]) for who in "abcd"]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    lines = [json.loads(line) for each in numbered(path) for line in whole(each)]
    assert sorted((who, number) for who, number, _ in lines) == [
        (who, number) for who in "abcd" for number in range(60)
    ]


def test_a_line_longer_than_the_file_may_be_is_refused(tmp_path: Path) -> None:
    lines = LineFile(tmp_path / "rows.jsonl", 100)
    with pytest.raises(ValueError, match="100 are the limit"):
        lines.append(b"x" * 100)


def test_lines_of_threads_do_not_mix_and_none_is_lost(path: Path) -> None:
    lines = LineFile(path, 64 * MEGABYTE)

    def write(thread: int) -> None:
        for number in range(200):
            lines.append(json.dumps([thread, number, "x" * (number * 20)]).encode())

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {tuple(json.loads(line)[:2]) for line in whole(path)}
    assert found == {(thread, number) for thread in range(8) for number in range(200)}


def test_two_writers_follow_each_other_into_the_new_file(path: Path) -> None:
    first, second = LineFile(path, 1000), LineFile(path, 1000)
    for number in range(12):
        first.append(b"a%02d" % number + b"x" * 90)
    second.append(b"b")
    first.append(b"c")
    assert whole(path)[-2:] == [b"b", b"c"]


def test_writers_who_begin_a_new_file_at_once_do_not_stumble(path: Path) -> None:
    def write(_: int) -> None:
        lines = LineFile(path, 300)
        for number in range(200):
            lines.append(b"%03d" % number + b"x" * 90)
        lines.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, range(4))) == [None] * 4


def test_a_file_that_was_moved_away_is_begun_anew(path: Path, tmp_path: Path) -> None:
    lines = LineFile(path, MEGABYTE)
    lines.append(b"one")
    path.rename(tmp_path / "taken.jsonl")
    lines.append(b"two")
    assert whole(path) == [b"two"]


def test_a_closed_file_is_opened_again(tmp_path: Path) -> None:
    lines = LineFile(tmp_path / "rows.jsonl", MEGABYTE)
    lines.close()
    lines.close()
    lines.append(b"one")
    assert whole(lines.path) == [b"one"]


def test_a_missing_directory_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be opened"):
        LineFile(tmp_path / "no" / "rows.jsonl", MEGABYTE)


def test_what_is_no_regular_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a regular file"):
        LineFile(tmp_path, MEGABYTE)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_only_the_owner_may_read(tmp_path: Path) -> None:
    LineFile(tmp_path / "rows.jsonl", MEGABYTE)
    assert (tmp_path / "rows.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_os_error_and_the_next_line_is_whole(path: Path) -> None:
    """A limit on the size of files stands in for the full disk: both cut a line short."""
    script = """
import resource, signal, sys
from pathlib import Path
from cascadeflow.appending import LineFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
lines = LineFile(Path(sys.argv[1]), 1 << 20)
lines.append(b"one")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (50, hard))
try:
    lines.append(b"x" * 100)
except OSError as error:
    print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
lines.append(b"two")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "refused"
    assert whole(path) == [b"one", b"two"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_process_killed_while_it_writes_leaves_whole_lines_after_the_next_start(
    path: Path,
) -> None:
    script = """
import json, sys
from pathlib import Path
from cascadeflow.appending import LineFile
lines = LineFile(Path(sys.argv[1]), 1 << 30)
print("ready", flush=True)
number = 0
while True:
    lines.append(json.dumps([number, "x" * (number % 50_000)]).encode())
    number += 1
"""
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            threading.Event().wait(0.05)
            writer.send_signal(signal.SIGKILL)
        with path.open("ab") as file:
            file.write(b'[7, "cut off')  # the worst that a kill can leave
    LineFile(path, 1 << 30).append(b'["last"]')
    lines = [json.loads(line) for line in whole(path)]
    assert lines[-1] == ["last"]
    assert [line[0] for line in lines].count(0) == 3
