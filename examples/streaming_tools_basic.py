"""The shortest useful tool stream: a typed Python function is the tool; calls to it are run.

    python examples/streaming_tools_basic.py

It runs on the embedded simulated models: no key, no network. For real models put names such as
ModelConfig("gpt-4o-mini", "openai") in the ladder and set OPENAI_API_KEY.
"""

import asyncio

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import ToolStreamEventType


def get_weather(location: str) -> str:
    """Get current weather for a location.

    Args:
        location: City name.
    """
    return f"22°C and sunny in {location}"


async def main() -> None:
    agent = CascadeAgent(
        models=[ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    )
    manager = agent.tool_streaming_manager
    assert manager is not None, "a cascade needs two models or more"
    async for event in manager.stream("What's the weather in Paris?", tools=[get_weather]):
        match event.type:
            case ToolStreamEventType.CHUNK:
                print(event.content, end="", flush=True)
            case ToolStreamEventType.SWITCH:
                print("\n[discard what was said and called so far; next model]")
            case ToolStreamEventType.TOOL_CALL_COMPLETE if event.tool_call:
                print(f"call: {event.tool_call['name']}({event.tool_call['arguments']})")
            case ToolStreamEventType.TOOL_RESULT if event.tool_result:
                print(f"result: {event.tool_result.result}")
            case ToolStreamEventType.TOOL_ERROR | ToolStreamEventType.ERROR:
                print(f"\nerror: {event.content}")
            case ToolStreamEventType.COMPLETE:
                result = event.data["result"]
                print(f"\n[{result['model_used']}, ${result['total_cost']:.6f}]")
            case _:
                pass


if __name__ == "__main__":
    asyncio.run(main())
