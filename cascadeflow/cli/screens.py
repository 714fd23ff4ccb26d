"""What the demo shows and where: on a terminal or in a pipe, or as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TextIO, TypeAlias

import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from . import telling
from .compare import Row
from .live import LiveView
from .scenes import Scene
from .views import JsonLines, View

INTRO = """\
A cheap model drafts, and you watch it; the draft is judged while it streams.
Only if it will not do does a stronger model take over. The two models here are
simulated: small programs behind a real HTTP server on this machine, which
compute their answers and make mistakes of their own."""

HEADINGS = ("", "right", "cost", "vs large", "escalated", "first token", "answer")


class ConsoleScreen:
    """The demo for people, on a terminal or in a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.view: View = LiveView(console)

    def intro(self, models: Sequence[str]) -> None:
        """What is going to be seen."""
        self._rule("cascadeflow demo")
        self._say(INTRO)
        self._say(f"Models: {' -> '.join(models)}\n", "dim")

    def scene(self, number: int, of: int, scene: Scene) -> None:
        """The question that is going to be asked, `number` of `of`, under a rule."""
        self._rule(f"question {number} of {of}")
        self._say(scene.question.text, "bold")

    def checked(self, scene: Scene, right: bool) -> None:
        """Whether the answer is right."""
        verdict = "right:" if right else "wrong; right is"
        answer = _short(scene.question.answer)
        self._say(f"The answer is {verdict} {answer}\n", "green" if right else "red")

    @contextmanager
    def progress(self, total: int) -> Generator[Callable[[], None]]:
        """Call what it yields after each of `total` answers: a bar, or one line in a pipe."""
        self._rule("the same measured")
        if not self._console.is_terminal:
            self._say(f"Asking {total} questions ...")
            yield _nothing
            return
        columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda: bar.advance(task)

    def summary(self, rows: Sequence[Row], next_step: str) -> None:
        """A table of the measured rows, the large model alone last, and what to do next."""
        large = rows[-1]
        table = Table(box=box.SIMPLE if self._console.is_terminal else None)
        for heading in HEADINGS:
            table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
        for row in rows:
            cells = _cells(row, large)
            table.add_row(*cells, style="bold" if row.name == "cascade" else None)
        self._console.print(table)
        self._say("Times are medians; prices are those of a real pair of models.\n", "dim")
        self._say(f"Next: {next_step}", "bold")

    def _rule(self, title: str) -> None:
        self._console.rule(Text(title), align="left", characters="-", style="dim")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))


class JsonScreen:
    """The demo as JSON lines: `scene`, the events of its query, `checked`; at the end `summary`."""

    def __init__(self, out: TextIO) -> None:
        self._lines = JsonLines(out)
        self.view: View = self._lines

    def intro(self, models: Sequence[str]) -> None:
        """A line of type `demo`."""
        self._lines.write({"type": "demo", "models": list(models)})

    def scene(self, number: int, of: int, scene: Scene) -> None:
        """A line of type `scene`."""
        question = scene.question
        self._lines.write(
            {
                "type": "scene",
                "number": number,
                "of": of,
                "question": question.text,
                "kind": question.kind,
                "expected": scene.outcome,
            }
        )

    def checked(self, scene: Scene, right: bool) -> None:
        """A line of type `checked`."""
        self._lines.write({"type": "checked", "right": right, "answer": scene.question.answer})

    @contextmanager
    def progress(self, total: int) -> Generator[Callable[[], None]]:
        """Nothing: the summary tells all."""
        yield _nothing

    def summary(self, rows: Sequence[Row], next_step: str) -> None:
        """A line of type `summary`."""
        told = [msgspec.to_builtins(row) for row in rows]
        self._lines.write({"type": "summary", "rows": told, "next": next_step})


Screen: TypeAlias = ConsoleScreen | JsonScreen
"""Where the demo is shown."""


def _cells(row: Row, large: Row) -> tuple[str, ...]:
    share = f"{row.cost / large.cost:.0%}" if large.cost > 0 else "-"
    first = "-" if row.first_token_ms is None else f"{row.first_token_ms:.0f} ms"
    return (
        row.name,
        f"{row.right}/{row.questions} {row.right / row.questions:.0%}",
        telling.dollars(row.cost),
        share,
        f"{row.escalated / row.questions:.0%}",
        first,
        f"{row.latency_ms / 1e3:.2f} s",
    )


def _short(answer: str) -> str:
    """The first line of an answer, at most 60 characters."""
    line = answer.strip().partition("\n")[0]
    return line if len(line) <= 60 else line[:57] + "..."


def _nothing() -> None:
    """Take no notice of an answer."""
