"""Values shown in messages: one line, escaped, shortened. Pure. Units: characters."""

from __future__ import annotations

SHORT = 80
"""Most characters of one value."""


def escaped(text: str, limit: int = SHORT) -> str:
    """`text` without characters that steer a terminal or a log, at most `limit` characters."""
    cut = text[: limit + 1]
    if not cut.isprintable():
        cut = "".join(char if char.isprintable() else repr(char)[1:-1] for char in cut)
    return cut if len(cut) <= limit else cut[: limit - 3] + "..."


def shown(value: object, limit: int = SHORT) -> str:
    """The `repr` of `value`, escaped and shortened; long texts are not copied whole."""
    if isinstance(value, str):
        return escaped(repr(value[:limit] + ("..." if len(value) > limit else "")), limit + 8)
    return escaped(repr(value), limit)
