"""`cascadeflow ask`: one question, one answer. `cascadeflow chat`: a conversation (`talk.py`)."""

from __future__ import annotations

import asyncio
import enum
import os
import sys
from functools import partial
from typing import Annotated

import typer

from ..agent import CascadeAgent
from ..core.tier import Reveal
from ..errors import CascadeError, ConfigError
from ..request import DEFAULT_TEMPERATURE
from .ladders import choose, no_model
from .live import LiveView, terminal
from .plain import unicode_of
from .probe import local_servers
from .talk import Talk
from .views import JsonLines, Transcript, View, note, show

ASKED = 'What to ask; "-" reads it from standard input. One that begins with "-" comes after "--".'


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
        "@IN,OUT behind it gives prices in dollars per million tokens, @URL the address of the "
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
        "--raw",
        help="Print what the models say as it is, escapes and all, in a pipe too; plain layout.",
    ),
]


def ask(
    question: Annotated[str, typer.Argument(help=ASKED)],
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
    standard output is the answer and nothing else, with --raw to the byte, else with what could
    command a terminal shown instead; decisions and cost go to standard error.
    """
    # Bytes that are not UTF-8 become U+FFFD.
    piped = question == "-"
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if piped else unicode_of(question)
    if not text.strip():
        raise ConfigError("the question is empty; give a text, or - and the text on standard input")
    agent, view, shown = _open(model, max_tokens, simulated=simulated, as_json=as_json, raw=raw)

    async def answer() -> None:
        async with agent:
            stream = agent.stream_events(
                text,
                system_prompt=None if system is None else unicode_of(system),
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

    One question a line; several lines that are pasted at once on a terminal are one question.
    /reset forgets the conversation, /quit ends it. Ctrl-C on a terminal stops an answer or clears
    the line, in a pipe it ends the command. Fails if the last question of a piped conversation
    could not be answered.
    """
    agent, view, shown = _open(model, max_tokens, simulated=simulated, as_json=as_json, raw=raw)
    ask = partial(
        agent.stream_events,
        system_prompt=None if system is None else unicode_of(system),
        temperature=temperature,
        max_cost=max_cost,
        reveal=shown if reveal is None else _REVEALS[reveal],
    )
    with asyncio.Runner() as runner:
        try:
            answered = Talk(ask, view).hold(runner)
        finally:
            runner.run(agent.aclose())
    if not answered:
        raise typer.Exit(1)


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
        note(no_model(local_servers(os.environ)))
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
