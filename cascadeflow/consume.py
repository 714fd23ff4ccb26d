"""For consumers of a stream: the text to show now, and the result at the end."""

from __future__ import annotations

from collections.abc import AsyncIterable
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from .result import CascadeResult

if TYPE_CHECKING:
    from .streaming import StreamEvent, ToolStreamEvent

AnyEvent: TypeAlias = "StreamEvent | ToolStreamEvent"
"""An event of a text or a tool stream."""


class VisibleText:
    """What a reader should see now: chunks added, SWITCH applied, a blank line between two turns.

    ```python
    visible = VisibleText()
    async for event in agent.stream_events("Why is the sky blue?"):
        visible.feed(event)
        show(visible.text)
    ```
    """

    def __init__(self) -> None:
        self._turns: dict[int, dict[int, list[str]]] = {}
        """Pieces by turn and attempt, in the order in which they spoke."""

    def feed(self, event: AnyEvent) -> None:
        """Take in the next event; those that do not touch the text are ignored."""
        if event.type in ("chunk", "switch"):
            attempts = self._turns.setdefault(event.data.get("turn", 1), {})
            if event.type == "switch":
                attempts.pop(event.data["attempt"], None)
            else:
                attempts.setdefault(event.data["attempt"], []).append(event.content)

    @property
    def text(self) -> str:
        """All text that is still valid."""
        turns = self._turns.values()
        texts = ("".join(chain.from_iterable(attempts.values())) for attempts in turns)
        return "\n\n".join(filter(None, texts))


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
