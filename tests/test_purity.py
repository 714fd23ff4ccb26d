"""The rules on who may import whom, read from the source of every file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "cascadeflow"
IMPURE = frozenset((
    "aiohttp", "asyncio", "logging", "os", "random", "socket", "threading", "time",
    "concurrent", "multiprocessing", "pathlib", "secrets", "selectors", "ssl", "subprocess",
    "datetime", "io", "tempfile", "urllib", "uuid",
))  # fmt: skip
VALUES = frozenset(f"cascadeflow.{name}" for name in ("config", "errors", "result", "types"))
"""Plain values, which the pure parts may use; what these import is not followed."""


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def typing_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads; functions are entered."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and typing_only(child):
            continue
        yield child
        yield from nodes(child)


@cache
def imports(name: str) -> frozenset[str]:
    """Absolute names of every module that a file imports, wherever in it."""
    file = FILES[name]
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in nodes(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            inner = {f"{origin}.{alias.name}" for alias in node.names} & FILES.keys()
            found |= inner | {origin}
    return frozenset(found)


def reached(name: str) -> set[str]:
    """The modules of the package that `name` leads to, without `VALUES` and what is behind."""
    seen: set[str] = set()
    pending = [name]
    while pending:
        at = pending.pop()
        if at not in seen and at in FILES and at not in VALUES and at != "cascadeflow":
            seen.add(at)
            pending += imports(at)
    return seen


def importers(target: str) -> set[str]:
    return {
        name
        for name in FILES
        if any(found == target or found.startswith(target + ".") for found in imports(name))
    }


PURE = [name for name in FILES if name.split(".")[1:2] in (["core"], ["quality"], ["judges"])]


def test_there_is_something_to_look_at() -> None:
    assert "cascadeflow.core.cascade" in PURE
    assert any(name.startswith("cascadeflow.quality.") for name in PURE)
    assert "asyncio" in imports("cascadeflow.runner")
    assert "cascadeflow.core.cascade" in imports("cascadeflow.runner")
    assert "cascadeflow.core.events" in imports("cascadeflow.core.cascade")


@pytest.mark.parametrize("name", PURE)
def test_core_and_quality_know_no_clock_no_chance_and_no_io(name: str) -> None:
    for module in reached(name):
        tops = {found.split(".")[0] for found in imports(module)}
        assert not tops & IMPURE, f"{name} leads to {module}"


@pytest.mark.parametrize("name", PURE)
def test_core_and_quality_await_nothing_and_open_nothing(name: str) -> None:
    for node in nodes(ast.parse(FILES[name].read_text("utf-8"))):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input", "exec", "eval", "__import__")


def test_the_core_knows_neither_judges_nor_servers_nor_streams() -> None:
    for name in FILES:
        if name.startswith("cascadeflow.core"):
            for other in ("quality", "providers", "streaming", "runner", "ladder", "request"):
                assert not {m for m in reached(name) if m.startswith(f"cascadeflow.{other}")}, name


def test_only_the_surface_imports_the_agent() -> None:
    allowed = ("cascadeflow", "cascadeflow.__main__")
    assert {
        name
        for name in importers("cascadeflow.agent")
        if name not in allowed and not name.startswith("cascadeflow.cli")
    } == set()


def test_providers_know_nothing_of_what_is_above_them() -> None:
    for name in FILES:
        if name.startswith("cascadeflow.providers"):
            above = {
                found
                for found in imports(name)
                for part in ("streaming", "runner", "ladder", "agent", "consume", "request")
                if found.startswith(f"cascadeflow.{part}")
            }
            assert not above, name


def test_two_files_alone_know_the_http_client() -> None:
    server = "cascadeflow.providers.simulated.server"
    known = {"cascadeflow.providers.transport", "cascadeflow.providers.connections"}
    assert importers("aiohttp") - {server} == known
    assert importers("cascadeflow.providers.connections") == {"cascadeflow.providers.transport"}


def test_nothing_imports_the_tests_or_the_vendors_sdks() -> None:
    for foreign in ("tests", "openai", "anthropic", "pytest", "hypothesis"):
        assert importers(foreign) == set()


def test_nobody_prints_but_the_command_line() -> None:
    for name, file in FILES.items():
        if not name.startswith(("cascadeflow.cli", "cascadeflow.__main__")):
            calls = [
                node.func.id
                for node in ast.walk(ast.parse(file.read_text("utf-8")))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            ]
            assert "print" not in calls, name


# --- what is loaded when --------------------------------------------------------------------------

EXTRAS = (
    "pydantic", "jsonschema_rs", "docstring_parser", "genai_prices", "numpy", "altair", "typer",
    "rich",
)  # fmt: skip


def load(modules: Iterable[str], without: Iterable[str]) -> None:
    """Import in a fresh interpreter, and see that nothing of `without` came along."""
    loaded = f"{{*sys.modules}} & {{*{[*without]}}}"
    code = f"import sys, {', '.join(modules)}; sys.exit(str({loaded} or ''))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert not done.stderr.strip(), done.stderr


def test_importing_the_package_loads_nothing_that_takes_time() -> None:
    load(("cascadeflow",), ("aiohttp", "msgspec", "asyncio", "ssl", *EXTRAS))


def test_no_module_needs_an_extra_to_be_imported() -> None:
    optional = ("cascadeflow.cli", "cascadeflow.evaluate")
    load([name for name in FILES if not name.startswith(optional)], EXTRAS)


def test_the_agent_is_made_without_the_http_client() -> None:
    load(("cascadeflow.agent",), ("aiohttp", *EXTRAS))


def test_the_page_on_architecture_names_files_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"(?<![\w/.])((?:\w+/)*\w+(?:\.py|/))(?![\w-])", page))
    assert {"agent.py", "core/cascade.py", "providers/sse.py"} <= named
    assert {
        each for each in named if not any((at / each).exists() for at in (PACKAGE, ROOT))
    } == set()
