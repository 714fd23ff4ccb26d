"""The calibration file: what `cascadeflow calibrate` found, and `CascadeAgent(policy=path)` loads.

JSON of a few kilobytes: the threshold with its promise, where it comes from, and the distribution
of the scores it was found on. No row's text is in it. Needs no numpy.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from .core.calibrated import CalibratedPolicy, ScorePoint, Share
from .errors import ConfigError
from .logs import logger_named

logger = logger_named("cascadeflow")

RECORDED = "recorded"
"""In place of a fingerprint: the scores were read from the recording, not computed anew."""


class Source(msgspec.Struct, frozen=True):
    """A file of labelled rows."""

    name: str
    rows: int


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
    files: tuple[Source, ...] = ()
    created: str = ""
    """Day, as YYYY-MM-DD."""
    estimator: str = ""
    """`fingerprint()` of the estimator that scored the rows, or "recorded"."""
    scores: tuple[ScorePoint, ...] = ()
    """Distribution of `p_good` over the rows, lowest first."""


def save(calibration: CalibrationFile, path: str | os.PathLike[str]) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    target = Path(path)
    text = msgspec.json.format(msgspec.json.encode(calibration), indent=2)
    draft = target.with_name(f"{target.name}.new")
    draft.write_bytes(text + b"\n")
    draft.replace(target)


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


def load_policy(path: str | os.PathLike[str], *, standard: bool = True) -> CalibratedPolicy:
    """The policy of a calibration file.

    Warns through `logging` if the default estimator will judge (`standard`), and another version of
    it scored the rows.

    Raises:
        ConfigError: it is missing or no calibration file; says what is wrong with it.
    """
    found = load(path)
    if standard and found.estimator not in ("", RECORDED, fingerprint()):
        logger.warning(
            "%s was calibrated with another version of the estimator; calibrate again", path
        )
    return msgspec.convert(found, CalibratedPolicy, from_attributes=True)


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
