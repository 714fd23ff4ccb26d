"""The JSON body of a request, encoded whatever the caller put in it. Pure.

Halves of surrogate pairs, which no server accepts, are mended rather than refused: they come from
text that was cut in the middle, and the caller can hardly look for them. What JSON cannot say
(objects, bytes, NaN) is refused by the name of its field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import ConfigError
from .lenient import MAX_DEPTH, is_mapping, is_sequence, mend

_REFUSED = (TypeError, ValueError, OverflowError, RecursionError)


def encode_body(body: Mapping[str, Any], extra: Mapping[str, Any]) -> bytes:
    """The bytes to send.

    Args:
        body: fields of the request, `extra` included.
        extra: those that come from the caller unseen, held to strict JSON.

    Raises:
        ConfigError: a field cannot be expressed in JSON.
    """
    check_fields(extra)
    try:
        return _encode(body)
    except UnicodeEncodeError:
        return _encode_fields({mend(name): _mended(name, body[name]) for name in body})
    except _REFUSED:
        return _encode_fields(body)


def check_fields(extra: Mapping[str, Any]) -> None:
    """Raise `ConfigError` unless JSON can say every field without loss."""
    for name, value in extra.items():
        _check(name, value, 0)


def _plain(value: object) -> object:
    """Mappings that are no dict; msgspec knows the rest of JSON."""
    if is_mapping(value):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode


def _encode_fields(body: Mapping[str, Any]) -> bytes:
    for name, value in body.items():
        try:
            _encode(value)
        except _REFUSED as error:
            raise ConfigError(f"the field {name!r} cannot be sent: {error}") from None
    return _encode(body)


def _check(field: str, value: object, depth: int) -> None:
    """Raise `ConfigError` unless `value` is what JSON can say without loss."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"the field {field!r} is nested deeper than {MAX_DEPTH} levels")
    if is_mapping(value):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"the field {field!r} has the key {key!r}; it must be a string")
            _check(field, item, depth + 1)
    elif is_sequence(value):
        for item in value:
            _check(field, item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"the field {field!r} holds {value}; JSON has no such number")
    elif value is not None and not isinstance(value, str | int | float):
        raise ConfigError(
            f"the field {field!r} holds a {type(value).__name__}; it must be JSON: "
            "strings, numbers, booleans, None, lists and mappings"
        )


def _mended(field: str, value: object, depth: int = 0) -> object:
    """`value` with valid Unicode in all its strings."""
    if depth > 2 * MAX_DEPTH:
        raise ConfigError(f"the field {field!r} is nested too deep")
    if isinstance(value, str):
        return mend(value)
    if is_mapping(value):
        return {mend(str(key)): _mended(field, item, depth + 1) for key, item in value.items()}
    if is_sequence(value):
        return [_mended(field, item, depth + 1) for item in value]
    return value
