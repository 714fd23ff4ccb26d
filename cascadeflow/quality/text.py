"""Judges one text answer while it streams and when it has ended.

`feed` stores; `estimate` reads what is new, in pieces that depend on the text alone (`pieces.py`),
so the estimate is a function of the text so far, however it was cut and however often it was asked
for. Every character is read once by each signal. Until the text passes the next edge (the first few
lie close together, for a refusal shows at once; then every 256 characters) the last estimate holds.

    request --> prior --> edge --> edge --> ... --> Stop: endings, echo, final answer

A draft with tool calls is not judged here: the estimate stays the prior of the request.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.policy import Opinion
from ..types import Delta, Estimate, Request, Stop, TextDelta, ToolCallDelta
from . import combine, refusal
from .additive import Model
from .fitted import weigh
from .forms import SHORT_CHARS, Form
from .logprobs import BLOCK, Logprobs
from .pieces import STEP, last_edge, next_edge
from .signals import Signals

OPENING_EDGES = (64, 160)
"""Characters at which the opening is looked at, before the regular edges."""


class TextObserver:
    """What is known of one answer.

    Args:
        request: what is answered.
        models: weigh the features of the forms they name; the hand-set priors those of others.
    """

    __slots__ = (
        "_edge", "_estimate", "_features", "_finished", "_judged", "_logprobs", "_models",
        "_opening", "_opinions", "_parts", "_passed", "_prior", "_signals", "_size", "_stop",
        "_tokens", "_with_calls",
    )  # fmt: skip

    def __init__(self, request: Request, models: Mapping[Form, Model] | None = None) -> None:
        self._models = models or {}
        self._signals = Signals(request)
        self._prior = self._signals.before()
        self._opinions: dict[str, float] = {}
        self._logprobs = Logprobs()
        self._parts: list[str] = []
        self._tokens: list[float] = []
        self._features: dict[str, float] = {}
        self._opening = ""
        self._size = 0
        self._passed = 0
        self._edge = OPENING_EDGES[0]
        self._with_calls = False
        self._finished = False
        self._stop: Stop | None = None
        self._judged: tuple[Form, bool, Mapping[str, float]] | None = None
        """What the last estimate was made of."""
        self._judge()

    @property
    def form(self) -> Form:
        """The form of the answer, as far as it is known."""
        form = self._signals.form(self._passed, finished=self._finished)
        # Where there are no steps to check, nothing says as much as what the model thinks of its
        # answer; the weights of that opinion are those of short answers.
        checked = self._features.keys() & {"equations_right", "equations_wrong"}
        bare = form == "open" or (
            form == "arithmetic" and self._size <= SHORT_CHARS and not checked
        )
        return "short" if bare and "self_check" in self._opinions else form

    def feed(self, delta: Delta) -> None:
        """Take in the next delta; what follows the `Stop` is not looked at."""
        if isinstance(delta, TextDelta):
            # Of spaces that do not break no check need know. (`translate` takes ten times as long.)
            self._parts.append(delta.text.replace("\u00a0", " ").replace("\u202f", " "))
            self._size += len(delta.text)
            if delta.logprobs:
                self._tokens.extend(delta.logprobs)
        elif isinstance(delta, ToolCallDelta):
            self._with_calls = True
        elif isinstance(delta, Stop):
            self._stop = delta

    def advise(self, opinion: Opinion) -> None:
        """Take in an outside opinion of the finished draft."""
        self._opinions[opinion.judge] = opinion.p_good
        if self._finished:
            self._judge()

    def estimate(self) -> Estimate:
        """The probability that the draft is good, and the features behind it."""
        if self._finished:
            return self._estimate
        if self._stop is not None:
            self._finish(self._stop)
        elif self._size >= self._edge or len(self._tokens) >= BLOCK:
            self._advance()
        return self._estimate

    def _advance(self) -> None:
        """Read the new text up to the last edge, and judge; at first only a refusal shows."""
        edge, self._edge = edges_around(self._size)
        if edge > self._passed and not self._with_calls:
            self._passed = edge
            text, signals = "".join(self._parts), self._signals
            if edge >= STEP:
                self._parts.clear()
                self._opening += text[: refusal.OPENING_CHARS - len(self._opening)]
                signals.read(text)
                self._features = signals.during(self._opening[:edge], edge)
            elif refused := signals.refused(text[:edge], edge):
                self._features = {"refusal": refused}
            else:
                self._features = {}
        self._take_tokens(len(self._tokens) // BLOCK * BLOCK)
        self._judge()

    def _finish(self, stop: Stop) -> None:
        """Read what is left and judge the whole."""
        self._finished = True
        if not self._with_calls:
            self._signals.read("".join(self._parts))
            self._features = self._signals.after(stop)
            self._passed = self._size
        self._take_tokens(len(self._tokens))
        self._judge()

    def _take_tokens(self, count: int) -> None:
        for start in range(0, count, BLOCK):
            self._logprobs.take(self._tokens[start : min(start + BLOCK, count)])
        del self._tokens[:count]

    def _judge(self) -> None:
        """Combine what is known; with tool calls that is the request alone."""
        features = self._prior
        if not self._with_calls:
            features = features | self._features | self._opinions
            features |= self._logprobs.features(finished=self._finished)
        form = self.form
        judged = form, self._finished, features
        if self._judged != judged:
            self._judged = judged
            model = self._models.get(form) or combine.prior(form)
            self._estimate = weigh(model, features, finished=self._finished)


def edges_around(size: int) -> tuple[int, int]:
    """The last edge that a text of `size` characters has passed (0 for none), and the next."""
    if size >= OPENING_EDGES[-1]:
        return max(last_edge(size), OPENING_EDGES[-1]), next_edge(size)
    passed = max((edge for edge in OPENING_EDGES if edge <= size), default=0)
    return passed, min(edge for edge in OPENING_EDGES if edge > size)
