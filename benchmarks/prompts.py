"""Prompts of 100 kB, of shapes that could be slow to look through."""

from __future__ import annotations

SIZE = 100_000
"""Bytes of UTF-8, about."""


def _filled(piece: str) -> str:
    return piece * (SIZE // len(piece.encode()))


PROMPTS = {
    "prose": _filled("What would happen if the river froze before the harvest was in? "),
    "code": _filled("def f(x: int) -> int:\n    return x * 2 if x else 0\n\n"),
    "numbers": _filled("17 + 25.5 * 3 = ? "),
    "digits": _filled("1234567890"),
    "one word": _filled("a"),
    "spaces": "Sum up:" + _filled(" ") + "end",
    "Chinese": _filled("请用三句话解释这个定理,并给出一个例子。"),
    "JSON": _filled('{"id": 7, "name": "item", "price": 12.5},\n'),
    "brackets": _filled("([{"),
}
