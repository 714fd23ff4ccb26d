"""`cascadeflow ask`: one question, one answer."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from ..errors import CascadeError, ConfigError
from .options import (
    AsJson,
    MaxCost,
    MaxTokens,
    Models,
    Raw,
    RevealOption,
    Session,
    Settings,
    Simulated,
    System,
    Temperature,
    piped_text,
    unicode,
)
from .views import show

Question = Annotated[str, typer.Argument(help='What to ask; "-" reads it from standard input.')]


def ask(
    question: Question,
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
    settings = Settings(
        models=model or [],
        simulated=simulated,
        system=system,
        max_tokens=max_tokens,
        temperature=temperature,
        reveal=reveal,
        max_cost=max_cost,
        as_json=as_json,
        raw=raw,
    )
    text = piped_text() if question == "-" else unicode(question)
    if not text.strip():
        raise ConfigError("the question is empty; give a text, or - and the text on standard input")
    try:
        asyncio.run(_answer(Session(settings), text))
    except CascadeError:
        raise typer.Exit(1) from None


async def _answer(session: Session, question: str) -> None:
    async with session.agent:
        await show(session.ask(question), session.view)
