"""What the query gave and the calls left out: numbers, names, members of lists, options."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TypeAlias

from .grounding import CONVERSIONS, MOST_TEXT, Leaf, said_otherwise, shortens, used_numbers
from .listed import unused_of_lists
from .offer import MOST_PARAMETERS, Tool
from .question import Question, compact
from .words import fold, is_generic, stems, tool_content

Used: TypeAlias = Sequence[tuple[Tool, list[Leaf]]]
LONGEST_CODE = 10


def leftovers(used: Used, question: Question) -> dict[str, float]:
    """Shares of what the query gave that no call uses."""
    found = [leaf for _, inside in used for leaf in inside]
    texts = [str(leaf.value)[:MOST_TEXT] for leaf in found]
    held = frozenset(word for text in texts for word in stems(text))
    about = frozenset(word for tool, _ in used for word in tool.words)
    codes = [fold(text) for text in texts if 2 <= len(text) <= LONGEST_CODE]
    numbers = used_numbers(found)
    return {
        "numbers_unused": _numbers(numbers, question),
        "names_unused": _names(question, held | about, codes),
        "list_unused": unused_of_lists(question.text, compact(" ".join(texts)), numbers),
        "option_overlooked": _overlooked(used, question.asked - held),
    }


def _numbers(used: frozenset[float], question: Question) -> float:
    given = question.digits
    unused = sum(not (values & used) and not _converted(values, used) for values in given)
    return unused / len(given) if given else 0.0


def _converted(values: frozenset[float], used: frozenset[float]) -> bool:
    """Whether a number is used in a smaller unit: 3 minutes as 180."""
    return any(round(value * by, 6) in used for value in values if value for by in CONVERSIONS)


def _names(question: Question, held: frozenset[str], codes: list[str]) -> float:
    names = question.names
    unused = sum(
        not any(word in held for word in stems(name)) and not _coded(name, codes) for name in names
    )
    return unused / len(names) if names else 0.0


def _coded(name: str, codes: list[str]) -> bool:
    """Whether one of the values is a code for a name."""
    folded = fold(name)
    return any(
        folded.startswith(said_otherwise(code) or "\0")
        or (len(code) <= LONGEST_CODE and code.isalpha() and shortens(code, folded))
        for code in codes
    )


def _overlooked(used: Used, left: frozenset[str]) -> float:
    """Whether the query speaks of an optional parameter that no call of its tool sets.

    `left` are the stems of the query that no value holds.
    """
    for tool, _ in used:
        given = {leaf.name for other, inside in used if other is tool for leaf in inside}
        for name in islice(tool.properties, MOST_PARAMETERS):
            if name in given or name in tool.required:
                continue
            words = tool_content(name) - tool.named
            if any(word in left and not is_generic(word) for word in words):
                return 1.0
    return 0.0
