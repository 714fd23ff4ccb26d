from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import msgspec
import pytest

from cascadeflow.tools.plain import UnfitResult, plain
from tests.tool_functions import Place, Unit, returning, run


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, True, None, "x"]}, {"a": [1, 2.5, True, None, "x"]}),
        ((1, (2,)), [1, [2]]),
        ({3}, [3]),
        (
            {1: "a", None: "b", False: "c", 2.5: "d"},
            {"1": "a", "null": "b", "false": "c", "2.5": "d"},
        ),
        ({Unit.KELVIN: Unit.CELSIUS}, {"kelvin": "celsius"}),
        (UserDict({"a": 1}), {"a": 1}),
        ([Place(city="Rome")], [{"city": "Rome", "country": "?"}]),
        (Decimal("1.10"), "1.10"),
        (b"abc", "YWJj"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (10**30, 10**30),
        ("half \ud83d", "half \ufffd"),
        ("", ""),
    ],
)
def test_results_become_json(value: object, expected: object) -> None:
    result = run(returning(value))
    assert result.error is None
    assert result.result == expected
    assert json.loads(json.dumps(result.result)) == expected


def test_structs_and_slotted_dataclasses_are_dicts() -> None:
    class Struct(msgspec.Struct):
        inner: Any

    @dataclass(slots=True)
    class Slotted:
        inner: Any

    assert plain(Struct(Slotted(Place(city="Rome"))), 1000) == {
        "inner": {"inner": {"city": "Rome", "country": "?"}}
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (object(), "not JSON: it holds a object"),
        ([lambda: 0], "not JSON: it holds a function"),
        (iter([1]), "not JSON"),
        (float("nan"), "nan, which JSON has no word for"),
        ({"a": [float("-inf")]}, "-inf"),
        ({(1, 2): 3}, "key (1, 2)"),
        ([10**5000], "not JSON"),
        (Unit, "not JSON"),
    ],
)
def test_a_result_that_is_not_json_is_an_error_result(value: object, told: str) -> None:
    result = run(returning(value))
    assert result.result is None
    assert told in (result.error or "")


def test_a_result_inside_itself_is_an_error_result() -> None:
    own: list[Any] = []
    own.append(own)
    assert "nested deeper than 128 levels, or in itself" in (run(returning(own)).error or "")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("x" * 1001, "has 1001 bytes"),
        ("ü" * 501, "has 1002 bytes"),
        (["x" * 400] * 3, "more than 1000 bytes"),
        ([1] * 600, "has 1800 bytes"),
        ({"a": "ü" * 600}, "bytes"),
        (b"x" * 1001, "1001 bytes"),
        (["\n" * 900], "has 1804 bytes"),
        ({10**400 + n: 0 for n in range(3)}, "more than 1000 bytes"),
    ],
)
def test_a_result_beyond_the_cap_is_an_error_result_with_size_and_cap(
    value: object, size: str
) -> None:
    result = run(returning(value), max_result_bytes=1000)
    assert result.result is None
    if isinstance(value, str):
        size = size.replace("has 1001 bytes", "holds a text of 1001 characters")
    assert size in (result.error or "")
    assert "at most 1000 bytes are allowed" in (result.error or "")


def test_a_result_of_exactly_the_cap_is_fine() -> None:
    assert run(returning("x" * 1000), max_result_bytes=1000).success
    assert run(returning(["x" * 996]), max_result_bytes=1000).success
    assert not run(returning(["x" * 997]), max_result_bytes=1000).success


def test_a_huge_result_is_not_read_beyond_the_cap() -> None:
    class Watched(list[str]):
        read = 0

        def __iter__(self) -> Iterator[str]:
            for each in super().__iter__():
                self.read += 1
                yield each

    huge = Watched(["x" * 100] * 100_000)
    with pytest.raises(UnfitResult):
        plain(huge, 10_000)
    assert huge.read <= 101
