from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any, Literal

from rich.console import Console

from cascadeflow.cli.live import LiveView
from cascadeflow.cli.views import Transcript
from cascadeflow.streaming.base import StreamEvent, StreamEventType

SPEAKER: dict[str, Any] = {
    "model": "m\x1b[31m", "provider": "p", "attempt": 1, "phase": "draft", "turn": 1,
}  # fmt: skip
DECISION: dict[str, Any] = {
    **SPEAKER, "accepted": False, "confidence": 0.1, "score": 0.1, "threshold": 0.6,
    "reason": "hopeless", "evidence": {"echo": 1.0}, "stage": "during",
}  # fmt: skip
SWITCHED: dict[str, Any] = {
    **SPEAKER, "from_model": "m", "to_model": "n", "reason": "hopeless", "discard_chars": 9,
    "discarded_tool_calls": [],
}  # fmt: skip


def rejected(*pieces: str) -> Iterator[StreamEvent]:
    """A draft in these pieces, rejected while it streams."""
    for piece in pieces:
        yield StreamEvent(StreamEventType.CHUNK, piece, SPEAKER)
    yield StreamEvent(StreamEventType.DRAFT_DECISION, data=DECISION)
    yield StreamEvent(StreamEventType.SWITCH, data=SWITCHED)


def drawn(*pieces: str, terminal: bool) -> str:
    out = StringIO()
    colours: Literal["standard"] | None = "standard" if terminal else None
    console = Console(file=out, force_terminal=terminal, width=80, color_system=colours)
    view = LiveView(console)
    for event in rejected(*pieces):
        view.feed(event)
    view.close()
    return out.getvalue()


def test_a_void_draft_is_struck_through_on_a_terminal_and_said_to_be_void() -> None:
    shown = drawn("some ", "text", terminal=True)
    assert "\x1b[2;9msome text\x1b[0m" in shown
    assert "the 9 characters above are void" in shown
    assert "ABANDONED while it was speaking: p_good 0.10, threshold 0.60 (hopeless)" in shown
    assert "evidence: echo 1.00" in shown


def test_without_a_terminal_the_same_is_told_without_an_escape() -> None:
    shown = drawn("some ", "text", terminal=False)
    assert "\x1b" not in shown
    assert "some text\n" in shown
    assert "SWITCH m -> n; the 9 characters above are void" in shown


def test_markup_and_split_escapes_of_a_model_are_text_on_a_terminal() -> None:
    shown = drawn("[bold]x[/bold] :smile: \x1b", "[2J\x1b]0;t\x07\r", terminal=True)
    assert "[bold]x[/bold] :smile: ␛[2J␛]0;t␇" in shown
    assert not any(attack in shown for attack in ("\x1b[2J", "\x1b]", "\x07", "m\x1b[31m"))


def test_a_transcript_keeps_what_is_no_answer_out_of_its_output() -> None:
    out, notes = StringIO(), StringIO()
    view = Transcript(out, notes)
    for event in rejected("a\x1b", "]0;b"):
        view.feed(event)
    view.close()
    assert out.getvalue() == "a␛]0;b\n[the 9 characters above are void]\n"
    assert "\x1b" not in notes.getvalue()
    assert "ABANDONED" in notes.getvalue()
