"""What is shipped: the archives, an installation without extras, licences of what it needs.

python -m tests.test_packaging      prints the table of dependencies in docs/architecture.md
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .test_docs import program

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = ("prices", "tools", "cli", "eval")
PERMISSIVE = re.compile(r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC")


def run(*command: object, cwd: Path, path: str = "", code: int = 0) -> str:
    """What a command writes; `path`: where Python looks for modules beside its own."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=100,
        env={"HOME": str(cwd), "PATH": "", "PYTHONPATH": path, "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- what it needs --------------------------------------------------------------------------------


def requirements(extras: tuple[str, ...] = ()) -> list[Requirement]:
    """What the project asks for itself."""
    wanted: Mapping[str, list[str]] = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in wanted[extra])]
    return [Requirement(line) for line in lines]


def installed(wanted: list[Requirement]) -> dict[str, metadata.Distribution]:
    """The distributions here that these requirements lead to, by name."""
    found: dict[str, metadata.Distribution] = {}
    pending = [(each, "") for each in wanted]
    while pending:
        each, extra = pending.pop()
        name = canonicalize_name(each.name)
        if each.marker is not None and not each.marker.evaluate({"extra": extra}):
            continue
        if name not in found:
            found[name] = metadata.distribution(name)
            extras = ("", *each.extras)
            further = [Requirement(line) for line in found[name].requires or ()]
            pending += [(one, asked) for one in further for asked in extras]
    return found


def licence(distribution: metadata.Distribution) -> str:
    """As its metadata say, in the newest field that says it in a few words."""
    told = distribution.metadata
    for field in ("License-Expression", "License"):
        for text in told.get_all(field) or ():
            if len(text) < 60:
                return str(text).removesuffix(" License").replace("Apache 2.0", "Apache-2.0")
    classes = [str(each) for each in told.get_all("Classifier") or () if "License ::" in each]
    return classes[0].rpartition(":: ")[2].removesuffix(" License") if classes else "unknown"


def rows() -> Iterator[str]:
    for extra in ("", *EXTRAS):
        own = requirements((extra,) if extra else ())
        for each in own if not extra else own[len(PROJECT["dependencies"]) :]:
            cells = f"`{each.name}`", f"`[{extra}]`" if extra else "always", str(each.specifier)
            yield f"| {' | '.join(cells)} | {licence(metadata.distribution(each.name))} |"


def test_the_page_lists_what_is_needed_as_the_project_does() -> None:
    told = PAGE.read_text("utf-8")
    assert "\n".join(rows()) in told


def test_everything_that_comes_along_is_under_a_permissive_licence() -> None:
    found = {name: licence(each) for name, each in installed(requirements(EXTRAS)).items()}
    assert {name: told for name, told in found.items() if not PERMISSIVE.search(told)} == {}


# --- what is built --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source archive, and the wheel that is built from it alone."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the archives, is not installed")
    folder = tmp_path_factory.mktemp("archives")

    def build(kind: str, source: Path) -> Path:
        code = f"import hatchling.build as b; print(b.build_{kind}({str(folder)!r}))"
        said = run(sys.executable, "-c", code, cwd=source, path=os.pathsep.join(sys.path))
        return folder / said.split()[-1]

    sdist = build("sdist", ROOT)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return sdist, build("wheel", folder / sdist.name.removesuffix(".tar.gz"))


def test_the_wheel_holds_the_package_and_nothing_else(archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = (file for file in (ROOT / "cascadeflow").rglob("*") if file.is_file())
    assert names == {
        file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in file.parts
    }
    assert "cascadeflow/py.typed" in names
    assert any(re.fullmatch(r"cascadeflow/quality/weights/\w+\.json", name) for name in names)


def test_the_source_archive_holds_what_make_works_on(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[0]) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    sources = re.search(r"^SOURCES := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert sources
    files = "Makefile", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"
    assert tops == {*sources[1].split(), "docs", *files, "PKG-INFO", ".gitignore"}


# --- what is installed ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Environment:
    """An empty one, with the wheel and what it asks for without most extras."""

    folder: Path

    def run(self, *command: object, code: int = 0) -> str:
        first, *rest = command
        return run(self.folder / "bin" / str(first), *rest, cwd=self.folder, code=code)


def install(wheel: Path, folder: Path, extras: tuple[str, ...] = ()) -> Environment:
    """As pip does, but that what the wheel needs is taken from here instead of an index."""
    if find_spec("pip") is None or os.name != "posix":
        pytest.skip("pip, which installs the wheel, is not installed, or there are no links")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    into = ("--python", folder, "install", "--no-deps", "--no-index", "--no-compile", "--quiet")
    run(sys.executable, "-m", "pip", *into, wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    for each in installed(requirements(extras)).values():
        tops = {file.parts[0] for file in each.files or () if file.parts[0] not in ("..", "")}
        for top in tops - {"__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(each.locate_file(top))))
    return Environment(folder)


@pytest.fixture(scope="module")
def bare(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(archives[1], tmp_path_factory.mktemp("bare") / "env")


SCRIPTED = """
from cascadeflow import CascadeAgent, ModelConfig, __file__ as home
from cascadeflow.providers.scripted import Scripted
from cascadeflow.types import Stop, TextDelta

draft, answer = "12 * 34 = 508, so the answer is 508.", "12 * 34 = 408."
models = Scripted({"s": [TextDelta(draft), Stop("stop")], "l": [TextDelta(answer), Stop("stop")]})
agent = CascadeAgent([ModelConfig("s", models, cost=0), ModelConfig("l", models, cost=0)])
result = agent.run_sync("What is 12 * 34?")
assert "site-packages" in home, home
assert (result.content, result.model_used, result.cascaded) == (answer, "l", True), result
"""

WITHOUT = """
from cascadeflow import CascadeAgent, ConfigError, ModelConfig

def refused(**given: object) -> str:
    try:
        agent.stream_events("hi", **given)
    except ConfigError as error:
        return str(error)

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

agent = CascadeAgent([ModelConfig("gpt-4o", "openai", api_key="any")])
assert 'pip install ".[tools]"' in refused(tools=[add])
assert 'pip install ".[tools]"' in refused(response_format={"type": "object"})
"""


def test_without_extras_a_cascade_runs(bare: Environment) -> None:
    bare.run("python", "-I", "-W", "error", "-c", SCRIPTED)


def test_without_extras_the_ten_lines_of_the_readme_run(bare: Environment) -> None:
    said = bare.run("python", "-I", "-W", "error", "-c", program(ROOT / "README.md"))
    assert "1920" in said.splitlines()[-1]


def test_whatever_needs_an_extra_names_it(bare: Environment) -> None:
    assert 'pip install ".[prices]"' in bare.run("python", "-I", "-W", "error", "-c", WITHOUT)
    assert 'pip install ".[cli]"' in bare.run("cascadeflow", "demo", code=1)


def test_the_command_line_names_the_extra_that_evaluates(
    archives: tuple[Path, Path], tmp_path: Path
) -> None:
    command = install(archives[1], tmp_path / "env", ("cli",))
    for name in ("eval", "calibrate"):
        assert 'pip install ".[eval]"' in command.run("cascadeflow", name, "rows.jsonl", code=1)


if __name__ == "__main__":
    print("\n".join(rows()))
