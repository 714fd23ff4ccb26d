"""From named features of a tool draft to the probability that it is good.

    p_good = 1 / (1 + exp(-z)),    z = base + sum of weight x feature

Two models, one for drafts that call tools and one for those that do not (`no_call`): the same query
features speak for one and against the other. The weights are **hand-set priors**: round numbers, no
optimiser chose them. That each feature exists and points the right way was looked up on recorded
tool drafts of several models; expect less where tools or queries are of another kind.

Calls:
- The base is high, and what is found lowers it: a valid call of a fitting tool whose required
  values all come from the query has p_good of about 0.87.
- *Hard* features (unknown tool, arguments that do not parse or break the schema, a broken
  `tool_choice`) bring any draft below acceptance.
- *Left out*: numbers, names and members of lists that the query gave and no call uses are the sign
  of missing calls and of wrong arguments.

No call:
- Silence is good unless a tool suits the query. Asking back is good where a value is missing.
- What the tools have answered already (`after_results`) is judged as text.

During the stream a draft is given up on decisive evidence only (an unknown tool, arguments that
cannot become JSON, text that loops or is gibberish); else p_good stays at 0.2 or more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from .. import combine as text
from ..additive import BOUNDS

CALL_BASE = 1.9
HARD: Mapping[str, float] = {
    "unknown_tool": -6.0,
    "arguments_unparsable": -6.0,
    "arguments_overlong": -6.0,
    "tool_choice_broken": -6.0,
    "missing_required": -3.5,
    "unknown_argument": -2.5,
    "wrong_type": -2.2,
    "loose_type": -0.8,
    "outside_enum": -2.5,
    "out_of_bounds": -2.5,
    "refusal": -4.0,
    "incomplete": -1.5,
    "damaged": -1.5,
    "truncated": -0.5,
}
CALL: Mapping[str, float] = {
    "fit_poor": -1.0,
    "tool_uncalled": -2.5,
    "name_unasked": -1.0,
    "focus_missed": -1.0,
    "off_topic": -1.4,
    "required_ungrounded": -1.2,
    "required_worst": -1.2,
    "optional_invented": -1.2,
    "numbers_unused": -3.0,
    "names_unused": -0.4,
    "counterpart_unused": -1.5,
    "all_used": 0.5,
    "numbers_part_used": -0.7,
    "list_unused": -2.5,
    "option_overlooked": -0.8,
    "calls_missing": -1.0,
    "part_unmet": -0.5,
    "calls_surplus": -1.2,
    "value_unspecific": -2.0,
    "list_given": -0.5,
    "structure_in_text": -2.5,
    "code_value": -1.5,
    "whole_numbers": -1.0,
    "placeholder": -1.8,
    "duplicate_call": -2.0,
}
NO_CALL_BASE = 3.2
NO_CALL: Mapping[str, float] = {
    "tool_fits": -9.0,
    "name_unasked": 1.5,
    "focus_missed": 1.0,
    "values_missing": 2.5,
    "asks_for_missing": 5.0,
    "call_in_text": -3.0,
    "code_in_text": -1.0,
    "tool_choice_broken": -9.0,
}
TEXT_FATAL = ("empty", "repetition", "gibberish", "off_language", "incomplete", "damaged")
"""Features of the text that count without a call as well; a refusal may be right there."""
TEXT_DECISIVE = ("repetition", "gibberish", "off_language")
DECISIVE = ("unknown_tool", "arguments_broken", "arguments_overlong")
DECISIVE_PRIOR = 0.05
UNDECIDED = 0.6
"""p_good of a draft that has not ended and of which nothing decisive is known."""


def probability(features: Mapping[str, float], *, finished: bool) -> float:
    """The probability that a draft with these features is good; unknown names weigh nothing."""
    if not finished:
        return DECISIVE_PRIOR if decisive(features) else UNDECIDED
    broken = features.get("tool_choice_broken")
    if features.get("after_results") and features.get("no_call") and not broken:
        return text.probability(features, finished=True)
    if features.get("no_call"):
        said = {name: features[name] for name in TEXT_FATAL if name in features}
        flaws = text.weighted(text.FATAL, said) + text.weighted(text.SERIOUS, said)
        z = NO_CALL_BASE + text.weighted(NO_CALL, features) + flaws
    else:
        z = CALL_BASE + text.weighted(HARD, features) + text.weighted(CALL, features)
    low, high = BOUNDS
    return min(max(1 / (1 + math.exp(-z)), low), high)


def decisive(features: Mapping[str, float]) -> bool:
    """Whether the evidence is strong enough to give up a draft that has not ended."""
    said = any(features.get(name, 0.0) >= text.DECISIVE_FROM for name in TEXT_DECISIVE)
    return said or any(features.get(name) for name in DECISIVE)
