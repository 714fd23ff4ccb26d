"""A conversation, line by line, and what Ctrl-C does in it.

On a terminal it stops the answer that streams, and clears the line at the prompt. At any other
moment, as right after a stop, it does nothing: pressed twice, it does not end a conversation. In a
pipe it ends the command, like anywhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from typing import Any, NoReturn

from ..errors import CascadeError, ConfigError
from ..result import CascadeResult
from ..streaming.base import StreamEvent
from .plain import unicode_of
from .views import View, note, show

COMMANDS = "/reset forgets the conversation; /quit, Ctrl-D or the end of the input ends it"


class Talk:
    """A conversation with `ask`, read from standard input and shown on `view`."""

    def __init__(self, ask: Callable[..., AsyncGenerator[StreamEvent, None]], view: View) -> None:
        self._ask = ask
        self._view = view
        self._history: list[dict[str, Any]] = []
        self._on_ctrl_c: Callable[[], object] | None = None
        """What the next Ctrl-C on a terminal does, once."""
        self._interactive = sys.stdin.isatty()

    def hold(self, runner: asyncio.Runner) -> bool:
        """Answer until the user has had enough; False if the last question of a pipe failed."""
        if self._interactive:
            signal.signal(signal.SIGINT, self._interrupted)
            _edit_lines()
            note(f"{COMMANDS}. Ctrl-C stops an answer.")
        answered = True
        while (line := self._read()) is not None and line != "/quit":
            if line == "/reset":
                self._history = []
                note("The conversation is forgotten.")
            elif line.startswith("/"):
                note(f"{line} is no command; {COMMANDS}.")
            elif line:
                answered = self._answered(line, runner)
        return answered or self._interactive

    def _answered(self, line: str, runner: asyncio.Runner) -> bool:
        try:
            self._history = runner.run(self._answer(line)).messages
        except CascadeError:
            return False  # the view has shown it
        except ConfigError as error:
            note(f"error: {error}")
            return False
        except asyncio.CancelledError:
            note("The answer was stopped.")
            return False
        return True

    async def _answer(self, line: str) -> CascadeResult:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._on_ctrl_c = lambda: loop.call_soon_threadsafe(task.cancel)  # the loop may be asleep
        try:
            return await show(self._ask(line, messages=self._history), self._view)
        finally:
            self._on_ctrl_c = None

    def _read(self) -> str | None:
        """The next line; None if there is none, empty if it was cleared."""
        self._on_ctrl_c = _clear
        try:
            line = input("you> " if self._interactive else "")
            self._on_ctrl_c = None
        except EOFError:
            if self._interactive:
                note("")
            return None
        except KeyboardInterrupt:
            if not self._interactive:
                raise
            note("\nCtrl-D or /quit ends the conversation.")
            return ""
        return unicode_of(line).strip()

    def _interrupted(self, *_: object) -> None:
        """The handler of SIGINT."""
        react, self._on_ctrl_c = self._on_ctrl_c, None
        if react is not None:
            react()


def _clear() -> NoReturn:
    raise KeyboardInterrupt


def _edit_lines() -> None:
    """Line editing and history for `input`, and a paste of several lines is one of them.

    Not every Python has it; one with libedit ends a question at each line of a paste.
    """
    with contextlib.suppress(ImportError):
        import readline

        readline.parse_and_bind("set enable-bracketed-paste on")
