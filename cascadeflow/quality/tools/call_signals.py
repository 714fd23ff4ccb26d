"""Features of the tool calls of one draft: are they valid, grounded, fitting, complete?

Features are floats in [0, 1], 0 where nothing was found. Where a message holds several calls, the
worst one counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from ...types import ToolCall, ToolChoice
from .asks import asks_for_several
from .grounding import MOST_TEXT, Leaf, degree, leaves
from .jsontypes import Json
from .leftovers import leftovers
from .offer import Offer, Tool
from .question import Question
from .schema import violations
from .words import fold, stems
from .writing import whole_numbers, writing

MOST_CALLS = 32
"""Calls that are looked at."""
MOST_VALUES = 128
"""Values of one message that are looked up."""
MOST_SHOWN = 200
"""Characters by which two strings are told apart."""
LEFTOVERS = ("numbers_unused", "names_unused", "list_unused")
LEFT_OUT_FROM = 0.25
SEVERAL_FROM = 0.3
POOR_FIT = 0.3
"""Fit below which a tool is likely to be about something else."""

_PLACEHOLDERS = frozenset((
    "string", "n/a", "na", "none", "null", "unknown", "undefined", "todo", "tbd", "xxx", "...",
    "example", "sample", "test", "foo", "bar", "value", "placeholder", "insert", "default",
    "not provided", "not specified", "unspecified", "user", "username", "password", "city",
))  # fmt: skip
_PLACEHOLDER_PARTS = (
    "your_", "your-", "your ", "placeholder", "_here", "<your", "[your", "insert_", "{{",
    "example.", "some_", "path/to", "path_to", "dummy", "xxxx",
)  # fmt: skip


class Read(msgspec.Struct):
    """One call, its arguments parsed and looked up."""

    tool: Tool
    arguments: Mapping[str, Any]
    leaves: list[Leaf]
    degrees: dict[str, list[float]]
    """Of the values inside each argument."""


def call_features(
    calls: Sequence[ToolCall], offer: Offer, question: Question, choice: ToolChoice | None
) -> dict[str, float]:
    """What is good and bad about the calls of one message; there is at least one."""
    features = {"tool_choice_broken": float(not allowed(calls, choice))}
    reads: list[Read] = []
    left = MOST_VALUES
    for call in calls[:MOST_CALLS]:
        tool = offer.tools.get(call.name)
        if tool is None:
            features["unknown_tool"] = 1.0
            continue
        arguments = parse(call.arguments)
        if arguments is None:
            features["arguments_unparsable"] = 1.0
            continue
        for violation in violations(tool.schema, arguments):
            features[violation] = 1.0
        reads.append(_read(tool, arguments, question, left))
        left -= len(reads[-1].leaves)
    if reads:
        features |= (
            _grounding(reads) | _oddities(reads, question) | _fitting(reads, offer, question)
        )
        features |= _written(reads, question)
        features |= leftovers([(read.tool, read.leaves) for read in reads], question)
    features |= _counting(calls, reads, question)
    features |= _parts(features, len(calls) + len(question.past_calls), question)
    return {name: value for name, value in features.items() if value}


def allowed(calls: Sequence[ToolCall], choice: ToolChoice | None) -> bool:
    """Whether calls were wanted, and of these tools."""
    if isinstance(choice, Mapping):
        return all(call.name == choice.get("name") for call in calls)
    return choice != "none"


def parse(arguments: str) -> Mapping[str, Any] | None:
    """The arguments, or None if they are no JSON object."""
    try:
        return msgspec.json.decode(arguments, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _read(tool: Tool, arguments: Mapping[str, Any], question: Question, most: int) -> Read:
    """Look up the values of a call, `most` of them."""
    found: list[Leaf] = []
    degrees: dict[str, list[float]] = {}
    for name, value in arguments.items():
        if len(found) >= most:
            break
        inside = leaves(name, tool.properties.get(name), value)[: most - len(found)]
        degrees[name] = [degree(leaf, question) for leaf in inside]
        found += inside
    return Read(tool, arguments, found, degrees)


def _grounding(reads: list[Read]) -> dict[str, float]:
    """How little the values come from the conversation: required ones, and others."""
    required: list[float] = []
    invented: list[float] = []
    for read in reads:
        for name, found in read.degrees.items():
            if not found:
                continue
            lacking = 1 - sum(found) / len(found)
            (required if name in read.tool.required else invented).append(lacking)
    return {
        "required_ungrounded": _mean(required),
        "required_worst": max(required, default=0.0),
        "optional_invented": max(invented, default=0.0),
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _oddities(reads: list[Read], question: Question) -> dict[str, float]:
    """Values that stand for none, and values or calls that stand twice."""
    placeholders = empty = 0
    for read in reads:
        loose = [leaf for leaf in read.leaves if isinstance(leaf.value, str)]
        placeholders += sum(is_placeholder(leaf, question) for leaf in loose)
        empty += sum(_is_empty(value) for value in islice(read.arguments.values(), MOST_VALUES))
    past = [_said(name, _all_leaves(parse(text) or {})) for name, text in question.past_calls]
    now = [_said(read.tool.name, read.leaves) for read in reads]
    twice = sum(call in now[:place] or call in past for place, call in enumerate(now))
    needed = [_said(read.tool.name, _of_required(read)) for read in reads if read.tool.required]
    again = sum(call in needed[:place] for place, call in enumerate(needed))
    return {
        "placeholder": float(placeholders > 0),
        "empty_value": float(empty > 0),
        "duplicate_call": float(twice > 0),
        "required_repeated": float(again > 0),
    }


def _of_required(read: Read) -> list[Leaf]:
    wanted = read.tool.required
    return _all_leaves({name: read.arguments[name] for name in wanted if name in read.arguments})


def _all_leaves(arguments: Mapping[str, Any]) -> list[Leaf]:
    """The values of a call, as many as are looked up."""
    inside = (leaf for name in arguments for leaf in leaves(name, None, arguments[name]))
    return list(islice(inside, MOST_VALUES))


def _said(name: str, inside: list[Leaf]) -> list[tuple[str, str]]:
    """A call in a form that does not depend on the order of its arguments."""
    return [(name, ""), *sorted((leaf.name, _shown(leaf.value)) for leaf in inside)]


def _shown(value: Json) -> str:
    """The beginning of a value, with its type."""
    return repr(value[:MOST_SHOWN] if isinstance(value, str) else value)


def is_placeholder(leaf: Leaf, question: Question) -> bool:
    """Whether a string only holds the place of a value that is not known."""
    text = fold(str(leaf.value)[:MOST_TEXT]).strip()
    open_ended = text[:1] + text[-1:] == "<>" or any(part in text for part in _PLACEHOLDER_PARTS)
    if not (open_ended or text in _PLACEHOLDERS or text == fold(leaf.name)):
        return False
    return text not in question.source and degree(leaf, question) < 1.0


def _is_empty(value: Json) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _fitting(reads: list[Read], offer: Offer, question: Question) -> dict[str, float]:
    """How well the called tools suit the query, and whether one that was not called does better."""
    fits = offer.fits(question)
    called = {read.tool.name for read in reads}
    least = min(fits[name] for name in called)
    best_other = max((fits[name] for name in fits if name not in called), default=0.0)
    several = asks_for_several(question)
    return {
        "fit_poor": max(0.0, POOR_FIT - least) / POOR_FIT,
        "other_fits_better": max(0.0, best_other - least),
        "tool_uncalled": several * max(0.0, best_other - POOR_FIT) / (1 - POOR_FIT),
        "value_unspecific": _unspecific(reads, question),
    } | _off_topic([offer.off_topic(read.tool, question) for read in reads])


def _off_topic(found: list[tuple[float, float]]) -> dict[str, float]:
    """The least fitting name; what is asked for may be met by any of the calls."""
    unasked = max(name for name, _ in found)
    missed = min(focus for _, focus in found)
    return {"name_unasked": unasked, "focus_missed": missed, "off_topic": unasked * missed}


def _unspecific(reads: list[Read], question: Question) -> float:
    """The share of required strings that only repeat the tool's own words.

    0 where the query holds names, quotations or numbers: then there is something to ask for.
    """
    if question.names or question.quotations or question.digits:
        return 0.0
    found = [
        read.tool.named | read.tool.described >= set(stems(leaf.value[:MOST_TEXT]))
        for read in reads
        for leaf in _of_required(read)
        if isinstance(leaf.value, str) and leaf.value
    ]
    return sum(found) / len(found) if found else 0.0


def _written(reads: list[Read], question: Question) -> dict[str, float]:
    """How the values are written."""
    whole = any(whole_numbers(read.tool, read.arguments) for read in reads)
    leaves_read = (leaf for read in reads for leaf in read.leaves)
    return writing(leaves_read, question) | {"whole_numbers": float(whole)}


def _parts(features: Mapping[str, float], count: int, question: Question) -> dict[str, float]:
    """Whether a single call leaves out part of what a query gives or asks for."""
    left_out = max(features.get(name, 0.0) for name in LEFTOVERS) >= LEFT_OUT_FROM
    several = asks_for_several(question) >= SEVERAL_FROM
    numbers = features.get("numbers_unused", 0.0)
    return {
        "part_unmet": float(count == 1 and left_out and several),
        "numbers_part_used": float(count == 1 and 0 < numbers < 1),
        "list_unused": features.get("list_unused", 0.0) if count == 1 else 0.0,
    }


def _counting(calls: Sequence[ToolCall], reads: list[Read], question: Question) -> dict[str, float]:
    """The number of calls against what the query asks for; a list in one call may answer it."""
    count = len(calls) + len(question.past_calls)
    several = asks_for_several(question)
    listing = any(len(found) > 1 for read in reads for found in read.degrees.values())
    return {
        "calls_missing": max(0.0, several - 0.5) * (1 if listing else 2) if count == 1 else 0.0,
        "calls_surplus": 1 - several if len(calls) > 1 else 0.0,
        "calls": min(1.0, (count - 1) / 4),
    }
