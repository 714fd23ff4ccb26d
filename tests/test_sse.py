from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cascadeflow.errors import ProtocolError
from cascadeflow.providers.sse import SSE, SSEDecoder

ODD = (
    b"\xef\xbb\xbfdata: first\r\n\r\n"
    b": comment\n:\nid: 1\x002\nretry: 10\nunknown: x\nno colon\n"
    b"event: named\ndata:no space\ndata:  two\ndata\n\n"
    b"event: forgotten\n\n"
    b"data: a\x00b\rdata: gr\xc3\xbc\xc3\x9fe\r\rdata:\n\n\n\n"
    b" data: a space makes another field\ndata : so does this\n\n"
    b'data: {"last": 1}\n\ndata: never closed\n'
)
EVENTS = [
    ("", b"first"),
    ("named", b"no space\n two\n"),
    ("", "a\x00b\ngrüße".encode()),
    ("", b""),
    ("", b'{"last": 1}'),
]

Event: TypeAlias = tuple[str, bytes]


def stream(chunks: Iterable[bytes], limit: int = 1000) -> Iterator[Event]:
    decoder = SSEDecoder(limit)
    for chunk in chunks:
        for run in decoder.feed(chunk):
            yield from ((run.event, data) for data in run.data)


def decode(chunks: Iterable[bytes], limit: int = 1000) -> list[Event]:
    return list(stream(chunks, limit))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def test_every_oddity_of_the_standard_is_understood() -> None:
    assert decode([ODD]) == EVENTS


@given(st.lists(st.integers(0, len(ODD)), max_size=40))
@example(list(range(len(ODD))))
def test_any_split_of_the_bytes_gives_the_same_events(cuts: list[int]) -> None:
    assert decode(pieces(ODD, cuts)) == EVENTS


@pytest.mark.parametrize("eol", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", range(1, 8))
def test_all_line_ends_are_equal_in_every_chunk_size(eol: bytes, size: int) -> None:
    body = ODD.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", eol)
    assert decode(body[at : at + size] for at in range(0, len(body), size)) == EVENTS


def test_ordinary_events_of_one_read_are_one_run() -> None:
    decoder = SSEDecoder()
    assert list(decoder.feed(b"data: a\n\ndata: b\n\ndata: c")) == [SSE("", [b"a", b"b"])]
    assert list(decoder.feed(b"\n\ndata: d\n\n")) == [SSE("", [b"c", b"d"])]


def test_an_event_is_given_as_soon_as_its_empty_line_ends_with_cr() -> None:
    decoder = SSEDecoder()
    assert list(decoder.feed(b"data: x\r\r")) == [SSE("", [b"x"])]
    assert list(decoder.feed(b"\ndata: y\n\n")) == [SSE("", [b"y"])]


def test_a_byte_order_mark_counts_only_at_the_start() -> None:
    assert decode([b"\xef", b"\xbb", b"\xbf", b"data: a\n\n"]) == [("", b"a")]
    assert decode([b"data: a\n\n", b"\xef\xbb\xbfdata: b\n\n"]) == [("", b"a")]
    assert decode([b"\xef\xbbdata: a\n\n"]) == []


def test_the_event_name_is_forgotten_after_an_empty_line() -> None:
    assert decode([b"event: x\ndata: 1\n\ndata: 2\n\n"]) == [("x", b"1"), ("", b"2")]
    assert decode([b"event: x\nevent\ndata: 1\n\n"]) == [("", b"1")]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"data: " + b"x" * 60, "a line"),
        (b"data: " + b"x" * 60 + b"\n\n", "a line"),
        (b": " + b"x" * 60 + b"\n", "a line"),
        (b"data: 12345678\n" * 7 + b"\n", "an event"),
        (b"data\n" * 60, "an event"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_line_or_event_beyond_the_limit_is_refused_after_the_events_before_it(
    body: bytes, what: str, size: int
) -> None:
    body = b"data: good\n\n" + body
    events = stream((body[at : at + size] for at in range(0, len(body), size)), limit=50)
    assert next(events) == ("", b"good")
    with pytest.raises(ProtocolError, match=f"{what} of more than 50 bytes") as caught:
        next(events)
    assert (caught.value.kind, caught.value.retryable) == ("protocol", False)


def test_a_line_and_an_event_of_just_the_limit_pass() -> None:
    assert decode([b"data: " + b"x" * 44 + b"\n\n"], limit=50) == [("", b"x" * 44)]
    assert decode([b"data: 1234567890\n" * 4 + b"\n"], limit=43)[0][1].count(b"\n") == 3


def test_many_short_events_in_a_chunk_longer_than_the_limit_pass() -> None:
    assert decode([b"data: abc\n\n" * 100], limit=20) == [("", b"abc")] * 100


@pytest.mark.parametrize(
    ("before", "copies"), [(b"", 3), (b"event: named\n", 4), (b"data: 1\n", 5)]
)
def test_a_long_line_is_held_a_few_times_at_most(before: bytes, copies: int) -> None:
    size = 2**20
    tracemalloc.start()
    try:
        decode([before, b"data: ", *[b"x" * 1024] * 1024, b"\n\n"], limit=2 * size)
        assert tracemalloc.get_traced_memory()[1] < (copies + 0.5) * size
    finally:
        tracemalloc.stop()


def test_a_long_line_in_small_chunks_comes_out_whole() -> None:
    line = b"data: " + bytes(range(32, 127)) * 5000
    chunks = [line[at : at + 64] for at in range(0, len(line), 64)]
    assert decode([*chunks, b"\n", b"\n"], limit=len(line)) == [("", line[6:])]


def test_an_error_in_place_of_the_field_names_is_an_event_of_type_error() -> None:
    assert decode([b'data: a\n\nerror: {"code":400}\n\n']) == [
        ("", b"a"),
        ("error", b'{"code":400}'),
    ]
    assert decode([b"error: words\ndata: a\n\n"]) == [("", b"a")]


@pytest.mark.parametrize("line", [b'\0\0data: {"a":1}', b'{"error":"x"}', b'data {"a":1}', b'"}'])
def test_a_line_that_can_be_no_field_but_ends_as_json_is_data(line: bytes) -> None:
    events = list(SSEDecoder().feed(line + b"\n\n"))
    assert [event.data for event in events] == [[line]]


@pytest.mark.parametrize("line", [b'x-meta: {"a":1}', b': {"a":1}', b"nonsense", b'id: {"a":1}'])
def test_a_field_of_another_name_is_none_of_ours(line: bytes) -> None:
    assert list(SSEDecoder().feed(line + b"\n\n")) == []
