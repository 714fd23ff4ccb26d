from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

from cascadeflow.providers.simulated import INSTANT, serve_in_thread

from .faultserver import ThreadedFaultServer
from .test_cli import ROOT, environment

if os.name != "posix":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

PATIENCE = 30.0
"""Seconds until something must have been shown."""
CTRL_C, CTRL_D = "\x03", "\x04"


class Terminal:
    """The command on a terminal of its own, as a user sees it."""

    def __init__(self, *arguments: str, **env: str) -> None:
        self._master, slave = os.openpty()
        self.process = subprocess.Popen(
            # A session of its own whose terminal this is: Ctrl-C reaches it as a signal.
            [sys.executable, "-c", RUN, *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
            env=environment(TERM="xterm-256color", **env),
        )  # fmt: skip
        os.close(slave)
        self.shown = ""
        self._read = 0

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str) -> str:
        """What is shown up to `text`, since the last call."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown[self._read :]:
            assert time.monotonic() < deadline, (text, self.shown)
            assert self._more(), (text, self.shown)
        start, self._read = self._read, self.shown.index(text, self._read) + len(text)
        return self.shown[start : self._read]

    def end(self) -> int:
        """The exit code, after everything was shown."""
        while self._more():
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self._master)

    def _more(self) -> bool:
        """Read on; False if the terminal was left."""
        if not select.select([self._master], [], [], PATIENCE)[0]:
            return False
        with contextlib.suppress(OSError):  # Linux reports the end of a terminal as an error
            piece = os.read(self._master, 65536)
            self.shown += piece.decode("utf-8", "replace")
            return bool(piece)
        return False


RUN = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from cascadeflow.__main__ import main
main()
"""


@contextlib.contextmanager
def terminal(*arguments: str, **env: str) -> Generator[Terminal]:
    opened = Terminal(*arguments, **env)
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def faulty() -> Generator[dict[str, Any]]:
    with ThreadedFaultServer() as server:
        yield {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url + "/v1"}


def test_several_lines_that_are_pasted_at_once_are_one_question() -> None:
    readline = pytest.importorskip("readline")
    if "libedit" in (readline.__doc__ or ""):
        pytest.skip("libedit knows no bracketed paste")
    with (
        serve_in_thread(timing=INSTANT) as server,
        terminal("chat", "-m", "simulated/sim-large", SIMULATED_BASE_URL=server.url) as chat,
    ):
        assert "\x1b[?2004h" in chat.until("you> ")
        chat.type("\x1b[200~What is\n2 + 3?\nline c\n\x1b[201~\r")
        chat.until("cost $")
        chat.until("you> ")
        chat.type(CTRL_D)
        assert chat.end() == 0
        assert [request.body["messages"][-1]["content"] for request in server.requests] == [
            "What is\n2 + 3?\nline c"
        ]


def test_ctrl_c_at_the_prompt_clears_the_line_and_tells_how_to_end() -> None:
    with (
        serve_in_thread(timing=INSTANT) as server,
        terminal("chat", "-m", "simulated/sim-large", SIMULATED_BASE_URL=server.url) as chat,
    ):
        chat.until("you> ")
        chat.type("half a question")
        chat.until("half a question")
        time.sleep(0.2)  # Python does not see a signal that comes while readline shows a character
        chat.type(CTRL_C)
        chat.until("Ctrl-D or /quit ends the conversation.")
        chat.until("you> ")
        chat.type("What is 2 + 3?\r")
        chat.until("cost $")
        chat.until("you> ")
        chat.type(CTRL_D)
        assert chat.end() == 0
        assert [request.body["messages"][-1]["content"] for request in server.requests] == [
            "What is 2 + 3?"
        ]


def test_ctrl_c_pressed_often_stops_an_answer_and_leaves_the_conversation() -> None:
    with (
        faulty() as env,
        terminal("chat", "-m", "openai/fault:stall-after-3?secs=60|ok?text=FINE", **env) as chat,
    ):
        chat.until("you> ")
        chat.type("hi\r")
        chat.until("answer by")
        for _ in range(20):
            os.killpg(chat.process.pid, signal.SIGINT)
            time.sleep(0.005)
        chat.until("The answer was stopped.")
        chat.until("you> ")
        chat.type("hi\r")
        chat.until("FINE")
        chat.until("you> ")
        chat.type(CTRL_D)
        assert chat.end() == 0
        assert "Traceback" not in chat.shown


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_command_leaves_the_cursor_visible(end: signal.Signals) -> None:
    with faulty() as env, terminal("ask", "-m", "openai/fault:stall-after-3", "hi", **env) as ask:
        ask.until("answer by")
        time.sleep(0.2)
        ask.process.send_signal(end)
        assert ask.end() == -end
        assert "\x1b[?25l" not in ask.shown


def test_directions_and_line_ends_of_an_answer_keep_their_meaning_on_a_terminal() -> None:
    said = "a%0D%0Ab %E2%80%8F(c)%0DOVER"
    with faulty() as env, terminal("ask", "-m", f"openai/fault:ok?text={said}", "hi", **env) as ask:
        assert ask.end() == 0
        assert "a\r\nb \u200f(c)OVER" in ask.shown
