"""Every fault of the catalogue, played against the library: `make faults`.

    python -m reliability.faults [ID ...]            those rows; all of them if none is named
    python -m reliability.faults --bytes             answers cut, reset and damaged at byte k
    python -m reliability.faults --sdk               the same faults for the official SDKs
    python -m reliability.faults --markdown          writes the table of docs/when_things_break.md

A row is right if what follows is what the catalogue says, and no promise is broken. Whatever may be
the fault of a busy machine, a deadline that was missed by little, is played once more, alone.
Exit code 1 unless everything is right.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import cuts
from .catalogue import NOT_ANTHROPIC, ROWS, Row
from .expectations import outcome
from .promises import broken
from .staging import DIALECTS, POSITIONS, Dialect, Position, Stage, World
from .trials import ELSEWHERE, TRIALS, Trial

PAGE = Path(__file__).resolve().parents[1] / "docs" / "when_things_break.md"
BEGIN, END = "<!-- table of faults -->\n", "<!-- end of the table -->\n"
WORKERS = 6
"""Threads, each with an event loop of its own, so that what a query leaves behind is seen."""
BUSY = "time: "
SECTIONS = "NSHEPTL"


class Report(NamedTuple):
    """What came of one row in one dialect and position."""

    seen: str
    problems: list[str]


class Case(NamedTuple):
    """One row in one dialect and position."""

    row: Row | Trial
    dialect: Dialect
    position: Position | None
    """None: of a trial."""

    @property
    def id(self) -> str:
        """The row, its fault, the dialect and the position."""
        return " ".join([self.row.id, self.row.fault, self.dialect, *filter(None, [self.position])])

    @property
    def expected(self) -> str:
        """In a few words."""
        if isinstance(self.row, Trial):
            return self.row.expected
        return self.row.expect.told(self.position or "draft")

    @property
    def alone(self) -> bool:
        """Whether nothing else may run at the same time."""
        return isinstance(self.row, Trial) and self.row.alone

    def play(self, world: World) -> Report:
        """Play it."""
        try:
            return self._play(world)
        except Exception as error:  # noqa: BLE001 -- whatever comes out of a query is a finding
            return Report("", [f"{type(error).__name__}: {error}"])

    def _play(self, world: World) -> Report:
        if isinstance(self.row, Trial):
            problems = self.row.problems(world, self.dialect)
            return Report("" if problems else self.row.expected, problems)
        seen = Stage(world, self.row.scene, self.dialect, self.position or "draft").play()
        problems = [*broken(seen), *self.row.expect.problems(seen)]
        if self.row.also is not None:
            problems += self.row.also(seen)
        return Report(outcome(seen), problems)


def cases() -> Iterator[Case]:
    """Every row, in every dialect and position it has."""
    for row in ROWS:
        for dialect in row.dialects:
            for position in row.positions:
                yield Case(row, dialect, position)
    for trial in TRIALS:
        for dialect in DIALECTS:
            yield Case(trial, dialect, None)


def play_all(world: World, chosen: Sequence[Case]) -> list[Report]:
    """Play cases side by side; then, one by one, those that need the machine for themselves."""

    def at_once(case: Case) -> Report:
        return _WAITS if case.alone else case.play(world)

    with ThreadPoolExecutor(WORKERS) as pool:
        reports = list(pool.map(at_once, chosen))
    for at, case in enumerate(chosen):
        problems = reports[at].problems
        if case.alone or (problems and all(told.startswith(BUSY) for told in problems)):
            reports[at] = case.play(world)
    return reports


_WAITS = Report("", [])


def leftovers(world: World, caught: Sequence[warnings.WarningMessage]) -> Iterator[str]:
    """What shows only once all is over."""
    for told in world.leaks:
        yield f"C12: the key is in the log: {told[:200]}"
    if any(row["path"] == "/__sink" for row in world.elsewhere.log()):
        yield "C12: a redirect was followed"
    for warning in caught:
        yield f"C10: {warning.category.__name__}: {warning.message}"


def table(chosen: Sequence[Case], reports: Sequence[Report]) -> Iterator[str]:
    """The lines to print."""
    for case, report in zip(chosen, reports, strict=True):
        where = f"{case.dialect:10}{case.position or '':9}"
        verdict = "; ".join(report.problems) if report.problems else "right"
        fault = f"{case.row.id:4} {case.row.fault:44.44} {where}"
        yield f"{fault} {case.expected:46.46} {report.seen:62.62} {verdict}"
    played = {(case.row.id, case.row.fault, case.dialect) for case in chosen}
    for id, fault in dict.fromkeys((id, fault) for id, fault, _ in sorted(played)):
        if (id, fault, "anthropic") not in played:
            yield f"{id:4} {fault:44.44} anthropic not played: {NOT_ANTHROPIC}"


def play(ids: Sequence[str]) -> int:
    """Play and print; the exit code."""
    chosen = [case for case in cases() if not ids or case.row.id in ids]
    began = time.monotonic()
    with warnings.catch_warnings(record=True) as caught, World() as world:
        warnings.simplefilter("always")
        reports = play_all(world, chosen)
        gc.collect()
        left = list(leftovers(world, caught))
    other = [] if ids else [f"{id:4} {where}" for id, where in ELSEWHERE.items()]
    print("\n".join([*table(chosen, reports), *other, *left]))
    wrong = sum(bool(report.problems) for report in reports) + len(left)
    rows = len({case.row.id for case in chosen})
    print(f"{rows} rows, {len(chosen)} cases, {wrong} wrong, {time.monotonic() - began:.0f} s")
    return 1 if wrong or not chosen else 0


def play_bytes(stride: int) -> int:
    """Cut, reset and damage about ten streams of each dialect; the exit code."""
    wrong = 0
    with World() as world:
        for dialect in DIALECTS:
            more = cuts.responses() if dialect == "openai" else []
            for stream in [*cuts.streams(world.server.url, dialect), *more]:
                for way in cuts.WAYS:
                    swept = asyncio.run(cuts.sweep(stream, dialect, way, stride))
                    ends = ", ".join(f"{end} {n}" for end, n in sorted(swept.ends.items()))
                    told = f"{way:8} {swept.queries:6} queries: {ends}; "
                    print(
                        f"{stream.server:17}{stream.name:72.72} {told}{len(swept.problems)} wrong"
                    )
                    print("".join(f"    {problem}\n" for problem in swept.problems[:5]), end="")
                    wrong += len(swept.problems)
    return 1 if wrong else 0


def markdown() -> str:
    """The catalogue as a table, by section and number."""
    lines = [(one.id, f"{one.fault} | {one.expected} | the same") for one in TRIALS]
    lines += [(id, f"{where} | | ") for id, where in ELSEWHERE.items()]
    for row in ROWS:
        fault = f"`{row.fault}`".replace("|", "\\|") + (f" ({row.only})" if row.only else "")
        told = [row.expect.told(each) if each in row.positions else "" for each in POSITIONS]
        lines.append((row.id, f"{fault} | {told[0]} | {told[1]}"))
    lines.sort(key=lambda line: (SECTIONS.index(line[0][0]), line[0]))
    head = "| id | fault | on a draft | on the last model |\n|---|---|---|---|\n"
    return head + "".join(f"| {id} | {rest} |\n" for id, rest in lines)


def written(page: str) -> str:
    """The page with the table of now."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + markdown() + END + rest.split(END)[1]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m reliability.faults", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="rows to play, e.g. N05")
    parser.add_argument("--bytes", action="store_true", help="fail at byte k")
    parser.add_argument(
        "--stride", type=int, default=11, help="with --bytes: from one k to the next"
    )
    parser.add_argument("--sdk", action="store_true", help="the official SDKs instead")
    parser.add_argument("--markdown", action="store_true", help="write the table of the page")
    given = parser.parse_args(argv)
    if given.markdown:
        PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
        return 0
    if given.bytes:
        return play_bytes(given.stride)
    if given.sdk:
        from . import sdks  # needs the SDKs, which the checks of the library do not

        with World() as world:
            sdks.main(world)
        return 0
    return play(given.ids)


if __name__ == "__main__":
    raise SystemExit(main())
