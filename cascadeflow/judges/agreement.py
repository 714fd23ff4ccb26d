"""Asks the model that gave the draft again, and counts how many answers agree with it.

Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models",
2022, https://arxiv.org/abs/2203.11171; as the sign to escalate in a cascade: Yue et al., "Large
Language Model Cascades with Mixture of Thought Representations", https://arxiv.org/abs/2310.03094.
It costs `k` more drafts. Only answers with one short outcome can be compared: a letter of a
multiple choice, a number, a JSON value, or a few words. Of anything else nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from ..config import ModelConfig, check_count, is_number
from ..core.ledger import EXACT
from ..core.policy import Opinion
from ..core.referee import JudgeName, Reply
from ..errors import ConfigError
from ..quality.choices import chosen, options
from ..quality.quantity import asks_for_a_number
from ..quality.query import query_text
from ..types import Request
from .base import text_of

SHORT = 100
"""Characters of a text that is compared as a whole."""
TAIL = 2_000
"""Characters at the end of a text in which its outcome is looked for."""

_MARKED = re.compile(r"(?:\\boxed\{|####|\banswer(?:\s+is\b|\s*:))[ \t*:{(]*([^\n}]{1,100})", re.I)
_NUMBER = re.compile(r"(?<![\w.])[-−+]?[$€£]?\d++(?:,\d{3}(?!\d))*+(?:\.\d++)?+(?!\w*\d)")
_FENCE = re.compile(r"\A\s*```\w*\n(.*)\n```\s*\Z", re.DOTALL)
_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(("a", "an", "the"))
_NEGATIONS = frozenset(("not", "no", "never", "cannot", "neither", "nor"))


class Agreement(msgspec.Struct, frozen=True):
    """How many of `k` further drafts settle on what the draft settles on.

    Args:
        k: further drafts, at least 1.
        temperature: of those for which the query gives no higher one, in (0, 2].

    Raises:
        ConfigError: a number is out of range.
    """

    k: int = 3
    temperature: float = 0.7

    def __post_init__(self) -> None:
        check_count("Agreement: k", self.k, optional=False)
        if not (is_number(self.temperature) and 0 < self.temperature <= 2):
            raise ConfigError(
                f"Agreement: temperature is {self.temperature!r}; it must be > 0 and <= 2, or all "
                "drafts are the same"
            )

    @property
    def judge(self) -> JudgeName:
        """Its name in the evidence."""
        return "agreement"

    @property
    def model(self) -> ModelConfig | None:
        """None: the model that gave the draft."""
        return None

    def inquiries(self, request: Request, draft: str) -> Sequence[Request]:
        """The request `k` times more; nothing for a draft without an outcome to compare."""
        if outcome(query_text(request), draft) is None:
            return ()
        return [
            msgspec.structs.replace(
                request,
                temperature=max(request.temperature or 0.0, self.temperature),
                seed=None if request.seed is None else request.seed + number,
            )
            for number in range(1, self.k + 1)
        ]

    def opinion(self, request: Request, draft: str, replies: Sequence[Reply]) -> Opinion | None:
        """The share that agrees, by the rule of succession; None if no draft came at all.

        (agreeing + 1) / (drafts + 2): a handful of drafts makes nothing certain.
        """
        query = query_text(request)
        first = outcome(query, draft)
        texts = [text for reply in replies if (text := text_of(reply)) is not None]
        if first is None or not texts:
            return None
        others = (outcome(query, text) for text in texts)
        agreeing = sum(other is not None and first.agrees(other) for other in others)
        return Opinion("agreement", (agreeing + 1) / (len(texts) + 2))


class Outcome(msgspec.Struct, frozen=True):
    """What an answer settles on; of the fields, one is set."""

    value: str = ""
    """A letter, a number or a JSON value, in one spelling."""
    words: tuple[str, ...] = ()

    def agrees(self, other: Outcome) -> bool:
        """Whether both say the same; of words, one may say it in a longer sentence."""
        if self.value or other.value:
            return self.value == other.value
        short, long = sorted((self.words, other.words), key=len)
        if _NEGATIONS.intersection(short) != _NEGATIONS.intersection(long):
            return False
        places = range(len(long) - len(short) + 1)
        return any(long[at : at + len(short)] == short for at in places)


def outcome(query: str, text: str) -> Outcome | None:
    """That of `text` as an answer to `query`, linear in both; None if it has none that is short."""
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced else text.strip()
    if text[:1] in ("{", "["):
        try:
            value = msgspec.json.decode(text.encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            return None
        return Outcome(value=msgspec.json.encode(value, order="sorted").decode())
    tail = text[-TAIL:]
    if options(query):
        letters = chosen(tail)
        return Outcome(value=letters[-1]) if letters else None
    if marked := _MARKED.findall(tail):
        number = _NUMBER.match(marked[-1])
        return Outcome(value=_plain(number[0])) if number else _short(marked[-1])
    if asks_for_a_number(query) and (numbers := _numbers(tail)):
        return Outcome(value=numbers[-1])
    return _short(text) if len(text) <= SHORT else None


def _short(text: str) -> Outcome | None:
    numbers = _numbers(text)
    if len(numbers) == 1:
        return Outcome(value=numbers[0])
    words = tuple(word for word in _WORD.findall(text.casefold()) if word not in _ARTICLES)
    return Outcome(words=words) if words else None


def _numbers(text: str) -> list[str]:
    return [_plain(found) for found in _NUMBER.findall(text)]


def _plain(number: str) -> str:
    """One spelling: "1,200.50", "$1200.5" and "+1200.5" are the same."""
    digits = re.sub(r"[,$€£+]", "", number).replace("−", "-")
    value = Decimal(digits).normalize(EXACT)
    return format(value if value else Decimal(0), "f")
