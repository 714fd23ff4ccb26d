"""Which offered tools a query asks for, with arguments read from it, and what spoils a call.

A tool fits if words of its name and description occur in the query. The query is cut at "and" and
commas; a piece that fills the required parameters by itself ("Paris and Oslo") makes a call of its
own, any other belongs to the one before.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .arithmetic import find
from .solution import numbers
from .wire import FunctionSpec, Json

FITS_AT = 1.0
"""Least score of a tool that is called unasked; see `fitness`."""

_WORD = re.compile(r"[^\W_]+")
_CUT = re.compile(r"\s*(?:,(?!\d{3})|;|\?|\band\b|\bthen\b)\s*", re.IGNORECASE)
_COMMON = re.compile(
    r"a|an|the|of|for|in|on|at|to|is|are|and|or|whats?|how|get|current|with|from|by|s|me|my|i|you|"
    r"please|can|tell|show|give|do|does|use|name|data|if"
)
_ALSO = {"temperature": "weather", "sum": "add", "plus": "add", "email": "mail", "find": "search"}
_QUOTED = re.compile(r"[\"“]([^\"”]{1,400})[\"”]")
_PROPER = re.compile(r"(?<![\w.])[A-ZÀ-Þ][\w'’-]*(?:\s+[A-ZÀ-Þ][\w'’-]*)*")
_NO_NAME = re.compile(
    r"^(?:(?:What|What's|Which|Who|Where|When|Why|How|Is|Are|Can|Could|Please|Tell|Show|Give|Get|"
    r"Find|The|A|In|I|Do|Does|Convert|Calculate|Add|Send|Book|Search|Look|Set|Check|Use)(?:\s+|$))+"
)
_REST = re.compile(r"\b(?:for|about|of|on|in|at|that|to)\s+(.{2,200}?)[?.!]*$", re.IGNORECASE)
_MADE_UP = ("Springfield", "example", "John Doe", "unknown")


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make."""

    function: FunctionSpec
    arguments: dict[str, Json]

    @property
    def missing(self) -> list[str]:
        """Required parameters of which the query says nothing."""
        required = self.function.parameters.get("required", ())
        return [name for name in required if name not in self.arguments]


def choose(
    query: str, tools: Sequence[FunctionSpec], *, forced: str | None, required: bool
) -> list[Call]:
    """The calls that `query` asks for, in its order; none if no tool fits and none is required.

    `forced` names the one tool to call; `required` calls the best even if it fits badly. A single
    call with `missing` parameters means that the query does not say enough: better ask back.
    """
    tools = [tool for tool in tools if forced in (None, tool.name)]
    main = max(tools, key=lambda tool: fitness(query, tool), default=None)
    if main is None or not (forced or required or fitness(query, main) >= FITS_AT):
        return []
    calls = [Call(tool, _fill(tool, piece, query)) for tool, piece in _pieces(query, tools, main)]
    complete = [call for call in calls if not call.missing]
    if not complete and (forced or required):
        made_up = {name: _made_up(calls[0].function, name) for name in calls[0].missing}
        return [Call(calls[0].function, {**calls[0].arguments, **made_up})]
    return complete or calls[:1]


def fitness(query: str, tool: FunctionSpec) -> float:
    """How well a tool fits: a point per word of its name in the query, half of its description."""
    asked, name = _stems(query), _stems(tool.name)
    return len(asked & name) + 0.5 * len(asked & (_stems(tool.description or "") - name))


def _stems(text: str) -> frozenset[str]:
    words = [word.lower() for word in _WORD.findall(text)]
    words += ["calculate", "math"] if find(text) else []
    known = (_ALSO.get(word) or word for word in words if not _COMMON.fullmatch(word))
    # Six letters: "calculator" and "calculate" are alike.
    return frozenset(re.sub(r"(?<=\w{3})(?:ing|ies|es|ed|s)$", "", word)[:6] for word in known)


def _pieces(
    query: str, tools: Sequence[FunctionSpec], main: FunctionSpec
) -> list[tuple[FunctionSpec, str]]:
    """The query cut so that each piece makes one call, of the tool beside it."""
    pieces: list[tuple[FunctionSpec, str]] = []
    # Within quotes nothing is cut.
    hidden = _QUOTED.sub(lambda match: "_" * len(match[0]), query)
    cuts = [0, *(place for cut in _CUT.finditer(hidden) for place in cut.span()), len(query)]
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        part = query[start:end]
        before, text = pieces[-1] if pieces else (main, "")
        best = max(tools, key=lambda tool: fitness(part, tool))
        tool = best if fitness(part, best) >= FITS_AT else before
        alone = _is_filled(before, text) and _is_filled(tool, part)
        if part and (not pieces or alone or tool is not before):
            pieces.append((tool, part))
        elif part:
            pieces[-1] = (before, f"{text} and {part}")
    return pieces or [(main, query)]


def _is_filled(tool: FunctionSpec, piece: str) -> bool:
    """True if `piece` alone holds a value for each required parameter, and there is one."""
    call = Call(tool, _fill(tool, piece, ""))
    return bool(tool.parameters.get("required")) and not call.missing


def _fill(tool: FunctionSpec, piece: str, query: str) -> dict[str, Json]:
    """Values for the parameters found in `piece`; the listed and required also in `query`."""
    required = tool.parameters.get("required", ())
    near, far = _Reader(piece), _Reader(query, rest=True)
    filled: dict[str, Json] = {}
    for name, about in tool.parameters.get("properties", {}).items():
        if "expression" in name:
            value: Json = find(piece)
        elif (value := near.value(about)) is None and (name in required or "enum" in about):
            value = far.value(about)
        if value is not None:
            filled[name] = value
    return filled


class _Reader:
    """Takes values out of a text; each number, and each quote or name, is used once, in order.

    With `rest`, what follows a preposition is a name where there is none.
    """

    def __init__(self, text: str, *, rest: bool = False) -> None:
        bare = _QUOTED.sub(" ", text)
        self._text = text
        self._numbers = [int(v) if v.denominator == 1 else float(v) for v in numbers(bare)]
        names = [_NO_NAME.sub("", name).removesuffix("'s") for name in _PROPER.findall(bare)]
        self._names = [name for name in (*_QUOTED.findall(text), *names) if name]
        if rest and not self._names:
            self._names = _REST.findall(text)

    def value(self, about: Mapping[str, Json]) -> Json:
        """The value of one parameter; None: the text holds none."""
        match about:
            case {"enum": values}:
                words = ((v, rf"\b{re.escape(str(v))}\b") for v in values)
                return next((v for v, word in words if re.search(word, self._text, re.I)), None)
            case {"type": "integer" | "number"}:
                return self._numbers.pop(0) if self._numbers else None
            case {"type": "array"}:
                return self._numbers or self._names or None
            case {"type": "boolean" | "object"}:
                return None
            case _:
                return self._names.pop(0) if self._names else None


def _made_up(tool: FunctionSpec, name: str) -> Json:
    """A value of the right type, as by a model that is forced to call."""
    about = tool.parameters.get("properties", {}).get(name, {})
    empty: Json = {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
    return about.get("default", about.get("enum", [empty.get(about.get("type"), "unknown")])[0])


def spoil(call: Call, rng: random.Random) -> Call:
    """The call with one mistake: a required argument lost, one of the wrong type, or made up."""
    arguments = dict(call.arguments) or {"value": None}
    name = rng.choice(list(arguments))
    value = arguments.pop(name)
    match rng.randrange(3):
        case 0 if name in call.function.parameters.get("required", ()):
            pass
        case 1:
            arguments[name] = [value] if isinstance(value, str) else str(value)
        case _:
            number = isinstance(value, int | float)
            arguments[name] = value * 10 + 1 if number else rng.choice(_MADE_UP)
    return Call(call.function, arguments)
