"""What the package offers: its names, that each is explained and used, and what types it tells."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

import cascadeflow

from .test_docs import PAGES, program

ROOT = Path(__file__).resolve().parents[1]

PUBLIC: dict[str, tuple[str, ...]] = {
    "cascadeflow": (
        "BudgetExceeded", "CascadeAgent", "CascadeError", "CascadeResult", "CascadeflowError",
        "ConfigError", "Estimate", "Estimator", "ExpectedCostPolicy", "ModelConfig", "Observer",
        "Policy", "ProviderError", "RetryPolicy", "ShareOfStrongPolicy", "ThresholdPolicy",
        "Timeouts", "VisibleText", "__version__", "collect",
    ),
    "cascadeflow.judges": (
        "Advisable", "Agreement", "JudgeModel", "Opinion", "Panel", "Referee", "Reply", "SelfCheck",
    ),
    "cascadeflow.providers.simulated": (
        "INSTANT", "KINDS", "Question", "RecordedRequest", "SimulatedServer", "ThreadedServer",
        "Timing", "embedded_url", "generate", "is_small", "run", "serve_in_thread",
    ),
    "cascadeflow.quality": ("default_estimator",),
    "cascadeflow.streaming": (
        "JSONParseState", "ParseResult", "ProgressiveJSONParser", "StreamEvent", "StreamEventType",
        "StreamManager", "ToolStreamEvent", "ToolStreamEventType", "ToolStreamManager",
    ),
    "cascadeflow.tools": (
        "ToolCall", "ToolCallFormat", "ToolConfig", "ToolExecutor", "ToolResult", "tool",
    ),
}  # fmt: skip
"""What a release must not lose, and must not gain by accident."""

NAMES = [(module, name) for module, names in PUBLIC.items() for name in names if name[0] != "_"]


def public(module: str, name: str) -> object:
    namespace: dict[str, object] = {}
    exec(f"from {module} import {name}", namespace)
    return namespace[name]


# --- the names ------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", PUBLIC)
def test_a_package_offers_these_names_and_no_others(module: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"from {module} import *", namespace)
    assert sorted(namespace.keys() - {"__builtins__"}) == sorted(PUBLIC[module])
    assert vars(importlib.import_module(module))["__all__"] == [*PUBLIC[module]]


def test_an_interactive_session_lists_the_names() -> None:
    assert set(dir(cascadeflow)) >= set(PUBLIC["cascadeflow"])


@pytest.mark.parametrize("module", PUBLIC)
def test_an_unknown_name_cannot_be_imported(module: str) -> None:
    with pytest.raises(ImportError, match=f"cannot import name 'Cascade' from '{module}'"):
        public(module, "Cascade")


# --- that they are explained ----------------------------------------------------------------------


def explained(thing: object) -> bool:
    """Whether there are words of its own; a dataclass gets its signature where it has none."""
    doc = vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__
    return isinstance(doc, str) and not re.match(r"\w+\(", doc)


def silent(kind: type) -> list[str]:
    """Public methods and properties that a class defines itself, without a docstring."""
    return [
        name
        for name, thing in vars(kind).items()
        if name[0] != "_"
        and (inspect.isroutine(thing) or isinstance(thing, property))
        and not thing.__doc__
    ]


@cache
def documented(module: str) -> frozenset[str]:
    """Constants of a file that a docstring follows."""
    tree = ast.parse(Path(inspect.getfile(importlib.import_module(module))).read_text("utf-8"))
    return frozenset(
        ast.unparse(target)
        for at, after in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(at, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr)
        for target in ([at.target] if isinstance(at, ast.AnnAssign) else at.targets)
    )


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_name_has_words_of_its_own(module: str, name: str) -> None:
    thing = public(module, name)
    if not isinstance(thing, type) and not inspect.isroutine(thing):
        homes = [home for home in sys.modules if home.startswith("cascadeflow.")]
        assert any(name in documented(home) for home in homes), name
        return
    assert explained(thing), name
    assert not isinstance(thing, type) or silent(thing) == []


# --- that they are used ---------------------------------------------------------------------------


@cache
def words() -> frozenset[str]:
    """Of every page, example and test but this one."""
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.py")]
    files += [file for file in (ROOT / "tests").glob("test_*.py") if file != Path(__file__)]
    return frozenset(re.findall(r"\w+", "\n".join(file.read_text("utf-8") for file in files)))


def test_every_public_name_occurs_in_a_page_an_example_or_a_test() -> None:
    assert {name for _, name in NAMES} - words() == set()


# --- what type checkers tell its users ------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project: examples, snippets of the pages, and mistakes that must be found."""
    folder = tmp_path_factory.mktemp("project")
    for file in (*(ROOT / "examples").glob("*.py"), ROOT / "tests" / "typing_mistakes.py"):
        shutil.copy(file, folder)
    for page in PAGES:
        (folder / f"page_{page.stem}.py").write_text(program(page), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("checker", "arguments"),
    [("mypy", ("--strict", "--cache-dir=cache")), ("pyright", ("--pythonpath", sys.executable))],
)
def test_a_type_checker_finds_the_mistakes_and_passes_the_examples(
    project: Path, checker: str, arguments: tuple[str, ...]
) -> None:
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed (extra [dev])")
    done = subprocess.run(
        [sys.executable, "-m", checker, *arguments, "."],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
