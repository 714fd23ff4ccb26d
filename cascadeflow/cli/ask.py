"""`cascadeflow ask`: one question, one answer. `cascadeflow chat`: a conversation.

Ctrl-C while a model speaks ends its answer; at the prompt of a chat it ends the conversation, as
does the end of the input.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import sys
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Annotated, Any

import typer

from ..agent import CascadeAgent
from ..core.tier import Reveal
from ..errors import CascadeError, ConfigError
from ..request import DEFAULT_TEMPERATURE
from ..streaming.base import StreamEvent
from .ladders import NO_MODEL, choose
from .live import LiveView, terminal
from .views import JsonLines, Transcript, View, note, show

COMMANDS = "/reset forgets the conversation; /quit, Ctrl-D or the end of the input ends it"


class RevealChoice(enum.StrEnum):
    """What a reader sees of a draft before it is accepted."""

    LIVE = "live"
    HELD = "held"


Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="PROVIDER/NAME",
        help="A model of the ladder, cheapest first; repeat it. PROVIDER:NAME will do as well. "
        "@IN,OUT at its end gives prices in dollars per million tokens, @URL the address of the "
        "server, in place of <PROVIDER>_BASE_URL: vllm/NAME@0,0@http://127.0.0.1:8000/v1.",
    ),
]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="Ask the simulated models: no key, no network.")
]
System = Annotated[str | None, typer.Option(help="System prompt.")]
MaxTokens = Annotated[int | None, typer.Option(help="Limit of generated tokens; without it 1,000.")]
Temperature = Annotated[float, typer.Option(help="In [0, 2].")]
RevealOption = Annotated[
    RevealChoice | None,
    typer.Option(
        help="live: show a draft as it comes; held: only once it is accepted. "
        "Without it live on a terminal and with --json, held in a pipe."
    ),
]
MaxCost = Annotated[float | None, typer.Option(help="Limit of one question in US dollars.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print every event as a line of JSON.")]
Raw = Annotated[
    bool,
    typer.Option(
        "--raw", help="Print what the models say as it is, terminal escapes and all; plain layout."
    ),
]


def ask(
    question: Annotated[str, typer.Argument(help='What to ask; "-" reads it from standard input.')],
    model: Models = None,
    simulated: Simulated = False,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = DEFAULT_TEMPERATURE,
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
    # Bytes that are not UTF-8 become U+FFFD.
    piped = question == "-"
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if piped else _unicode(question)
    if not text.strip():
        raise ConfigError("the question is empty; give a text, or - and the text on standard input")
    agent, view, shown = _open(model, max_tokens, simulated=simulated, as_json=as_json, raw=raw)

    async def answer() -> None:
        async with agent:
            stream = agent.stream_events(
                text,
                system_prompt=None if system is None else _unicode(system),
                temperature=temperature,
                max_cost=max_cost,
                reveal=shown if reveal is None else _REVEALS[reveal],
            )
            await show(stream, view)

    try:
        asyncio.run(answer())
    except CascadeError:
        raise typer.Exit(1) from None


def chat(
    model: Models = None,
    simulated: Simulated = False,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = DEFAULT_TEMPERATURE,
    reveal: RevealOption = None,
    max_cost: MaxCost = None,
    as_json: AsJson = False,
    raw: Raw = False,
) -> None:
    """Hold a conversation.

    One question a line; /reset forgets the conversation, /quit ends it. Fails if the last question
    of a piped conversation could not be answered.
    """
    agent, view, shown = _open(model, max_tokens, simulated=simulated, as_json=as_json, raw=raw)
    ask = partial(
        agent.stream_events,
        system_prompt=None if system is None else _unicode(system),
        temperature=temperature,
        max_cost=max_cost,
        reveal=shown if reveal is None else _REVEALS[reveal],
    )
    if sys.stdin.isatty():
        # Line editing and history for `input`; not every Python has it.
        with contextlib.suppress(ImportError):
            import readline as readline
        note(f"{COMMANDS}.")
    with asyncio.Runner() as runner:
        try:
            answered = _talk(ask, view, runner)
        finally:
            runner.run(agent.aclose())
    if not answered and not sys.stdin.isatty():
        raise typer.Exit(1)


def _talk(
    ask: Callable[..., AsyncGenerator[StreamEvent, None]], view: View, runner: asyncio.Runner
) -> bool:
    """Answer line after line until the user has had enough; False if the last one failed."""
    history: list[dict[str, Any]] = []
    answered = True
    while (line := _read()) is not None and line != "/quit":
        if line == "/reset":
            history = []
            note("The conversation is forgotten.")
        elif line.startswith("/"):
            note(f"{line} is no command; {COMMANDS}.")
        elif line:
            answered = False
            try:
                history = runner.run(show(ask(line, messages=history), view)).messages
                answered = True
            except CascadeError:
                pass  # the view has shown it
            except ConfigError as error:
                note(f"error: {error}")
            except KeyboardInterrupt:
                note("The answer was stopped.")
    return answered


def _read() -> str | None:
    """The next line; None if there is none."""
    try:
        return _unicode(input("you> " if sys.stdin.isatty() else "")).strip()
    except (EOFError, KeyboardInterrupt):
        if sys.stdin.isatty():
            note("")
        return None


_REVEALS: dict[RevealChoice, Reveal] = {RevealChoice.LIVE: "live", RevealChoice.HELD: "held"}


def _open(
    models: Models, max_tokens: MaxTokens, *, simulated: bool, as_json: bool, raw: bool
) -> tuple[CascadeAgent, View, Reveal]:
    """The agent, the view for this output, and what it shows of drafts unless told otherwise.

    Raises:
        ConfigError: an option or the environment is wrong. Nothing was sent.
        typer.Exit: there is no model to ask; the next step was printed.
    """
    choice = choose(models or (), simulated=simulated, max_tokens=max_tokens, environ=os.environ)
    if choice is None:
        note(NO_MODEL)
        raise typer.Exit(1)
    ladder, why = choice
    agent = CascadeAgent(ladder)
    if as_json:
        return agent, JsonLines(sys.stdout), "live"
    if not models:
        names = " -> ".join(f"{model.provider}/{model.name}" for model in ladder)
        note(f"models: {names} ({why})")
    if raw:
        return agent, Transcript(sys.stdout, sys.stderr, safe=str), "held"
    console = terminal()
    if console.is_terminal and not console.is_dumb_terminal:
        return agent, LiveView(console), "live"
    return agent, Transcript(sys.stdout, sys.stderr), "held"


def _unicode(text: str) -> str:
    """A text of the command line as valid Unicode: bytes that were none become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
