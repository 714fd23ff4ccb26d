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
from .judge import EVERY, RECORDED
from .sections import BARE, KEPT, SDK, Section, short

EXPECTED = Path(__file__).with_name("expected.json")
GUARDED = ("firehose", "logprobs", "tools", "paced", "paced later", "request")
"""Sections whose ratio to the bare client is kept: of CPU time, for a clock on the wall tells more
of what else the machine does than of us."""
PYTHONS = {"3.11", "3.12", "3.13"}
"""Versions on which tool arguments have their goals."""
IMPORTS = ("import cascadeflow", "from cascadeflow import CascadeAgent, ModelConfig")
"""What is imported."""
IN_TURN, ABANDONED = "draft, then verifier", "cascadeflow, draft abandoned"
"""Two ways of an escalated query."""
NOTHING = Section(title="not measured", unit="", rows={})


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


def goals(
    sections: dict[str, Section], arguments: dict[str, Told], judged: dict[str, Told]
) -> Iterator[Goal]:
    """Each of them, with what this run found: `sections`, `arguments`, `judged` of a `Suite`."""

    def of(key: str) -> Section:
        return sections.get(key, NOTHING)

    yield Goal(
        "event stream, all at once, of the openai SDK", of("firehose").ratio(KEPT, SDK), 0.04
    )
    yield Goal("the same with log-probabilities", of("logprobs").ratio(KEPT, SDK), 0.06)
    yield Goal("the same, of the bare client", of("firehose").ratio(KEPT, BARE), 1.25)
    yield Goal("100 streams at 50/s, of the openai SDK", of("paced").ratio(KEPT, SDK), 0.25)
    yield Goal("the same, of the bare client", of("paced").ratio(KEPT, BARE), 1.3)
    later = of("paced later").ratio(KEPT, BARE)
    yield Goal("the same in processes that freed large blocks", later, 1.3)
    yield Goal("1,000 streams: p99 of a stream, of the ideal", of("p99 1000").median(KEPT), 1.05)
    above = of("memory 1000").above(KEPT, BARE)
    yield Goal("1,000 streams: memory of each above the bare client", above, 60, "KB")
    yield Goal("time to the first chunk, of the bare client", of("first").ratio(KEPT, BARE), 2.0)
    yield Goal("CPU of a request, of the bare client", of("request").ratio(KEPT, BARE), 2.5)
    yield from _of_arguments(arguments)
    for statement in IMPORTS:
        found = of("import").ratio(statement, "import asyncio")
        yield Goal(f"`{statement}`, of `import asyncio`", found, 3.0)
    longest = of("routing").greatest()
    yield Goal("prompts of 100 kB: longest step of the loop, CPU", longest, 5.0, "ms")
    total = of("escalated").ratio(ABANDONED, IN_TURN)
    yield Goal("escalated query, of draft-then-verifier", total, 0.6)
    yield from _of_judging(judged)


def _of_arguments(arguments: dict[str, Told]) -> Iterator[Goal]:
    for python in sorted(arguments.keys() | PYTHONS):
        rows = arguments.get(python, {}).values()
        growth = max((row["exponent"] for row in rows), default=None)
        slowest = max((row["us_per_fragment"][str(1 << 20)] for row in rows), default=None)
        yield Goal(f"tool arguments on Python {python}: exponent to 1 MB", growth, 1.05)
        yield Goal("the same: each fragment of 16 bytes at 1 MB", slowest, 3.0, "µs")


def _of_judging(judged: dict[str, Told]) -> Iterator[Goal]:
    """Of recorded drafts where there are some: what is made to be slow tells no median."""
    recorded, every = judged.get(RECORDED, {}), judged.get(EVERY, {})
    middle = every.get("median_us") if recorded else None
    yield Goal("one decision, median CPU", middle, 1000, "µs")
    yield Goal("one decision, p99 CPU, slow drafts of 100 kB too", every.get("p99_us"), 5000, "µs")
    yield Goal("judging, each chunk of a recorded draft", recorded.get("us_per_delta"), 1.0, "µs")


def cells(found: list[Goal]) -> list[list[str]]:
    """Of the table of goals, the head first."""
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


def kept(path: Path = EXPECTED) -> Guard:
    """What the repository keeps."""
    return Guard(**json.loads(path.read_text("utf-8")))


def keep(ratios: dict[str, float], path: Path = EXPECTED, tolerance: float = 0.25) -> None:
    """Replace it by the ratios of this run."""
    path.write_text(json.dumps(Guard(ratios, tolerance)._asdict(), indent=2) + "\n", "utf-8")
