"""Content codings: whatever the split, the same bytes; bounds; broken and truncated streams."""

from __future__ import annotations

import gzip
import random
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.errors import ProtocolError
from cascadeflow.providers.decompress import FREE, LIMIT, decompressor

TEXT = b"".join(b'data: {"n":%d,"text":"p\xc3\xa4ris"}\n\n' % n for n in range(200))


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


CODED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZIP": gzip.compress(TEXT[:900]) + gzip.compress(TEXT[900:]),
    "gzip, identity": gzip.compress(TEXT[:900]) + b"\0" * 9 + gzip.compress(TEXT[900:]) + b"\0" * 7,
    "deflate": zlib.compress(TEXT),
    " Deflate ": raw_deflate(TEXT),
    "identity": TEXT,
    "": TEXT,
}


def inflate(coding: str, pieces: list[bytes]) -> bytes:
    stream = decompressor(coding)
    plain = b"".join(map(stream.feed, pieces))
    stream.end()
    return plain


def fails(coding: str, data: bytes) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        inflate(coding, [data])
    return caught.value


@given(st.sampled_from(sorted(CODED)), st.lists(st.integers(0, 4000), max_size=20))
def test_any_split_of_any_coding_gives_the_text(coding: str, cuts: list[int]) -> None:
    data = CODED[coding]
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert inflate(coding, [data[a:b] for a, b in pairwise(edges)]) == TEXT


def test_text_flows_as_it_arrives() -> None:
    for wbits, coding in ((31, "gzip"), (15, "deflate"), (-15, "deflate")):
        sender, receiver = zlib.compressobj(wbits=wbits), decompressor(coding)
        for piece in (b"data: one\n\n", b"data: two\n\n"):
            wire = sender.compress(piece) + sender.flush(zlib.Z_SYNC_FLUSH)
            assert receiver.feed(wire) == piece


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip;q=1", "rot13"])
def test_an_unknown_coding_is_refused_by_name(coding: str) -> None:
    with pytest.raises(ProtocolError, match="gzip, deflate or identity") as caught:
        decompressor(coding)
    assert caught.value.kind == "decode"
    assert not caught.value.retryable
    assert coding in str(caught.value)


def test_corrupt_data_is_a_decode_error() -> None:
    for coding, data in CODED.items():
        if "identity" not in coding.split(", ")[0] and coding:
            broken = data[:30] + b"\x00garbage\xff" * 8
            assert fails(coding, broken).kind == "decode"
            assert fails(coding, broken).retryable
    assert fails("gzip", b"not gzip at all").kind == "decode"


def test_a_wrong_check_sum_is_a_decode_error() -> None:
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1
    assert fails("gzip", bytes(data)).kind == "decode"


@given(st.sampled_from(["gzip", "deflate", " Deflate "]), st.integers(2, 200))
def test_a_truncated_stream_is_incomplete(coding: str, missing: int) -> None:
    data = CODED[coding]
    error = fails(coding, data[: max(2, len(data) - missing)])
    assert error.kind == "incomplete"
    assert error.retryable


def test_an_empty_body_is_empty_in_every_coding() -> None:
    for coding in CODED:
        assert inflate(coding, []) == b""


@pytest.mark.parametrize("size", [1, 2, 100])
def test_gzip_that_nobody_announced_is_a_decode_error(size: int) -> None:
    data = gzip.compress(TEXT)
    with pytest.raises(ProtocolError, match="no content-encoding") as caught:
        inflate("", [data[at : at + size] for at in range(0, len(data), size)])
    assert caught.value.kind == "decode"
    assert caught.value.retryable


def test_a_bomb_is_stopped_at_the_ratio() -> None:
    bomb = gzip.compress(bytes(20 * FREE))
    stream = decompressor("gzip")
    sizes: list[int] = []

    def feed_all() -> None:
        sizes.extend(len(stream.feed(bomb[at : at + 1000])) for at in range(0, len(bomb), 1000))

    with pytest.raises(ProtocolError, match="longer than allowed") as caught:
        feed_all()
    assert caught.value.kind == "protocol"
    assert not caught.value.retryable
    assert sum(sizes) <= FREE + 100_000


def test_a_short_repetitive_answer_may_have_any_ratio() -> None:
    text = bytes(FREE - 1)
    assert inflate("gzip", [gzip.compress(text)]) == text


def test_plain_bytes_are_bounded_too() -> None:
    stream, piece = decompressor(""), bytes(FREE)
    for _ in range(LIMIT // FREE):
        stream.feed(piece)
    with pytest.raises(ProtocolError, match="longer than allowed"):
        stream.feed(b"x")


def test_inflated_bytes_are_bounded_whatever_the_ratio() -> None:
    noise = random.Random(7).randbytes(FREE // 4) + bytes(FREE)
    member, stream = gzip.compress(noise, 1), decompressor("gzip")
    for _ in range(LIMIT // len(noise)):
        stream.feed(member)
    with pytest.raises(ProtocolError, match="longer than allowed"):
        stream.feed(member)


@pytest.mark.parametrize("coding", ["gzip", "deflate", " Deflate "])
@pytest.mark.parametrize("rest", [b"\n", b"\x1f", b"junk", b"\0\0junk", b"\n" + CODED["gzip"]])
def test_what_follows_the_end_is_no_part_of_the_answer(coding: str, rest: bytes) -> None:
    data = CODED[coding] + rest
    for size in (1, 7, len(data)):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert inflate(coding, pieces) == TEXT


@given(st.integers(20, 400), st.lists(st.integers(0, 500), max_size=9))
def test_what_came_before_the_break_is_given_out_however_it_was_cut(
    at: int, cuts: list[int]
) -> None:
    data = bytearray(CODED["gzip"])
    data[at] ^= 0xFF

    def before_the_break(pieces: list[bytes]) -> tuple[bytes, bool]:
        stream, plain = decompressor("gzip"), b""
        for piece in pieces:
            if stream.failure is None:
                plain += stream.feed(piece)
        return plain, stream.failure is not None

    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    cut = [bytes(data[a:b]) for a, b in pairwise(edges)]
    assert before_the_break(cut) == before_the_break([bytes(data)])
