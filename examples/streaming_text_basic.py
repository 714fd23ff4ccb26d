"""The shortest useful stream: print an answer as it forms, take back what is discarded.

    python examples/streaming_text_basic.py

It runs on the embedded simulated models: no key, no network. For real models put names such as
ModelConfig("gpt-4o-mini", "openai") in the ladder and set OPENAI_API_KEY.
"""

import asyncio

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import StreamEventType


async def main() -> None:
    agent = CascadeAgent(
        models=[ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    )
    async for event in agent.stream_events("Convert 32 minutes to seconds."):
        match event.type:
            case StreamEventType.CHUNK:
                print(event.content, end="", flush=True)
            case StreamEventType.SWITCH:
                # What was printed so far is void: a page would erase `discard_chars` characters.
                print(f"\n[discarded {event.data['discard_chars']} characters; next model]")
            case StreamEventType.COMPLETE:
                result = event.data["result"]
                print(f"\n[{result['model_used']}, ${result['total_cost']:.6f}]")
            case StreamEventType.ERROR:
                print(f"\n[no answer: {event.content}]")
            case _:
                pass


if __name__ == "__main__":
    asyncio.run(main())
