"""The JSON body of a request, whatever the caller put in it."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.errors import ConfigError
from cascadeflow.providers.body import encode_body

texts = st.text(st.characters(exclude_categories=[]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@given(st.dictionaries(texts, values, max_size=3))
def test_any_json_is_sent_as_valid_unicode(fields: dict[str, Any]) -> None:
    sent = json.loads(encode_body(fields, fields).decode("utf-8"))
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        assert "\ufffd" in json.dumps(sent, ensure_ascii=False) or len(str(sent)) < len(str(fields))
    else:
        assert sent == fields


def test_surrogate_halves_are_joined_or_replaced() -> None:
    messages = ({"role": "user", "content": "a\ud83d b\ud83d\ude00"},)
    sent = json.loads(encode_body({"model": "m", "messages": messages}, {}))
    assert sent["messages"][0]["content"] == "a\ufffd b\U0001f600"


def test_mappings_that_are_no_dict_are_sent() -> None:
    fields = {"a": MappingProxyType({"b": (1, 2)})}
    assert encode_body(fields, fields) == b'{"a":{"b":[1,2]}}'


@pytest.mark.parametrize(
    "value",
    [object(), {1}, b"x", Decimal(1), float("nan"), float("inf"), {1: 2}, [{"x": [object()]}]],
)
def test_what_json_cannot_say_is_refused_by_the_name_of_its_field(value: object) -> None:
    fields = {"good": 1, "my_field": value}
    with pytest.raises(ConfigError, match="my_field"):
        encode_body(fields, fields)


def test_fields_of_ours_are_named_too() -> None:
    with pytest.raises(ConfigError, match="'tools' cannot be sent"):
        encode_body({"model": "m", "tools": [object()]}, {})


def test_a_structure_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for extra in ({"x": endless}, {}):
        with pytest.raises(ConfigError, match="'x'"):
            encode_body({"x": endless}, extra)
    with pytest.raises(ConfigError, match="'x'"):
        encode_body({"x": [*endless, "\ud800"], "y": "\ud800"}, {})
