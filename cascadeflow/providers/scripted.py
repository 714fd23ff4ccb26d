"""A provider that plays a script. Ships in the package: users test with it, and so do we.

    models = Scripted({
        "tiny": "Paris.",
        "small": [TextDelta("Paris"), Pause(0.1), [TextDelta("."), Stop("stop")]],
        "large": Answers([ProviderError("down", kind="server")], [TextDelta("Rome"), Stop("stop")]),
    })

A text is an answer that comes at once. A step of a script is a delta, a list of deltas (what one
network read held), a pause or an exception. A script that ends without a `Stop` plays a provider
that breaks its contract.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..errors import ConfigError
from ..types import Delta, Request, Stop, TextDelta


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence of the server."""

    seconds: float


Step: TypeAlias = Delta | Sequence[Delta] | Exception | Pause
"""A sequence is one batch; a delta alone is a batch of its own."""
Script: TypeAlias = str | Sequence[Step]
"""One answer, from its first step to its last, or as a text."""


class Answers:
    """What a model answers to its first call, its second, ...; the last script repeats.

    Raises:
        ConfigError: if there is no script.
    """

    def __init__(self, *scripts: Script) -> None:
        if not scripts:
            raise ConfigError("Answers: got no script; it must be one or more")
        self.scripts: list[Sequence[Step]] = [
            (TextDelta(each), Stop("stop")) if isinstance(each, str) else each for each in scripts
        ]
        """The steps of each."""


class Scripted:
    """Plays `script[model]`: yields its deltas, sleeps its pauses, raises its exceptions.

    Args:
        script: model name to its one script, or to `Answers`.
    """

    def __init__(self, script: Mapping[str, Script | Answers]) -> None:
        self._script = {
            model: given if isinstance(given, Answers) else Answers(given)
            for model, given in script.items()
        }
        self.calls: list[tuple[str, Request]] = []
        """Model and request of every call that began, in order."""
        self.closed_early = 0
        """How many streams were closed or cancelled before their last step was over."""

    async def stream(self, model: str, request: Request) -> AsyncGenerator[list[Delta], None]:
        """Play the script of `model` that is due.

        Raises:
            ConfigError: there is no script for `model`.
            Exception: whatever the script holds.
        """
        if model not in self._script:
            raise ConfigError(
                f"Scripted: no script for the model {model!r}; there is one for "
                f"{', '.join(map(repr, self._script)) or 'none'}"
            )
        number = sum(called == model for called, _ in self.calls)
        self.calls.append((model, request))
        steps = self._script[model].scripts[: number + 1][-1]
        for at, step in enumerate(steps, 1):
            try:
                match step:
                    case Exception():
                        # A copy: whoever catches it writes on it, and may meet it again.
                        error = type(step).__new__(type(step), *step.args)
                        error.__dict__.update(step.__dict__)
                        raise error from step.__cause__
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                    case Sequence():
                        if step:
                            yield list(step)
                    case _:
                        yield [step]
            except (GeneratorExit, asyncio.CancelledError):
                self.closed_early += at < len(steps) or isinstance(step, Pause)
                raise
