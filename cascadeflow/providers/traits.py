"""What is known about families of models, whichever server runs them.

The first row whose pattern is found in the model's short name holds: lower case, without the
maker's prefix (`openai/`, `accounts/fireworks/models/`). A name that matches no row has no
peculiarity. Sources: the makers' API references, as known in 2025.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """Where a family of models departs from the ordinary."""

    thinks: bool = False
    """It thinks before it answers unless told not to; the thinking counts against a token limit."""
    temperature: bool = True
    """It accepts a temperature."""
    logprobs: bool = True
    """It accepts the wish for token log-probabilities."""
    stop: bool = True
    """It accepts stop sequences."""
    completion_limit: bool = False
    """Its maker's server wants the token limit as `max_completion_tokens`."""
    formats: frozenset[str] = frozenset({"json_schema", "json_object"})
    """Types of `response_format` that it knows beside text."""


_PLAIN = Traits()
_THINKS = Traits(thinks=True)
_OPENAI_THINKS = Traits(
    thinks=True, temperature=False, logprobs=False, stop=False, completion_limit=True
)

_FAMILIES: tuple[tuple[str, Traits], ...] = (
    # Hybrid families: the members that do not think, before the rule of the family.
    (r"non-?(thinking|reasoning)|no-?think", _PLAIN),
    (r"embed|rerank|moderation", _PLAIN),
    (r"^gpt-5-chat", Traits(logprobs=False)),
    (r"^gpt-4o.*search", Traits(temperature=False, logprobs=False, stop=False)),
    (r"^gpt-.*(audio|realtime)", Traits(logprobs=False)),
    (r"^(o[1-9]\d*\b|gpt-[5-9](?!\d)|codex-mini)", _OPENAI_THINKS),
    (r"deepseek-reasoner", Traits(thinks=True, logprobs=False)),
    (r"^grok-([4-9]|code|3-mini)", Traits(thinks=True, logprobs=False, stop=False)),
    (r"^claude-(opus-4[-.][7-9]|(opus|sonnet|haiku)-[5-9])", Traits(temperature=False)),
    (r"^gemini-2\.5-flash-lite|^gemini-.*(image|tts)", _PLAIN),
    (r"^gemini-(2\.5|[3-9])|^gemini-(flash|pro)-latest", _THINKS),
    (r"^qwen-?3.*(instruct|coder|max)", _PLAIN),
    (r"^qwen-?[3-9](?!\d)|^q[wv]q", _THINKS),
    (r"^kimi-k2\.[5-9]|^glm-(4\.[5-9]|[5-9]|z1)|^minimax-m\d|^hunyuan-(t1|a13b)", _THINKS),
    (r"^gpt-oss|^magistral|^seed-oss|^smollm3|^sonar-deep|^exaone-deep|^ernie-x1", _THINKS),
    (r"^gpt-4(-\d{4}$|-32k|$)", Traits(formats=frozenset())),
    (r"^gpt-(3\.5|4-|4o-2024-05-13)", Traits(formats=frozenset({"json_object"}))),
    (r"^claude-([123v]|instant|(opus|sonnet)-4(?![-.][1-9]\b))", Traits(formats=frozenset())),
    (r"thinking|reasoner|reasoning|-think\b|marco-o1|openthinker", _THINKS),
    (r"(^|[-_.])r1\b", _THINKS),
)


@lru_cache(maxsize=1024)
def traits(model: str) -> Traits:
    """What is known about the model of this name."""
    name = model.strip().lower().rpartition("/")[2]
    for pattern, known in _FAMILIES:
        if re.search(pattern, name):
            return known
    return _PLAIN
