"""Where the CPU of a judged stream goes, by file: a profile of one stream read all at once.

    python -m benchmarks.hot_path [--chunks 20000] [--rows 14]

Microseconds and calls are for each chunk. The profiler makes every call dearer, so read the column
of microseconds as shares; the first line says what a chunk costs without it.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import sys
import time
from pathlib import Path
from typing import NamedTuple

import cascadeflow
from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.evaluate.tables import Table, text_of

from .scripts import Script
from .server import serving

PACKAGE = Path(cascadeflow.__file__).parent
US = 1e6
ROUNDS = 5


class Share(NamedTuple):
    """What the functions of one file took."""

    seconds: float = 0.0
    calls: int = 0


def place(path: str) -> str:
    """The file as it is shown: those of the package by name, others by what they belong to."""
    if path == "~":
        return "(built in)"
    if Path(path).is_relative_to(PACKAGE):
        return Path(path).relative_to(PACKAGE).as_posix()
    # A checkout may be called as the package is, and hold the environment of both libraries.
    library = next((each for each in ("aiohttp", "asyncio") if f"/{each}/" in path), "other")
    return f"({library})"


def by_file(profile: cProfile.Profile) -> dict[str, Share]:
    """The time spent in the functions of each file, the longest first."""
    shares: dict[str, Share] = {}
    for entry in profile.getstats():
        file = place("~" if isinstance(entry.code, str) else entry.code.co_filename)
        seconds, calls = shares.get(file, Share())
        shares[file] = Share(seconds + entry.inlinetime, calls + entry.callcount)
    return dict(sorted(shares.items(), key=lambda item: -item[1].seconds))


async def measure(url: str, chunks: int) -> tuple[float, dict[str, Share]]:
    """CPU seconds of a stream without the profiler, the least of five; and the shares with it."""
    models = [ModelConfig(m, "vllm", 0.1, base_url=url, api_key="-") for m in ("small", "large")]
    profile = cProfile.Profile()
    async with CascadeAgent(models) as agent:

        async def read() -> float:
            since = time.process_time()
            async for _ in agent.stream_events("Write words.", max_tokens=2 * chunks):
                pass
            return time.process_time() - since

        alone = min([await read() for _ in range(ROUNDS)])
        profile.enable()
        await read()
        profile.disable()
    return alone, by_file(profile)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot_path")
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=14, help="files shown")
    given = parser.parse_args()
    with serving() as url:
        address = f"{url}{Script(given.chunks).path}/v1"
        alone, shares = asyncio.run(measure(address, given.chunks))
    per = US / given.chunks
    calls = sum(share.calls for share in shares.values()) / given.chunks
    rows = [
        ("file", "us", "calls"),
        *(
            (file, f"{share.seconds * per:.2f}", f"{share.calls / given.chunks:.2f}")
            for file, share in list(shares.items())[: given.rows]
        ),
    ]
    title = f"{alone * per:.2f} us of CPU for each chunk; {calls:.1f} calls"
    print(*text_of([Table(title=title, rows=rows)]), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
