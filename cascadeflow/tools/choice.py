"""Which tool a model may or must call, brought to one form. Pure.

A choice comes as a word, in OpenAI's shape or in Anthropic's:
https://platform.openai.com/docs/api-reference/chat/create#chat-create-tool_choice
https://docs.anthropic.com/en/api/messages#body-tool-choice
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ..errors import ConfigError
from ..types import ToolChoice
from .show import shown

if TYPE_CHECKING:
    from .config import Offered

_WORDS: Final[Mapping[str, ToolChoice]] = {
    "auto": "auto",
    "required": "required",
    "any": "required",  # Anthropic's word
    "none": "none",
}


def normalise_choice(choice: object, offered: Sequence[Offered]) -> ToolChoice | None:
    """The normal form of a tool choice; None: the model decides by its own default.

    Raises:
        ConfigError: it is no tool choice, or asks for a tool that is not offered.
    """
    if choice is None:
        return None
    names = [tool.name for tool in offered]
    for word, meaning in _WORDS.items():
        if choice in (word, {"type": word}):
            if meaning == "required" and not names:
                raise ConfigError(f"tool_choice is {shown(choice)}, but no tools are offered")
            return meaning
    match choice:
        case {"function": {"name": str(name)}} | {"name": str(name)} if choice in (
            {"type": "function", "function": {"name": name}},
            {"type": "function", "name": name},
            {"type": "tool", "name": name},
        ):
            if name in names:
                return {"name": name}
            told = ", ".join(map(repr, names)) or "none"
            raise ConfigError(f"tool_choice names {shown(name)}; the offered tools are: {told}")
        case _:
            raise ConfigError(
                f'tool_choice is {shown(choice)}; allowed are None, "auto", "required", "none", '
                '{"type": <one of these>} and '
                '{"type": "function", "function": {"name": <an offered tool>}}'
            )
