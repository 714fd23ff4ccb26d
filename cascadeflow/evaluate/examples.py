"""Recorded rows as the fit sees them: features and labels, no text."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ..core.policy import Advisable, Observer, Opinion
from ..quality.forms import Form
from ..quality.router import FormEstimator
from ..quality.text import TextObserver
from ..quality.tools.estimator import ToolObserver
from ..types import Stop
from .baselines import min_logprob, query_length, self_check
from .dataset import Answer, Row, deltas_of, files, read, request_of
from .replay import recorded

FOLDS = 5
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
    """By the id alone, so that one query is in one fold whoever answered it."""
    form: Form
    features: Mapping[str, float]
    under_way: tuple[Mapping[str, float], ...]
    """Features in the first half of a long draft."""
    hand: float
    """`p_good` of the hand-set priors."""
    draft: float
    strong: float
    signals: Mapping[str, float]
    """Scores that need no judge: of the raw signals there are, and the length of the query."""


def examples(directory: Path) -> Iterator[Example]:
    """The rows of a directory that have both labels and a draft.

    Raises:
        ConfigError: a file cannot be read.
    """
    estimator = FormEstimator()
    for path in files([directory]):
        for row in read(path):
            if row.labelled and recorded(row.draft):
                yield _example(row, estimator)


def _example(row: Row, estimator: FormEstimator) -> Example:
    observer = estimator.observe(request_of(row))
    for delta in deltas_of(row.draft):
        observer.feed(delta)
    if row.draft.self_verify_logp is not None and isinstance(observer, Advisable):
        observer.advise(Opinion("self_check", math.exp(min(0.0, row.draft.self_verify_logp))))
    estimate = observer.estimate()
    signals = {
        "query_length": query_length(row),
        "min_logprob": min_logprob(row.draft),
        "self_check": self_check(row.draft),
    }
    return Example(
        file=row.file,
        weak=[*row.file.split("__"), ""][1],
        fold=zlib.crc32(row.id.encode()) % FOLDS,
        form=_form(observer),
        features=dict(estimate.evidence),
        under_way=tuple(_under_way(row, estimator)),
        hand=estimate.p_good,
        draft=row.draft_correct or 0.0,
        strong=row.verifier_correct or 0.0,
        signals={name: value for name, value in signals.items() if not math.isnan(value)},
    )


def _form(observer: Observer) -> Form:
    return observer.form if isinstance(observer, TextObserver | ToolObserver) else "open"


def _under_way(row: Row, estimator: FormEstimator) -> Iterator[Mapping[str, float]]:
    """Features before the draft, and at some places of its first half."""
    if row.tools or len(_text(row.draft)) < LONG_CHARS:
        return
    observer = estimator.observe(request_of(row))
    yield dict(observer.estimate().evidence)
    for delta in deltas_of(row.draft, PIECES)[:SEEN_PIECES]:
        if not isinstance(delta, Stop):
            observer.feed(delta)
            yield dict(observer.estimate().evidence)


def _text(answer: Answer) -> str:
    return answer.content or ""
