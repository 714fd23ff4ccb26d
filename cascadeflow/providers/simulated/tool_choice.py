"""Which offered tools a query asks for, and with which arguments.

A tool fits if words of its name and description occur in the query. The query is cut at "and" and
commas; a piece that fills the required parameters of the same tool by itself ("Paris and Oslo")
makes a call of its own, any other piece belongs to the one before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import calendar_dates, sums
from .arguments import QUOTED, fill, missing, placeholder
from .jsontypes import as_object
from .wire import FunctionSpec

Arguments: TypeAlias = dict[str, Any]

MOST_CALLS = 8
FITS_AT = 1.0
"""Least score of a tool that is called unasked; see `fitness`."""

STEM = 6
"""Letters by which words are compared: "calculator" and "calculate" are alike."""

_WORD = re.compile(r"[^\W_]+")
_CUT = re.compile(r"\s*(?:,(?!\d{3})|;|\?|\band\b|\bthen\b|\balso\b)\s*", re.IGNORECASE)
_COMMON = frozenset((
    "a", "an", "the", "of", "for", "in", "on", "at", "to", "is", "are", "and", "or", "what",
    "whats", "how", "get", "current", "return", "returns", "given", "this", "that", "it",
    "with", "from", "by", "s", "me", "my", "i", "you", "please", "can", "could", "tell", "show",
    "give", "make", "do", "does", "use", "using", "function", "tool", "call", "value", "values",
    "name", "data", "information", "if", "be", "as", "into",
))  # fmt: skip
_ALSO = {
    "temperature": "weather", "rain": "weather", "forecast": "weather", "sunny": "weather",
    "sum": "add", "plus": "add", "times": "multiply", "calculate": "compute", "email": "mail",
    "find": "search", "look": "search", "clock": "time", "exchange": "currency",
    "euro": "currency", "dollar": "currency",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One call to make."""

    function: FunctionSpec
    arguments: Arguments

    @property
    def missing(self) -> list[str]:
        """Required parameters of which the query says nothing."""
        return missing(self.function.parameters or {}, self.arguments)


def choose(
    query: str, tools: list[FunctionSpec], *, forced: str | None = None, required: bool = False
) -> list[Choice]:
    """The calls that `query` asks for, in its order; none if no tool fits and none is required.

    `forced` names the one tool to call; `required` calls the best even if it fits badly. A single
    call with `missing` parameters means that the query does not say enough: better ask back.
    """
    if forced is not None:
        tools = [tool for tool in tools if tool.name == forced]
    ranked = sorted(tools, key=lambda tool: -fitness(query, tool))
    if not ranked or not (forced or required or fitness(query, ranked[0]) >= FITS_AT):
        return []
    calls: list[Choice] = []
    for piece in _pieces(query, tools, ranked[0]):
        tool = _best(piece, tools, ranked[0])
        call = Choice(tool, fill(tool.parameters or {}, piece, query))
        if call not in calls:
            calls.append(call)
    complete = [call for call in calls if not call.missing]
    if complete:
        return complete[:MOST_CALLS]
    return [_completed(calls[0])] if forced or required else calls[:1]


def fitness(query: str, tool: FunctionSpec) -> float:
    """How well a tool fits: a point per word of its name in the query, half of its description."""
    asked = _stems(query)
    name = _stems(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", tool.name))
    about = _stems(tool.description or "") - name
    return len(asked & name) + 0.5 * len(asked & about)


def is_filled(tool: FunctionSpec, piece: str) -> bool:
    """True if `piece` alone holds a value for each required parameter, and there is one."""
    schema = tool.parameters or {}
    return bool(schema.get("required")) and not missing(schema, fill(schema, piece, ""))


def _completed(call: Choice) -> Choice:
    """The call with placeholders for what is missing, as a model does that is forced to call."""
    properties = as_object((call.function.parameters or {}).get("properties"))
    made_up = {name: placeholder(as_object(properties.get(name))) for name in call.missing}
    return Choice(call.function, {**call.arguments, **made_up})


def _best(piece: str, tools: list[FunctionSpec], otherwise: FunctionSpec) -> FunctionSpec:
    best = max(tools, key=lambda tool: fitness(piece, tool))
    return best if fitness(piece, best) >= FITS_AT else otherwise


def _pieces(query: str, tools: list[FunctionSpec], main: FunctionSpec) -> list[str]:
    """The query cut so that each piece makes one call."""
    pieces: list[str] = []
    current = main
    for part in filter(None, _parts(query)):
        tool = _best(part, tools, current)
        complete = bool(pieces) and is_filled(current, pieces[-1])
        if not pieces or (complete and is_filled(tool, part)) or tool is not current:
            pieces.append(part)
            current = tool
        else:
            pieces[-1] = f"{pieces[-1]} and {part}"
    return pieces or [query]


def _parts(query: str) -> list[str]:
    """The query cut at every "and" and comma that is not within quotes."""
    quotes = [match.span() for match in QUOTED.finditer(query)]
    parts: list[str] = []
    start = 0
    for cut in _CUT.finditer(query):
        if not any(low < cut.start() < high for low, high in quotes):
            parts.append(query[start : cut.start()])
            start = cut.end()
    return [*parts, query[start:]]


def _stems(text: str) -> frozenset[str]:
    words = [word.lower() for word in _WORD.findall(text.replace("_", " "))]
    if sums.find(calendar_dates.without(text)):
        words.extend(("calculate", "math"))
    words = [word for word in words if word not in _COMMON]
    return frozenset(_stem(other) for word in words for other in (word, _ALSO.get(word, word)))


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:STEM]


def results_text(results: Sequence[tuple[str, Mapping[str, Any], str]]) -> str:
    """An answer from tool results: (tool, arguments, what it returned) each."""
    return " ".join(
        f"{_said(name, arguments)}: {result.strip() or 'nothing'}."
        for name, arguments, result in results
    )


def _said(name: str, arguments: Mapping[str, Any]) -> str:
    shown = ", ".join(str(value) for value in arguments.values())
    return f"According to {name}" + (f" ({shown})" if shown else "")
