from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.cli.plain import plain

ATTACKS = (
    "\x1b[2J\x1b[H",  # clear the screen
    "\x1b]0;title\x07",  # set the title
    "\x1b]8;;http://evil.example\x1b\\bank\x1b]8;;\x1b\\",  # a link with another text
    "\x1b]52;c;cm0gLXJmIH4=\x07",  # write to the clipboard
    "\x1bP+q544e\x1b\\",  # ask the terminal for its settings
    "\x9b31mred\x9b0m",  # eight-bit CSI
    "\x9d0;title\x9c",  # eight-bit OSC
    "password: \rusername: ",  # overwrite the line
    "abc\b\b\bxyz",  # the same with backspace
    "\x0e\x0f\x00\x05\x7f",  # shift out and in, NUL, enquiry, delete
    "user\u202egpj.exe",  # right-to-left override
    "\u2066admin\u2069 \u2067x",  # isolates
)


def powers(text: str) -> Iterable[str]:
    """Characters of `text` that a terminal obeys instead of showing."""
    for character in text:
        control = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        bidirectional = unicodedata.bidirectional(character) in (
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
        )  # fmt: skip
        if character not in "\n\t" and (control or bidirectional):
            yield character


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_commands_a_terminal_is_left(attack: str) -> None:
    assert list(powers(attack))
    assert not list(powers(plain(attack)))


@given(st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Lu"))))
def test_no_text_has_power_over_a_terminal(text: str) -> None:
    assert not list(powers(plain(text)))


@given(st.sampled_from(ATTACKS), st.lists(st.integers(0, 40), max_size=8))
def test_it_does_not_matter_how_a_text_was_cut(attack: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(attack)), len(attack)]
    assert "".join(plain(attack[a:b]) for a, b in pairwise(edges)) == plain(attack)


@given(
    st.text(st.characters(categories=("L", "M", "N", "P", "S", "Zs"), include_characters="\n\t"))
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize("text", ["def f():\n\treturn 1\n", "👩‍🔬 नमस्ते שלום مرحبا", "[bold]x[/]"])
def test_code_emoji_scripts_and_markup_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


def test_what_was_replaced_can_be_seen() -> None:
    assert plain("a\x1b[1mb\r\x9bc\u202ed\udce9") == "a␛[1mb<U+009B>c<U+202E>d<U+DCE9>"


def test_once_plain_is_plain_for_good() -> None:
    for attack in ATTACKS:
        assert plain(plain(attack)) == plain(attack)
