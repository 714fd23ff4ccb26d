"""An executor of your own: limits, parallel calls, tools that fail, hang or say too much.

    python examples/streaming_tools_executor.py

It runs on the embedded simulated models: no key, no network.
"""

import asyncio
import time

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import ToolStreamEventType
from cascadeflow.tools import ToolCall, ToolExecutor, tool


@tool
async def get_weather(location: str) -> dict[str, str | int]:
    """Get current weather for a location."""
    await asyncio.sleep(0.2)
    return {"location": location, "celsius": 22}


@tool(name="get_time", description="Get the current time in a city")
def blocking_clock(city: str) -> str:
    time.sleep(0.2)  # runs in a thread: other streams go on
    return f"12:30 in {city}"


@tool
def read_secret(name: str) -> str:
    """Read a secret by name."""
    raise PermissionError(f"cannot read {name}: password=correct-horse-battery")


@tool
async def wait_for_ever(reason: str) -> str:
    """Wait for something that does not come."""
    await asyncio.sleep(3600)
    return reason


@tool
def read_log(name: str) -> str:
    """Read a log file."""
    return f"{name}: " + "x" * 1_000_000


TOOLS = [get_weather, blocking_clock, read_secret, wait_for_ever, read_log]


async def converse(agent: CascadeAgent, question: str) -> None:
    """The manager runs the calls of accepted answers with the executor of the agent."""
    manager = agent.tool_streaming_manager
    assert manager is not None, "a cascade needs two models or more"
    print(question)
    async for event in manager.stream(question, tools=TOOLS[:2], max_turns=3):
        match event.type:
            case ToolStreamEventType.TOOL_EXECUTING if event.tool_call:
                print(f"  running {event.tool_call['name']}")
            case ToolStreamEventType.TOOL_RESULT if event.tool_result:
                print(f"  -> {event.tool_result.result}")
            case ToolStreamEventType.TOOL_ERROR:
                print(f"  -> failed: {event.error}")
            case ToolStreamEventType.COMPLETE:
                print(f"  {event.data['result']['content']}\n")
            case ToolStreamEventType.ERROR:
                print(f"  no answer: {event.content}\n")
            case _:
                pass


async def main() -> None:
    executor = ToolExecutor(TOOLS, timeout=1, max_parallel=4, max_result_bytes=64_000)
    agent = CascadeAgent(
        models=[ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")],
        tool_executor=executor,
    )
    await converse(agent, "What's the weather in Tokyo and the time in London?")

    print("what goes wrong is a result, not an exception:")
    began = time.monotonic()
    results = await executor.execute_all(
        [
            ToolCall("1", "get_weather", {"location": "Paris"}),
            ToolCall("2", "read_secret", {"name": "db"}),
            ToolCall("3", "wait_for_ever", {"reason": "why not"}),
            ToolCall("4", "read_log", {"name": "app.log"}),
            ToolCall("1", "get_weather", {"location": "Paris"}),
        ]
    )
    for result in results:
        print(f"  {result.name}: {result.result if result.success else result.error}")
    print(f"  five calls side by side: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    asyncio.run(main())
