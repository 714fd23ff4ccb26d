"""Shows a query on a terminal: the draft as it streams, the decision, what is void, the answer.

While a model speaks, the end of its text is redrawn in place. When it is settled what becomes of
the text, the whole of it is printed for good: as it is, or struck through. The same view serves
pipes: nothing is redrawn there, and words say what the strokes say.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..result import CascadeResult
from ..streaming.base import StreamEvent, StreamEventType
from . import telling
from .plain import plain, plain_line

TAIL = 8_000
"""Characters of the end of a text that are redrawn; a screen holds no more."""
REDRAWN = 20
"""Times a second."""
VOID = "strike dim"


class _Console(Console):
    def show_cursor(self, show: bool = True) -> bool:
        """It stays: a signal that ends or stops the program would leave it hidden."""
        return False


def terminal() -> Console:
    """Standard output; nothing that is printed is taken for markup."""
    console = _Console(markup=False, emoji=False, highlight=False)
    console.soft_wrap = not console.is_terminal  # a file keeps its lines whole
    return console


class LiveView:
    """A view for one query at a time on a rich console; `closed` may be fed again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._parts: list[str] = []
        """Text of the attempt that speaks, made plain."""
        self._attempt = 0
        self._live: Live | None = None

    def feed(self, event: StreamEvent) -> None:
        """Show the event."""
        match event.type:
            case StreamEventType.CHUNK:
                if event.data["attempt"] != self._attempt:
                    self._settle("")
                    self._begin(event.data)
                self._parts.append(plain(event.content))
            case StreamEventType.DRAFT_DECISION:
                accepted = event.data["accepted"]
                self._settle("" if accepted else VOID)
                verdict = telling.decision(event.data)
                self._line(verdict, "bold green" if accepted else "bold red")
                if told := telling.evidence(event.data):
                    self._line(f"  evidence: {told}", "dim")
            case StreamEventType.SWITCH:
                self._settle(VOID)
                self._line(telling.switch(event.data), "bold yellow")
            case StreamEventType.COMPLETE:
                self._settle("")
                self._line(telling.footer(CascadeResult(**event.data["result"])), "dim")
            case StreamEventType.ERROR:
                self._settle("dim")
                self._line(f"error: {event.content}", "bold red")
            case _:
                pass

    def close(self) -> None:
        """Leave the terminal as it was; what was said so far stays."""
        self._settle("")
        self._attempt = 0

    def _begin(self, data: dict[str, Any]) -> None:
        self._attempt = data["attempt"]
        role = "draft" if data["phase"] == "draft" else "answer"
        self._line(f"{role} by {data['model']}", "bold cyan")
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._tail,
                console=self._console,
                refresh_per_second=REDRAWN,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _tail(self) -> Text:
        """The last lines of what was said, as many as the terminal holds."""
        size = self._console.size
        text = Text("".join(self._parts)[-TAIL:])
        lines = text.wrap(self._console, size.width)
        return Text("\n").join(lines[-max(size.height - 2, 1) :])

    def _settle(self, style: str) -> None:
        """Print for good what was said."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._parts:
            self._console.print(Text("".join(self._parts), style=style))
            self._parts = []

    def _line(self, line: str, style: str) -> None:
        self._console.print(Text(plain_line(line), style=style))
