"""`cascadeflow demo`: a cascade at work, without a key and without a network.

First one question for each way in which a draft can end. The models' answers are a function of the
question, so the questions are tried beforehand without their pauses. Nothing is arranged: a way
that does not occur among them is not shown. Then many questions are measured on the small model
alone, the cascade, and the large model alone.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from ..agent import CascadeAgent
from ..config import ModelConfig
from ..errors import CascadeError
from ..providers.simulated import INSTANT, Question, Timing, generate, serve_in_thread
from ..result import CascadeResult
from ..streaming.base import StreamEventType
from .ladders import SIMULATED
from .live import terminal
from .screen import OUTCOMES, Checked, Intro, Outcome, Row, Scene, Screen, Summary
from .views import show

SMALL, LARGE = SIMULATED
ANSWER_TOKENS = 300
"""Token limit; the longest right answer takes half of it."""
SEARCHED = 200
"""Questions among which the ones to show are looked for."""
PACE = Timing(first_token=0.2, per_token=0.012)
"""Seconds; about what a small hosted model takes."""
FAST = Timing(first_token=0.02, per_token=0.0012)
SHORTEST, LONGEST = 80, 700
"""Characters of a draft that can be watched and read in passing."""
ENDS: Mapping[tuple[str, bool], Outcome] = {
    ("after", True): "accepted",
    ("after", False): "rejected",
    ("during", False): "abandoned",
}
"""By the stage of the decision, and whether the draft was accepted."""
AT_ONCE = 16
"""Questions measured at once; more would measure this machine instead of the models."""
NEXT_STEP = (
    '{0} ask --simulated "What is 17 * 23?", or export OPENAI_API_KEY=... and '
    '{0} ask "Why is the sky blue?"'
)


def demo(
    questions: Annotated[
        int, typer.Option("--questions", "-n", min=1, max=10_000, help="Questions to measure.")
    ] = 60,
    seed: Annotated[int, typer.Option(help="Which questions are asked.")] = 7,
    fast: Annotated[
        bool, typer.Option("--fast", help="Let the models speak ten times as fast.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Watch a cascade at work; no key, no network.

    Three questions live, one for each way a draft can end; then the same measured on many. The
    models are simulated. It takes half a minute.
    """
    screen = Screen(None if as_json else terminal())
    screen.tell(Intro([SMALL, LARGE]))
    asyncio.run(_play(screen, seed, questions, FAST if fast else PACE))


async def _play(screen: Screen, seed: int, questions: int, pace: Timing) -> None:
    with serve_in_thread(timing=INSTANT) as server:
        async with _agent(server.url, SMALL, LARGE) as agent:
            scenes = await find_scenes(agent, generate(seed, SEARCHED))
    with serve_in_thread(timing=pace) as server:
        async with _agent(server.url, SMALL, LARGE) as agent:
            for number, (outcome, question) in enumerate(scenes, 1):
                screen.tell(Scene(number, len(scenes), question.text, question.kind, outcome))
                with suppress(CascadeError):
                    result = await show(agent.stream_events(question.text), screen.view)
                    screen.tell(Checked(question.check(result.content), question.answer))
        async with (
            _agent(server.url, SMALL) as small,
            _agent(server.url, SMALL, LARGE) as cascade,
            _agent(server.url, LARGE) as large,
        ):
            agents = {"small alone": small, "cascade": cascade, "large alone": large}
            screen.wait(questions * len(agents))
            rows = await compare(agents, generate(seed, questions))
    screen.tell(Summary(rows, NEXT_STEP.format(_started_as())))


def _agent(url: str, *names: str) -> CascadeAgent:
    return CascadeAgent(
        [ModelConfig(name, "simulated", base_url=url, max_tokens=ANSWER_TOKENS) for name in names]
    )


async def find_scenes(
    agent: CascadeAgent, questions: Sequence[Question]
) -> list[tuple[Outcome, Question]]:
    """The most telling question of each outcome that occurs, in the order of `OUTCOMES`.

    Only questions whose final answer is right are taken.
    """
    best: dict[Outcome, tuple[int, Question]] = {}
    for question in questions:
        outcome, telling = await _try(agent, question)
        if outcome and (outcome not in best or telling > best[outcome][0]):
            best[outcome] = telling, question
        if [telling for telling, _ in best.values()] == [3] * len(OUTCOMES):
            break
    return [(outcome, best[outcome][1]) for outcome in OUTCOMES if outcome in best]


async def _try(agent: CascadeAgent, question: Question) -> tuple[Outcome | None, int]:
    """What becomes of the draft, None if it shows nothing, or not in passing; how telling it is.

    That is 2 if the judge was right about it, and 1 if there is enough of it to watch it stream.
    """
    draft, outcome, final = "", None, ""
    async for event in agent.stream_events(question.text):
        match event.type:
            case StreamEventType.CHUNK if event.data["phase"] == "draft":
                draft += event.content
            case StreamEventType.DRAFT_DECISION:
                outcome = ENDS.get((event.data["stage"], event.data["accepted"]))
            case StreamEventType.COMPLETE:
                final = event.data["result"]["content"]
            case _:
                pass
    if not 0 < len(draft) <= LONGEST or not question.check(final):
        return None, 0
    judged_well = question.check(draft) == (outcome == "accepted")
    return outcome, 2 * judged_well + (len(draft) >= SHORTEST)


async def compare(agents: Mapping[str, CascadeAgent], questions: Sequence[Question]) -> list[Row]:
    """One row for each agent.

    Raises:
        CascadeError: none of the questions to one agent was answered; the first says why.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    failed: list[CascadeError] = []

    async def ask(agent: CascadeAgent, question: Question) -> CascadeResult:
        async with gate:
            try:
                return await agent.run(question.text)
            except CascadeError as error:
                failed.append(error)
                return error.result

    rows: list[Row] = []
    for name, agent in agents.items():
        failed.clear()
        results = await asyncio.gather(*(ask(agent, each) for each in questions))
        if len(failed) == len(questions):
            raise failed[0]
        first = [result.first_token_ms for result in results if result.first_token_ms is not None]
        checked = zip(questions, results, strict=True)
        row = Row(
            name=name,
            questions=len(questions),
            right=sum(question.check(result.content) for question, result in checked),
            cost=sum(result.total_cost for result in results),
            escalated=sum(result.cascaded for result in results),
            first_token_ms=median(first) if first else None,
            latency_ms=median(result.latency_ms for result in results),
        )
        rows.append(row)
    return rows


def _started_as() -> str:
    """The command that starts this program."""
    if shutil.which("cascadeflow"):
        return "cascadeflow"
    here = Path(sys.executable)
    with suppress(ValueError):  # it is elsewhere
        here = here.relative_to(Path.cwd())
    return f"{here} -m cascadeflow"
