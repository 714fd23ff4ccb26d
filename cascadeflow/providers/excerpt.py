"""What the body of an error says, in words a person can read in one line. Pure.

The body may be any JSON, HTML or plain text, of a server that means no good: control characters
are neutralised, the length is bounded, and the work is linear in a bounded part of the body.

Units: bytes of UTF-8 for `LIMIT`, characters elsewhere.
"""

from __future__ import annotations

import html
import json
import re

from .lenient import is_list, is_object

LIMIT = 2048
"""Longest excerpt of a server's words."""

_READ = 64 * 1024
"""Of HTML and text, no more than this is looked at."""
_NAMES = (
    "error", "message", "detail", "msg", "error_description", "errors", "description", "title",
)  # fmt: skip
"""Where messages are found, the most telling first."""

_CONTROL = re.compile(
    "[\x00-\x20\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+"
)
"""C0 and C1 controls, white space, and characters that turn or hide text."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` in one line of valid Unicode without control characters."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text)).strip()


def excerpt(text: str) -> str:
    """`text` cleaned, and cut to at most `LIMIT` bytes of UTF-8."""
    text = clean(text[: 4 * LIMIT])
    encoded = text.encode()
    if len(encoded) <= LIMIT:
        return text
    return encoded[: LIMIT - 3].decode("utf-8", "ignore") + "\u2026"


def find_message(body: object) -> str:
    """The message in a decoded JSON body; the JSON itself if there is none; may be empty."""
    found = _find(body, 0)
    if found or not body:
        return found
    return json.dumps(body, ensure_ascii=False, default=repr)[: 2 * LIMIT]


def html_text(body: bytes) -> str:
    """The title of an HTML page, else its text; plain text as it is."""
    text = body[:_READ].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("<"):
        return text
    if (title := re.search("<title[^<>]*>([^<>]*)", text, re.IGNORECASE)) and title[1].strip():
        return html.unescape(title[1])
    pieces = re.split(r"(?i)<(?:script|style)\b", text)
    ended = [
        re.split(r"(?i)</(?:script|style)\b[^<>]*>", piece, maxsplit=1) for piece in pieces[1:]
    ]
    shown = " ".join((pieces[0], *("".join(parts[1:]) for parts in ended)))
    return html.unescape(re.sub("<[^<>]*>", " ", shown))


def _find(value: object, depth: int) -> str:
    if depth > 8:
        return ""
    if isinstance(value, str):
        return value if value.strip() else ""
    if is_list(value):
        # A validation error for each field: a few of them tell enough.
        return "; ".join(filter(None, (_find(item, depth + 1) for item in value[:4])))
    if not is_object(value):
        return ""
    found = next(filter(None, (_find(value.get(name), depth + 1) for name in _NAMES)), "")
    place, metadata = value.get("loc"), value.get("metadata")
    if found and is_list(place):
        return f"{'.'.join(str(part) for part in place[:8])}: {found}"
    if found and is_object(metadata) and isinstance(raw := metadata.get("raw"), str):
        # A router hands on what the server behind it said.
        return f"{found}: {raw}"
    return found
