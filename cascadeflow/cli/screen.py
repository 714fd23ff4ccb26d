"""What the demo tells beside the events of its queries, and how it is shown.

With a console for people, on a terminal or in a pipe; without one as JSON lines: `demo`, `scene`,
the events of its query, `checked`; at the end `summary`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import msgspec
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from . import telling
from .live import LiveView
from .views import JsonLines, View, json_line

INTRO = """\
A cheap model drafts, and you watch it; the draft is judged while it streams.
Only if it will not do does a stronger model take over. The two models here are
simulated: small programs behind a real HTTP server on this machine, which
compute their answers and make mistakes of their own."""

HEADINGS = ("", "right", "cost", "vs large", "escalated", "first token", "answer")

Outcome: TypeAlias = Literal["accepted", "rejected", "abandoned"]
"""Of a draft: kept; read to its end and not kept; given up while it streamed."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class Intro(msgspec.Struct, tag="demo", frozen=True):
    """The models that are going to be asked, cheapest first."""

    models: list[str]


class Scene(msgspec.Struct, tag="scene", frozen=True):
    """The question that is going to be asked, `number` of `of`, and what becomes of its draft."""

    number: int
    of: int
    question: str
    kind: str
    expected: Outcome


class Checked(msgspec.Struct, tag="checked", frozen=True):
    """Whether the answer was right, and what is right."""

    right: bool
    answer: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one way of asking amounts to over all questions."""

    name: str
    questions: int
    right: int
    cost: float
    """US dollars of all questions."""
    escalated: int
    """Questions whose draft was not kept."""
    first_token_ms: float | None
    """Median time to the first visible token."""
    latency_ms: float
    """Median time to the whole answer."""


class Summary(msgspec.Struct, tag="summary", frozen=True):
    """What was measured, the large model alone last, and what to do next."""

    rows: Sequence[Row]
    next: str


class Screen:
    """Shows the demo on `console`; None: as JSON lines on standard output."""

    def __init__(self, console: Console | None) -> None:
        self._console = console or Console(quiet=True)  # what people are told is nothing then
        self._json = console is None
        self.view: View = JsonLines(sys.stdout) if console is None else LiveView(console)
        """For the events of its queries."""

    def tell(self, fact: Intro | Scene | Checked | Summary) -> None:
        """Show what is not among the events of a query."""
        if self._json:
            sys.stdout.write(json_line(msgspec.to_builtins(fact)))
            sys.stdout.flush()
        match fact:
            case Intro():
                self._rule("cascadeflow demo")
                self._say(INTRO)
                self._say(f"Models: {' -> '.join(fact.models)}\n", "dim")
            case Scene():
                self._rule(f"question {fact.number} of {fact.of}")
                self._say(fact.question, "bold")
            case Checked():
                verdict = "right:" if fact.right else "wrong; right is"
                line = fact.answer.strip().partition("\n")[0]
                short = line if len(line) <= 60 else line[:57] + "..."
                colour = "green" if fact.right else "red"
                self._say(f"The answer is {verdict} {short}\n", colour)
            case Summary():
                self._print_table(fact.rows)
                self._say("Times are medians; prices are those of a real pair of models.\n", "dim")
                self._say(f"Next: {fact.next}", "bold")

    def wait(self, questions: int) -> None:
        """Tell people what the wait is for."""
        self._rule("the same measured")
        self._say(f"Asking {questions} questions ...")

    def _rule(self, title: str) -> None:
        self._console.rule(Text(title), align="left", characters="-", style="dim")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))

    def _print_table(self, rows: Sequence[Row]) -> None:
        table = Table(box=None)  # lines would not fit into 80 columns
        for heading in HEADINGS:
            table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
        figures = _figures(rows)
        for name, *rest in figures:
            table.add_row(name, *rest, style="bold" if name == "cascade" else None)
        width = Measurement.get(self._console, self._console.options.update(width=1_000), table)
        if width.maximum <= self._console.width:
            self._console.print(table)
            return
        for name, *rest in figures:
            self._say(name, "bold")
            for heading, figure in zip(HEADINGS[1:], rest, strict=True):
                self._say(f"  {heading}: {figure}")


def _figures(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """What the table shows of each row, under `HEADINGS`."""
    large = rows[-1].cost
    return [
        (
            row.name,
            f"{row.right}/{row.questions} {row.right / row.questions:.0%}",
            telling.dollars(row.cost),
            f"{row.cost / large:.0%}" if large > 0 else "-",
            f"{row.escalated / row.questions:.0%}",
            "-" if row.first_token_ms is None else f"{row.first_token_ms:.0f} ms",
            f"{row.latency_ms / 1e3:.2f} s",
        )
        for row in rows
    ]
