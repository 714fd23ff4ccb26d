"""Ways to show the events of one query: JSON lines, or a transcript for pipes and files.

`live.py` has the one for terminals. A view never changes what is asked or decided.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TextIO

from ..consume import collect
from ..result import CascadeResult
from ..streaming.base import StreamEvent, StreamEventType
from . import telling
from .plain import plain, plain_line


class View(Protocol):
    """Shows the events of a query, one after the other."""

    def feed(self, event: StreamEvent) -> None:
        """Show the next event."""
        ...

    def close(self) -> None:
        """The query is over, or was interrupted."""
        ...


async def show(stream: AsyncGenerator[StreamEvent, None], view: View) -> CascadeResult:
    """Show a stream to its end and return its result.

    Raises:
        CascadeError: it ended in ERROR, which the view has shown.
        ConfigError: an argument is wrong. Nothing was sent.
    """

    async def shown() -> AsyncGenerator[StreamEvent, None]:
        async for event in stream:
            view.feed(event)
            yield event

    try:
        async with aclosing(stream), aclosing(shown()) as events:
            return await collect(events)
    finally:
        view.close()


def note(text: str) -> None:
    """Tell people something beside the output, on standard error."""
    sys.stderr.write(plain(text) + "\n")
    sys.stderr.flush()


def json_line(value: Mapping[str, Any]) -> str:
    """One line of JSON in ASCII: whatever a model said, a terminal may be shown it."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


class JsonLines:
    """Each event as `{"type", "content", "data"}` on a line of its own.

    The exception in the data of ERROR becomes `{"type", "kind", "message"}`.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def feed(self, event: StreamEvent) -> None:
        """Write the event."""
        data = dict(event.data)
        if event.type == StreamEventType.ERROR:
            name, message = type(data["error"]).__name__, str(data["error"])
            data["error"] = {"type": name, "kind": data["kind"], "message": message}
        told = {"type": event.type.value, "content": event.content, "data": data}
        self._out.write(json_line(told))
        self._out.flush()

    def close(self) -> None:
        """Every line is complete already."""


class Transcript:
    """The answer to `out` as it comes; decisions, cost and errors to `notes`.

    With `reveal="held"` `out` gets nothing but the answer. With "live" it gets the draft as well,
    and a line that says so where a draft is void.
    """

    def __init__(self, out: TextIO, notes: TextIO, safe: Callable[[str], str] = plain) -> None:
        self._out = out
        self._notes = notes
        self._safe = safe
        self._in_line = False

    def feed(self, event: StreamEvent) -> None:
        """Write what the event tells."""
        match event.type:
            case StreamEventType.CHUNK:
                self._out.write(self._safe(event.content))
                self._out.flush()
                self._in_line = not event.content.endswith("\n")
            case StreamEventType.DRAFT_DECISION:
                self._note(f"{event.data['model']}: {telling.decision(event.data)}")
            case StreamEventType.SWITCH:
                self._note(telling.switch(event.data))
                if shown := event.data["discard_chars"]:
                    self._out.write(f"[the {shown} characters above are void]\n")
            case StreamEventType.COMPLETE:
                self._note(telling.footer(CascadeResult(**event.data["result"])))
            case StreamEventType.ERROR:
                self._note(f"error: {event.content}")
            case _:
                pass

    def close(self) -> None:
        """End the line that was begun."""
        if self._in_line:
            self._out.write("\n")
            self._out.flush()
            self._in_line = False

    def _note(self, line: str) -> None:
        self.close()
        self._notes.write(plain_line(line) + "\n")
        self._notes.flush()
