"""Thinking that stands in the text of an answer."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.providers.catalog import CATALOG
from cascadeflow.providers.inline_thinking import InlineThinking
from cascadeflow.providers.openai_chat import Decoder
from cascadeflow.types import Delta, ReasoningDelta, TextDelta

from .chat_events import OPENAI, chunk, decode, said

ANSWERS = {
    "<think>Rome? No.</think>\n\nParis.": ("Rome? No.", "Paris."),
    " \n<think>\nRome < 2</thin </think> \n\n  Paris.\n": ("\nRome < 2</thin ", "  Paris.\n"),
    "<thought>a</thought>": ("", "<thought>a</thought>"),
    "<th</think>": ("", "<th</think>"),
    "<think></think>Paris.": ("", "Paris."),
    "<think>a</think><think>b</think>": ("a", "<think>b</think>"),
    "<think>Rome?": ("Rome?", ""),
    "<think>Rome?</thi": ("Rome?</thi", ""),
    "<think>a</think> \n": ("a", ""),
    "The tag <think> opens, </think> closes.": ("", "The tag <think> opens, </think> closes."),
    "<thinking>a</thinking>": ("", "<thinking>a</thinking>"),
    "</think>Paris.": ("", "</think>Paris."),
    "\n <thin": ("", "\n <thin"),
    " " * 200 + "<think>a": ("", " " * 200 + "<think>a"),
    "": ("", ""),
}


def split(pieces: list[str]) -> tuple[str, str]:
    inline = InlineThinking()
    parts = [*map(inline.split, pieces), inline.flush()]
    return "".join(thought for thought, _ in parts), "".join(text for _, text in parts)


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.items())
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_thought_at_the_beginning_is_told_from_the_text(
    answer: str, expected: tuple[str, str], size: int
) -> None:
    assert split([answer[at : at + size] for at in range(0, len(answer), size)]) == expected


@given(st.text("<think/> \na", max_size=60), st.lists(st.integers(0, 70), max_size=20))
def test_a_thought_cut_anywhere_is_the_same_thought(rest: str, cuts: list[int]) -> None:
    answer = "<think>" + rest
    edges = [0, *sorted(min(cut, len(answer)) for cut in cuts), len(answer)]
    assert split([answer[a:b] for a, b in pairwise(edges)]) == split([answer])


def test_gemini_names_the_tag_otherwise() -> None:
    events = said("<thou"), said("ght>Rome?</think>"), said("</thought>\nParis.")
    out, _ = decode(*events, server=CATALOG["gemini"])
    assert out == [ReasoningDelta("Rome?</think>"), TextDelta("Paris.")]


def test_a_stream_thinks_first_and_its_text_keeps_its_own_log_probabilities() -> None:
    tokens = {"content": [{"logprob": -0.5}]}
    pieces = ["<thi", "nk>Rome?", "</think>", "\n\n", "Paris", "."]
    events = [said(piece, logprobs=tokens) for piece in pieces]
    out, stop = decode(*events, chunk({}, "stop"))
    assert out[0] == ReasoningDelta("Rome?")
    assert [d for d in out if isinstance(d, TextDelta)][-1] == TextDelta(".", (-0.5,))
    assert "".join(d.text for d in out if isinstance(d, TextDelta)) == "Paris."
    assert stop.reason == "stop"


def test_a_stream_that_ends_within_the_thought_has_no_text() -> None:
    out, _ = decode(said("<think>Rome?"), said("</th"), chunk({}, "stop"))
    assert out == [ReasoningDelta("Rome?"), ReasoningDelta("</th")]


def test_what_could_have_become_a_thought_comes_out_at_the_end() -> None:
    tokens = {"content": [{"logprob": -0.5}]}
    assert decode(said(" <th", logprobs=tokens), chunk({}, "stop"))[0] == [
        TextDelta(" <th", (-0.5,))
    ]
    assert decode(said("<"), b"[DONE]")[0] == [TextDelta("<")]


def test_an_answer_that_does_not_stream_may_think_in_its_text_too() -> None:
    message = {"content": "<think>Rome?</think>\n\nParis."}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    out = list[Delta]()
    Decoder(OPENAI).whole(body, out)
    assert out == [ReasoningDelta("Rome?"), TextDelta("Paris.")]
