"""What a service needs: an own judge, several users at once, a budget, a conversation, errors.

    python examples/streaming_text_advanced.py

It runs on the embedded simulated models: no key, no network.
"""

import asyncio

from cascadeflow import (
    CascadeAgent,
    CascadeError,
    ConfigError,
    Estimate,
    ModelConfig,
    ThresholdPolicy,
    Timeouts,
    VisibleText,
)
from cascadeflow.types import Delta, Request, TextDelta

MODELS = [ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]


class Brief:
    """An estimator of one's own: short answers are good ones."""

    def observe(self, request: Request) -> "BriefObserver":
        return BriefObserver()


class BriefObserver:
    """Watches one draft."""

    def __init__(self) -> None:
        self.words = 0

    def feed(self, delta: Delta) -> None:
        if isinstance(delta, TextDelta):
            self.words += delta.text.count(" ")

    def estimate(self) -> Estimate:
        return Estimate(1 / (1 + self.words / 40), {"words": self.words})


async def several_users() -> None:
    """One agent answers many queries at the same time; each reader sees only valid text."""
    questions = ["What is Python?", "What is 17 * 23?", "How many minutes are in 3 hours?"]

    async def read(question: str) -> str:
        screen = VisibleText()
        async for event in agent.stream_events(question, reveal="live"):
            screen.feed(event)
        return screen.text

    async with CascadeAgent(MODELS) as agent:
        for question, answer in zip(
            questions, await asyncio.gather(*map(read, questions)), strict=True
        ):
            print(f"{question} {answer[:60]}")


async def own_judge() -> None:
    """An estimator says how good a draft is, a policy what to do about it."""
    policy = ThresholdPolicy(accept_at=0.5, hopeless=0.1)
    async with CascadeAgent(MODELS, estimator=Brief(), policy=policy) as agent:
        result = await agent.run("Explain AI", max_tokens=200)
        print(f"own judge: p(good) {result.confidence:.2f}, answered by {result.model_used}")


async def conversation() -> None:
    """`result.messages` carries on a conversation."""
    async with CascadeAgent(MODELS) as agent:
        first = await agent.run("What is the capital of France?", system_prompt="Be brief.")
        second = await agent.run("And what is 6 * 7?", messages=first.messages)
        print(f"conversation: {len(second.messages)} messages, {second.content}")


async def limits() -> None:
    """Deadlines, a budget in dollars, and what is left when they are reached."""
    async with CascadeAgent(MODELS, timeouts=Timeouts(total=20), max_cost=0.000_005) as agent:
        try:
            await agent.run("Explain AI")
        except CascadeError as error:
            spent = error.result.total_cost
            said = len(error.result.content)
            print(f"limits: {error.kind}, ${spent:.7f} spent, {said} characters said")
    try:
        CascadeAgent(MODELS).stream_events("Hello", max_token=5)
    except ConfigError as error:
        print(f"limits: {error}")


async def main() -> None:
    await several_users()
    await own_judge()
    await conversation()
    await limits()


if __name__ == "__main__":
    asyncio.run(main())
