"""The decoders on streams changed by their own grammar; `make fuzz` runs the same for longer."""

from __future__ import annotations

import base64
import random
import subprocess
import sys
import tracemalloc
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reliability.fuzz_targets import TARGETS, corpus, mutate

from .chat_events import decode

MEMORY = 60
"""Most bytes held for each byte read, what was decoded included."""


@cache
def seeds(target: str) -> list[bytes]:
    return corpus(target)


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.data())
@pytest.mark.parametrize("target", TARGETS)
def test_changed_streams_give_typed_errors_valid_text_and_the_same_however_cut(
    target: str, seed: int, data: st.DataObject
) -> None:
    chance = random.Random(seed)
    begun = data.draw(st.sampled_from(seeds(target)))
    TARGETS[target](mutate(begun, chance), chance)


@settings(max_examples=60)
@given(st.binary(max_size=300), st.integers(0, 2**16))
@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes_give_typed_errors_and_the_same_however_cut(
    target: str, read: bytes, seed: int
) -> None:
    TARGETS[target](read, random.Random(seed))


@pytest.mark.parametrize("target", TARGETS)
def test_every_known_stream_keeps_the_promises(target: str) -> None:
    assert {TARGETS[target](stream, random.Random(7)) for stream in seeds(target)}


def calls_made(target: str, read: bytes) -> int:
    """How many functions were called: a measure of work that no other process disturbs."""
    count = 0

    def called(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(called)
    try:
        TARGETS[target](read, random.Random(3))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("target", ["chat", "messages", "body", "failure", "json_text"])
def test_work_grows_no_faster_than_the_bytes(target: str) -> None:
    for stream in seeds(target)[::9]:
        stream *= 4_000 // len(stream) + 1
        assert calls_made(target, stream * 4) < 5 * calls_made(target, stream) + 1_000


@pytest.mark.parametrize("target", ["chat", "messages", "body", "failure", "json_text"])
def test_memory_is_bounded_by_the_bytes(target: str) -> None:
    for stream in seeds(target)[::9]:
        stream *= 100_000 // len(stream) + 1
        tracemalloc.start()
        try:
            TARGETS[target](stream, random.Random(3))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < MEMORY * len(stream) + 1_000_000


def test_a_finish_reason_is_valid_unicode_whatever_was_sent() -> None:
    half = '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"st\\ud800op"}]}'
    _, stop = decode(half.encode())
    assert stop.raw_reason == "st\ufffdop"
    assert stop.reason == "stop"


def test_an_input_can_be_replayed() -> None:
    stream = base64.b64encode(b"\0\0\0" + seeds("chat")[0]).decode()
    command = [sys.executable, "-m", "reliability.fuzz", "--replay", stream]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.startswith("chat TU")
