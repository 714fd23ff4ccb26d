"""Conversations of several turns: calls, their results, further questions, and where they end.

    python examples/streaming_tools_multiturn.py

It runs on the embedded simulated models: no key, no network.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from cascadeflow import CascadeAgent, ModelConfig, VisibleText
from cascadeflow.streaming import ToolStreamEventType

STOCK = {"apples": 12, "pears": 30}


def count_stock(item: str) -> int:
    """Get the number of pieces of an item in stock."""
    if item not in STOCK:
        raise LookupError(f"there are no {item}; in stock are {', '.join(STOCK)}")
    return STOCK[item]


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


async def ask(
    agent: CascadeAgent, question: str, history: Sequence[Mapping[str, Any]], max_turns: int = 5
) -> dict[str, Any]:
    """One question, as many model turns as it takes; the result, with the whole conversation."""
    manager = agent.tool_streaming_manager
    assert manager is not None, "a cascade needs two models or more"
    print(f"user: {question}")
    visible = VisibleText()
    result: dict[str, Any] = {}
    async for event in manager.stream(
        question, tools=[count_stock, add], messages=history, max_turns=max_turns
    ):
        visible.feed(event)
        match event.type:
            case ToolStreamEventType.ROUTING:
                print(f"  turn {event.data['turn']}")
            case ToolStreamEventType.SWITCH:
                print(f"    {event.data['to_model']} takes over: {event.data['reason']}")
            case ToolStreamEventType.TOOL_RESULT if event.tool_call and event.tool_result:
                arguments = ", ".join(map(str, event.tool_call["arguments"].values()))
                print(f"    {event.tool_call['name']}({arguments}) = {event.tool_result.result}")
            case ToolStreamEventType.TOOL_ERROR:
                print(f"    failed: {event.content}")
            case ToolStreamEventType.COMPLETE:
                result = event.data["result"]
            case ToolStreamEventType.ERROR:
                print(f"  no answer: {event.content}")
                result = event.data["result"]
            case _:
                pass
    print(f"assistant ({result['finish_reason']}): {visible.text or '(no text)'}")
    return result


async def main() -> None:
    agent = CascadeAgent(
        models=[ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    )
    first = await ask(agent, "Add 12 and 30.", [])
    second = await ask(agent, "Add 3 and 4.5", first["messages"])
    roles = " ".join(message["role"] for message in second["messages"])
    print(f"the conversation so far: {roles}")
    print(f"cost of both: ${first['total_cost'] + second['total_cost']:.6f}")

    print("\nwith a single turn the calls are told, but no model would read their results:")
    ended = await ask(agent, "Add 12 and 30.", [], max_turns=1)
    print(f"calls left for you: {[call['arguments'] for call in ended['tool_calls']]}")


if __name__ == "__main__":
    asyncio.run(main())
