"""The table that a fit prints: each recording, judged by weights that did not see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from .examples import Example
from .metrics import Floats, apgr, auroc, brier, cpt, ece, oracle

Scored: TypeAlias = Sequence[tuple[float, float]]
"""`p_good`, and the score to rank by, of each row."""
MEAN_OF = "bfcl"
_HEAD = f"{'recording':44}{'by':13}" + "".join(
    f"{name:>7}" for name in ("AUROC", "APGR", "CPT50", "CPT80", "ECE", "Brier")
)


def report(rows: Sequence[Example], unseen: Scored, known: Scored) -> Iterator[str]:
    """The lines of the table."""
    yield _HEAD
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.file, []).append(place)
    for name, mine in places.items():
        chosen = [rows[i] for i in mine]
        weak, strong = _columns(chosen)
        hand = np.array([row.hand for row in chosen])
        yield _line(name, "unseen", [unseen[i] for i in mine], weak, strong)
        yield _line("", "known", [known[i] for i in mine], weak, strong)
        yield _line("", "priors", [(p, p) for p in hand], weak, strong)
        shared = [name for name in chosen[0].signals if all(name in r.signals for r in chosen)]
        for signal in shared:
            raw = np.array([row.signals[signal] for row in chosen])
            yield _ranks("", signal, raw, raw, weak, strong)
        best = oracle(weak, strong)
        yield _ranks("", "oracle", weak, best, weak, strong)
    yield from _tools(rows, places, unseen)


def _tools(rows: Sequence[Example], places: dict[str, list[int]], unseen: Scored) -> Iterator[str]:
    """Mean AUROC and gap-weighted APGR of the tool recordings."""
    aurocs: list[float] = []
    weighted: list[tuple[float, float]] = []
    for name, mine in places.items():
        if name.startswith(MEAN_OF):
            weak, strong = _columns([rows[i] for i in mine])
            aurocs.append(auroc([unseen[i][0] for i in mine], weak))
            gap = float(strong.mean() - weak.mean())
            weighted.append((gap, apgr([unseen[i][1] for i in mine], weak, strong)))
    if aurocs:
        total = sum(gap for gap, _ in weighted)
        mean = sum(gap * value for gap, value in weighted) / total
        yield f"tools: mean AUROC {np.mean(aurocs):.3f}, APGR weighted by the gap {mean:.3f}"


def _columns(rows: Sequence[Example]) -> tuple[Floats, Floats]:
    return np.array([row.draft for row in rows]), np.array([row.strong for row in rows])


def _line(name: str, by: str, scored: Scored, weak: Floats, strong: Floats) -> str:
    p = np.array([each for each, _ in scored])
    score = np.array([each for _, each in scored])
    return f"{_ranks(name, by, p, score, weak, strong)}{ece(p, weak):7.3f}{brier(p, weak):7.3f}"


def _ranks(name: str, by: str, p: Floats, score: Floats, weak: Floats, strong: Floats) -> str:
    """AUROC of `p`; the rest of `score`."""
    shares = cpt(score, weak, strong, 0.5), cpt(score, weak, strong, 0.8)
    return (
        f"{name:44}{by:13}{auroc(p, weak):7.3f}{apgr(score, weak, strong):7.3f}"
        f"{shares[0]:7.2f}{shares[1]:7.2f}"
    )
