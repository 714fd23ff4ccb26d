"""Text of a model, made safe for a terminal.

A model, or whoever wrote what it read, may send escape sequences: they clear the screen, set the
title, write to the clipboard, disguise a link, overwrite a line, or reverse its order. Each
character with such a power is replaced by a visible one, and the rest of a sequence stays as the
harmless text it is. One character at a time, so it does not matter how a text was cut:
`plain(a + b) == plain(a) + plain(b)`.

Replaced: C0 controls except newline and tab, DEL, C1 controls (the eight-bit CSI, OSC, DCS), the
embeddings, overrides and isolates of UAX #9, the Unicode line separators, byte order marks, and
surrogates, which no terminal can be sent. Marks of direction stay: text from right to left needs
them, and they move nothing but what is beside them. A carriage return is left out: it would let a
line be overwritten, and CR LF is a line's end without it as well.
Source: ECMA-48; https://www.unicode.org/reports/tr9/
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NAMED = (
    *range(0x80, 0xA0),  # C1
    0x2028, 0x2029,  # line and paragraph separator
    *range(0x202A, 0x202F),  # embeddings and overrides
    *range(0x2066, 0x2070),  # isolates, and the deprecated format characters
    0xFEFF,  # byte order mark
    *range(0xD800, 0xE000),  # surrogates
)  # fmt: skip

REPLACED: Mapping[int, str] = MappingProxyType(
    # The block that begins here depicts the C0 controls in their order.
    {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}
    | {0x7F: "\u2421", 0x0D: ""}
    | {code: f"<U+{code:04X}>" for code in _NAMED}
)
"""Code point to what is shown instead of it."""


def plain(text: str) -> str:
    """`text` with every character that could command a terminal shown instead of obeyed."""
    return text.translate(REPLACED)


def plain_line(text: str) -> str:
    """The same in one line, for text among which a line of its own would be a forgery."""
    return plain(text).replace("\n", " ")


def unicode_of(text: str) -> str:
    """A text of the command line as valid Unicode: bytes that were none become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
