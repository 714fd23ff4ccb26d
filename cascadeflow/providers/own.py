"""What a provider of the caller's own gives, checked: whoever writes one reads what is wrong.

Ours are held to `Provider` by their tests, so that a chunk of theirs costs nothing here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Final, get_args

import msgspec

from ..errors import ErrorKind, ProviderError
from ..types import Delta, Stop, StopReason, TextDelta
from .lenient import is_sequence

_NAMES: Final = ", ".join(each.__name__ for each in get_args(Delta))
_KINDS: Final = get_args(ErrorKind)


def opened(stream: AsyncGenerator[list[Delta], None]) -> AsyncGenerator[list[Delta], None]:
    """`stream`, if it is one.

    Raises:
        ProviderError: it is not.
    """
    given: object = stream
    if isinstance(given, AsyncIterator):
        return stream
    if isinstance(given, Coroutine):
        given.close()  # or Python complains that nobody awaited it
    told = f"the provider's stream is a {type(given).__name__}"
    raise _wrong(f"{told}; it must be an async generator: async def, with yield")


def taken(batch: object) -> list[Delta]:
    """The deltas of a batch.

    Raises:
        ProviderError: it is no list of deltas, or one has a field that it cannot have.
    """
    if is_sequence(batch):
        return [_checked(delta) for delta in batch]
    raise _wrong(f"the provider yields a {type(batch).__name__}; it must yield lists of deltas")


def known(error: ProviderError) -> ProviderError:
    """`error`, or that it is of no known kind."""
    if error.kind in _KINDS:
        return error
    told = f"the provider raises a ProviderError of kind {error.kind!r}"
    wrong = _wrong(f"{told}; it must be one of {', '.join(_KINDS)}")
    wrong.__cause__ = error
    return wrong


def _checked(delta: object) -> Delta:
    if isinstance(delta, TextDelta) and isinstance(delta.text, str):
        return delta
    name = type(delta).__name__
    if not isinstance(delta, Delta):
        raise _wrong(f"the provider yields a list with a {name} in it; it must hold {_NAMES}")
    try:
        made: Delta = msgspec.convert(msgspec.structs.asdict(delta), type(delta))
    except msgspec.ValidationError as error:
        told = f"the provider yields a {name} that cannot be: {error}"
        if isinstance(delta, Stop):
            told += f"; a reason is one of {', '.join(get_args(StopReason))}, or None"
        raise _wrong(told) from None
    return made


def _wrong(told: str) -> ProviderError:
    return ProviderError(told, kind="protocol")
