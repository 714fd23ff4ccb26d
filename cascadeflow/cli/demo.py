"""`cascadeflow demo`: a cascade at work, without a key and without a network."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from ..agent import CascadeAgent
from ..config import ModelConfig
from ..errors import CascadeError
from ..providers.simulated import INSTANT, Question, Timing, generate, serve_in_thread
from .compare import compare
from .ladders import SIMULATED
from .options import terminal
from .scenes import find_scenes
from .screens import ConsoleScreen, JsonScreen, Screen
from .views import show

SMALL, LARGE = SIMULATED
ANSWER_TOKENS = 300
"""Token limit; the longest right answer takes half of it."""
SEARCHED = 200
"""Questions among which the ones to show are looked for."""
PACE = Timing(first_token=0.2, per_token=0.012)
"""Seconds; about what a small hosted model takes."""
FAST = Timing(first_token=0.02, per_token=0.0012)
NEXT_STEP = (
    'cascadeflow ask --simulated "What is 17 * 23?", or export OPENAI_API_KEY=... and '
    'cascadeflow ask "Why is the sky blue?"'
)


def demo(
    questions: Annotated[
        int, typer.Option("--questions", "-n", min=1, max=10_000, help="Questions to measure.")
    ] = 60,
    seed: Annotated[int, typer.Option("--seed", help="Which questions are asked.")] = 7,
    fast: Annotated[
        bool, typer.Option("--fast", help="Let the models speak ten times as fast.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live/--no-live", help="Animate and colour; only on a terminal.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Watch a cascade at work; no key, no network.

    Three questions live, one for each way a draft can end; then the same measured on many. The
    models are simulated. It takes half a minute.
    """
    screen: Screen = JsonScreen(sys.stdout) if as_json else ConsoleScreen(terminal(live=live))
    screen.intro((SMALL, LARGE))
    asyncio.run(_play(screen, seed, questions, FAST if fast else PACE))


async def _play(screen: Screen, seed: int, questions: int, pace: Timing) -> None:
    with serve_in_thread(timing=INSTANT) as server:
        async with _agent(server.url, SMALL, LARGE) as agent:
            scenes = await find_scenes(agent, generate(seed, SEARCHED))
    with serve_in_thread(timing=pace) as server:
        async with _agent(server.url, SMALL, LARGE) as agent:
            for number, scene in enumerate(scenes, 1):
                screen.scene(number, len(scenes), scene)
                try:
                    result = await show(agent.stream_events(scene.question.text), screen.view)
                except CascadeError:
                    continue
                screen.checked(scene, scene.question.check(result.content))
        await _measure(screen, server.url, generate(seed, questions))


async def _measure(screen: Screen, url: str, questions: Sequence[Question]) -> None:
    async with (
        _agent(url, SMALL) as small,
        _agent(url, SMALL, LARGE) as cascade,
        _agent(url, LARGE) as large,
    ):
        agents = {"small alone": small, "cascade": cascade, "large alone": large}
        with screen.progress(len(questions) * len(agents)) as answered:
            rows = await compare(agents, questions, answered)
    screen.summary(rows, NEXT_STEP)


def _agent(url: str, *names: str) -> CascadeAgent:
    return CascadeAgent(
        [ModelConfig(name, "simulated", base_url=url, max_tokens=ANSWER_TOKENS) for name in names]
    )
