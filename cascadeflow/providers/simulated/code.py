"""Questions about code: what a snippet prints, and small functions to write.

What a snippet prints is found by running it (`interpreter`). Slips run a nearby program: one
number in it is one off, which is how a loop is misjudged. Functions come from a bank; a written
function is checked by running its cases.
"""

from __future__ import annotations

import ast
import random
import re
import textwrap
from dataclasses import dataclass
from fractions import Fraction

from . import check, numerals
from .expressions import Unsupported
from .functions import FUNCTIONS, Task
from .interpreter import parse, run, run_tree
from .solution import Solution, Working, solution

_FENCE = re.compile(r"```[\w+-]*\n([^`]*)```")
_WRITE = re.compile(r"\b(?:write|implement|create|code|give me)\b", re.IGNORECASE)
_PRINTS = re.compile(r"\b(?:prints?|outputs?|displays?)\b", re.IGNORECASE)
_SNIPPETS = (
    "total = 0\nfor i in range({a}, {b}):\n    total += i\nprint(total)",
    "print([n * n for n in range({a}) if n % 2 == 0])",
    "x = {b}\nsteps = 0\nwhile x > {a}:\n    x = x // 2\n    steps += 1\nprint(steps)",
    "print(list(range({a}, {b}, 3)))",
    "word = 'cascade'\nprint(word[{c}:{a}])",
    "values = [{a}, {b}, {c}]\nvalues.append({a} + {c})\nprint(values[-1] * values[0])",
    "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f({a}))",
    "print({b} % {a} + {b} // {a})",
    "count = 0\nfor c in 'mississippi':\n    if c == 's':\n        count += {c}\nprint(count)",
)


def pose(rng: random.Random) -> str:
    """A snippet to run in mind, or one time in four a function to write."""
    if rng.random() < 0.25:
        return f"Write a Python function that {rng.choice(FUNCTIONS).asks[0]}."
    source = rng.choice(_SNIPPETS)
    for name, bounds in {"a": (4, 9), "b": (14, 48), "c": (1, 3)}.items():
        source = source.replace(f"{{{name}}}", str(rng.randint(*bounds)))
    return f"What does this Python code print?\n```python\n{source}\n```"


def solve(text: str, rng: random.Random) -> Solution | None:
    """The output computed or the function written; None: no such question, or not in the subset."""
    fence = _FENCE.search(text)
    if fence and _PRINTS.search(text):
        return _printed(fence[1], rng)
    if not _WRITE.search(text) or not re.search(r"\bfunction\b|\bpython\b|\bcode\b", text, re.I):
        return None
    lowered = text.lower()
    fitting = [task for task in FUNCTIONS if any(ask in lowered for ask in task.asks)]
    return _written(fitting[0]) if fitting else None


def _printed(source: str, rng: random.Random) -> Solution | None:
    try:
        output = run(source).strip()
    except Unsupported:
        return None
    if not output:
        return None
    nearby = [Working(wrong) for wrong in _misjudged(source) if wrong != output]
    rng.shuffle(nearby)
    return solution("code", Working(output), _accepts(output), nearby[:4])


def _accepts(output: str) -> check.Number | check.Sequence | check.Exact:
    found = numerals.items(output)
    if len(found) == 1 and re.fullmatch(numerals.NUMBER, output):
        return check.Number(Fraction(found[0]))
    if found and re.fullmatch(r"[\[(][-\d., ]*[\])]", output):
        return check.Sequence(tuple(found))
    return check.Exact(output, cased=True)


def _misjudged(source: str) -> list[str]:
    """Outputs of the programs that differ from `source` by one in one number."""
    tree = parse(source)
    outputs: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            kept = node.value
            for changed in (kept + 1, kept - 1):
                node.value = changed
                try:
                    outputs.append(run_tree(tree).strip() or "nothing")
                except Unsupported:
                    continue
            node.value = kept
    return outputs or ["None"]


@dataclass(frozen=True, slots=True)
class Program:
    """Accepts a text whose code block defines the function of `task` and passes its cases."""

    task: Task

    def __call__(self, text: str) -> bool:
        """True if the function in `text` passes."""
        fence = _FENCE.search(text)
        source = fence[1] if fence else text
        calls = "".join(f"print({call} == {expected})\n" for call, expected in self.task.cases)
        try:
            printed = run(f"{textwrap.dedent(source)}\n{calls}")
        except Unsupported:
            return False
        return printed.split() == ["True"] * len(self.task.cases)


def _written(task: Task) -> Solution:
    def working(source: str) -> Working:
        return Working(f"```python\n{source}\n```", (task.says,))

    return solution("code", working(task.right), Program(task), [working(task.wrong)])
