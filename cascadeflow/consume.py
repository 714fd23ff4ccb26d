"""For consumers of a stream: the text to show now, and the result at the end."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, TypeAlias

from .result import CascadeResult

if TYPE_CHECKING:
    from .streaming import StreamEvent, ToolStreamEvent

AnyEvent: TypeAlias = "StreamEvent | ToolStreamEvent"
"""An event of a text or a tool stream."""


class VisibleText:
    """What a reader should see now: chunks added, SWITCH applied.

    ```python
    visible = VisibleText()
    async for event in agent.stream_events("Why is the sky blue?"):
        visible.feed(event)
        show(visible.text)
    ```
    """

    def __init__(self) -> None:
        self._parts: dict[int, list[str]] = {}
        """Pieces by attempt, in the order in which the attempts spoke."""

    def feed(self, event: AnyEvent) -> None:
        """Take in the next event; those that do not touch the text are ignored."""
        if event.type == "chunk":
            self._parts.setdefault(event.data["attempt"], []).append(event.content)
        elif event.type == "switch":
            self._parts.pop(event.data["attempt"], None)

    @property
    def text(self) -> str:
        """All text that is still valid."""
        return "".join(piece for parts in self._parts.values() for piece in parts)


async def collect(stream: AsyncIterable[AnyEvent]) -> CascadeResult:
    """Read a stream to its end and return its result.

    Raises:
        CascadeError: the stream ended in an ERROR event; its `result` holds what there is.
        ValueError: the stream ended without COMPLETE or ERROR: it had been closed before.
    """
    last: AnyEvent | None = None
    async for event in stream:
        last = event
    if last is not None and last.type == "complete":
        return CascadeResult(**last.data["result"])
    if last is not None and last.type == "error":
        raise last.data["error"]
    raise ValueError("the stream ended without a result; it was closed or read before")
