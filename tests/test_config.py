from __future__ import annotations

from typing import Any

import pytest

from cascadeflow.config import ModelConfig, RetryPolicy
from cascadeflow.errors import ConfigError

KEY = "sk-canary-0123456789"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"api_key": KEY.encode()}, ("m: api_key", "bytes", "a string")),
        ({"base_url": 80}, ("m: base_url", "int", "a string")),
        ({"system_prompt": ["a"]}, ("m: system_prompt", "list", "a string")),
        ({"headers": [("a", KEY)]}, ("m: headers", "list", "mapping")),
        ({"extra": "top_p"}, ("m: extra", "str", "mapping")),
        ({"logprobs": 5}, ("m: logprobs", "int", "True or False")),
        ({"timeouts": 5}, ("m: timeouts", "int", "cascadeflow.Timeouts")),
    ],
)
def test_a_setting_of_another_type_is_refused_unseen(
    settings: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        ModelConfig("m", "openai", **settings)
    assert all(part in str(caught.value) for part in told), str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"attempts": 0},
        {"attempts": "3"},
        {"attempts": 1.5},
        {"attempts": True},
        {"base": "x"},
        {"base": -1},
        {"base": 9},
        {"cap": float("nan")},
        {"longest_wait": -1},
        {"draft_wait": None},
    ],
)
def test_a_retry_policy_out_of_range_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="RetryPolicy"):
        RetryPolicy(**settings)


def test_neither_key_nor_headers_nor_url_are_shown() -> None:
    model = ModelConfig(
        "m", "openai", api_key=KEY, headers={"x": KEY}, base_url=f"https://host/v1?key={KEY}"
    )
    assert KEY not in repr(model) + str(model)
