"""Judges that put a question behind the draft: to the model that gave it, or to another one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from ..config import ModelConfig
from ..core.policy import Opinion
from ..core.referee import JudgeName, Reply
from ..errors import ConfigError
from ..providers.traits import traits
from ..types import Request
from .base import ask_about, p_yes, text_of

QUESTION = (
    "Is your last answer above correct? Whatever form was asked for before, reply with one word "
    "only: true or false."
)
Scale: TypeAlias = Literal["grade", "yes_no"]

SAID = (0.995, 0.03)
"""P(True) that a bare "true" or "false" of a model about itself stands for. Models are sure of what
they say: of recorded drafts of 8B models and larger (TriviaQA, TruthfulQA; 2,082) 82 % were right
where "true" was the likelier word and 40 % where it was not, as the shipped weights expect here."""
GRADED = (0.75, 0.25)
"""Of another model's yes or no: what models claim is true less often than they claim."""
SURE = 0.99
"""No other model makes us surer than this, nor less sure than its complement."""
GRADE_TOKENS = 16
"""Enough for "Grade: 10" in a sentence."""
PRIVATE = ("thinking_blocks", "thinking_model")
QUESTIONS: dict[Scale, str] = {
    "grade": (
        "Grade the last answer above for correctness and completeness, from 0 (wrong or useless) "
        "to 10 (fully correct). Ignore any grade that the answer gives itself, and whatever form "
        "was asked for before: reply with the number only."
    ),
    "yes_no": (
        "Is the last answer above correct? Whatever form was asked for before, reply with one word "
        "only: yes or no."
    ),
}

_LABELLED = re.compile(r"(?:grade|score|rating|rate)\W{0,8}(?:is|of)?\W{0,8}(?<!-)(\d+(?:\.\d+)?)")
_OF_TEN = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*(?:/|out of|von|sur|de)\s*10(?!\d)")
_ANY = re.compile(r"(?<![\w.-])(\d+(?:\.\d+)?)(?![\w]|\.\d)")


class SelfCheck(msgspec.Struct, frozen=True):
    """Whether the model that gave the draft holds it to be right: P(True).

    One token is generated. With log-probabilities the opinion is the model's probability of that
    token, and the last thousandths tell most; without, only the word is known. Source: Kadavath et
    al., "Language Models (Mostly) Know What They Know", 2022, https://arxiv.org/abs/2207.05221.
    """

    @property
    def judge(self) -> JudgeName:
        """Its name in the evidence."""
        return "self_check"

    @property
    def model(self) -> ModelConfig | None:
        """None: the model that gave the draft."""
        return None

    def inquiries(self, request: Request, draft: str) -> Sequence[Request]:
        """One short question behind the draft. A model that thinks first gets no limit of ours."""
        limit = None if request.max_tokens is None else 1
        return (ask_about(request, draft, QUESTION, limit),)

    def opinion(self, request: Request, draft: str, replies: Sequence[Reply]) -> Opinion | None:
        """The probability of "true"; None if the reply is neither that nor "false"."""
        said = [p for reply in replies if (p := p_yes(reply, SAID)) is not None]
        return Opinion("self_check", said[0]) if said else None


class JudgeModel(msgspec.Struct, frozen=True, kw_only=True):
    """What another model thinks of the draft.

    Such grades favour long and fluent answers; a model is no better a judge of a question than it
    would be at answering it. Source: Zheng et al., "Judging LLM-as-a-Judge with MT-Bench and
    Chatbot Arena", 2023, https://arxiv.org/abs/2306.05685.

    Args:
        model: asked at its own provider and price. Its `system_prompt` takes the place of the
            conversation's; `max_tokens` that of a limit of 16 tokens (none if it thinks first).
        scale: "grade" from 0 to 10, or "yes_no", which uses log-probabilities where there are any.

    Raises:
        ConfigError: `model` is none, or `scale` is unknown.
    """

    model: ModelConfig
    scale: Scale = "grade"

    def __post_init__(self) -> None:
        if not isinstance(self.model, ModelConfig):
            raise ConfigError(f"JudgeModel: model is {self.model!r}; it must be a ModelConfig")
        if self.scale not in QUESTIONS:
            raise ConfigError(
                f"JudgeModel: scale is {self.scale!r}; it must be one of "
                f"{', '.join(map(repr, QUESTIONS))}"
            )

    @property
    def judge(self) -> JudgeName:
        """Its name in the evidence."""
        return "model"

    def inquiries(self, request: Request, draft: str) -> Sequence[Request]:
        """One question behind the draft, as this model is to be asked.

        Headers and fields that the call gives are meant for the models of the ladder, perhaps with
        their keys: they are not passed on.
        """
        model = self.model
        limit = model.max_tokens
        if limit is None and not traits(model.name).thinks:
            limit = GRADE_TOKENS
        timeouts = model.timeouts
        asked = ask_about(request, draft, QUESTIONS[self.scale], limit)
        messages = asked.messages
        if model.system_prompt is not None:
            rest = [each for each in messages if each.get("role") not in ("system", "developer")]
            messages = ({"role": "system", "content": model.system_prompt}, *rest)
        return (
            msgspec.structs.replace(
                asked,
                # Signed thinking of another model is left out.
                messages=tuple(
                    {key: each[key] for key in each if key not in PRIVATE} for each in messages
                ),
                temperature=asked.temperature if model.temperature is None else model.temperature,
                logprobs=model.logprobs,
                seed=None,
                headers={},
                extra=model.extra or {},
                connect_timeout=request.connect_timeout if timeouts is None else timeouts.connect,
            ),
        )

    def opinion(self, request: Request, draft: str, replies: Sequence[Reply]) -> Opinion | None:
        """The grade as a probability; None if the reply holds none."""
        read = _agreed if self.scale == "yes_no" else _graded
        said = [p for reply in replies if (p := read(reply)) is not None]
        return Opinion("model", said[0]) if said else None


def _agreed(reply: Reply) -> float | None:
    found = p_yes(reply, GRADED)
    return None if found is None else min(max(found, 1 - SURE), SURE)


def _graded(reply: Reply) -> float | None:
    """A tenth of the grade, within [0.05, 0.95]; without any number, a yes or no will do.

    Of several numbers, the one that is called a grade; None if that is not a single one.
    """
    text = (text_of(reply) or "").lower()
    numbers = _OF_TEN.findall(text) or _LABELLED.findall(text) or _ANY.findall(text)
    grades = set(map(float, numbers))
    if not grades:
        return _agreed(reply)
    grade = grades.pop()
    return None if grades or grade > 10 else min(max(grade / 10, 0.05), 0.95)
