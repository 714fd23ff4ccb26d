"""`make fuzz SECONDS=60`: odd bytes for everything that reads what a server or a model sent.

With atheris installed (`pip install atheris`; it has wheels for some versions of Python on Linux
only) coverage guides the mutations; without it they are blind. The mutations, the targets and their
promises are the same, in `fuzz_targets`. A failing input is printed as base64 that
`python -m reliability.fuzz --replay BASE64` runs again. Exit code 1 if a promise was broken.

An input is one byte that picks the target, two that seed the cuts, then the bytes to read.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NoReturn

HEAD = 3
"""Bytes of an input before those that are read."""
PATIENCE = 10
"""Seconds for one input before it counts as a hang."""
ABSENT = """\
atheris is not installed: mutating blindly. For mutations guided by coverage: pip install atheris
(its wheels are for Linux and for some versions of Python; where there is none it cannot be had).
"""
TARGETS = "reliability.fuzz_targets"
"""Imported late, so that atheris can instrument what it imports."""
GROWN = 32 * 1024
"""Bytes at which time is measured, and at four times of them."""
STEEPEST = 10.0
"""How much longer four times the bytes may take: linear is 4, quadratic 16."""


class Fuzzing:
    """Runs inputs, and remembers what came of them."""

    def __init__(self, targets: ModuleType) -> None:
        self._targets = targets
        self._names: tuple[str, ...] = tuple(targets.TARGETS)
        self._began = time.monotonic()
        self.executions = 0
        self.outcomes: set[tuple[str, str]] = set()
        self.failures: dict[str, bytes] = {}
        """What went wrong and where, to the first input that did it."""

    def seeds(self) -> list[bytes]:
        """The inputs to begin with."""
        corpus = self._targets.corpus
        return [bytes((n, 0, 0)) + s for n, name in enumerate(self._names) for s in corpus(name)]

    def mutated(self, given: bytes, chance: random.Random) -> bytes:
        """A change of the bytes, and now and then of the cuts."""
        head = given[:HEAD].ljust(HEAD, b"\0")
        if chance.random() < 0.5:
            head = head[:1] + chance.randbytes(2)
        changed: bytes = self._targets.mutate(given[HEAD:], chance)
        return head + changed

    def run(self, given: bytes) -> None:
        """One input, within bounds of time; what it breaks is remembered."""
        self.executions += 1
        try:
            signal.alarm(PATIENCE)
            told = self.told(given)
            if told not in self.outcomes:
                self.outcomes.add(told)
                self._check_growth(told[0], given)
        except Exception as error:  # noqa: BLE001 -- any error that escapes is what we look for
            self._note(error, given)
        finally:
            signal.alarm(0)

    def told(self, given: bytes) -> tuple[str, str]:
        """Target and outcome of one input, whatever it raises."""
        name = self._names[given[0] % len(self._names)] if given else self._names[0]
        chance = random.Random(given[1:HEAD])
        return name, self._targets.TARGETS[name](given[HEAD:], chance)

    def _check_growth(self, name: str, given: bytes) -> None:
        """Time is linear: four times the same bytes take about four times as long."""
        one = given[HEAD:] or b" "
        one *= GROWN // len(one) + 1
        short = long = 0.0
        for _ in range(3):
            short, long = self._seconds(name, one), self._seconds(name, one * 4)
            if long < 0.05 or long < STEEPEST * short:
                return
        raise AssertionError(
            f"{len(one)} bytes take {short:.3f} s, four times as many {long:.3f} s"
        )

    def _seconds(self, name: str, data: bytes) -> float:
        begun = time.process_time()
        self._targets.TARGETS[name](data, random.Random(1))
        return time.process_time() - begun

    def _note(self, error: Exception, given: bytes) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"[
            :200
        ]
        if where not in self.failures:
            self.failures[where] = given
            sys.stdout.write(f"FAILED {where}\n  {base64.b64encode(given).decode()}\n")

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def report(self) -> int:
        """Print the figures; the exit code."""
        by_target = {name: sum(t == name for t, _ in self.outcomes) for name in self._names}
        told = ", ".join(f"{name} {count}" for name, count in by_target.items())
        sys.stdout.write(
            f"{self.executions} executions in {self.elapsed:.0f} s, "
            f"{len(self.outcomes)} distinct outcomes ({told}), {len(self.failures)} failures\n"
        )
        sys.stdout.flush()
        return 1 if self.failures else 0


def _blind(fuzzing: Fuzzing, seconds: float, seed: int) -> int:
    """Mutate without a guide; an input with a new outcome is mutated further."""
    signal.signal(signal.SIGALRM, _hang)
    chance, pool = random.Random(seed), fuzzing.seeds()
    for given in pool:
        fuzzing.run(given)
    while fuzzing.elapsed < seconds:
        given = fuzzing.mutated(chance.choice(pool), chance)
        known = len(fuzzing.outcomes)
        fuzzing.run(given)
        if len(fuzzing.outcomes) > known:
            pool.append(given)
    return fuzzing.report()


def _hang(number: int, frame: FrameType | None) -> NoReturn:
    raise TimeoutError(f"no end within {PATIENCE} s")


def _guided(atheris: Any, seconds: float, seed: int, folder: str) -> NoReturn:  # noqa: ANN401
    """Let libFuzzer choose, by coverage. It never returns, so the last input ends the process."""
    with atheris.instrument_imports(include=["cascadeflow"]):
        fuzzing = Fuzzing(importlib.import_module(TARGETS))
    for number, given in enumerate(fuzzing.seeds()):
        Path(folder, f"{number}").write_bytes(given)

    def change(given: bytes, longest: int, number: int) -> bytes:
        return fuzzing.mutated(given, random.Random(number))[:longest]

    def run(given: bytes) -> None:
        fuzzing.run(given)
        if fuzzing.elapsed > seconds:
            os._exit(fuzzing.report())

    flags = [
        f"-seed={seed}",
        f"-timeout={PATIENCE}",
        "-max_len=70000",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([sys.argv[0], *flags, folder], run, custom_mutator=change)
    atheris.Fuzz()
    raise AssertionError("libFuzzer came back")


def _watch_guided(seconds: float, seed: int) -> int:
    """Run libFuzzer in a process of its own; of what it says only the coverage is of interest."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        flags = ["--seconds", str(seconds), "--seed", str(seed), "--guided", folder]
        command = [sys.executable, "-m", "reliability.fuzz", *flags]
        code = subprocess.run(command, stderr=said, check=False).returncode
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    if code not in (0, 1):
        sys.stdout.write(f"libFuzzer ended with {code}:\n{words[-4000:]}\n")
        return 1
    reached = re.findall(r"cov: (\d+)", words)
    sys.stdout.write(f"guided by atheris: {reached[-1] if reached else 0} edges reached\n")
    return code


def main() -> int:
    """Parse the arguments and fuzz."""
    parser = argparse.ArgumentParser(description="Fuzz the decoders.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", help="without atheris")
    parser.add_argument("--replay", metavar="BASE64", help="run one input; its error is raised")
    parser.add_argument("--guided", metavar="FOLDER", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.guided:
        _guided(importlib.import_module("atheris"), given.seconds, given.seed, given.guided)
    if not given.blind and not given.replay:
        if importlib.util.find_spec("atheris"):
            return _watch_guided(given.seconds, given.seed)
        sys.stdout.write(ABSENT)
    fuzzing = Fuzzing(importlib.import_module(TARGETS))
    if given.replay:
        sys.stdout.write(" ".join(fuzzing.told(base64.b64decode(given.replay))) + "\n")
        return 0
    return _blind(fuzzing, given.seconds, given.seed)


if __name__ == "__main__":
    raise SystemExit(main())
