"""What an answer must be if it was asked for in a form, e.g. JSON of some schema.

The core knows no JSON: it feeds the text of an answer to a `Structure` and asks what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias


class Structure(Protocol):
    """Reads one answer while it arrives. Problems are one short line each."""

    def feed(self, text: str) -> str:
        """Why the text so far cannot become what was asked for; empty: it still can."""
        ...

    def finish(self) -> str:
        """Why the whole text is not what was asked for; empty: it is. Nothing is fed after this."""
        ...

    @property
    def value(self) -> Any:  # noqa: ANN401 -- JSON
        """After `finish` found nothing wrong: the answer in JSON types."""
        ...


MakeStructure: TypeAlias = Callable[[], Structure]
"""Makes one for each answer."""
