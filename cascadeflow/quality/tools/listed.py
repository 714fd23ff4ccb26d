"""Lists in a query, such as "Paris, Rome and Oslo", of which a call uses only a part.

A member is a quotation, capitalised words, or a number in digits; between members stand commas, or
a word such as "and". Two names with only a comma between them ("Boston, Massachusetts") are one
thing, not a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Literal, TypeAlias

import msgspec

from .numbers import all_readings, numbers
from .question import compact

_Kind: TypeAlias = Literal["quotation", "name", "number"]
MOST_TEXT = 4_000
"""Characters of the query that are read."""
MOST_MEMBERS = 96
LONGEST_GAP = 14

_MEMBER = re.compile(
    r"""(?<!\w)(?:'([^'\n]{1,60})'|"([^"\n]{1,60})"|`([^`\n]{1,60})`|“([^”\n]{1,60})”)(?!\w)"""
    r"|(?<=[^.!?] )([A-Z][^\W\d_]*)|(?<![\w.])(\d[\d.,]*(?<=\d))"
)
_GAP = re.compile(
    r"[\s,;&、]*(?:(?:and|or|then|und|oder|et|ou|y|o|e|en|и) )?"
    r"(?:(?:the|an?|in|for|of|to|at|from) )?$"
)
_LINK = re.compile(r"\b(?:and|or|und|oder|et|ou|y|o|e|en|и)\b|[;&、]")


class _List(msgspec.Struct):
    """Members that stand side by side."""

    kind: _Kind
    members: list[str]
    linked: bool = False

    @property
    def several(self) -> bool:
        """Whether these are separate things."""
        return len(self.members) > (1 if self.linked or self.kind == "quotation" else 2)


def unused_of_lists(query: str, values: str, used: frozenset[float]) -> float:
    """The largest share of a list that is not among the values, where another member is.

    Args:
        query: the text that may hold lists.
        values: the values of the calls, `compact`.
        used: the numbers of the calls.
    """
    most = 0.0
    for each in _lists(query[:MOST_TEXT]):
        held = sum(_held(each.kind, member, values, used) for member in each.members)
        if each.several and held:
            most = max(most, 1 - held / len(each.members))
    return most


def _lists(text: str) -> Iterator[_List]:
    found: _List | None = None
    end = 0
    for match in islice(_MEMBER.finditer(text), MOST_MEMBERS):
        kind: _Kind = "number" if match[6] else "name" if match[5] else "quotation"
        member = next(filter(None, match.groups()))
        gap = text[end : match.start()]
        end = match.end()
        if found is None or kind != found.kind or len(gap) > LONGEST_GAP or not _GAP.match(gap):
            if found:
                yield found
            found = _List(kind, [member])
        elif gap.strip():
            found.linked |= bool(_LINK.search(gap))
            found.members.append(member)
        else:
            found.members[-1] += " " + member
    if found:
        yield found


def _held(kind: _Kind, member: str, values: str, used: frozenset[float]) -> bool:
    if kind == "number":
        return bool(all_readings(numbers(member)) & used)
    return compact(member) in values
