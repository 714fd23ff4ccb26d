"""Functions that the tests of tools run, and ways to call them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel

from cascadeflow.tools import ToolCall, ToolConfig, ToolExecutor, ToolResult


class Unit(Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class Place(BaseModel):
    city: str
    country: str = "?"


@dataclass
class Report:
    place: Place
    unit: Unit
    at: datetime


def get_weather(location: str, unit: str = "celsius") -> str:
    return f"{location}: 22 °{unit[0].upper()}, sunny"


async def add(a: int, b: int = 1) -> int:
    await asyncio.sleep(0)
    return a + b


def report(place: Place, unit: Unit = Unit.KELVIN) -> Report:
    assert isinstance(place, Place)
    assert isinstance(unit, Unit)
    return Report(place, unit, datetime(2024, 2, 29, tzinfo=UTC))


def call(name: str, /, **arguments: Any) -> ToolCall:
    return ToolCall("call_0", name, arguments)


def returning(value: object) -> Callable[[], object]:
    def returned() -> object:
        return value

    return returned


def raising(error: BaseException) -> Callable[[], object]:
    def raised() -> object:
        raise error

    return raised


def run(function: Callable[..., Any], **settings: Any) -> ToolResult:
    """The result of a call, without arguments, of a tool of this function."""
    executor = ToolExecutor([ToolConfig("f", function=function)], **settings)
    return asyncio.run(executor.execute(call("f")))
