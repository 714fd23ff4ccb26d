"""What the query gave and the calls left out: numbers, names, options, members of lists.

Also what the query says a second time, of another thing: of "the Darwin model ... the Lamarck
model" a call with Darwin leaves out the *counterpart* of Darwin.

A list is such as "Paris, Rome and Oslo". A member is a quotation, capitalised words, or a number in
digits; between members stand commas, or a word such as "and". Two names with only a comma between
them ("Boston, Massachusetts") are one thing, not a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Literal, TypeAlias

import msgspec

from .grounding import CONVERSIONS, MOST_TEXT, SIGNS, Leaf, used_numbers
from .numbers import all_readings, numbers, readings
from .offer import MOST_PARAMETERS, Tool
from .question import Question, compact
from .words import GENERIC_STEMS, LONGEST_WORD, STOP_WORDS, fold, stem, stems, tool_content

Used: TypeAlias = Sequence[tuple[Tool, list[Leaf]]]
_Kind: TypeAlias = Literal["quotation", "name", "number"]
LONGEST_CODE = 10
LISTED_CHARS = 4_000
"""Characters of the query that are read for lists."""
MOST_MEMBERS = 96
LONGEST_GAP = 14

_MEMBER = re.compile(
    r"""(?<!\w)(?:'([^'\n]{1,60})'|"([^"\n]{1,60})"|`([^`\n]{1,60})`|“([^”\n]{1,60})”)(?!\w)"""
    r"|(?<=[^.!?] )([A-Z][^\W\d_]*)|(?<![\w.])(\d[\d.,]*(?<=\d))"
)
_GAP = re.compile(
    r"[\s,;&、]*(?:(?:and|or|then|und|oder|et|ou|y|o|e|en|и) )?"
    r"(?:(?:also|then|auch|aussi) )?(?:(?:the|an?|in|for|of|to|at|from) )?$"
)
_TOKEN = re.compile(r"[^\W\d_]{2,}|\d[\d.,]*")
_LINK = re.compile(r"\b(?:and|or|und|oder|et|ou|y|o|e|en|и)\b|[;&、]")


def leftovers(used: Used, question: Question) -> dict[str, float]:
    """Shares of what the query gave that no call uses."""
    found = [leaf for _, inside in used for leaf in inside]
    texts = [str(leaf.value)[:MOST_TEXT] for leaf in found]
    held = frozenset(word for text in texts for word in stems(text))
    about = frozenset(word for tool, _ in used for word in tool.words)
    codes = [fold(text) for text in texts if 2 <= len(text) <= LONGEST_CODE]
    plain, values = used_numbers(found)
    counterpart = _counterpart_unused(question.text, held, about, values)
    known = held | about | frozenset(SIGNS)
    names = sum(
        known.isdisjoint(stems(each)) and not _coded(each, codes) for each in question.names
    )
    return {
        "numbers_unused": _numbers(values, plain, question.digits),
        "names_unused": names / max(1, len(question.names)),
        "list_unused": unused_of_lists(question.text, compact(" ".join(texts)), values),
        "option_overlooked": float(any(_overlooked(used, question.asked - held))),
        "counterpart_unused": float(counterpart),
    }


def _numbers(
    used: frozenset[float], plain: frozenset[float], given: list[frozenset[float]]
) -> float:
    """The share of the given numbers that are not used, nor in a smaller unit: 3 minutes as 180."""
    unused = 0
    for values in given:
        smaller = (round(value * by, 6) for value in values if value for by in CONVERSIONS)
        unused += used.isdisjoint(values) and plain.isdisjoint(smaller)
    return unused / max(1, len(given))


def _coded(name: str, codes: list[str]) -> bool:
    """Whether one of the values is a code for a name."""
    return any(fold(name).startswith(SIGNS.get(code, "\0")) for code in codes)


def _overlooked(used: Used, left: frozenset[str]) -> Iterator[bool]:
    """Whether the query speaks of an optional parameter that no call of its tool sets.

    `left` are the stems of the query that no value holds.
    """
    for tool, _ in used:
        given = {leaf.name for other, inside in used if other is tool for leaf in inside}
        for name in islice(tool.properties, MOST_PARAMETERS):
            if name not in given and name not in tool.required:
                words = tool_content(name) - tool.named - GENERIC_STEMS
                yield not words.isdisjoint(left)


def _counterpart_unused(
    query: str, held: frozenset[str], about: frozenset[str], used: frozenset[float]
) -> bool:
    """Whether a word stands beside one of the values, and elsewhere beside what is no value.

    Values are the stems `held` and the numbers `used`; stems `about` the tools need not be any.
    """
    beside: tuple[set[object], set[object]] = (set(), set())
    about |= GENERIC_STEMS
    for pair in pairwise(_tokens(query[:LISTED_CHARS], held, used)):
        for side, ((word, numeric, known), (frame, *no_frame)) in enumerate((pair, pair[::-1])):
            if not any(no_frame) and (known or word not in about):
                beside[known].add((frame, numeric, side))
    return not beside[0].isdisjoint(beside[1])


def _tokens(
    text: str, held: frozenset[str], used: frozenset[float]
) -> Iterator[tuple[str, bool, bool]]:
    """Numbers, and stems of words that carry meaning; is it a number, is it among the values?"""
    for match in _TOKEN.finditer(fold(text)):
        word = match[0]
        if word[0].isdecimal():
            yield word, True, not used.isdisjoint(readings(word))
        elif word not in STOP_WORDS:
            word = stem(word[:LONGEST_WORD])
            yield word, False, word in held


class _List(msgspec.Struct):
    """Members that stand side by side."""

    kind: _Kind
    members: list[str]
    linked: bool = False


def unused_of_lists(query: str, values: str, used: frozenset[float]) -> float:
    """The largest share of a list that is not among the values, where another member is.

    Args:
        query: the text that may hold lists.
        values: the values of the calls, `compact`.
        used: the numbers of the calls.
    """
    most = 0.0
    for each in _lists(query[:LISTED_CHARS]):
        if len(each.members) <= (1 if each.linked or each.kind == "quotation" else 2):
            continue  # These are no separate things.
        if each.kind == "number":
            held = sum(bool(all_readings(numbers(member)) & used) for member in each.members)
        else:
            held = sum(compact(member) in values for member in each.members)
        if held:
            most = max(most, 1 - held / len(each.members))
    return most


def _lists(text: str) -> list[_List]:
    found: list[_List] = []
    end = 0
    for match in islice(_MEMBER.finditer(text), MOST_MEMBERS):
        kind: _Kind = "number" if match[6] else "name" if match[5] else "quotation"
        member = next(filter(None, match.groups()))
        gap = text[end : match.start()]
        end = match.end()
        if not found or kind != found[-1].kind or len(gap) > LONGEST_GAP or not _GAP.match(gap):
            found.append(_List(kind, [member]))
        elif gap.strip() or kind == "quotation":
            found[-1].linked |= bool(_LINK.search(gap))
            found[-1].members.append(member)
        else:
            found[-1].members[-1] += " " + member
    return found
