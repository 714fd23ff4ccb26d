"""JSON texts that a model wrote, read strictly.

RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259), and besides: no duplicate keys, no halves of
surrogate pairs, no number beyond the range of a float, nothing deeper or larger than the bounds.
Time is linear in the text; what is too large is not read at all.

Units: `MAX_BYTES` is bytes of UTF-8, positions are characters from 0.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from itertools import chain
from typing import Any, Final

from ..providers.lenient import is_mapping, is_object
from .show import escaped, shown

MAX_BYTES: Final = 1024 * 1024
"""Largest text."""
MAX_DEPTH: Final = 128
"""Arrays and objects inside each other."""

_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""An escaped half of a surrogate pair. Most texts have none, and need no further look."""


class UnusableJSON(ValueError):
    """The text is not JSON, or not JSON we accept; the message says why and where."""


def loads(text: str) -> object:
    """The value of a JSON text.

    Raises:
        UnusableJSON: and nothing else, whatever the text.
    """
    _check_size(text)
    try:
        value: object = _DECODER.decode(text)
    except UnusableJSON:
        raise
    except json.JSONDecodeError as error:
        near = shown(text[max(0, error.pos - 12) : error.pos + 12])
        raise UnusableJSON(
            f"not valid JSON: {error.msg} at character {error.pos}, near {near}"
        ) from None
    except ValueError:
        # The interpreter's own bound on the digits of an integer.
        raise UnusableJSON("a number has too many digits") from None
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
        raise _too_deep()
    if _HALF.search(text) is not None:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise UnusableJSON("half a surrogate pair is escaped in a string") from None
    return value


def dumps(value: object) -> str:
    """`value` as a JSON text, keys in the order given.

    Raises:
        UnusableJSON: it holds what JSON has no word for, itself, or nests too deep.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_mapping)
    except (TypeError, ValueError) as error:
        raise UnusableJSON(f"not JSON: {escaped(str(error), 200)}") from None
    except RecursionError:
        raise _too_deep() from None


def _mapping(value: object) -> object:
    if is_mapping(value):
        return dict(value)
    raise TypeError(f"{shown(value)} is of type {type(value).__name__}")


def _check_size(text: str) -> None:
    try:
        # What is too large in characters is not encoded.
        size = len(text) if text.isascii() or len(text) > MAX_BYTES else len(text.encode())
    except UnicodeEncodeError as error:
        raise UnusableJSON(f"half a surrogate pair at character {error.start}") from None
    if size > MAX_BYTES:
        raise UnusableJSON(f"{size} bytes or more; at most {MAX_BYTES} are allowed")


def _too_deep() -> UnusableJSON:
    return UnusableJSON(
        f"nested too deep; at most {MAX_DEPTH} arrays and objects inside each other are allowed"
    )


def _is_deep(value: object) -> bool:
    """Whether `value` nests deeper than the bound: level by level, without recursion."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        members = chain.from_iterable(each.values() if is_object(each) else each for each in level)
        level = [child for child in members if isinstance(child, dict | list)]
    return bool(level)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise UnusableJSON(f"the key {shown(twice)} comes twice in one object")
    return members


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise UnusableJSON(f"{escaped(digits, 40)} is beyond the range of a float, about 1.8e308")
    return value


def _no_constant(word: str) -> float:
    raise UnusableJSON(f"{word} is not JSON; numbers are finite")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant
)
