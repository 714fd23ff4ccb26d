"""Thinking written into the text of an answer, `<think>` to `</think>`, told apart from it. Pure.

Servers that run a thinking model without a parser for its thoughts (vLLM, SGLang, llama.cpp, some
hosts) send them so, and Gemini, asked for its thoughts, `<thought>` to `</thought>`, a tag that
prompts ask other models to write into their answers. Only the very beginning of a text counts,
after white space: an answer that mentions the tag later is not touched. Blank lines after the
thought are dropped.

Source: the chat templates of DeepSeek-R1 and Qwen 3; Gemini's OpenAI-compatible answers.
"""

from __future__ import annotations

_LONGEST = 80
"""Characters of white space that are held back; more of it is text."""


class InlineThinking:
    """Splits one text, whose pieces may be cut anywhere; `tag` is the name of the thought's."""

    def __init__(self, tag: str = "think") -> None:
        self.over = False
        """What comes is text as it is: nothing is left to be split."""
        self.within: bool | None = None
        """Whether the thought goes on; None before it."""
        self._held = ""
        self._open, self._close = f"<{tag}>", f"</{tag}>"

    def split(self, piece: str) -> tuple[str, str]:
        """The thought and the text that are certain with this piece; both may be empty."""
        text, self._held = self._held + piece, ""
        if self.over:
            return "", text
        if self.within is None and not self._begins(text):
            return "", ("" if self._held else text)
        thought = ""
        if self.within is None:
            self.within, text = True, text.lstrip()[len(self._open) :]
        if self.within:
            thought, closed, text = text.partition(self._close)
            if not closed:
                sizes = range(min(len(thought), len(self._close) - 1), 0, -1)
                held = (size for size in sizes if thought.endswith(self._close[:size]))
                certain = len(thought) - next(held, 0)
                thought, self._held = thought[:certain], thought[certain:]
                return thought, ""
            self.within = False
        return thought, self._without_blank_lines(text)

    def flush(self) -> tuple[str, str]:
        """What is held back, as thought and text: the answer has ended."""
        held, self._held = self._held, ""
        if self.within:
            return held, ""
        self.over = self.over or bool(held)
        return "", "" if self.within is False else held

    def _begins(self, text: str) -> bool:
        """Whether a text begins with a thought; what may still become one is held."""
        head = text.lstrip()
        start = head[: len(self._open)]
        self.over = len(text) - len(head) > _LONGEST or not self._open.startswith(start)
        if self.over or start == self._open:
            return not self.over
        self._held = text
        return False

    def _without_blank_lines(self, text: str) -> str:
        blank = len(text) - len(text.lstrip())
        text = text[text.rfind("\n", 0, blank) + 1 :]
        if (not text or text.isspace()) and len(text) <= _LONGEST:
            self._held = text
            return ""
        self.over = True
        return text
