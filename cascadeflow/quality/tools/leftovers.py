"""What the query gave and the calls left out: numbers, names, quotations, members of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from .grounding import MOST_TEXT, Leaf, said_otherwise, shortens, used_numbers
from .offer import Tool
from .question import Question, compact
from .words import fold, is_generic, is_stop, stems, tool_content

Used: TypeAlias = Sequence[tuple[Tool, list[Leaf]]]
LONGEST_CODE = 10


def leftovers(used: Used, question: Question) -> dict[str, float]:
    """Shares of what the query gave that no call uses."""
    found = [leaf for _, inside in used for leaf in inside]
    texts = [str(leaf.value)[:MOST_TEXT] for leaf in found]
    held = frozenset(word for text in texts for word in stems(text))
    named = frozenset(word for _, inside in used for leaf in inside for word in stems(leaf.name))
    about = frozenset(word for tool, _ in used for word in tool.words)
    codes = [fold(text) for text in texts if 2 <= len(text) <= LONGEST_CODE]
    tight = compact(" ".join(texts))
    return {
        "numbers_unused": _numbers(found, question),
        "names_unused": _names(question, held | about, codes),
        "quotations_unused": _quotations(question, tight),
        "list_item_unused": _list_items(question, held, about | named),
        "option_overlooked": _overlooked(used, question),
    }


def _numbers(found: list[Leaf], question: Question) -> float:
    given = question.digits
    if not given:
        return 0.0
    used = used_numbers(found)
    return sum(not (values & used) for values in given) / len(given)


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


def _quotations(question: Question, tight: str) -> float:
    quoted = [compact(each) for each in question.quotations]
    return sum(each not in tight for each in quoted) / len(quoted) if quoted else 0.0


def _list_items(question: Question, held: frozenset[str], about: frozenset[str]) -> float:
    """Whether of two things joined by a comma or "and" only one is among the values."""
    for left, right in question.pairs:
        for one, other in ((left, right), (right, left)):
            if one in held and other not in held and other not in about:
                plain = is_generic(other) or is_stop(other) or other.isdigit()
                if not plain:
                    return 1.0
    return 0.0


def _overlooked(used: Used, question: Question) -> float:
    """Whether the query speaks of an optional parameter that no call of its tool sets."""
    for tool, _ in used:
        given = {leaf.name for other, inside in used if other is tool for leaf in inside}
        for name in tool.properties:
            words = tool_content(name) - tool.named
            if (
                name not in given
                and name not in tool.required
                and words
                and words <= question.asked
            ):
                return 1.0
    return 0.0
