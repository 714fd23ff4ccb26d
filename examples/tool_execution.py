"""Run tools by hand: stream, execute each complete call, send the results back, stream the answer.

    python examples/tool_execution.py

It runs on the embedded simulated models: no key, no network. `tool_streaming_manager` does the same
by itself (see streaming_tools_multiturn.py); by hand you may ask a person first, or run the calls
somewhere else.
"""

import ast
import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import ToolStreamEventType
from cascadeflow.tools import ToolCall, ToolCallFormat, ToolConfig, ToolExecutor, ToolResult

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
HOURS = {"London": 0, "Paris": 1, "Tokyo": 9, "Sydney": 10}


def calculate(expression: str) -> float:
    """Evaluate a math expression of numbers and + - * /."""

    def value(node: ast.AST) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](value(left), value(right))
            case _:
                raise ValueError(f"{ast.unparse(node)} is no number and none of + - * /")

    return value(ast.parse(expression, mode="eval").body)


async def get_time(city: str) -> str:
    """Get the current time in a city."""
    if city not in HOURS:
        raise LookupError(f"{city} is not in the table; known are {', '.join(HOURS)}")
    return f"{datetime.now(UTC) + timedelta(hours=HOURS[city]):%H:%M} in {city}"


CONFIGS = [
    ToolConfig(
        name="calculate",
        description="Evaluate a math expression",
        parameters={
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
        function=calculate,
    ),
    ToolConfig.from_function(get_time),
]


async def answer(agent: CascadeAgent, executor: ToolExecutor, question: str) -> None:
    print(f"question: {question}")
    messages: list[Mapping[str, Any]] = [{"role": "user", "content": question}]
    for _turn in range(3):
        results: list[ToolResult] = []
        async for event in agent.stream_events(messages, tools=CONFIGS):
            match event.type:
                case ToolStreamEventType.TOOL_CALL_COMPLETE:
                    call = ToolCall(
                        **event.data["tool_call"], provider_format=ToolCallFormat.OPENAI
                    )
                    result = await executor.execute(call)
                    said = result.result if result.success else result.error
                    print(
                        f"  {call.name}({call.arguments}) -> {said} [{result.duration_ms:.0f} ms]"
                    )
                    results.append(result)
                case ToolStreamEventType.COMPLETE:
                    # The conversation with the answer, its calls included, ready to go on.
                    messages = event.data["result"]["messages"]
                case ToolStreamEventType.ERROR:
                    print(f"  no answer: {event.content}")
                    return
                case _:
                    pass
        if not results:
            break
        messages = [*messages, *(result.to_message() for result in results)]
    print(f"  {messages[-1]['content']}\n")


async def main() -> None:
    agent = CascadeAgent(
        models=[ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    )
    executor = ToolExecutor(CONFIGS, timeout=5)
    await answer(agent, executor, "What is 12 * 34?")
    await answer(agent, executor, "What time is it in Sydney?")
    await answer(agent, executor, "What time is it in Atlantis?")

    print("what is not valid is not run:")
    for call in (
        ToolCall("1", "calculate", {"expression": "__import__('os').getcwd()"}),
        ToolCall("2", "calculate", {"expresion": "1 + 1"}),
        ToolCall("3", "format_disk", {}),
    ):
        print(f"  {call.name}: {(await executor.execute(call)).error}")


if __name__ == "__main__":
    asyncio.run(main())
