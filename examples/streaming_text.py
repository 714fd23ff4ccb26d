"""Questions of rising difficulty through the cascade, with every event, its cost and its time.

    python examples/streaming_text.py

It runs on the embedded simulated models: no key, no network.
"""

import asyncio

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import StreamEvent, StreamEventType

QUESTIONS = [
    ("simple", "What is the capital of France?"),
    ("moderate", "A shop sells 12 boxes of 24 pencils and 7 loose pencils. How many is that?"),
    ("complex", "Write a Python function that checks whether a string is a palindrome."),
]


def show(event: StreamEvent) -> None:
    """One event as a person would like to read it."""
    data = event.data
    match event.type:
        case StreamEventType.ROUTING:
            print(f"  {data['strategy']} over {', '.join(data['models'])} ({data['complexity']})")
        case StreamEventType.DRAFT_START:
            print(f"  draft by {data['model']}: ", end="")
        case StreamEventType.CHUNK:
            print(event.content, end="", flush=True)
        case StreamEventType.DRAFT_DECISION:
            verdict = "accepted" if data["accepted"] else f"rejected ({data['reason']})"
            print(f"\n  {verdict}: p(good) {data['confidence']:.2f}, {data['stage']} the draft")
            for name, value in data["evidence"].items():
                print(f"    {name} = {value:.2f}")
        case StreamEventType.SWITCH:
            print(f"  {data['from_model']} -> {data['to_model']}: ", end="")
        case StreamEventType.COMPLETE:
            result = data["result"]
            print(
                f"\n  {result['model_used']}: ${result['total_cost']:.6f} "
                f"(saved ${result['cost_saved']:.6f}), {result['latency_ms']:.0f} ms, "
                f"first token after {result['first_token_ms']:.0f} ms"
            )
        case StreamEventType.ERROR:
            print(f"\n  no answer: {event.content}")
        case StreamEventType.REASONING:
            pass


async def main() -> None:
    agent = CascadeAgent(
        models=[ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    )
    async with agent:
        for difficulty, question in QUESTIONS:
            print(f"\n{difficulty}: {question}")
            async for event in agent.stream_events(question, max_tokens=300):
                show(event)
        print(f"\nall questions together: ${agent.spent:.6f}")


if __name__ == "__main__":
    asyncio.run(main())
