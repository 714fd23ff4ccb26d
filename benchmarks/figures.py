"""Figures of the source itself: how long files and functions are, what is annotated.

    python -m benchmarks.figures

A code line holds at least one token that is neither a comment nor part of a docstring. Of a
function the lines of its body count, and of its signature one; functions inside are counted on
their own as well. Overloads and protocol methods without a body are left out.
"""

from __future__ import annotations

import ast
import io
import math
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

_CLI = ("cascadeflow/cli/", "cascadeflow/__main__")
ROOT = Path(__file__).resolve().parents[1]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


class Source(NamedTuple):
    """One file."""

    path: str
    text: str
    tree: ast.Module
    code: frozenset[int]
    """Numbers of its code lines."""


class Limit(NamedTuple):
    """A figure, and what the house style allows."""

    name: str
    figure: float
    limit: float
    where: str = ""


def read(path: Path) -> Source:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    code = {
        number
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _SILENT
        for number in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            code -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return Source(str(path.relative_to(ROOT)), text, tree, frozenset(code))


def functions(source: Source) -> Iterator[tuple[Function, int]]:
    """Every function that has a body, and its code lines."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
            lines = len(source.code & set(body))
            if not (len(node.body) <= 2 and _is_ellipsis(node.body[-1])):
                yield node, lines + 1


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and (
        isinstance(node.value, ast.Constant) and node.value.value is ...
    )


def unannotated(node: Function) -> int:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [each for each in (node.args.vararg, node.args.kwarg) if each]
    return sum(a.annotation is None and a.arg not in ("self", "cls") for a in arguments)


def calls(source: Source, *names: str) -> int:
    """Calls of functions by name."""
    found = (node.func for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return sum(isinstance(func, ast.Name) and func.id in names for func in found)


def broad_excepts(source: Source) -> int:
    """Handlers and suppressions of `Exception`, `BaseException`, or of everything."""
    caught: list[ast.expr | None] = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            caught.append(node.type)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            caught += node.args
    return sum(c is None or ast.unparse(c) in ("Exception", "BaseException") for c in caught)


def figures() -> list[Limit]:
    """All of them."""
    package = [read(path) for path in sorted((ROOT / "cascadeflow").rglob("*.py"))]
    tests = sum(p.read_text("utf-8").count("\n") for p in (ROOT / "tests").rglob("*.py"))
    found = [(lines, f"{s.path}:{f.lineno} {f.name}") for s in package for f, lines in functions(s)]
    sizes = sorted(lines for lines, _ in found)
    lengths = [(s.text.count("\n"), s.path) for s in package]
    total = sum(length for length, _ in lengths)
    bare = sum(unannotated(function) for source in package for function, _ in functions(source))
    dynamic = sum(calls(source, "hasattr", "getattr", "cast") for source in package)
    prints = sum(calls(s, "print") for s in package if not s.path.startswith(_CLI))
    return [
        Limit("files", len(package), math.inf),
        Limit("lines of the package", total, 10_000),
        Limit("of them code", sum(len(source.code) for source in package), math.inf),
        Limit("longest file", *_at(max(lengths), 400)),
        Limit("lines of source for each of tests", total / tests, 1.0),
        Limit("functions", len(sizes), math.inf),
        Limit("median function, code lines", statistics.median(sizes), 8),
        Limit("90th percentile", sizes[len(sizes) * 9 // 10], 26),
        Limit("longest function", *_at(max(found), 45)),
        Limit("arguments not annotated", bare, 0),
        Limit("hasattr, getattr, cast", dynamic, 0),
        Limit("broad excepts", sum(map(broad_excepts, package)), 2),
        Limit("type: ignore", sum(s.text.count("# type: ignore") for s in package), 0),
        Limit("prints outside the CLI", prints, 0),
    ]


def _at(found: tuple[int, str], limit: int) -> tuple[float, float, str]:
    return found[0], limit, found[1]


def main() -> None:
    for name, figure, limit, where in figures():
        bound = "" if limit == math.inf else f"{limit:,g}"
        verdict = "" if not bound else ("within" if figure <= limit else "OVER")
        print(f"{name:<34}{figure:>10,.5g}{bound:>10}  {verdict:<7}{where}")


if __name__ == "__main__":
    main()
