"""Typical mistakes of users, which a type checker must find; it is never run.

A line with a mistake is marked by the comment that silences it. mypy and pyright complain about one
that silences nothing, so the file is clean only while each marked line, and no other, is an error.
"""

# mypy: warn-unused-ignores
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncGenerator

from cascadeflow import (
    CascadeAgent,
    CascadeError,
    Estimate,
    ModelConfig,
    RetryPolicy,
    ThresholdPolicy,
    Timeouts,
    VisibleText,
    collect,
)
from cascadeflow.core.policy import Stage, Verdict
from cascadeflow.judges import JudgeModel, SelfCheck
from cascadeflow.streaming import StreamEvent, StreamEventType, ToolStreamEventType
from cascadeflow.tools import ToolCall, ToolConfig, ToolExecutor
from cascadeflow.types import Request, Stop, TextDelta


def configure() -> CascadeAgent:
    ModelConfig("gpt-4o")  # type: ignore
    ModelConfig("gpt-4o", "openai", apikey="sk-1")  # type: ignore
    ModelConfig("gpt-4o", "openai", cost="0.005")  # type: ignore
    ModelConfig("gpt-4o", "openai", timeouts=30)  # type: ignore
    Timeouts(first_token="30")  # type: ignore
    RetryPolicy(tries=3)  # type: ignore
    ThresholdPolicy(accept_at="high")  # type: ignore
    CascadeAgent("gpt-4o")  # type: ignore
    CascadeAgent([("gpt-4o-mini", "openai")])  # type: ignore
    CascadeAgent([ModelConfig("gpt-4o", "openai")], reveal="later")  # type: ignore
    CascadeAgent([ModelConfig("gpt-4o", "openai")], on_verifier_error="retry")  # type: ignore
    CascadeAgent([ModelConfig("gpt-4o", "openai")], judges=SelfCheck())  # type: ignore
    CascadeAgent([ModelConfig("gpt-4o", "openai")], max_costs=0.01)  # type: ignore
    JudgeModel(model="gpt-4o")  # type: ignore
    return CascadeAgent([ModelConfig("gpt-4o", "openai")], max_cost=0.01)


async def ask(agent: CascadeAgent) -> str:
    agent.stream_events(42)  # type: ignore
    agent.stream_events("hi", max_tokens="many")  # type: ignore
    agent.stream_events("hi", reveal="hidden")  # type: ignore
    agent.stream_events("hi", tool_choice="auto")  # type: ignore
    agent.stream_events("hi", temperature="hot", stop=5)  # type: ignore
    await agent.run("hi", reveal="hold")  # type: ignore
    await agent.run("hi", max_tokens="3")  # type: ignore
    await agent.execute("hi", timeouts=30)  # type: ignore
    agent.run_sync("hi", force_direct="yes")  # type: ignore
    print(agent.run_sync("hi").text)  # type: ignore
    agent.run("hi")  # type: ignore
    result = agent.run("hi")
    print(result.content)  # type: ignore
    done = await agent.run("hi", response_format=list[int] | None, top_p=0.9)
    print(done.text)  # type: ignore
    print(done["content"])  # type: ignore
    done.feedback(True)  # type: ignore
    agent.feedback(done.id, True)  # type: ignore
    agent.feedback(done.id, correct="yes")  # type: ignore
    return done.model_used + done.total_cost  # type: ignore


async def read(agent: CascadeAgent) -> None:
    for _ in agent.stream_events("hi"):  # type: ignore
        print()
    async for event in agent.stream_events("hi"):
        print(event.text, event.content)  # type: ignore
        print(event.tool_call)  # type: ignore
        if event.type == StreamEventType.TEXT_CHUNK:  # type: ignore
            print(event.content.decode())  # type: ignore
    async for told in agent.stream_events("hi", tools=[read]):
        if told.type is ToolStreamEventType.TOOL_CALL:  # type: ignore
            print(told.tool_result, told.delta + 1)  # type: ignore
    async for told in agent.tool_streaming_manager.stream("hi", tools=[read]):  # type: ignore
        print(told.content)
    VisibleText().feed("hi")  # type: ignore
    await collect("hi")  # type: ignore


async def execute(executor: ToolExecutor) -> None:
    await executor.execute("get_weather")  # type: ignore
    await executor.execute(ToolCall("1", "get_weather", "{}"))  # type: ignore
    result = await executor.execute(ToolCall("1", "get_weather", {}))
    print(result.value, result.success)  # type: ignore
    ToolConfig("get_weather", "Get current weather", ["location"])  # type: ignore
    ToolExecutor([read], timeout="5")  # type: ignore


def caught(error: CascadeError) -> float:
    print(error.result.content, error.cause)  # type: ignore
    return error.kind  # type: ignore


class Backwards:
    def decide(self, stage: Stage, estimate: Estimate) -> tuple[Verdict, str]:
        return ("keep", "") if stage == "after" else ("continue", "")  # type: ignore


class Whole:
    async def stream(self, model: str, request: Request) -> AsyncGenerator[str, None]:
        yield request.model  # type: ignore


class Deaf:
    def watch(self, request: Request) -> None: ...


def replace(agent: CascadeAgent, model: ModelConfig) -> StreamEvent:
    CascadeAgent([model], policy=Backwards())  # type: ignore
    CascadeAgent([model], estimator=Deaf())  # type: ignore
    ModelConfig("mine", Whole())  # type: ignore
    Stop("finished")  # type: ignore
    TextDelta(b"hi")  # type: ignore
    Estimate("0.9")  # type: ignore
    return StreamEvent("chunk", "hi")  # type: ignore
