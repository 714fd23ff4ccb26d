"""Which tool a model may or must call, brought to one form. Pure.

A choice comes as a word, in OpenAI's shape or in Anthropic's:
https://platform.openai.com/docs/api-reference/chat/create#chat-create-tool_choice
https://docs.anthropic.com/en/api/messages#body-tool-choice
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ..errors import ConfigError
from ..providers.lenient import is_object
from ..types import ToolChoice
from .show import shown

if TYPE_CHECKING:
    from .config import Offered

_WORDS: Final[Mapping[object, ToolChoice]] = {
    "auto": "auto",
    "required": "required",
    "any": "required",
    "none": "none",
}
"""Anthropic's `any` is OpenAI's `required`."""
_ALLOWED: Final = (
    'allowed are None, "auto", "required", "none", {"type": <one of these>} and '
    '{"type": "function", "function": {"name": <an offered tool>}}'
)


def normalise_choice(choice: object, offered: Sequence[Offered]) -> ToolChoice | None:
    """The normal form of a tool choice; None: the model decides by its own default.

    Raises:
        ConfigError: it is no tool choice, or asks for a tool that is not offered.
    """
    if choice is None:
        return None
    names = [tool.name for tool in offered]
    found = _word(choice) if isinstance(choice, str) else _shape(choice, names)
    if found == "required" and not names:
        raise ConfigError(f"tool_choice is {shown(choice)}, but no tools are offered")
    return found


def _word(word: str) -> ToolChoice:
    if word not in _WORDS:
        raise _wrong(word)
    return _WORDS[word]


def _shape(choice: object, names: Collection[str]) -> ToolChoice:
    if not is_object(choice):
        raise _wrong(choice)
    kind, inner = choice.get("type"), choice.get("function")
    if isinstance(kind, str) and kind in _WORDS and len(choice) == 1:
        return _WORDS[kind]
    named = inner if kind == "function" and is_object(inner) else choice
    outer = {"type", "function"} if named is inner else {"type", "name"}
    name = named.get("name")
    if kind not in ("function", "tool") or not isinstance(name, str):
        raise _wrong(choice)
    if choice.keys() != outer or not named.keys() <= {"type", "name"}:
        raise _wrong(choice)
    if name not in names:
        told = ", ".join(map(repr, names)) or "none"
        raise ConfigError(f"tool_choice names {shown(name)}; the offered tools are: {told}")
    return {"name": name}


def _wrong(choice: object) -> ConfigError:
    return ConfigError(f"tool_choice is {shown(choice)}; {_ALLOWED}")
