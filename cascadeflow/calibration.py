"""The calibration file: what `cascadeflow calibrate` found, and `CascadeAgent(policy=path)` loads.

JSON of a few kilobytes: the threshold with its promise, where it comes from, and the distribution
of the scores it was found on. No row's text is in it. Needs no numpy.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from .core.calibrated import CalibratedPolicy, ScorePoint, Share
from .errors import ConfigError
from .logs import logger_named
from .replacing import whole

logger = logger_named("cascadeflow")

RECORDED = "recorded"
"""In place of a fingerprint: the scores were read from the recording, not computed anew."""
_FINGERPRINT: Final = re.compile("[0-9a-f]{16}")


class Source(msgspec.Struct, frozen=True):
    """A file of labelled rows."""

    name: str
    rows: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where labelled rows come from; empty: not known."""

    files: tuple[Source, ...] = ()
    drafts: tuple[str, ...] = ()
    """The models whose drafts were labelled."""
    verifiers: tuple[str, ...] = ()
    """The models whose answers took their place."""
    judges: tuple[str, ...] = ()
    """The optional judges that were asked about the drafts."""
    differing: int = 0
    """Rows whose score is not the `p_good` that was recorded: another judge made that."""


class Economics(msgspec.Struct, frozen=True, kw_only=True):
    """What the labelled rows cost, in US dollars a query."""

    draft: float
    strong: float
    cascade: float
    """Every draft, and the strong model where the threshold escalates."""

    @property
    def of_strong(self) -> float:
        """The cascade's cost as a share of the strong model's alone."""
        return self.cascade / self.strong


class CalibrationFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it stands on disk."""

    version: Literal[1] = 1
    target: Share
    """Least correctness of the cascade, as a share of the strong model's."""
    confidence: Share
    """Probability, at least, that the threshold keeps this promise."""
    accept_at: Share
    """Least `p_good` that is kept."""
    hopeless: Share
    direct: str = ""
    """Why to ask the strong model alone; empty: the cascade runs."""
    rows: Annotated[int, msgspec.Meta(ge=0)]
    """Labelled rows the threshold was chosen on."""
    escalated: float
    """Share of these rows that the threshold escalates."""
    of_strong: float | None = None
    """Correctness on these rows as a share of the strong model's; None: not all labels known."""
    economics: Economics | None = None
    """None: the rows hold no prices."""
    origin: Origin = Origin()
    created: str = ""
    """Day, as YYYY-MM-DD."""
    estimator: str = ""
    """What scored the rows: `fingerprint()` of the default estimator, "recorded", or a name."""
    scores: tuple[ScorePoint, ...] = ()
    """Distribution of `p_good` over the rows, lowest first."""


class Deciding(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to decide by a calibration."""

    standard: bool = True
    """The default estimator makes the scores; False: one of the caller's own."""
    models: tuple[str, ...] = ()
    """Names, cheapest first; fewer than two: nothing is said about them."""
    judges: tuple[str, ...] = ()
    """Names of the optional judges."""


def text_of(calibration: CalibrationFile) -> str:
    """The file's text."""
    return msgspec.json.format(msgspec.json.encode(calibration), indent=2).decode() + "\n"


def save(calibration: CalibrationFile, path: str | os.PathLike[str]) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with whole(path) as file:
        file.write(text_of(calibration))


def load(path: str | os.PathLike[str]) -> CalibrationFile:
    """Read the file.

    Raises:
        ConfigError: it is missing or no calibration file; says what is wrong with it.
    """
    try:
        found = msgspec.json.decode(Path(path).read_bytes(), type=CalibrationFile)
    except OSError as error:
        raise ConfigError(f"policy: {path} cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ConfigError(
            f"policy: {path} is no calibration file: {error}; `cascadeflow calibrate` writes one"
        ) from None
    if any(b.score <= a.score or b.share < a.share for a, b in pairwise(found.scores)):
        raise ConfigError(f"policy: {path}: scores and shares must rise from point to point")
    return found


def load_policy(path: str | os.PathLike[str], deciding: Deciding | None = None) -> CalibratedPolicy:
    """The policy of a calibration file.

    Warns through `logging` where it was made for other scores or models than those of `deciding`;
    None: that is not looked at.

    Raises:
        ConfigError: it is missing or no calibration file; says what is wrong with it. Or it was
            made on the scores of the default estimator, and another one is to decide by it.
    """
    found = load(path)
    if deciding is not None:
        if not deciding.standard and _FINGERPRINT.fullmatch(found.estimator):
            raise ConfigError(
                f"policy: {path} was calibrated on scores of the default estimator, but estimator= "
                "gives another; `cascadeflow calibrate --recorded` takes the scores of that"
            )
        for misfit in _misfits(found, deciding):
            logger.warning("%s was calibrated %s; calibrate again", path, misfit)
    return msgspec.convert(found, CalibratedPolicy, from_attributes=True)


def _misfits(found: CalibrationFile, deciding: Deciding) -> Iterator[str]:
    """How the file was made, where that does not fit."""
    origin, asked = found.origin, set(deciding.judges)
    if deciding.standard and found.estimator == RECORDED and not asked:
        yield "on recorded scores, but the default estimator decides, without judges="
    elif deciding.standard and found.estimator not in ("", RECORDED, fingerprint()):
        yield "with another version of the estimator"
    if deciding.standard and {*origin.judges} != asked:
        yield f"with {_names(origin.judges)} as judges=, and the agent has {_names(asked)}"
    if len(deciding.models) < 2 or not (origin.drafts and origin.verifiers):
        return
    first, *others = deciding.models
    if {*origin.drafts} != {first} or not {*origin.verifiers} <= {*others}:
        yield (
            f"with drafts of {_names(origin.drafts)} and answers of {_names(origin.verifiers)}, "
            f"and the agent has {_names([first])} and {_names(others)}"
        )


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def fingerprint() -> str:
    """Of the default estimator: 16 hexadecimal digits of SHA-256 over its code and weights."""
    digest = hashlib.sha256()
    for name, content in sorted(_sources(files("cascadeflow.quality"), "")):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _sources(directory: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in directory.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            yield from _sources(entry, name)
        elif entry.name.endswith((".py", ".json")):
            yield name, entry.read_bytes().replace(b"\r\n", b"\n")
