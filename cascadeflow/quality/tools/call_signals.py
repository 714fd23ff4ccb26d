"""Features of the tool calls of one draft: are they valid, grounded, fitting, complete?

Features are floats in [0, 1], 0 where nothing was found. Where a message holds several calls, the
worst one counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from ...types import ToolCall, ToolChoice
from .grounding import MOST_TEXT, Leaf, degree, leaves
from .leftovers import leftovers
from .offer import Offer, Tool
from .question import Question
from .schema import Json, kinds, mapping, sequence, violations
from .words import clean, fold, stems

MOST_CALLS = 32
"""Calls that are looked at."""
MOST_VALUES = 128
"""Values of one message that are looked up."""
MOST_ITEMS = 64
MOST_SHOWN = 200
"""Characters by which two strings are told apart."""
LEFTOVERS = ("numbers_unused", "names_unused", "list_unused")
AMISS = (*LEFTOVERS, "required_worst", "optional_invented")
LEFT_OUT_FROM = 0.25
SEVERAL_FROM = 0.3
LEAST_GIVEN = 2
"""Numbers, names and quotations of a query from which all being used says something."""
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
_CODE = re.compile(r"=|\*\*|\blambda\b")


class Read(msgspec.Struct):
    """One call, its arguments parsed and looked up."""

    tool: Tool
    arguments: Mapping[str, Any]
    leaves: list[Leaf]
    degrees: dict[str, list[float]]
    """Of the values inside each argument."""

    @property
    def of_required(self) -> list[Leaf]:
        """The values of the required arguments."""
        given = (name for name in self.tool.required if name in self.arguments)
        return _all_leaves({name: self.arguments[name] for name in given})


def call_features(
    calls: Sequence[ToolCall], offer: Offer, question: Question, choice: ToolChoice | None
) -> dict[str, float]:
    """What is good and bad about the calls of one message; there is at least one."""
    named = choice.get("name") if isinstance(choice, Mapping) else None
    others = isinstance(choice, Mapping) and any(call.name != named for call in calls)
    features = {"tool_choice_broken": float(choice == "none" or others)}
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
        features |= dict.fromkeys(violations(tool.schema, arguments), 1.0)
        reads.append(_read(tool, arguments, question, left))
        left -= len(reads[-1].leaves)
    if reads:
        features |= _grounding(reads)
        features["duplicate_call"] = float(_repeated(reads, question))
        features |= _written(reads, question)
        features |= _fitting(reads, offer, question)
        features |= leftovers([(read.tool, read.leaves) for read in reads], question)
    features |= _counting(features, len(calls), reads, question)
    return {name: value for name, value in features.items() if value}


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
            if found:
                lacking = 1 - sum(found) / len(found)
                (required if name in read.tool.required else invented).append(lacking)
    return {
        "required_ungrounded": sum(required) / len(required) if required else 0.0,
        "required_worst": max(required, default=0.0),
        "optional_invented": max(invented, default=0.0),
    }


def _repeated(reads: list[Read], question: Question) -> bool:
    """Whether a call stands twice."""
    past = [_said(name, _all_leaves(parse(text) or {})) for name, text in question.past_calls]
    now = [_said(read.tool.name, read.leaves) for read in reads]
    return any(call in now[:at] + past for at, call in enumerate(now))


def _all_leaves(arguments: Mapping[str, Any]) -> list[Leaf]:
    """The values of a call, as many as are looked up."""
    inside = (leaf for name in arguments for leaf in leaves(name, None, arguments[name]))
    return list(islice(inside, MOST_VALUES))


def _said(name: str, inside: list[Leaf]) -> list[tuple[str, str]]:
    """A call in a form that does not depend on the order of its arguments."""
    values = ((leaf.name, leaf.value) for leaf in inside)
    cut = ((of, each[:MOST_SHOWN] if isinstance(each, str) else each) for of, each in values)
    return [(name, ""), *sorted((of, repr(each)) for of, each in cut)]


def _written(reads: list[Read], question: Question) -> dict[str, float]:
    """What is odd about how values are written, against what their parameters ask for."""
    found = [leaf for read in reads for leaf in read.leaves]
    texts = [(leaf, leaf.value[:MOST_TEXT]) for leaf in found if isinstance(leaf.value, str)]
    given = [value for read in reads for value in islice(read.arguments.values(), MOST_VALUES)]
    odd = {
        "placeholder": any(is_placeholder(leaf, text, question) for leaf, text in texts),
        "list_given": any(isinstance(value, list) for value in given),
        "structure_in_text": any(
            kinds(leaf.schema) == ["string"]
            and text.startswith(("[", "{", "<", "$"))
            and fold(text) not in question.source
            for leaf, text in texts
        ),
        "code_value": any(
            _CODE.search(text) and clean(text) not in question.text for _, text in texts
        ),
        "whole_numbers": any(whole_numbers(read.tool, read.arguments) for read in reads),
    }
    return {name: float(found) for name, found in odd.items()}


def is_placeholder(leaf: Leaf, value: str, question: Question) -> bool:
    """Whether a string only holds the place of a value that is not known."""
    text = fold(value).strip()
    open_ended = text[:1] + text[-1:] == "<>" or any(part in text for part in _PLACEHOLDER_PARTS)
    if not (open_ended or text in _PLACEHOLDERS or text == fold(leaf.name)):
        return False
    return text not in question.source and degree(leaf, question) < 1.0


def whole_numbers(tool: Tool, arguments: Mapping[str, Json]) -> bool:
    """Whether a list holds integers alone where the schema asks for numbers with fractions."""
    for name, value in islice(arguments.items(), MOST_ITEMS):
        wanted = kinds(mapping(tool.properties.get(name)).get("items"))
        items = sequence(value)[:MOST_ITEMS]
        if wanted == ["number"] and items and all(type(item) is int for item in items):
            return True
    return False


def _fitting(reads: list[Read], offer: Offer, question: Question) -> dict[str, float]:
    """How well the called tools suit the query, and whether one that was not called does better."""
    fits = offer.fits(question)
    called = {read.tool.name for read in reads}
    least = min(fits[name] for name in called)
    best_other = max((fits[name] for name in fits if name not in called), default=0.0)
    # The least fitting name counts; what is asked for may be met by any of the calls.
    apart = [offer.off_topic(read.tool, question) for read in reads]
    names, central, focus = zip(*apart, strict=True)
    return {
        "fit_poor": max(0.0, POOR_FIT - least) / POOR_FIT,
        "tool_uncalled": question.several * max(0.0, best_other - POOR_FIT) / (1 - POOR_FIT),
        "value_unspecific": _unspecific(reads, question),
        "name_unasked": max(names),
        "focus_missed": min(focus),
        "off_topic": max(central) * min(focus),
    }


def _unspecific(reads: list[Read], question: Question) -> float:
    """The share of required strings that only repeat the tool's own words.

    0 where the query holds names, quotations or numbers: then there is something to ask for.
    """
    if question.names or question.quotations or question.digits:
        return 0.0
    found = [
        read.tool.named | read.tool.described >= set(stems(leaf.value[:MOST_TEXT]))
        for read in reads
        for leaf in read.of_required
        if isinstance(leaf.value, str) and leaf.value
    ]
    return sum(found) / len(found) if found else 0.0


def _counting(
    features: Mapping[str, float], calls: int, reads: list[Read], question: Question
) -> dict[str, float]:
    """The number of calls against what the query asks for, and what a single one leaves out.

    A list in one call may answer several asks.
    """
    count = calls + len(question.past_calls)
    single = count == 1
    listing = any(len(found) > 1 for read in reads for found in read.degrees.values())
    missing = max(0.0, question.several - 0.5) * (1 if listing else 2)
    left_out = max(features.get(name, 0.0) for name in LEFTOVERS) >= LEFT_OUT_FROM
    numbers = features.get("numbers_unused", 0.0)
    given = len(question.digits) + len(question.names) + len(question.quotations)
    amiss = "list_unused" not in features or any(features.get(name) for name in AMISS)
    counterpart = not question.technical and features.get("counterpart_unused", 0.0)
    return {
        "calls_missing": missing if single else 0.0,
        "calls_surplus": 1 - question.several if calls > 1 else 0.0,
        "calls": min(1.0, (count - 1) / 4),
        "several": question.several,
        "part_unmet": float(single and left_out and question.several >= SEVERAL_FROM),
        "numbers_part_used": float(single and 0 < numbers < 1),
        "list_unused": features.get("list_unused", 0.0) if single else 0.0,
        "counterpart_unused": float(single and counterpart),
        "all_used": float(single and given >= LEAST_GIVEN and not amiss),
    }
