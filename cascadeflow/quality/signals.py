"""All signals of one text answer, read piece by piece, and the features they amount to.

Features are floats in [0, 1], 0 where nothing was found; a feature that is 0 is left out.
"""

from __future__ import annotations

import math

import msgspec

from ..types import Request, Stop
from . import complexity, refusal
from .arithmetic import Arithmetic
from .choices import Options, chosen, options
from .endings import Structure, unfinished
from .forms import Form, asked_of, form_of
from .language import Profile, names_a_language, off_language
from .pieces import Pieces
from .quantity import has_number
from .query import instructions, last_question, query_text
from .repetition import Repetition
from .wording import Wording, is_echo

TAIL_CHARS = 800
MOST_JSON_CHARS = 262_144


class Signals:
    """What was found in the pieces of one answer so far."""

    __slots__ = (
        "_arithmetic", "_asked", "_letters", "_opened", "_options", "_pieces", "_profile",
        "_query", "_query_profile", "_question", "_refusal_kind", "_repetition", "_structure",
        "_taken", "_wording",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self._query = query = query_text(request)
        self._question = question = last_question(query)
        self._letters = options(question)
        self._options = Options(question) if self._letters else None
        self._arithmetic: Arithmetic | None = None
        if has_number(question):
            self._arithmetic = Arithmetic(question, choice=bool(self._letters))
        number = self._arithmetic is not None and self._arithmetic.solution is not None
        self._asked = asked_of(request, query, options=bool(self._letters), number=number)
        self._query_profile: Profile | None = None
        if not names_a_language(f"{query}\n{instructions(request)}"):
            self._query_profile = Profile(query)
        self._profile = Profile()
        self._opened = 0
        self._refusal_kind: refusal.Kind = "none"
        self._pieces = Pieces()
        self._taken: list[str] = []
        self._repetition = Repetition()
        self._wording = Wording(query)
        self._structure = Structure()

    def before(self) -> dict[str, float]:
        """Features of the request alone."""
        chars = self._options.stem_chars if self._options else len(self._question)
        features = {"complexity": complexity.score(self._question), "query_length": length(chars)}
        return features | (self._arithmetic.features() if self._arithmetic else {})

    def form(self, size: int, *, finished: bool) -> Form:
        """The form of an answer of `size` characters so far."""
        return form_of(self._asked, size=size, fenced=self._structure.fenced, finished=finished)

    def read(self, text: str) -> None:
        """Take in the next part of the answer."""
        for piece in self._pieces.read(text):
            self._take(piece)

    def _take(self, piece: str) -> None:
        code = self._structure.in_code
        self._structure.take(piece)
        code = code or self._structure.in_code
        self._taken.append(piece)
        self._repetition.take(piece, code=code or self._asked.copied)
        self._wording.take(piece, code=code)
        if self._arithmetic:
            self._arithmetic.take(piece)
        if not code and self._query_profile:
            self._profile.take(piece)

    def during(self, opening: str, size: int) -> dict[str, float]:
        """Features of an answer that goes on; `opening` is its beginning, `size` its length."""
        wording = self._wording
        features = {
            "refusal": self.refused(opening, size),
            "repetition": self._repetition.share(),
            "gibberish": wording.gibberish(),
            "placeholder": min(1.0, float(wording.placeholders)),
            "self_correction": min(1.0, 0.6 * wording.corrections),
            "answer_length": length(size),
        }
        if self._query_profile:
            features["off_language"] = off_language(self._query_profile, self._profile)
        if self._arithmetic:
            features |= self._arithmetic.features()
        return {name: value for name, value in features.items() if value}

    def after(self, stop: Stop) -> dict[str, float]:
        """Features of the whole answer; ask once."""
        if rest := self._pieces.end():
            self._take(rest)
        text = "".join(self._taken)
        features = self.during(text[: refusal.OPENING_CHARS], len(text))
        if stop.reason in ("refusal", "content_filter"):
            features["refusal"] = 1.0
        more = self._ending(text, stop) | self._fitting(text, limited=stop.reason == "length")
        return features | {name: value for name, value in more.items() if value}

    def refused(self, opening: str, size: int) -> float:
        """How much the answer refuses; nothing if the query holds a refusal itself."""
        if len(opening) != self._opened:
            self._opened = len(opening)
            self._refusal_kind = refusal.kind(opening)
            if self._refusal_kind != "none" and refusal.quoted_in(self._query):
                self._refusal_kind = "none"
        return refusal.strength(self._refusal_kind, size)

    def _ending(self, text: str, stop: Stop) -> dict[str, float]:
        limited = stop.reason == "length"
        return {
            "empty": emptiness(text),
            "truncated": float(limited),
            "incomplete": float(stop.reason is None or stop.reason == "pause"),
            "damaged": float(stop.damaged),
            "unfinished": 0.0 if limited else unfinished(text[-TAIL_CHARS:], len(text)),
            "unclosed": 0.0 if limited else self._structure.unclosed(),
        }

    def _fitting(self, text: str, *, limited: bool) -> dict[str, float]:
        """Whether the answer has the form that the query asks for."""
        asked, size = self._asked, len(text)
        features = {"echo": float(not asked.copied and is_echo(self._query, text))}
        if asked.brief and not limited:
            features["too_long"] = min(1.0, max(0, size - 200) / 600)
        elif asked.long and not limited:
            features["too_short"] = min(1.0, max(0, 160 - size) / 100)
        if asked.json:
            features["json_invalid"] = float(not is_json(text))
        if self._options:
            features |= self._choice(text, self._options)
        elif self._arithmetic:
            features |= self._arithmetic.final(text[-TAIL_CHARS:], brief=asked.brief)
        return features

    def _choice(self, text: str, offered: Options) -> dict[str, float]:
        letters = chosen(text[-TAIL_CHARS:].strip()) or chosen(text[:TAIL_CHARS].strip())
        if not letters:
            named = len(text) < 200 and text.strip(" .\n").lower() in self._query.lower()
            return {"choice_missing": float(not named)}
        if letters[-1] not in self._letters:
            return {"choice_missing": 1.0}
        conflict = float(len(set(letters)) > 1)
        return offered.features(text, letters[-1]) | {"choice_conflict": conflict}


def length(chars: int) -> float:
    """A length on a logarithmic scale: 0 for none, 1 for 22,000 characters or more."""
    return min(1.0, math.log1p(chars) / 10)


def emptiness(text: str) -> float:
    """1 for no text at all, 0.7 for nothing but ASCII punctuation, else 0."""
    bare = text.strip()
    if not bare:
        return 1.0
    return 0.7 if bare[:64].isascii() and not any(map(str.isalnum, bare[:64])) else 0.0


def is_json(text: str) -> bool:
    """Whether a text, without a code fence around it, is one JSON value; long ones are trusted."""
    if len(text) > MOST_JSON_CHARS:
        return True
    body = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
