"""What a weaker model does to a tool call: an argument lost, of the wrong type, or made up."""

from __future__ import annotations

import random
from dataclasses import replace

from .jsontypes import Json
from .tool_choice import Choice

_MADE_UP = ("Springfield", "example", "John Doe", "unknown")


def spoil(choice: Choice, rng: random.Random) -> Choice:
    """The call with one mistake; a call without arguments gets a parameter nobody offered."""
    arguments = dict(choice.arguments)
    if not arguments:
        return replace(choice, arguments={"value": rng.choice(_MADE_UP)})
    name = rng.choice(list(arguments))
    match rng.randrange(3):
        case 0:
            del arguments[name]
        case 1:
            arguments[name] = _other_type(arguments[name])
        case _:
            arguments[name] = _made_up(arguments[name], rng)
    return replace(choice, arguments=arguments)


def _other_type(value: Json) -> Json:
    return [value] if isinstance(value, str) else str(value)


def _made_up(value: Json, rng: random.Random) -> Json:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 10 + 1
    return rng.choice([other for other in _MADE_UP if other != value])
