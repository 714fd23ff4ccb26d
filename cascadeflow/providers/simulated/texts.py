"""Questions about a list of numbers, and about the letters of a word."""

from __future__ import annotations

import random
import re

from .arithmetic import work
from .solution import Number, Solution, Working, numbers, show

VOCABULARY = (
    "strawberry", "banana", "lantern", "mississippi", "committee", "parallel", "bookkeeper",
    "orchestra", "kitchen", "umbrella", "giraffe", "penguin", "notebook", "butterfly", "mountain",
)  # fmt: skip

_LIST = re.compile(r"-?\d+(?:\.\d+)?(?:\s*(?:,\s*and\s+|,\s*|\s+and\s+)-?\d+(?:\.\d+)?)+")
_TASK = re.compile(r"\b(?:(sum|add up|total)|(largest|biggest|highest)|smallest|lowest)\b", re.I)
_COUNT = re.compile(
    r"(?:letter\s+[\"“']?(\w)\b|how many ([a-z])['’]?s?\b|how many vowels\b).*?"
    r"\bin\s+[\"“']?(?:the word\s+[\"“']?)?(\w+)[\"”']?\s*[?.!]?\s*$",
    re.IGNORECASE,
)


def pose_list(rng: random.Random) -> str:
    """A question about four to seven different numbers below a hundred."""
    shown = ", ".join(map(str, rng.sample(range(2, 100), rng.randint(4, 7))))
    task = rng.choice(("Which number is the largest", "Which number is the smallest", "Add up"))
    return f"{task}: {shown}{'.' if task == 'Add up' else '?'}"


def solve_list(text: str, rng: random.Random) -> Solution | None:
    """The task done, a slip overlooks the first; None: no list of numbers, or no task we know."""
    found, task = _LIST.search(text), _TASK.search(text)
    if found is None or task is None:
        return None
    values = numbers(found[0].replace(",", ", "))
    if task[1]:
        return work(" + ".join(map(show, values)), rng)
    order = [show(value) for value in sorted(values, reverse=bool(task[2]))]
    right, *slips = (
        Working(order[place], (f"In order they are {', '.join(order[place:])}.",))
        for place in range(min(3, len(order)))
    )
    return Solution(right, Number(order[0]), slips)


def pose_word(rng: random.Random) -> str:
    """A question about the letters of a word."""
    word = rng.choice(VOCABULARY)
    if rng.random() < 0.5:
        return f'How many vowels are in "{word}"?'
    return f'How many times does the letter "{rng.choice(word)}" appear in "{word}"?'


def solve_word(text: str, rng: random.Random) -> Solution | None:
    """The letters counted, a slip is one off; None: no such question."""
    if (asked := _COUNT.search(text)) is None:
        return None
    counted = (asked[1] or asked[2] or "aeiou").lower()
    count = sum(letter in counted for letter in asked[3].lower())
    slips = [Working(str(count + off)) for off in (-1, 1, 2) if count + off >= 0]
    return Solution(Working(str(count)), Number(str(count)), slips)
