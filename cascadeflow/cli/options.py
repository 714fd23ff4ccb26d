"""The options that `ask` and `chat` share, and the conversation they amount to."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, TypedDict

import msgspec
import typer
from rich.console import Console

from ..agent import CascadeAgent
from ..core.tier import Reveal
from ..streaming.base import StreamEvent
from .ladders import NO_MODEL, choose
from .live import LiveView
from .plain import plain
from .views import JsonLines, Transcript, View


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
        "@IN,OUT at its end gives prices in dollars per million tokens.",
    ),
]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="Ask the simulated models: no key, no network.")
]
System = Annotated[str | None, typer.Option("--system", help="System prompt.")]
MaxTokens = Annotated[
    int | None,
    typer.Option("--max-tokens", help="Limit of generated tokens; without it 1,000."),
]
Temperature = Annotated[
    float | None, typer.Option("--temperature", help="In [0, 2]; without it 0.7.")
]
RevealOption = Annotated[
    RevealChoice | None,
    typer.Option(
        "--reveal",
        help="live: show a draft as it comes; held: only once it is accepted. "
        "Without it live on a terminal and with --json, held in a pipe.",
    ),
]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost", help="Limit of one question in US dollars.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print every event as a line of JSON.")]
Raw = Annotated[
    bool,
    typer.Option(
        "--raw", help="Print what the models say as it is, terminal escapes and all; plain layout."
    ),
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The shared options as given."""

    models: Sequence[str]
    simulated: bool
    system: str | None
    max_tokens: int | None
    temperature: float | None
    reveal: RevealChoice | None
    max_cost: float | None
    as_json: bool
    raw: bool


class _Call(TypedDict, total=False):
    """Arguments of `stream_events` that were given."""

    system_prompt: str
    temperature: float
    max_cost: float
    reveal: Reveal


class Session:
    """An agent and a view, made from the options.

    Raises:
        ConfigError: an option or the environment is wrong. Nothing was sent.
        typer.Exit: there is no model to ask; the next step was printed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        choice = choose(
            settings.models,
            simulated=settings.simulated,
            max_tokens=settings.max_tokens,
            environ=os.environ,
        )
        if choice is None:
            sys.stderr.write(NO_MODEL + "\n")
            raise typer.Exit(1)
        self.agent = CascadeAgent(choice.models)
        if not settings.models and not settings.as_json:
            sys.stderr.write(plain(choice.told) + "\n")
        self.view, held = _view(settings)
        self._call = _call(settings, held=held)

    def ask(
        self, question: str, history: Sequence[dict[str, Any]] = ()
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events of the answer to `question`."""
        return self.agent.stream_events(question, messages=history, **self._call)


def _call(settings: Settings, *, held: bool) -> _Call:
    call = _Call(reveal="held" if held else "live")
    if settings.reveal is not None:
        call["reveal"] = "held" if settings.reveal is RevealChoice.HELD else "live"
    if settings.system is not None:
        call["system_prompt"] = unicode(settings.system)
    if settings.temperature is not None:
        call["temperature"] = settings.temperature
    if settings.max_cost is not None:
        call["max_cost"] = settings.max_cost
    return call


def _view(settings: Settings) -> tuple[View, bool]:
    """The view for this output, and whether drafts are held back in it."""
    if settings.as_json:
        return JsonLines(sys.stdout), False
    console = terminal()
    if settings.raw:
        return Transcript(sys.stdout, sys.stderr, safe=str), True
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console), False
    return Transcript(sys.stdout, sys.stderr), True


def terminal(*, live: bool = True) -> Console:
    """Standard output; nothing that is printed is taken for markup. `live=False`: as in a pipe."""
    console = Console(
        markup=False, emoji=False, highlight=False, force_terminal=None if live else False
    )
    console.soft_wrap = not console.is_terminal  # a file keeps its lines whole
    return console


def piped_text() -> str:
    """All of standard input; bytes that are not UTF-8 become U+FFFD."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def unicode(text: str) -> str:
    """A text of the command line as valid Unicode: bytes that were none become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
