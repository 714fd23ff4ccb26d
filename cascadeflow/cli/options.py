"""The options that `ask` and `chat` share, and the conversation they amount to."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console

from ..agent import CascadeAgent
from ..core.tier import Reveal
from ..request import DEFAULT_TEMPERATURE
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
        "@IN,OUT at its end gives prices in dollars per million tokens, @URL the address of the "
        "server, in place of <PROVIDER>_BASE_URL: vllm/NAME@0,0@http://127.0.0.1:8000/v1.",
    ),
]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="Ask the simulated models: no key, no network.")
]
System = Annotated[str | None, typer.Option("--system", help="System prompt.")]
MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", help="Limit of generated tokens; without it 1,000.")
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


class Session:
    """An agent and a view, made from the options.

    Raises:
        ConfigError: an option or the environment is wrong. Nothing was sent.
        typer.Exit: there is no model to ask; the next step was printed.
    """

    def __init__(
        self,
        *,
        models: Sequence[str] | None,
        simulated: bool,
        system: str | None,
        max_tokens: int | None,
        temperature: float | None,
        reveal: RevealChoice | None,
        max_cost: float | None,
        as_json: bool,
        raw: bool,
    ) -> None:
        choice = choose(
            models or (), simulated=simulated, max_tokens=max_tokens, environ=os.environ
        )
        if choice is None:
            sys.stderr.write(NO_MODEL + "\n")
            raise typer.Exit(1)
        self.agent = CascadeAgent(choice.models)
        if not models and not as_json:
            sys.stderr.write(plain(choice.told) + "\n")
        self.view, default = _view(as_json=as_json, raw=raw)
        shown: Reveal = "held" if (reveal or default) is RevealChoice.HELD else "live"
        self._ask = partial(
            self.agent.stream_events,
            system_prompt=None if system is None else unicode(system),
            temperature=DEFAULT_TEMPERATURE if temperature is None else temperature,
            max_cost=max_cost,
            reveal=shown,
        )

    def ask(
        self, question: str, history: Sequence[dict[str, Any]] = ()
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events of the answer to `question`."""
        return self._ask(question, messages=history)


def _view(*, as_json: bool, raw: bool) -> tuple[View, RevealChoice]:
    """The view for this output, and what it shows of drafts unless told otherwise."""
    if as_json:
        return JsonLines(sys.stdout), RevealChoice.LIVE
    console = terminal()
    if raw:
        return Transcript(sys.stdout, sys.stderr, safe=str), RevealChoice.HELD
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console), RevealChoice.LIVE
    return Transcript(sys.stdout, sys.stderr), RevealChoice.HELD


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
