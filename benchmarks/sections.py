"""A figure taken of several clients side by side, and how it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

BARE = "bare aiohttp + msgspec"
SDK = "openai SDK"
KEPT = "cascadeflow, draft kept"


@dataclass(kw_only=True)
class Section:
    """One figure, by client, one sample for each round."""

    title: str
    unit: str
    rows: dict[str, list[float]]
    uvloop: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """The same on uvloop, where it was measured."""
    bases: tuple[str, ...] = (BARE, SDK)
    """The rows that ratios are taken to."""

    def median(self, name: str) -> float | None:
        """The median of a row that was measured."""
        return statistics.median(self.rows[name]) if name in self.rows else None

    def ratio(self, name: str, base: str) -> float | None:
        """The median of the ratios within each round: what slows both down cancels out."""
        if name not in self.rows or base not in self.rows:
            return None
        pairs = zip(self.rows[name], self.rows[base], strict=False)
        found = [figure / reference for figure, reference in pairs if reference > 0]
        return statistics.median(found) if found else None

    def above(self, name: str, base: str) -> float | None:
        """By how much the median of a row is above that of another."""
        ours, theirs = self.median(name), self.median(base)
        return None if ours is None or theirs is None else ours - theirs

    def greatest(self) -> float | None:
        """The greatest median of all rows."""
        return max(map(statistics.median, self.rows.values()), default=None)

    def as_json(self) -> dict[str, Any]:
        """Medians, spreads and ratios, and the samples they come from."""
        return {
            "unit": self.unit,
            "rows": {
                name: {
                    "median": self.median(name),
                    "samples": samples,
                    "ratios": {base: self.ratio(name, base) for base in self.bases},
                }
                for name, samples in self.rows.items()
            },
            "uvloop": {name: statistics.median(each) for name, each in self.uvloop.items()},
        }

    def table(self) -> Iterator[list[str]]:
        """Its cells, the head first."""
        bases = [base for base in self.bases if base in self.rows]
        on_uvloop = [f"{self.unit} on uvloop"] if self.uvloop else []
        yield ["", self.unit, "spread", *(f"of {base}" for base in bases), *on_uvloop]
        for name, samples in self.rows.items():
            spread = f"{short(min(samples))} to {short(max(samples))}"
            ratios = [short(self.ratio(name, base)) for base in bases]
            loop = [short(statistics.median(self.uvloop[name]))] if name in self.uvloop else [""]
            cells = [name, short(statistics.median(samples)), spread, *ratios]
            yield cells + (loop if on_uvloop else [])


def short(figure: float | None) -> str:
    """Three digits, or two decimals."""
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:#.3g}".rstrip(".")
