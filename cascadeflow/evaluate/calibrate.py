"""Chooses the threshold that keeps a promise: the cascade >= target x the strong model.

The estimator is fixed before: none of these labels may have fitted its weights. Every label serves
the test of `bounds`. A slice set aside to refit the score (logistic, on log-odds and form) made the
escalated share larger in 59 of 60 trials (ten workloads of BFCL, GSM8K, MMLU and MMLU-Pro; 200, 400
and 800 labels, 20 or 35 % of them for fitting; 2026-11): it costs more certainty than it adds.

Three ends: a threshold; "go direct", where escalating everything is all that is safe, or where the
cascade would cost more than the strong model alone; a refusal, where the labels are too few to
promise anything, or hold one of the two models' only.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..calibration import CalibrationFile, Economics, Origin, Source
from ..core.calibrated import ScorePoint
from ..core.policy import Estimator, ThresholdPolicy
from ..errors import ConfigError
from .bounds import Certified, Losses, certify, losses, rows_needed
from .dataset import Row
from .metrics import Floats
from .replay import replay
from .summary import HOW_TO_LABEL

TARGET = 0.95
CONFIDENCE = 0.9
HOPELESS = ThresholdPolicy().hopeless
"""Below it a draft is not asked for, and given up while it streams."""
POINTS = 64
"""Of the distribution of scores that a calibration file keeps."""
NOT_ASKED = -1.0
DIFFERENT = 0.01
"""Scores that are further apart were not made by the same judge."""
AT_WORST = "what is not known counts at its worst"
NO_SAFE_THRESHOLD = "no_safe_threshold"
COSTS_MORE = "cascade_costs_more"

Scored: TypeAlias = tuple[float, float, float, float, float, float]
"""A row of `Labels`: what comes before `origin`."""


class Labels(msgspec.Struct, frozen=True):
    """Scored rows as arrays of shape (rows,). NaN: not known."""

    score: Floats
    """`p_good` of the whole draft; 0 where it is given up half-way, -1 where it is not asked."""
    keepable: Floats
    """1; 0 where the draft is not asked for or given up half-way, so no threshold keeps it."""
    draft: Floats
    """How right the draft is, 0 to 1."""
    strong: Floats
    draft_usd: Floats
    strong_usd: Floats
    origin: Origin = Origin()


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `advice` says which of the three ends it is."""

    target: float
    confidence: float
    rows: int
    advice: Literal["cascade", "direct", "refused"] = "cascade"
    reason: str = ""
    """Why not a cascade, for a person; empty for a cascade."""
    accept_at: float | None = None
    """Least `p_good` that is kept: the lowest that is safe; None: there is none."""
    direct: str = ""
    """For `CalibratedPolicy.direct`."""
    escalated: float = 1.0
    """Share of the rows that the threshold escalates."""
    of_strong: float | None = None
    """Correctness on the rows as a share of the strong model's."""
    economics: Economics | None = None
    needed: int | None = None
    """Refused: about how many labels more; None: that cannot be told."""


def calibrate(
    labels: Labels, *, target: float = TARGET, confidence: float = CONFIDENCE
) -> Calibration:
    """Choose the lowest threshold that keeps the promise on queries like the labelled ones.

    The promise: a correctness of at least `target`, in (0, 1], as a share of the strong model's,
    with a probability of at least `confidence`, in [0.5, 1).

    Raises:
        ConfigError: `target` or `confidence` is out of range.
    """
    if not 0 < target <= 1:
        raise ConfigError(f"target is {target}; it must be above 0 and at most 1")
    if not 0.5 <= confidence < 1:
        raise ConfigError(f"confidence is {confidence}; it must be at least 0.5 and below 1")
    loss = losses(labels.draft, labels.strong, target)
    loss = Losses(np.where(labels.keepable > 0, loss.kept, loss.escalated), loss.escalated)
    tested = certify(labels.score, loss, target=target, alpha=1 - confidence)
    blank = Calibration(target=target, confidence=confidence, rows=len(labels.score))
    if tested.threshold is None:
        found = _without(labels, loss, tested, blank)
    else:
        found = _with(labels, tested.threshold, blank)
    if not _wanting(labels, found):
        return found
    reason = (
        f"of {blank.rows} labelled rows {_lacking(labels)}, but the promise compares the two, and "
        f"{AT_WORST}. {HOW_TO_LABEL}"
    )
    return msgspec.structs.replace(blank, advice="refused", reason=reason)


def labels_of(rows: Iterable[Row], estimator: Estimator, *, recorded: bool = False) -> Labels:
    """Score the rows of which at least one label is known; the others are passed over.

    `recorded`: by the `p_good` that was recorded; rows without one are passed over.
    """
    found: list[Scored] = []
    files, drafts, verifiers, judges = (Counter[str]() for _ in range(4))
    differing = 0
    for row in rows:
        labelled = row.draft_correct is not None or row.verifier_correct is not None
        if not labelled or (recorded and row.p_good is None):
            continue
        found.append(scored(row, None if recorded else estimator))
        score, keepable, *_ = found[-1]
        if keepable and row.p_good is not None:
            differing += abs(score - row.p_good) > DIFFERENT
        files[row.file] += 1
        drafts[row.draft.model] += 1
        verifiers["" if row.verifier is None else row.verifier.model] += 1
        judges.update(opinion.judge for opinion in row.opinions)
    origin = Origin(
        files=tuple(Source(name, count) for name, count in sorted(files.items())),
        drafts=tuple(sorted(filter(None, drafts))),
        verifiers=tuple(sorted(filter(None, verifiers))),
        judges=tuple(sorted(judges)),
        differing=differing,
    )
    return msgspec.structs.replace(to_labels(found), origin=origin)


def to_labels(rows: Sequence[Scored]) -> Labels:
    """Rows by `scored` as arrays."""
    score, keepable, draft, strong, draft_usd, strong_usd = np.array(rows, float).reshape(-1, 6).T
    return Labels(score, keepable, draft, strong, draft_usd, strong_usd)


def to_file(found: Calibration, labels: Labels, *, estimator: str) -> CalibrationFile:
    """What `calibrate` found in `labels`.

    `estimator` says what scored them: `cascadeflow.calibration.fingerprint()` for the default
    estimator, `RECORDED` for scores of the recording, and any name for one of your own.

    Raises:
        ConfigError: it is a refusal; there is nothing to write.
    """
    if found.advice == "refused":
        raise ConfigError(f"there is no calibration to write: {found.reason}")
    return CalibrationFile(
        target=found.target,
        confidence=found.confidence,
        accept_at=1.0 if found.accept_at is None else max(found.accept_at, HOPELESS),
        hopeless=HOPELESS,
        direct=found.direct,
        rows=found.rows,
        escalated=found.escalated,
        of_strong=found.of_strong,
        economics=found.economics,
        origin=labels.origin,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        estimator=estimator,
        scores=distribution(labels.score[labels.score > NOT_ASKED]),
    )


def distribution(score: Floats) -> tuple[ScorePoint, ...]:
    """The distribution function of the scores, at most about `POINTS` points of it."""
    values, counts = np.unique(score, return_counts=True)
    shares = np.cumsum(counts) / max(len(score), 1)
    step = np.floor(shares * POINTS)
    kept = np.flatnonzero(np.diff(step, append=POINTS + 1))
    return tuple(ScorePoint(float(values[at]), float(shares[at])) for at in kept)


def scored(row: Row, estimator: Estimator | None) -> Scored:
    """What `Labels` holds of one row; without an estimator the recorded score counts."""
    asked, score = True, row.p_good or 0.0
    kept = score >= HOPELESS
    if estimator is not None:
        seen = replay(row, estimator, streamed=True)
        asked, kept = seen.asked, seen.asked and seen.abandoned is None
        score = seen.estimate.p_good if kept else 0.0 if asked else NOT_ASKED
    paid = row.draft.cost if asked else 0.0
    known = (row.draft_correct, row.verifier_correct, paid, row.strong_cost)
    draft, strong, draft_usd, strong_usd = (math.nan if each is None else each for each in known)
    return score, float(kept), draft, strong, draft_usd, strong_usd


def percent(share: float) -> str:
    """With all its digits: 0.999 is "99.9%"."""
    return f"{100 * share:.10g}%"


def _wanting(labels: Labels, found: Calibration) -> bool:
    """Whether labels are wanting, not drafts bad.

    Nothing is known of one of the two models; or going direct is advised, since what is not known
    counts at its worst, where it would not be if that were at its best.
    """
    draft, strong = np.isnan(labels.draft), np.isnan(labels.strong)
    if not (draft.any() or strong.any()):
        return False
    if draft.all() or strong.all() or found.advice != "direct":
        return bool(draft.all() or strong.all())
    best = np.where(draft, 1.0, labels.draft)
    known = np.where(strong, best, labels.strong)
    filled = msgspec.structs.replace(labels, draft=best, strong=known)
    at_best = calibrate(filled, target=found.target, confidence=found.confidence)
    return at_best.advice != "direct"


def _lacking(labels: Labels) -> str:
    """Which labels are not known, and how many; empty: all are."""
    columns = (("draft_correct", labels.draft), ("verifier_correct", labels.strong))
    counts = [(name, int(np.isnan(column).sum())) for name, column in columns]
    return " and ".join(f"{count} have no {name}" for name, count in counts if count)


def _with(labels: Labels, threshold: float, found: Calibration) -> Calibration:
    """A threshold is safe; whether it pays is another question."""
    keep = (labels.score >= threshold) & (labels.keepable > 0)
    right = float(np.where(keep, labels.draft, labels.strong).mean())
    strong = float(labels.strong.mean())
    economics = _economics(labels, keep)
    found = msgspec.structs.replace(
        found,
        accept_at=max(threshold, 0.0),
        escalated=float(1 - keep.mean()),
        of_strong=None if math.isnan(right + strong) or not strong else right / strong,
        economics=economics,
    )
    if not keep.any():
        return _nothing_safe(found)
    if economics is None or economics.of_strong <= 1:
        return found
    return msgspec.structs.replace(
        found,
        advice="direct",
        direct=COSTS_MORE,
        reason=f"the cascade would cost {economics.of_strong:.2f} times the strong model alone: "
        f"it escalates {found.escalated:.0%} of the drafts, and each draft costs "
        f"{economics.draft / economics.strong:.2f} times a strong answer",
    )


def _without(labels: Labels, loss: Losses, tested: Certified, found: Calibration) -> Calibration:
    """Nothing but escalating everything is safe, or nothing is known yet."""
    target = found.target
    typical = losses(np.ones(1), np.ones(1), target).kept
    if found.rows:
        typical = np.where(labels.score >= tested.thresholds[0], loss.kept, loss.escalated)
    needed = rows_needed(typical, target=target, alpha=1 - found.confidence)
    if needed is None:
        return _nothing_safe(found)
    more = max(1, needed - found.rows)
    lacking = _lacking(labels)
    return msgspec.structs.replace(
        found,
        advice="refused",
        needed=more,
        reason=f"{found.rows} labelled rows are too few to promise {percent(target)} of the strong "
        f"model with {percent(found.confidence)} confidence; it needs about {more} more"
        + (f". Of these rows {lacking}, and {AT_WORST}" if lacking else ""),
    )


def _nothing_safe(found: Calibration) -> Calibration:
    return msgspec.structs.replace(
        found,
        advice="direct",
        direct=NO_SAFE_THRESHOLD,
        reason="even the drafts with the highest scores are wrong too often: escalating "
        "everything is the only safe choice, and asking the strong model directly is cheaper",
    )


def _economics(labels: Labels, keep: NDArray[np.bool_]) -> Economics | None:
    """Mean prices of the rows where both are known; None: nowhere, or they are free."""
    known = ~np.isnan(labels.draft_usd) & ~np.isnan(labels.strong_usd)
    if not known.any() or not labels.strong_usd[known].any():
        return None
    draft, strong = labels.draft_usd[known], labels.strong_usd[known]
    paid = draft + np.where(keep[known], 0.0, strong)
    return Economics(
        draft=float(draft.mean()), strong=float(strong.mean()), cascade=float(paid.mean())
    )
