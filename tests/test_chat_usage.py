from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cascadeflow.providers.catalog import CATALOG
from cascadeflow.types import (
    Stop,
    TextDelta,
    UsageDelta,
)

from .chat_events import (
    ELEVEN,
    USAGE,
    chunk,
    decode,
    said,
)

# ---- tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "events",
    [
        [said("a", finish="stop", usage=ELEVEN)],
        [said("a", finish="stop"), {"choices": [], "usage": ELEVEN}],
        [said("a", finish="stop", usage=ELEVEN), {"choices": [], "usage": ELEVEN}],
        [said("a", finish="stop", x_groq={"id": "r", "usage": ELEVEN})],
        [said("a", finish="stop", x_groq={"usage": ELEVEN}, usage=ELEVEN)],
        [said("a", usage={**ELEVEN, "completion_tokens": 1}), chunk({}, "stop", usage=ELEVEN)],
        [said("a", finish="stop", usage=ELEVEN), {"choices": [], "usage": None}],
        [said("a", finish="stop", usage=ELEVEN), {"choices": [], "usage": {}}],
        [said("a", finish="stop", usage={"prompt_tokens": 11.0, "completion_tokens": 42})],
        [said("a", finish="stop", usage={"input_tokens": 11, "output_tokens": 42})],
        [said("a", finish="stop", usage={"prompt_tokens": 11, "total_tokens": 53})],
        [said("a", finish="stop", usage={**ELEVEN, "prompt_tokens_details": "x"})],
        [{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop", "usage": ELEVEN}]}],
    ],
)
def test_usage_counts_once_wherever_it_stands(events: list[object]) -> None:
    out, stop = decode(*events, b"[DONE]")
    assert stop == Stop("stop", USAGE, raw_reason="stop")
    assert out[0] == TextDelta("a")
    assert out[-1] == UsageDelta(USAGE)


def test_a_count_that_misses_the_rest_of_the_answer_is_not_the_whole_usage() -> None:
    out, stop = decode(said("a", usage=ELEVEN), said("b" * 99), chunk({}, "stop"), b"[DONE]")
    assert UsageDelta(USAGE) in out
    assert stop.usage is None
    _, stop = decode(said("a", usage=ELEVEN), said(""), chunk({}, "stop"), b"[DONE]")
    assert stop.usage == USAGE


@pytest.mark.parametrize(
    "garbage",
    [
        "many",
        [1],
        {"prompt_tokens": -1, "completion_tokens": 2},
        {"prompt_tokens": "11", "completion_tokens": 2},
        {"prompt_tokens": 1.5, "completion_tokens": 2},
        {"prompt_tokens": True, "completion_tokens": 2},
        {"prompt_tokens": 10**30, "completion_tokens": 2},
        {"prompt_tokens": 5},
    ],
)
def test_garbage_for_usage_is_none_with_a_warning(garbage: object) -> None:
    out, stop = decode(said("a", usage=garbage), chunk({}, "stop", usage=garbage))
    assert out == [TextDelta("a")]
    assert stop.usage is None
    assert stop.warnings == ("the server's token counts are not usable",)
    assert not stop.damaged


@pytest.mark.parametrize(
    ("server", "wire", "usage"),
    [
        ("openai", {"prompt_tokens_details": {"cached_tokens": 5}}, {"cached_tokens": 5}),
        ("openai", {"prompt_tokens_details": {"cached_tokens": 99}}, {"cached_tokens": 11}),
        ("deepseek", {"prompt_cache_hit_tokens": 6}, {"cached_tokens": 6}),
        ("litellm", {"cache_read_input_tokens": 6}, {"cached_tokens": 6}),
        ("litellm", {"cache_creation_input_tokens": 6}, {"cache_write_tokens": 6}),
        ("litellm", {"cache_creation_input_tokens": 6.0}, {"cache_write_tokens": 6}),
        (
            "litellm",
            {"prompt_tokens_details": {"cached_tokens": 1, "cache_creation_tokens": 6}},
            {"cached_tokens": 1, "cache_write_tokens": 6},
        ),
        (
            "litellm",
            {"prompt_tokens_details": {"cache_creation_tokens": 6.0}},
            {"cache_write_tokens": 6},
        ),
        ("openai", {"completion_tokens_details": {"reasoning_tokens": 7}}, {"reasoning_tokens": 7}),
        (
            "xai",
            {"completion_tokens_details": {"reasoning_tokens": 7}, "total_tokens": 60},
            {"reasoning_tokens": 7, "output_tokens": 49},
        ),
        ("xai", {"total_tokens": 60}, {}),
        ("gemini", {"total_tokens": 60}, {"reasoning_tokens": 7, "output_tokens": 49}),
    ],
)
def test_parts_of_the_usage_are_brought_to_one_convention(
    server: str, wire: dict[str, Any], usage: dict[str, int]
) -> None:
    _, stop = decode(chunk({}, "stop", usage=ELEVEN | wire), server=CATALOG[server])
    assert stop.usage == msgspec.structs.replace(USAGE, **usage)
