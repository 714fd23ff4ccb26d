"""Watch tool calls form, fragment by fragment, and be kept or discarded. Nothing is executed.

    python examples/streaming_tools.py

It runs on the embedded simulated models: no key, no network. The small model gets an argument
wrong now and then: such a draft is rejected, and the large model calls the tool instead.
"""

import asyncio

from cascadeflow import CascadeAgent, ConfigError, ModelConfig
from cascadeflow.streaming import ToolStreamEvent, ToolStreamEventType

TOOLS = [
    {
        "name": "get_weather",
        "description": "Get current weather for a location",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "City name"}},
            "required": ["location"],
        },
    },
    {
        "name": "get_time",
        "description": "Get the current time in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
    {
        "name": "add",
        "description": "Add two numbers",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    },
]

SCENES = [
    ("one call", "What's the weather in Paris?"),
    ("two calls in one answer", "What's the weather in Paris and Oslo?"),
    ("a draft that forgets an argument", "Add 3 and 4.5"),
    ("no tool fits", "What is the capital of France?"),
]


def show(event: ToolStreamEvent) -> None:
    """One event as a person would like to read it."""
    data = event.data
    match event.type:
        case ToolStreamEventType.TEXT_CHUNK:
            print(event.content, end="", flush=True)
        case ToolStreamEventType.TOOL_CALL_START:
            call = data["tool_call"]
            print(f"  {data['model']} begins call {call['index']}: {call['name']}")
        case ToolStreamEventType.TOOL_CALL_DELTA:
            print(f"    {event.delta!r:24} so far {data['tool_call']['arguments']}")
        case ToolStreamEventType.DRAFT_DECISION:
            verdict = "accepted" if data["accepted"] else "rejected"
            print(f"\n  draft {verdict}: {data['reason']}, p(good) {data['confidence']:.2f}")
        case ToolStreamEventType.SWITCH:
            void = ", ".join(call["name"] for call in data["discarded_tool_calls"]) or "none"
            print(f"  {data['from_model']} -> {data['to_model']}, void calls: {void}")
        case ToolStreamEventType.TOOL_CALL_COMPLETE:
            call = data["tool_call"]
            print(f"  complete: {call['name']}({call['arguments']})")
        case ToolStreamEventType.COMPLETE:
            result = data["result"]
            print(f"\n  {result['finish_reason']}, ${result['total_cost']:.6f}\n")
        case ToolStreamEventType.ERROR:
            print(f"\n  no answer: {event.content}\n")
        case _:
            pass


async def main() -> None:
    agent = CascadeAgent(
        models=[ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    )
    for title, question in SCENES:
        print(f"{title}: {question}")
        async for event in agent.stream_events(question, tools=TOOLS):
            show(event)

    print("a wrong definition is an error before anything is sent:")
    try:
        agent.stream_events("hi", tools=[{"name": "get weather", "parameters": {}}])
    except ConfigError as error:
        print(f"  {error}")


if __name__ == "__main__":
    asyncio.run(main())
