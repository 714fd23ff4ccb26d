"""Does a query ask for one thing or for several?

Read from words that add an ask ("also", "second", "both", "each"), from the number of questions and
from lists of values. A guess, in [0, 1].
"""

from __future__ import annotations

from .question import Question

_ADDING = frozenset((
    "also", "additionally", "then", "second", "secondly", "third", "finally", "another",
    "furthermore", "moreover", "plus", "respectively", "lastly", "next", "afterwards", "first",
    "auch", "ausserdem", "dann", "zweitens", "zusatzlich", "aussi", "ensuite", "puis", "egalement",
    "tambien", "ademas", "luego", "despues", "anche", "poi", "inoltre", "tambem", "depois", "ook",
    "daarna", "также", "затем", "потом",
))  # fmt: skip
_COUNTED = frozenset((
    "each", "both", "two", "several", "multiple", "different", "various",
    "compare", "following", "every", "tasks", "sets", "pairs", "jeweils", "beide", "zwei",
    "chaque", "deux", "cada", "ambos", "dos", "ciascuno", "entrambi", "elk",
))  # fmt: skip

PART_ADDING = 0.5
PART_COUNTED = 0.35
PART_SENTENCE = 0.2
PART_LIST = 0.2


def asks_for_several(question: Question) -> float:
    """How much speaks for several asks."""
    words = frozenset(question.split)
    told = PART_ADDING * min(2, len(words & _ADDING)) + PART_COUNTED * min(2, len(words & _COUNTED))
    questions = question.text.count("?") + question.text.count("？")
    listed = len(question.pairs)
    return min(1.0, told + PART_SENTENCE * max(0, questions - 1) + PART_LIST * min(2, listed))
