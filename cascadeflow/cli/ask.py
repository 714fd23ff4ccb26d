"""`cascadeflow ask`: one question, one answer. `cascadeflow chat`: a conversation.

Ctrl-C while a model speaks ends its answer; at the prompt of a chat it ends the conversation, as
does the end of the input.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Annotated, Any

import typer

from ..errors import CascadeError, ConfigError
from . import telling
from .options import (
    AsJson,
    MaxCost,
    MaxTokens,
    Models,
    Raw,
    RevealOption,
    Session,
    Simulated,
    System,
    Temperature,
    piped_text,
    unicode,
)
from .plain import plain
from .views import show

HELP = """\
/cost   what the conversation has cost so far
/reset  forget the conversation
/help   this list
/quit   end (so does the end of the input)"""


def ask(
    question: Annotated[str, typer.Argument(help='What to ask; "-" reads it from standard input.')],
    model: Models = None,
    simulated: Simulated = False,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    reveal: RevealOption = None,
    max_cost: MaxCost = None,
    as_json: AsJson = False,
    raw: Raw = False,
) -> None:
    """Ask one question.

    The cheap model answers, the stronger one only where it must. Without --model the models are
    those whose key is in the environment, or those of an Ollama on this machine. In a pipe,
    standard output is the answer and nothing else; decisions and cost go to standard error.
    """
    text = piped_text() if question == "-" else unicode(question)
    if not text.strip():
        raise ConfigError("the question is empty; give a text, or - and the text on standard input")
    session = Session(
        models=model,
        simulated=simulated,
        system=system,
        max_tokens=max_tokens,
        temperature=temperature,
        reveal=reveal,
        max_cost=max_cost,
        as_json=as_json,
        raw=raw,
    )
    try:
        asyncio.run(_answer(session, text))
    except CascadeError:
        raise typer.Exit(1) from None


async def _answer(session: Session, question: str) -> None:
    async with session.agent:
        await show(session.ask(question), session.view)


def chat(
    model: Models = None,
    simulated: Simulated = False,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    reveal: RevealOption = None,
    max_cost: MaxCost = None,
    as_json: AsJson = False,
    raw: Raw = False,
) -> None:
    """Hold a conversation.

    One question a line; /help lists the commands. Fails if the last question of a piped
    conversation could not be answered.
    """
    session = Session(
        models=model,
        simulated=simulated,
        system=system,
        max_tokens=max_tokens,
        temperature=temperature,
        reveal=reveal,
        max_cost=max_cost,
        as_json=as_json,
        raw=raw,
    )
    with asyncio.Runner() as runner:
        talk = Talk(session, runner)
        try:
            talk.hold()
        finally:
            runner.run(talk.session.agent.aclose())
    if talk.failed and not sys.stdin.isatty():
        raise typer.Exit(1)


class Talk:
    """A conversation: its history and what it has cost."""

    def __init__(self, session: Session, runner: asyncio.Runner) -> None:
        self.session = session
        self.failed = False
        """The last question could not be answered."""
        self._runner = runner
        self._history: list[dict[str, Any]] = []
        self._answers = 0
        self._saved = 0.0

    def hold(self) -> None:
        """Read lines and answer them until the user has had enough."""
        if sys.stdin.isatty():
            # Line editing and history for `input`; not every Python has it.
            with contextlib.suppress(ImportError):
                import readline as readline
            _note("/help lists the commands; /quit or Ctrl-D ends.")
        while (line := self._read()) is not None:
            if line.startswith("/"):
                if not self._obey(line):
                    return
            elif line:
                self._answer(line)

    def _read(self) -> str | None:
        """The next line; None if there is none."""
        try:
            line = input("you> " if sys.stdin.isatty() else "")
        except (EOFError, KeyboardInterrupt):
            if sys.stdin.isatty():
                _note("")
            return None
        return unicode(line).strip()

    def _obey(self, command: str) -> bool:
        """Carry out a command; False if it ends the conversation."""
        match command.split()[0]:
            case "/quit" | "/exit":
                return False
            case "/help":
                _note(HELP)
            case "/reset":
                self._history = []
                _note("The conversation is forgotten.")
            case "/cost":
                spent, saved = self.session.agent.spent, self._saved
                _note(
                    f"cost {telling.dollars(spent)}, saved {telling.dollars(saved)}, "
                    f"answers {self._answers}"
                )
            case other:
                _note(f"{plain(other)} is no command.\n{HELP}")
        return True

    def _answer(self, question: str) -> None:
        self.failed = True
        try:
            stream = self.session.ask(question, self._history)
            result = self._runner.run(show(stream, self.session.view))
        except CascadeError:
            return
        except ConfigError as error:
            _note(f"error: {plain(str(error))}")
            return
        except KeyboardInterrupt:
            _note("The answer was stopped.")
            return
        self.failed = False
        self._history = result.messages
        self._answers += 1
        self._saved += result.cost_saved


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
