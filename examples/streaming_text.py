"""One question for each way a draft can end, with every event, its evidence, cost and time.

    python examples/streaming_text.py

It runs on the embedded simulated models: no key, no network. Their answers are a function of the
question, so the outcomes named here are those you will see; nothing is played back.
"""

import asyncio

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import StreamEvent, StreamEventType

QUESTIONS = [
    ("kept", "What is the capital of France?"),
    (
        "read to its end, not kept",
        "Hugo has 35 marbles. Hugo buys 5 boxes with 13 marbles each and gives 29 marbles away. "
        "How many marbles does Hugo have now?",
    ),
    ("abandoned while it speaks", "What is 53 * 25 + 274?"),
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
            print(
                f"  {data['from_model']} -> {data['to_model']}, "
                f"{data['discard_chars']} characters are void: ",
                end="",
            )
        case StreamEventType.COMPLETE:
            result = data["result"]
            print(
                f"\n  {result['model_used']}: ${result['total_cost']:.6f} "
                f"({result['cost_saved']:+.6f} saved), {result['latency_ms']:.0f} ms, "
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
        for outcome, question in QUESTIONS:
            print(f"\nA draft that is {outcome}: {question}")
            async for event in agent.stream_events(question, max_tokens=300):
                show(event)
        print(f"\nall questions together: ${agent.spent:.6f}")


if __name__ == "__main__":
    asyncio.run(main())
