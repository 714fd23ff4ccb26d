"""Cost of reading JSON in fragments, the live value looked at after each.

    python -m benchmarks.incremental_json [--rounds 5] [--shapes text,records] [--json]

For each shape of text and each size from 1 KiB to 1 MiB: CPU time of this process per fragment in
microseconds, the median of the rounds (small sizes are repeated within a round until they take
some milliseconds). The last column is the growth exponent: the slope of log(time of the whole text)
over log(size), 1.0 for linear time. The goals are in `goals`.

`text` and `records` are the shapes of real tool arguments, the others look for a weak spot.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

from cascadeflow.streaming.utils import ProgressiveJSONParser

from .scripts import FRAGMENT
from .sections import short

SIZES = (1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20)
ENOUGH = 1 << 16
"""Characters read per round at least."""


def text(size: int) -> str:
    words = "the quick brown fox jumps over the lazy dog "
    return '{"text": "' + (words * (size // len(words) + 1))[: size - 12] + '"}'


def code(size: int) -> str:
    line = 'def f(x):\\n    return \\"a\\" + x\\n\\n'
    return '{"code": "' + line * ((size - 12) // len(line)) + '"}'


def escapes(size: int) -> str:
    return '{"text": "' + "\\u4f60\\ud83d\\ude00\\n" * ((size - 12) // 20) + '"}'


def records(size: int) -> str:
    row = '{"id": %d, "name": "item %d", "price": 12.5, "ok": true}'
    return many(size, lambda n: row % (n, n), '{"rows": [', "]}")


def numbers(size: int) -> str:
    return many(size, lambda n: str(n * 7919), '{"xs": [', "]}")


def long_numbers(size: int) -> str:
    return many(size, lambda n: "-" + "123456789" * 100, "[", "]")


def keys(size: int) -> str:
    return many(size, lambda n: f'"key{n}": {{}}', "{", "}")


def nested(size: int) -> str:
    return many(size, lambda n: '{"a":[' * 60 + "]}" * 60, "[", "]")


def spaces(size: int) -> str:
    return '{"a":' + " " * (size - 7) + "1}"


def many(size: int, item: Callable[[int], str], start: str, end: str) -> str:
    parts: list[str] = []
    left = size - len(start) - len(end)
    while left > 0:
        parts.append(item(len(parts)))
        left -= len(parts[-1]) + 2
    return start + ", ".join(parts) + end


SHAPES = (text, code, escapes, records, numbers, long_numbers, keys, nested, spaces)


def read(fragments: list[str]) -> object:
    """Feed all fragments; look into the live value after each."""
    parser = ProgressiveJSONParser(max_size=2 << 20)
    value: Any = None
    for fragment in fragments:
        value = parser.feed(fragment).value
        if isinstance(value, dict):
            value.get("text")  # pyright: ignore[reportUnknownMemberType]
    return value  # pyright: ignore[reportUnknownVariableType]


def seconds(fragments: list[str], repeats: int) -> float:
    gc.collect()
    start = time.process_time()
    for _ in range(repeats):
        read(fragments)
    return (time.process_time() - start) / repeats


def exponent(sizes: list[int], times: list[float]) -> float:
    return statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(spent) for spent in times]
    ).slope


def measure(shape: Callable[[int], str], rounds: int) -> dict[str, Any]:
    sizes: list[int] = []
    times: list[float] = []
    cells: dict[str, float] = {}
    for size in SIZES:
        whole = shape(size)
        cut = [whole[at : at + FRAGMENT] for at in range(0, len(whole), FRAGMENT)]
        if read(cut) != json.loads(whole):
            raise SystemExit(f"{shape.__name__}: the parser's value is not that of json.loads")
        repeats = max(1, ENOUGH // size)
        spent = statistics.median(seconds(cut, repeats) for _ in range(rounds))
        sizes.append(len(whole))
        times.append(spent)
        cells[str(size)] = spent / len(cut) * 1e6
    return {"us_per_fragment": cells, "exponent": exponent(sizes, times)}


def cells(shapes: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Of a table, the head first; microseconds for each fragment."""
    rows = (
        [name, *map(short, row["us_per_fragment"].values()), f"{row['exponent']:.3f}"]
        for name, row in shapes.items()
    )
    return [["", *(f"{size >> 10} KB" for size in SIZES), "exponent"], *rows]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--shapes", default="", help="names, with commas between; all of them")
    options.add_argument("--json", action="store_true")
    args = options.parse_args()
    chosen = args.shapes.split(",") if args.shapes else [shape.__name__ for shape in SHAPES]
    shapes = {
        shape.__name__: measure(shape, args.rounds) for shape in SHAPES if shape.__name__ in chosen
    }
    if args.json:
        print(json.dumps(shapes))
        return
    # Other Pythons, which have no numpy, are asked for JSON.
    from cascadeflow.evaluate.tables import Table, text_of

    title = f"Python {platform.python_version()}, {FRAGMENT} characters: µs for each"
    print(*text_of([Table(title=title, rows=cells(shapes))]), sep="\n")


if __name__ == "__main__":
    main()
