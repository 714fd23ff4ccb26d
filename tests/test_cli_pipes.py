from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .faultserver import ThreadedFaultServer
from .test_cli import ROOT, command, environment, started

posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell and signals")


@pytest.fixture(scope="module")
def faults() -> Iterator[dict[str, str]]:
    with ThreadedFaultServer() as server:
        yield {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url + "/v1"}


def in_shell(line: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """A line of a POSIX shell, where `$C` is the command."""
    return subprocess.run(
        ["sh", "-c", line.replace("$C", f"{shlex.quote(sys.executable)} -m cascadeflow")],
        capture_output=True, encoding="utf-8", timeout=60, cwd=cwd, check=False,
        env=environment(PYTHONPATH=str(ROOT), **env),
    )  # fmt: skip


@pytest.mark.parametrize("raw", [True, False])
def test_in_a_pipe_nothing_commands_the_terminal_at_its_end_unless_asked_for(
    raw: bool, faults: dict[str, str]
) -> None:
    said = "%EF%BB%BFa%E2%80%8F%E2%80%8Eb%E2%80%A8c%0Cd%0D%0Ae%1B%5B2J"
    done = subprocess.run(
        [sys.executable, "-m", "cascadeflow", "ask", "-m", f"openai/fault:ok?text={said}", "hi"]
        + ["--raw"] * raw,
        capture_output=True, timeout=60, cwd=ROOT, env=environment(**faults), check=False,
    )  # fmt: skip
    told = "\ufeffa\u200f\u200eb\u2028c\fd\r\ne\x1b[2J\n"
    if not raw:
        told = "<U+FEFF>a\u200f\u200eb<U+2028>c␌d\ne␛[2J\n"
    assert (done.returncode, done.stdout.decode()) == (0, told)
    assert b"\x1b" not in done.stderr


@posix
def test_interrupting_a_piped_chat_ends_it(faults: dict[str, str]) -> None:
    model = "openai/fault:stall-after-3?secs=60|ok?text=NEVER"
    with subprocess.Popen(
        [sys.executable, "-m", "cascadeflow", "chat", "--reveal", "live", "-m", model],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=ROOT, env=environment(**faults),
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"one\ntwo\nthree\n")
        process.stdin.flush()
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert b"NEVER" not in process.stdout.read()
        assert b"Traceback" not in process.stderr.read()


@posix
@pytest.mark.parametrize("module", ["typer", "asyncio", "rich.console", "cascadeflow.agent"])
def test_interrupting_the_start_ends_it_without_a_traceback(module: str, tmp_path: Path) -> None:
    # Interrupts itself as soon as this module is imported.
    (tmp_path / "sitecustomize.py").write_text(INTERRUPT.format(module=module))
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    with started("demo", env={"PYTHONPATH": path}) as process:
        assert process.stderr
        assert (process.wait(30), process.stderr.read()) == (130, "")


INTERRUPT = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
"""


@posix
@pytest.mark.parametrize("arguments", ["ask --simulated hi", "ask --json --simulated hi", "doctor"])
def test_a_full_disk_is_told_in_a_line(arguments: str, tmp_path: Path) -> None:
    # No file may grow; standard error is a pipe, which may.
    done = in_shell(f"ulimit -f 0; $C {arguments} >answer", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: [Errno ")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@posix
def test_a_reader_that_has_had_enough_is_told_nothing() -> None:
    done = in_shell("($C doctor; echo $? >&2) | exit")
    assert done.stderr == "1\n"


@posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["chat --simulated", "ask --simulated hi"])
def test_a_standard_stream_that_is_closed_ends_in_no_traceback(arguments: str, closed: str) -> None:
    done = in_shell(f"echo hi | $C {arguments} {closed}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("question", ["-5 + 3 = ?", "--why is the sky blue?"])
def test_a_question_that_begins_with_a_dash_is_told_where_to_stand(question: str) -> None:
    refused = command("ask", "--simulated", question)
    assert refused.returncode == 2
    assert 'cascadeflow ask -- "' in refused.stderr
    assert command("ask", "--simulated", "--", question).returncode == 0
    assert 'cascadeflow ask -- "' not in command("ask", "--simulate", "hi").stderr


def test_h_is_short_for_help() -> None:
    for arguments in ((), ("ask",), ("eval",)):
        assert command(*arguments, "-h").stdout == command(*arguments, "--help").stdout != ""


def test_every_figure_of_the_demo_is_shown_on_a_narrow_terminal() -> None:
    done = command("demo", "--questions", "6", "--fast", env={"COLUMNS": "30"})
    assert done.returncode == 0
    assert "…" not in done.stdout
    assert done.stdout.count("\n  first token: ") == 3
