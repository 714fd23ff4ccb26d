"""Recorded rows as the fit sees them: features and labels, no text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from cascadeflow.core.policy import Observer
from cascadeflow.evaluate.dataset import Row, deltas_of, files, read, request_of
from cascadeflow.evaluate.replay import advise, recorded
from cascadeflow.quality.forms import Form
from cascadeflow.quality.router import FormEstimator
from cascadeflow.quality.text import TextObserver
from cascadeflow.quality.tools.estimator import ToolObserver
from cascadeflow.types import Stop

LONG_CHARS = 400
"""Drafts of this length are also seen while they are under way."""
PIECES = 12
SEEN_PIECES = 6
"""Of twelve: features are taken in the first half of a draft."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled row."""

    file: str
    weak: str
    fold: int
    """By what was asked, so that one query is in one fold whoever answered it."""
    form: Form
    features: Mapping[str, float]
    under_way: tuple[Mapping[str, float], ...]
    """Features in the first half of a long draft."""
    draft: float
    """How right the draft was, 0 to 1."""
    strong: float


def examples(*paths: Path) -> Iterator[Example]:
    """The rows of files and directories that have both labels and a draft.

    Raises:
        ConfigError: a file cannot be read.
    """
    estimator = FormEstimator()
    for path in files([*paths]):
        for row in read(path):
            if row.labelled and recorded(row.draft):
                yield _example(row, estimator)


def _example(row: Row, estimator: FormEstimator) -> Example:
    observer = estimator.observe(request_of(row))
    for delta in deltas_of(row.draft):
        observer.feed(delta)
    advise(observer, row)
    features = dict(observer.estimate().evidence)  # The form is known once this was asked.
    return Example(
        file=row.file,
        weak=row.weak,
        fold=row.fold,
        form=_form(observer),
        features=features,
        under_way=tuple(_under_way(row, estimator)),
        draft=row.draft_correct or 0.0,
        strong=row.verifier_correct or 0.0,
    )


def _form(observer: Observer) -> Form:
    return observer.form if isinstance(observer, TextObserver | ToolObserver) else "open"


def _under_way(row: Row, estimator: FormEstimator) -> Iterator[Mapping[str, float]]:
    """Features before the draft, and at some places of its first half."""
    if row.tools or len(row.draft.content or "") < LONG_CHARS:
        return
    observer = estimator.observe(request_of(row))
    yield dict(observer.estimate().evidence)
    for delta in deltas_of(row.draft, PIECES)[:SEEN_PIECES]:
        if not isinstance(delta, Stop):
            observer.feed(delta)
            yield dict(observer.estimate().evidence)
