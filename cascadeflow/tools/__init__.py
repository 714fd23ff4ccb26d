"""Tools a model may call: what they are, what they take, and how they are run.

    @tool
    def get_weather(location: str, unit: Literal["celsius", "kelvin"] = "celsius") -> str: ...

    executor = ToolExecutor([get_weather])
    result = await executor.execute(ToolCall("call_1", "get_weather", {"location": "Paris"}))

From a definition to a result, by file:

    config    any shape of a definition ──▶ the normal form       signature   function ──▶ schema
    choice    which tool the model must call                      schema      checked and compiled
    validate  may this call run?            strict_json           texts that a model wrote
    executor  each call once, side by side ──▶ run                one tool once, in `threads`
              convert   JSON ──▶ what annotations name            plain, complaint   what came of it
    loop      a cascade, its calls, the next cascade              call        a call and its result

Needs the extra `[tools]`, whose packages are imported when they are first needed.
"""

from __future__ import annotations

from .call import ToolCall, ToolCallFormat, ToolResult
from .config import ToolConfig, tool
from .executor import ToolExecutor

__all__ = ["ToolCall", "ToolCallFormat", "ToolConfig", "ToolExecutor", "ToolResult", "tool"]
