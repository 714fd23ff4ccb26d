"""Judges the answers to requests that offer tools, while they stream and when they have ended.

`feed` keeps the fragments of calls; `estimate` puts them together, reads each character of the
arguments once, and looks during the stream only for what settles the matter. The `Stop` lets the
features of the whole draft be computed, once. So the estimate is a function of what was said, not
of how it was cut.

    Stop --> calls: call_signals + leftovers
         --> none:  no_call, and the signals of the text (`quality.text`)
"""

from __future__ import annotations

from collections.abc import Mapping

from ...core.calls import CallFragment, Calls, CallStarted
from ...core.policy import Opinion
from ...errors import ProtocolError
from ...streaming.incremental_json import ProgressiveJSONParser
from ...types import Delta, Estimate, Request, Stop, TextDelta, ToolCallDelta
from .. import complexity
from ..additive import Model
from ..fitted import weigh
from ..forms import Form
from ..signals import length
from ..text import TextObserver
from . import combine
from .call_signals import call_features
from .combine import TEXT_DECISIVE
from .no_call import no_call_features
from .offer import Offer
from .question import Question

TEXT_FLAWS = (
    "refusal", "result_false", "equations_wrong", "repetition", "gibberish", "off_language", "echo",
)  # fmt: skip
"""Features of a text that speak against it whatever tools were offered."""
TOOL_WORDS = (
    "tool", "function", "funktion", "werkzeug", "outil", "fonction", "herramient", "funci",
    "strument", "funzion", "ferrament", "funç", "инструмент", "функци", "工具", "函数", "関数",
    "ツール",
)  # fmt: skip
"""Words by which an answer speaks of the tools, in several languages."""
OPENING = 400
"""Characters in which they are looked for."""
FLAW = 0.7
"""From here on such a feature counts."""
MOST_READ = 8_192
"""Characters of arguments that are read under way; a break further on shows at the end."""


class ToolObserver:
    """What is known of one tool draft; `models` weigh the features of the forms they name."""

    def __init__(self, request: Request, models: Mapping[Form, Model] | None = None) -> None:
        self._request = request
        self._models = models or {}
        self._opinions: dict[str, float] = {}
        self._offered = frozenset(str(tool.get("name", "")) for tool in request.tools)
        self._calls = Calls(self._offered)
        self._parsers: dict[int, ProgressiveJSONParser | None] = {}
        """Of the arguments of each call; None: they stand in a fence, which is taken off later."""
        self._fragments: list[str] = []
        self._index: int | None = None
        self._text = TextObserver(request)
        self._texts: list[str] = []
        self._stop: Stop | None = None
        self._found: dict[str, float] = {}
        self._finished = False
        self._estimate = Estimate(combine.UNDECIDED)

    @property
    def form(self) -> Form:
        """Whether tools are called, as far as it is known."""
        return "tool_call" if self._fragments or self._calls.calls else "no_call"

    def advise(self, opinion: Opinion) -> None:
        """Take in an outside opinion of the finished draft."""
        self._opinions[opinion.judge] = opinion.p_good
        if self._finished:
            self._judge(dict(self._estimate.evidence))

    def feed(self, delta: Delta) -> None:
        """Take in the next delta; what follows the `Stop` is not looked at."""
        if self._stop is not None:
            return
        if isinstance(delta, ToolCallDelta):
            if delta.id or delta.name or delta.closed or delta.index != self._index:
                self._join()
                self._index = delta.index
                self._take_fragment(delta)
            elif delta.arguments:
                self._fragments.append(delta.arguments)
        elif isinstance(delta, TextDelta):
            self._texts.append(delta.text)
            self._text.feed(delta)
        elif isinstance(delta, Stop):
            self._stop = delta

    def estimate(self) -> Estimate:
        """The probability that the draft is good, and the features behind it."""
        if not self._finished:
            if self._stop is None:
                self._advance()
            else:
                self._finished = True
                self._judge(self._after(self._stop))
        return self._estimate

    def _advance(self) -> None:
        """Look for what ends the draft before its time; judge anew if something was found."""
        self._join()
        said = self._text.estimate().evidence
        found = self._found | {name: said[name] for name in TEXT_DECISIVE if name in said}
        if found != self._estimate.evidence:
            self._judge(found)

    def _judge(self, features: dict[str, float]) -> None:
        features |= self._opinions
        model: Model = combine.probability
        if self._finished and not features.get("after_results"):
            model = self._models.get(self.form, model)
        self._estimate = weigh(model, features, finished=self._finished)
        if not self._finished or self.form == "tool_call":
            return
        # An answer without a call is a text: a flaw of that is not made good by not calling. The
        # weights know from recorded answers only whether it was right not to call.
        estimate, text = self._estimate, self._text.estimate().p_good
        flaws = {name for name in TEXT_FLAWS if estimate.evidence.get(name, 0.0) >= FLAW}
        said = "".join(self._texts)[:OPENING].lower()
        if any(word in said for word in TOOL_WORDS):
            flaws.discard("refusal")  # It declines for want of a tool, which may be right.
        if flaws and text < estimate.p_good:
            self._estimate = Estimate(text, estimate.evidence)

    def _join(self) -> None:
        """Take in the arguments that go on with the call before, as one fragment."""
        if self._fragments:
            joined = "".join(self._fragments)
            self._fragments.clear()
            self._take_fragment(ToolCallDelta(self._index, arguments=joined))

    def _take_fragment(self, delta: ToolCallDelta) -> None:
        try:
            steps = self._calls.add(delta)
        except ProtocolError:
            # Longer than any call may be; whoever reads the stream ends it for that.
            self._found["arguments_overlong"] = 1.0
            return
        for step in steps:
            if isinstance(step, CallStarted) and step.name not in self._offered:
                self._found["unknown_tool"] = 1.0
            elif isinstance(step, CallFragment) and self._breaks(step):
                self._found["arguments_broken"] = 1.0

    def _breaks(self, step: CallFragment) -> bool:
        """Whether nothing that follows can make these arguments JSON."""
        if step.position not in self._parsers and (opening := step.arguments.lstrip()[:1]):
            fresh = ProgressiveJSONParser(max_size=MOST_READ)
            self._parsers[step.position] = None if opening == "`" else fresh
        parser = self._parsers.get(step.position)
        return parser is not None and parser.feed(step.arguments).error_kind == "syntax"

    def _after(self, stop: Stop) -> dict[str, float]:
        """Features of the whole draft."""
        self._join()
        self._calls.finish()
        offer, question = Offer(self._request.tools), Question(self._request)
        choice = self._request.tool_choice
        asked = {
            "complexity": complexity.score(question.text),
            "query_length": length(len(question.text)),
        }
        if question.technical:
            asked["code_in_query"] = 1.0
        if calls := self._calls.calls:
            ended = {
                "refusal": stop.reason in ("refusal", "content_filter"),
                "incomplete": stop.reason is None or stop.reason == "pause",
                "truncated": stop.reason == "length",
                "damaged": stop.damaged,
            }
            odd = call_features(calls, offer, question, choice)
            odd |= {name: 1.0 for name, found in ended.items() if found} | asked
            # Nothing else that was found on the way: the whole arguments tell it better.
            return odd | {"arguments_overlong": 1.0} if "arguments_overlong" in self._found else odd
        self._text.feed(stop)
        said = dict(self._text.estimate().evidence) | asked
        return said | no_call_features("".join(self._texts), offer, question, choice)
