"""Tools a model may call: what they are, what they take, and how they are run.

    @tool
    def get_weather(location: str, unit: Literal["celsius", "kelvin"] = "celsius") -> str: ...

    executor = ToolExecutor([get_weather])
    result = await executor.execute(ToolCall("call_1", "get_weather", {"location": "Paris"}))

Needs the extra `[tools]`, whose packages are imported when they are first needed.
"""

from __future__ import annotations

from .call import ToolCall, ToolCallFormat, ToolResult
from .config import ToolConfig, tool
from .executor import ToolExecutor

__all__ = ["ToolCall", "ToolCallFormat", "ToolConfig", "ToolExecutor", "ToolResult", "tool"]
