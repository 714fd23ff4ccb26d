"""Replays a recorded row through an estimator and a policy, as the cascade would have run it.

    before   the request alone: is the draft worth asking for?
    during   the draft at `rate` tokens per second, one delta a token, judged as often as the
             cascade judges: is it hopeless?
    after    the whole draft, and the model's opinion of itself where it was recorded: is it kept?

No network, no clock: seconds are tokens by rate. A row whose draft has neither text nor calls (only
labels were recorded) is judged by its request alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

import msgspec

from ..calibration import Deciding, load_policy
from ..core.answer import FIRST_LOOK, LOOKS_PER_DOUBLING
from ..core.economics import Costs, Priced
from ..core.ledger import utf8_length
from ..core.policy import Advisable, Estimator, Observer, Opinion, Policy, ThresholdPolicy
from ..errors import ConfigError
from ..quality import default_estimator
from ..types import Delta, Estimate, TextDelta, ToolCallDelta
from .dataset import Answer, Row, deltas_of, request_of

BYTES_PER_TOKEN = 4
"""Of an answer whose tokens were not recorded."""


@runtime_checkable
class Formed(Protocol):
    """An observer that can name the kind of answer it judges."""

    @property
    def form(self) -> str:
        """Such as "arithmetic"."""
        ...


class Abandoned(msgspec.Struct, frozen=True):
    """A draft that was given up while it streamed."""

    p_good: float
    """The estimate at that moment."""
    tokens: int
    """How many had come."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What the judge made of one row."""

    form: str
    before: float
    """`p_good` of the request alone."""
    estimate: Estimate
    """Of the whole draft."""
    asked: bool
    """False: the policy went to the strong model directly; no draft was paid."""
    accepted: bool
    """What the policy decided of the whole draft."""
    tokens: int
    """Of the draft."""
    abandoned: Abandoned | None = None
    """During the stream; None: it ran to its end, or no stream was replayed."""

    @property
    def kept(self) -> bool:
        """Whether the draft was asked for, not abandoned, and accepted."""
        return self.asked and self.accepted and self.abandoned is None

    @property
    def score(self) -> float:
        """Higher where the draft should be kept: minus what escalating is estimated to gain.

        Where the estimator has no opinion of the last tier that tier is taken to be right, and the
        score ranks like `p_good`.
        """
        benefit = self.estimate.benefit
        return self.estimate.p_good - 1 if benefit is None else -benefit


def estimator(name: str) -> Estimator:
    """The "shipped" estimator, or the one made of "hand"-set priors alone.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in ("shipped", "hand"):
        raise ConfigError(f"estimator is {name!r}; it must be shipped or hand")
    return default_estimator(priors=name == "hand")


def policy(text: str, *, recorded: bool = False) -> Policy:
    """A policy from "ACCEPT" or "ACCEPT,HOPELESS", two probabilities, or from a calibration file.

    `recorded`: it is to decide on recorded scores; else one that was not calibrated on those of the
    default estimator is warned of.

    Raises:
        ConfigError: there is no such policy, or no such file.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return load_policy(text, None if recorded else Deciding())
    if len(numbers) > 2:
        raise ConfigError(f'policy is {text!r}; it must be like "0.6" or "0.6,0.15", or a path')
    accept_at, *hopeless = numbers
    return ThresholdPolicy(accept_at, *hopeless or [min(accept_at, ThresholdPolicy().hopeless)])


def replay(
    row: Row, estimator: Estimator, policy: Policy | None = None, *, streamed: bool = False
) -> Replayed:
    """Judge one row without a look at its labels; `policy` None: the shipped thresholds.

    `streamed`: the draft is also judged while it streams, which costs a few times as much.
    """
    rule = _rule(row, policy)
    request = request_of(row)
    observer = estimator.observe(request)
    before = estimate = observer.estimate()
    asked = rule.decide(before, "before")[0] != "escalate"
    if recorded(row.draft):
        for delta in deltas_of(row.draft):
            observer.feed(delta)
        advise(observer, row)
        estimate = observer.estimate()
    form = "tools" if request.tools else "text"
    return Replayed(
        form=observer.form if isinstance(observer, Formed) else form,
        before=before.p_good,
        estimate=estimate,
        asked=asked,
        accepted=rule.decide(estimate, "after")[0] == "accept",
        tokens=tokens_of(row.draft),
        abandoned=_stream(row, estimator.observe(request), rule) if streamed and asked else None,
    )


def recall(row: Row, policy: Policy | None = None) -> Replayed:
    """The same by the `p_good` that was recorded, 0 where none was, of the whole draft alone."""
    estimate = Estimate(row.p_good or 0.0, benefit=row.benefit)
    return Replayed(
        form="tools" if row.tools else "text",
        before=math.nan,
        estimate=estimate,
        asked=True,
        accepted=_rule(row, policy).decide(estimate, "after")[0] == "accept",
        tokens=tokens_of(row.draft),
    )


def recorded(answer: Answer) -> bool:
    """Whether the answer itself was recorded, if only as empty, not just what is known of it."""
    said = answer.content is not None or bool(answer.tool_calls)
    return said or answer.finish_reason is not None


def tokens_of(answer: Answer) -> int:
    """Generated tokens: as recorded, else estimated from the text. At least 1."""
    tokens = answer.tokens_out
    if tokens is None:
        tokens = math.ceil(sum(map(_size, deltas_of(answer))) / BYTES_PER_TOKEN)
    return max(1, tokens)


def advise(observer: Observer, row: Row) -> None:
    """Tell the observer what judges thought of the draft, where that was recorded."""
    if not isinstance(observer, Advisable):
        return
    for opinion in row.opinions:
        observer.advise(opinion)
    if row.draft.self_verify_logp is not None:
        observer.advise(Opinion("self_check", math.exp(min(0.0, row.draft.self_verify_logp))))


def looks(row: Row, observer: Observer) -> Iterator[float]:
    """Feed the draft token by token, and stop as often as the cascade judges: share of it fed.

    The `Stop` is fed after the last look.
    """
    *deltas, stop = deltas_of(row.draft, tokens_of(row.draft))
    for count, (delta, look) in enumerate(planned(deltas), 1):
        observer.feed(delta)
        if look:
            # Deltas are counted, not tokens: the parts of several calls are cut as finely each.
            yield count / len(deltas)
    observer.feed(stop)


def planned(deltas: Iterable[Delta]) -> Iterator[tuple[Delta, bool]]:
    """Each delta, and whether the cascade judges the draft after it."""
    size, next_look = 0, FIRST_LOOK
    for delta in deltas:
        size += _size(delta)
        look = size >= next_look
        if look:
            next_look = size + max(FIRST_LOOK, size // LOOKS_PER_DOUBLING)
        yield delta, look


def _rule(row: Row, policy: Policy | None) -> Policy:
    rule = ThresholdPolicy() if policy is None else policy
    if isinstance(rule, Priced):
        return rule.priced(Costs(row.draft.cost or 0.0, row.strong_cost or 0.0))
    return rule


def _stream(row: Row, observer: Observer, rule: Policy) -> Abandoned | None:
    for share in looks(row, observer):
        estimate = observer.estimate()
        if rule.decide(estimate, "during")[0] == "escalate":
            return Abandoned(estimate.p_good, math.ceil(share * tokens_of(row.draft)))
    return None


def _size(delta: Delta) -> int:
    """Bytes of the answer in a delta."""
    match delta:
        case TextDelta(text):
            return utf8_length(text)
        case ToolCallDelta(name=name, arguments=arguments):
            return utf8_length(name + arguments)
        case _:
            return 0
