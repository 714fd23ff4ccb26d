"""A content block of Anthropic's Messages API while it grows. Pure."""

from __future__ import annotations

from .lenient import Halves

OURS = ("text", "thinking", "redacted_thinking", "tool_use")
"""Kinds of blocks that are part of the answer."""
IMPLIED = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking"}
"""The kind of the block that an increment belongs to."""
SAYING = ("", "text_delta", "input_json_delta")
"""Types of increments that carry a part of the answer, or may."""


class Block:
    """A content block that has not ended."""

    __slots__ = ("_halves", "_parts", "given", "kind", "seal")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        """The API's word for it: `text`, `thinking`, `tool_use`, ..."""
        self.seal = ""
        """Signature of a thinking block, or the encrypted data of a redacted one."""
        self.given = ""
        """Arguments that came whole with the start; fragments, if any follow, replace them."""
        self._parts: list[str] = []
        self._halves = Halves()

    @property
    def waiting(self) -> bool:
        """The text so far ends with half a surrogate pair."""
        return bool(self._halves.waiting)

    def join(self, text: str) -> str:
        """More text: valid Unicode, halves of a pair joined across pieces, lone ones replaced."""
        return self._keep(self._halves.join(self.kind, text))

    def rest(self) -> str:
        """What is left to show when the block ends."""
        return self._keep("\ufffd" * len(list(self._halves.flush())))

    def signed(self) -> dict[str, str] | None:
        """The block as the API wants it back; None if it is not thinking, or has no signature."""
        if self.kind == "redacted_thinking":
            return {"type": self.kind, "data": self.seal}
        if self.kind != "thinking" or not self.seal:
            return None
        return {"type": self.kind, "thinking": "".join(self._parts), "signature": self.seal}

    def _keep(self, text: str) -> str:
        # A signature holds for the whole text; nothing else is wanted back.
        if self.kind == "thinking" and text:
            self._parts.append(text)
        return text
