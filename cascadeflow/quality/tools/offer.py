"""What the offered tools are about, and how well each suits a query.

A tool is read as three sets of stems: of its name, of its description, of its parameters. *Fit* is
the mean of two shares: how much of the tool's name the query speaks of, and how much of its
description. Long descriptions are capped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from .question import Question
from .schema import kinds, mapping, sequence
from .words import GENERIC_STEMS, overlap, split, tool_content

MOST_DESCRIPTION = 400
MOST_PARAMETERS = 24
MOST_PARAMETER_TEXT = 120
UNKNOWN_FIT = 0.4
"""Least fit where query and tools are in different languages: nobody can tell by words."""
LEAST_WORDS = 4
_SMALL_WORDS = (
    "the of to is are for with what which who how where when and my you your can could please from "
    "by this that find get show give tell does"
)
_ENGLISH = frozenset(_SMALL_WORDS.split())


class Tool:
    """One offered tool."""

    def __init__(self, tool: Mapping[str, Any]) -> None:
        self.name = str(tool.get("name", ""))
        self.description = str(tool.get("description") or "")[:MOST_DESCRIPTION]
        self.schema = mapping(tool.get("parameters"))
        self.properties = mapping(self.schema.get("properties"))
        # A strict schema requires every argument, and null where one is left out.
        needed = map(str, sequence(self.schema.get("required")))
        self.required = [each for each in needed if "null" not in kinds(self.properties.get(each))]

    @cached_property
    def named(self) -> frozenset[str]:
        """Stems of the name."""
        return tool_content(self.name.rpartition("__")[2])

    @cached_property
    def described(self) -> frozenset[str]:
        """Stems of the description."""
        return tool_content(self.description)

    @cached_property
    def parametric(self) -> frozenset[str]:
        """Stems of the names of the parameters, and of their descriptions."""
        found: frozenset[str] = frozenset()
        for name in list(self.properties)[:MOST_PARAMETERS]:
            found |= tool_content(name)
            text = mapping(self.properties[name]).get("description")
            found |= tool_content(text[:MOST_PARAMETER_TEXT] if isinstance(text, str) else "")
        return found

    @cached_property
    def words(self) -> frozenset[str]:
        """All stems."""
        return self.named | self.described | self.parametric

    def fit(self, asked: frozenset[str]) -> float:
        """How well it suits the stems of a query."""
        return (overlap(self.named, asked) + overlap(self.described, asked)) / 2


class Offer:
    """The tools of one request."""

    def __init__(self, tools: tuple[Mapping[str, Any], ...]) -> None:
        self.tools = {tool.name: tool for tool in map(Tool, tools)}

    def fits(self, question: Question) -> dict[str, float]:
        """How well each tool suits the query, in [0, 1]."""
        least = 0.0 if self._comparable(question) else UNKNOWN_FIT
        return {name: max(least, tool.fit(question.asked)) for name, tool in self.tools.items()}

    def off_topic(self, tool: Tool, question: Question) -> tuple[float, float, float]:
        """How far a tool is about something else than the query; zeros where words cannot tell.

        The share of the telling words of its name that the query lacks; the same of those that its
        description has too; the share of the words of what is asked for that the tool lacks.
        """
        if not self._comparable(question):
            return 0.0, 0.0, 0.0
        named = tool.named - GENERIC_STEMS
        central = (named & tool.described) or named
        known = question.stems
        missed = min((_lacks(tool.words, each) for each in question.asks), default=0.0)
        return _lacks(known, named), _lacks(known, central), missed

    def _comparable(self, question: Question) -> bool:
        """Whether query and tools may be in one language.

        They are not if the query has none of the small words of English and the tools have some,
        or if the query is in another script.
        """
        words = question.split
        if len(words) < LEAST_WORDS or not _ENGLISH.isdisjoint(words):
            return True
        told = " ".join(tool.description for tool in self.tools.values())[:MOST_DESCRIPTION]
        return _ENGLISH.isdisjoint(split(told)) and told.isascii() == question.text.isascii()


def _lacks(known: frozenset[str], words: frozenset[str]) -> float:
    """The share of `words` that is not known."""
    return len(words - known) / max(1, len(words))
