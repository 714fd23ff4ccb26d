"""Tools a model may call: what they are, what they take, and how they are run.

    @tool
    def get_weather(location: str, unit: Literal["celsius", "kelvin"] = "celsius") -> str: ...

    executor = ToolExecutor([get_weather])
    result = await executor.execute(ToolCall("call_1", "get_weather", {"location": "Paris"}))

Needs the extra `[tools]`; what each name needs is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .call import ToolCall, ToolCallFormat, ToolResult
    from .config import ToolConfig, tool
    from .executor import ToolExecutor

_HOMES = {
    "ToolCall": "call",
    "ToolCallFormat": "call",
    "ToolConfig": "config",
    "ToolExecutor": "executor",
    "ToolResult": "call",
    "tool": "config",
}
"""Where each public name lives: it is imported when it is first asked for."""

__all__ = ["ToolCall", "ToolCallFormat", "ToolConfig", "ToolExecutor", "ToolResult", "tool"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
