"""From named features to the probability that a draft is good.

    p_good = 1 / (1 + exp(-z)),    z = base + sum of weight x feature

The weights are **hand-set priors**: round numbers, no optimiser chose them. Which features exist,
and that each points the right way, was checked on recorded answers (worded arithmetic, multiple
choice); expect less elsewhere. Features lie in [0, 1] except those named logprob_*.

- The base says that most drafts are good: a draft of which nothing bad is known has p_good 0.79 if
  the query is simple and 0.69 if it is complex, and is accepted by the default policy either way.
- Of open text hardly anything can be told. How hard the query looks weighs nothing there (it ranked
  recorded answers backwards); the length of the answer weighs a little (0.79 at 90 characters, 0.65
  at 22,000), since a long free answer leaves a stronger model more room. `make eval` tells what
  that is worth: families alpaca and mtbench, hand-set.
- *Fatal* features (no answer, refusal, loop, gibberish, echo, wrong language) outweigh the base
  alone: one of them at 1 leaves less than 0.1.
- *Serious* features (a wrong equation, no final number, no option chosen, broken structure)
  bring an ordinary draft below acceptance. On worded arithmetic, equations and the final number
  are what separates right from wrong drafts; on open text hardly anything does, so nothing there
  is serious.
- *Weak* features (a change of mind, length, a sentence that breaks off) need company to reject.
  Those of a calculation weigh more, because several of them meet in a wrong solution.
  Truncation by a token limit is among them: the limit may be the caller's own.
- Log-probabilities get a strong prior: where they are known they replace the base and the guess
  from the query, and weak features are scaled down, because a linear mix of one good signal with
  many weak ones is worse than the good one. Odds of a token are too confident, hence the factor
  below 1; a long answer always has a few unlikely tokens, so its base is higher.
- Opinions of judges that were asked (the model about itself, other drafts, another model) get the
  same: their odds are added, and weak features are scaled down.

During the stream a draft is given up on strong evidence only: unless a `DECISIVE` feature is high,
p_good stays at 0.2 or more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from .additive import BOUNDS, Model
from .forms import Form
from .logprobs import log_odds

BASE = 1.3
FATAL: Mapping[str, float] = {
    "empty": -6.0,
    "refusal": -4.5,
    "repetition": -5.0,
    "gibberish": -5.0,
    "echo": -4.0,
    "off_language": -4.0,
    "logprob_collapse": -5.0,
    "result_false": -4.5,
}
SERIOUS: Mapping[str, float] = {
    "equations_wrong": -2.5,
    "final_number_missing": -2.0,
    "final_number_no_count": -1.8,
    "choice_missing": -2.5,
    "choice_conflict": -1.5,
    "json_invalid": -4.0,
    "placeholder": -1.5,
    "damaged": -1.2,
    "incomplete": -1.5,
}
WEAK: Mapping[str, float] = {
    "self_correction": -0.8,
    "equations_right": 0.7,
    "steps": -1.0,
    "steps_missing": -1.0,
    "final_number_not_last": -1.2,
    "final_fraction": -1.5,
    "operations_short": -1.2,
    "numbers_uncomputed": -1.0,
    "results_loose": -1.0,
    "operand_repeated": -0.8,
    "objections": -1.2,
    "asks_other_time": -0.7,
    "asks_on_condition": -0.3,
    "option_longest": 0.4,
    "option_unreached": -0.6,
    "option_place": 0.8,
    "results_unused": -1.2,
    "numbers_unused": -1.2,
    "truncated": -0.3,
    "unfinished": -0.7,
    "unclosed": -0.8,
    "too_short": -1.0,
    "too_long": -0.4,
}

COMPLEXITY_WEIGHT = -0.5
LENGTH_WEIGHT = -1.25
TYPICAL_LENGTH = 0.45
"""The `answer_length` that says nothing: 90 characters."""

LOGPROB_WEIGHT = 0.35
LOGPROB_BASE = 0.3
LOGPROB_BASE_LONG = 1.3
LONG_TOKENS = 20
WEAK_BESIDE_LOGPROBS = 0.25
DOUBTFUL_MEAN = -1.5
"""Mean log-probability below which a text is unlikely as a whole (perplexity 4.5)."""
DOUBT_WEIGHT = 1.5

OPINIONS = ("self_check", "agreement", "model")
OPINION_WEIGHT = 0.4
MOST_OPINION_ODDS = 8.0

DECISIVE = ("refusal", "repetition", "gibberish", "off_language", "logprob_collapse")
DECISIVE_FROM = 0.9
LEAST_UNDECIDED = 0.2
"""Least p_good of an unfinished draft without decisive evidence; above any sensible `hopeless`."""


def probability(features: Mapping[str, float], *, finished: bool) -> float:
    """The probability that a draft with these features is good; unknown names weigh nothing."""
    guess = COMPLEXITY_WEIGHT * features.get("complexity", 0.0)
    return _probability(features, guess, finished=finished)


def open_text(features: Mapping[str, float], *, finished: bool) -> float:
    """The same for a text of which no form is known."""
    guess = LENGTH_WEIGHT * (features.get("answer_length", TYPICAL_LENGTH) - TYPICAL_LENGTH)
    return _probability(features, guess, finished=finished)


def prior(form: Form) -> Model:
    """What weighs the features of answers of a form."""
    return open_text if form == "open" else probability


def _probability(features: Mapping[str, float], guess: float, *, finished: bool) -> float:
    """The guess counts where nothing better is known."""
    known = "logprob_low_quantile" in features
    opinions = [features[name] for name in OPINIONS if name in features]
    z = BASE
    if known:
        length = min(1.0, (features.get("logprob_tokens", 1.0) - 1) / (LONG_TOKENS - 1))
        z = LOGPROB_BASE + length * (LOGPROB_BASE_LONG - LOGPROB_BASE)
        z += LOGPROB_WEIGHT * log_odds(features["logprob_low_quantile"])
        z += DOUBT_WEIGHT * min(0.0, features.get("logprob_mean", 0.0) - DOUBTFUL_MEAN)
    z += sum(OPINION_WEIGHT * _opinion_odds(p) for p in opinions)
    z += weighted(FATAL, features) + weighted(SERIOUS, features)
    weak = weighted(WEAK, features)
    z += WEAK_BESIDE_LOGPROBS * weak if known or opinions else weak + guess
    low, high = BOUNDS
    p = min(max(1 / (1 + math.exp(-z)), low), high)
    return p if finished or decisive(features) else max(p, LEAST_UNDECIDED)


def decisive(features: Mapping[str, float]) -> bool:
    """Whether the evidence is strong enough to give up a draft that has not ended."""
    found = [features[name] for name in DECISIVE if name in features]
    return bool(found) and max(found) >= DECISIVE_FROM


def weighted(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    """The sum of weight x feature; names that are not in both add nothing."""
    return sum([weights[name] * value for name, value in features.items() if name in weights])


def _opinion_odds(p: float) -> float:
    """log(p / (1 - p)), bounded."""
    least = 1 / (1 + math.exp(MOST_OPINION_ODDS))
    bounded = min(max(p, least), 1 - least)
    return math.log(bounded / (1 - bounded))
