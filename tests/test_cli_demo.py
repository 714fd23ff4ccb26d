"""The demo where nothing can be asked."""

from __future__ import annotations

import asyncio

import pytest

from cascadeflow import CascadeAgent, CascadeError, ModelConfig, ProviderError
from cascadeflow.cli.demo import compare
from cascadeflow.providers.scripted import Script, Scripted
from cascadeflow.providers.simulated import generate


def agent(script: Script) -> CascadeAgent:
    return CascadeAgent([ModelConfig("m", Scripted({"m": script}), cost=0)])


def test_the_demo_fails_with_the_first_error_if_a_ladder_answers_nothing() -> None:
    well = agent("408")
    broken = agent([ProviderError("the proxy says no", kind="connect")])
    questions = generate(seed=1, n=8)
    assert asyncio.run(compare({"well": well}, questions))
    with pytest.raises(CascadeError, match="the proxy says no"):
        asyncio.run(compare({"well": well, "broken": broken}, questions))
