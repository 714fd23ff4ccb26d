from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.consume import VisibleText, collect
from cascadeflow.core.events import CallEvent
from cascadeflow.errors import CascadeError
from cascadeflow.result import CascadeResult
from cascadeflow.streaming.base import StreamEvent, StreamEventType, render

from .play import Fail, make_rules, play, text, whole

Kind = StreamEventType


def chunk(content: str, attempt: int = 1, turn: int = 1) -> StreamEvent:
    # An event made by hand may name no turn: it is of the first.
    return StreamEvent(
        Kind.CHUNK, content, {"attempt": attempt} | ({"turn": turn} if turn > 1 else {})
    )


def switch(attempt: int, turn: int = 1) -> StreamEvent:
    return StreamEvent(Kind.SWITCH, data={"attempt": attempt, "turn": turn})


def visible(events: Sequence[StreamEvent]) -> list[str]:
    seen = VisibleText()
    texts: list[str] = []
    for event in events:
        seen.feed(event)
        texts.append(seen.text)
    return texts


async def streamed(events: Sequence[StreamEvent]) -> AsyncIterator[StreamEvent]:
    for event in events:
        yield event


def test_switch_takes_back_the_text_of_its_attempt() -> None:
    told = [chunk("Ly"), chunk("on"), switch(1), chunk("Par", 2), chunk("is", 2)]
    assert visible(told) == ["Ly", "Lyon", "", "Par", "Paris"]


def test_switch_after_nothing_was_shown_changes_nothing() -> None:
    assert visible([switch(1), chunk("Paris", 2)]) == ["", "Paris"]


def test_events_that_carry_no_answer_are_ignored() -> None:
    others = [kind for kind in Kind if kind not in (Kind.CHUNK, Kind.SWITCH)]
    assert visible([chunk("a"), *(StreamEvent(kind, "noise") for kind in others)])[-1] == "a"


def test_a_blank_line_parts_the_texts_of_two_turns() -> None:
    told = [chunk("Let me ", 1, 1), chunk("see.", 1, 1), chunk("4", 3, 3)]
    assert visible(told)[-1] == "Let me see.\n\n4"


def test_switch_takes_back_the_blank_line_with_the_text() -> None:
    told = [chunk("Let me see.", 1, 1), chunk("5", 2, 2), switch(2, 2), chunk("4", 3, 2)]
    assert visible(told)[1:] == ["Let me see.\n\n5", "Let me see.", "Let me see.\n\n4"]
    assert visible([chunk("Hm", 1, 1), switch(1, 1), chunk("4", 2, 2)])[-1] == "4"


@given(st.lists(st.tuples(st.text(max_size=5), st.booleans()), max_size=20))
def test_visible_text_is_what_discarding_characters_would_leave(
    pieces: list[tuple[str, bool]],
) -> None:
    shown, attempt, since = "", 1, 0
    seen = VisibleText()
    for piece, switched in pieces:
        seen.feed(chunk(piece, attempt))
        shown += piece
        if switched:
            seen.feed(switch(attempt))
            shown, attempt = shown[: len(shown) - (len(shown) - since)], attempt + 1
        assert seen.text == shown


def test_the_visible_text_of_a_degraded_answer_is_the_draft() -> None:
    rules = make_rules(on_verifier_error="draft")
    told = play(whole("bad answer"), [*text("half"), Fail("server")], rules=rules).told
    rendered = [render(event) for event in told if not isinstance(event, CallEvent)]
    assert visible(rendered)[-1] == "bad answer"


def test_collect_gives_the_result_and_reads_to_the_very_end() -> None:
    ended = False

    async def events() -> AsyncIterator[StreamEvent]:
        nonlocal ended
        yield chunk("a")
        yield StreamEvent(Kind.COMPLETE, data={"result": CascadeResult(id="q").to_dict()})
        ended = True

    assert asyncio.run(collect(events())) == CascadeResult(id="q")
    assert ended


def test_collect_raises_the_error_with_the_result_so_far() -> None:
    told = play([*text("half"), Fail("server")]).told
    rendered = [render(event) for event in told if not isinstance(event, CallEvent)]
    with pytest.raises(CascadeError) as caught:
        asyncio.run(collect(streamed(rendered)))
    assert caught.value.result.content == "half"
    assert caught.value.kind == "server"


@pytest.mark.parametrize("told", [[], [chunk("a")]])
def test_a_stream_without_an_end_has_no_result(told: list[StreamEvent]) -> None:
    with pytest.raises(ValueError, match="without a result"):
        asyncio.run(collect(streamed(told)))
