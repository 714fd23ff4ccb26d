"""The goals of speed, whether they are met, and a guard against falling back.

Goals are ratios of figures taken side by side in one run. The guard compares ratios to the bare
client with those kept in `expected.json`; it fails only beyond a tolerance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .crew import Told
from .sections import BARE, KEPT, SDK, Section, short

EXPECTED = Path(__file__).with_name("expected.json")
GUARDED = ("firehose", "logprobs", "tools", "paced", "request", "first")
"""Sections whose ratio to the bare client is kept."""


class Goal(NamedTuple):
    """A figure and the most it should be."""

    name: str
    figure: float | None
    limit: float
    unit: str = ""

    @property
    def verdict(self) -> str:
        if self.figure is None:
            return "not measured"
        return "met" if self.figure <= self.limit else "NOT MET"


def goals(sections: dict[str, Section], arguments: dict[str, Told]) -> Iterator[Goal]:
    """Each of them, with the figure of this run."""

    def ratio(key: str, base: str) -> float | None:
        return sections[key].ratio(KEPT, base) if key in sections else None

    yield Goal("event stream, all at once, of the openai SDK", ratio("firehose", SDK), 0.04)
    yield Goal("event stream with log-probabilities, of the SDK", ratio("logprobs", SDK), 0.06)
    yield Goal("event stream, all at once, of the bare client", ratio("firehose", BARE), 1.25)
    yield Goal("100 streams at 50/s, of the openai SDK", ratio("paced", SDK), 0.25)
    yield Goal("100 streams at 50/s, of the bare client", ratio("paced", BARE), 1.3)
    yield Goal("1,000 streams: p99 of a stream, of the ideal", _figure(sections, "p99 1000"), 1.05)
    yield Goal("1,000 streams: memory above the bare client", _above(sections), 60, "KB")
    yield Goal("time to the first chunk, of the bare client", ratio("first", BARE), 2.0)
    yield Goal("CPU of a request, of the bare client", ratio("request", BARE), 2.5)
    for python, shapes in arguments.items():
        rows = shapes.values()
        worst = max((row["exponent"] for row in rows), default=None)
        slowest = max((row["us_per_fragment"][str(1 << 20)] for row in rows), default=None)
        yield Goal(f"tool arguments, growth to 1 MB, Python {python}", worst, 1.05)
        yield Goal(f"tool arguments, each fragment at 1 MB, Python {python}", slowest, 3.0, "µs")
    yield from _imports(sections)
    routing = sections.get("routing")
    longest = (
        max((routing.median(name) or 0.0 for name in routing.rows), default=None)
        if routing
        else None
    )
    yield Goal("prompts of 100 kB: longest step of the loop", longest, 5.0, "ms")
    escalated = sections.get("escalated")
    total = (
        escalated.ratio("cascadeflow, draft abandoned", "draft, then verifier")
        if escalated
        else None
    )
    yield Goal("escalated query, of draft-then-verifier", total, 0.6)


def _figure(sections: dict[str, Section], key: str) -> float | None:
    return sections[key].median(KEPT) if key in sections else None


def _above(sections: dict[str, Section]) -> float | None:
    """Kilobytes of memory for each stream above a bare client."""
    ours = _figure(sections, "memory 1000")
    bare = sections["memory 1000"].median(BARE) if "memory 1000" in sections else None
    return None if ours is None or bare is None else ours - bare


def _imports(sections: dict[str, Section]) -> Iterator[Goal]:
    for statement in ("import cascadeflow", "from cascadeflow import CascadeAgent, ModelConfig"):
        found = (
            sections["import"].ratio(statement, "import asyncio") if "import" in sections else None
        )
        yield Goal(f"`{statement}`, of `import asyncio`", found, 3.0)


def table(found: list[Goal]) -> list[list[str]]:
    """Its cells, the head first."""
    rows = [
        [goal.name, f"{short(goal.figure)} {goal.unit}".strip(), f"{goal.limit:g}", goal.verdict]
        for goal in found
    ]
    return [["goal", "figure", "at most", ""], *rows]


class Guard(NamedTuple):
    """Ratios to the bare client, as they were when they were last kept."""

    ratios: dict[str, float]
    tolerance: float
    """Part by which a ratio may be above."""

    def fallen(self, found: dict[str, float]) -> list[str]:
        """What became slower, in words."""
        return [
            f"{key}: {found[key]:.2f} times the bare client; {kept:.2f} is kept, "
            f"up to {kept * (1 + self.tolerance):.2f} is tolerated"
            for key, kept in self.ratios.items()
            if key in found and found[key] > kept * (1 + self.tolerance)
        ]


def guarded(sections: dict[str, Section]) -> dict[str, float]:
    """The ratios of this run that the guard compares."""
    found = {key: sections[key].ratio(KEPT, BARE) for key in GUARDED if key in sections}
    return {key: round(ratio, 3) for key, ratio in found.items() if ratio is not None}


def kept() -> Guard:
    """What the repository keeps."""
    return Guard(**json.loads(EXPECTED.read_text("utf-8")))


def keep(ratios: dict[str, float], tolerance: float = 0.25) -> None:
    """Replace it by the ratios of this run."""
    text = json.dumps(Guard(ratios, tolerance)._asdict(), indent=2)
    EXPECTED.write_text(text + "\n", "utf-8")
