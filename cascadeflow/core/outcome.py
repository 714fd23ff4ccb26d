"""How a query ends: whether an answer counts as one, and the result that tells the whole story."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ..errors import BudgetExceeded, CascadeError, ErrorKind, ProviderError
from ..result import CascadeResult
from ..types import Message, Stop, Usage
from .answer import Answer
from .calling import FinishedCall
from .events import Chunk, Completed, Decided, Event, Strategy, Switched
from .judge import Ruling
from .ledger import Ledger, exact_sum, saved
from .tier import Rules, Tier

QUOTED = 2000
"""Characters of unreadable arguments that go back to the model."""

_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
"""In the name of a call, though the model may have said it. No more than 64 others are taken back:
https://platform.openai.com/docs/api-reference/chat/create"""


def unfit(answer: Answer, stop: Stop) -> ProviderError | None:
    """Why a stream that ended without a failure is still not an answer; None if it is one."""
    if stop.reason in ("content_filter", "refusal"):
        said = f": {stop.detail}" if stop.detail else ""
        told = f"the model or its filter refused ({stop.raw_reason}){said}"
        return ProviderError(told, kind="refused")
    if answer.empty:
        unsaid = stop.reason is None
        end = "no finish reason" if unsaid else f"finish reason {stop.raw_reason or stop.reason!r}"
        told = f"the answer has no content ({end})"
        return ProviderError(told, kind="empty", retryable=unsaid)
    if stop.reason is None:
        return ProviderError("the stream ended without a finish reason", kind="incomplete")
    if stop.damaged and answer.observer is not None:
        told = "; ".join(stop.warnings) or "part of the stream was lost"
        return ProviderError(told, kind="protocol")
    return None


def place(error: ProviderError, answer: Answer) -> None:
    """Write into an error which attempt of which model it was."""
    error.attempt = answer.row.number
    error.model = error.model or answer.speaker.model
    error.provider = error.provider or answer.speaker.provider


class Told(msgspec.Struct, frozen=True):
    """An answer, and what was decided on it."""

    answer: Answer
    ruling: Ruling | None
    """None: it was not judged."""


class Story:
    """What the result must tell, noted down while the query runs."""

    def __init__(
        self,
        id: str,
        conversation: Sequence[Message],
        tiers: Sequence[Tier],
        rules: Rules,
        before: Story | None = None,
    ) -> None:
        self.id = id
        self.conversation = tuple(conversation)
        self.tiers = tiers
        self.rules = rules
        self.ledger: Ledger = Ledger() if before is None else before.ledger
        self._started: float | None = None if before is None else before._started
        self.strategy: Strategy = "direct"
        self.switched: bool = before is not None and before.switched
        self.degraded = False
        self.fallback: Told | None = None
        """The best complete draft that was rejected."""
        self.answer: Answer | None = None
        """What ended the turn."""
        self.causes: list[ProviderError | BudgetExceeded] = []
        self.warnings: tuple[str, ...] = () if before is None else before.warnings
        self._first_visible: float | None = None if before is None else before._first_visible
        self.ruling: Ruling | None = None
        """The last decision."""
        self.told: list[Told] = []
        """Every answer of this turn that was decided on, and the one that ended it."""

    def begin(self, now: float) -> float:
        """The query starts, or goes on with another turn; when it started."""
        if self._started is None:
            self._started = now
        return self._started

    def visible(self, now: float) -> None:
        """Something of an answer is shown."""
        if self._first_visible is None:
            self._first_visible = now

    def report(self, answer: Answer, usage: Usage, *, final: bool = False) -> None:
        """The provider's count of tokens, so far or in all."""
        if not self.ledger.report(answer.row, usage, final=final):
            self.warnings += ("the provider reported a negative number of tokens, or no number",)

    def switch(self, answer: Answer, target: str, reason: str) -> Switched:
        """The event that makes what was shown of an answer void."""
        self.switched = True
        return Switched(
            from_model=answer.speaker.model,
            to_model=target,
            reason=reason,
            discard_chars=0 if answer.held else len(answer.text),
            discarded_calls=() if answer.held else answer.calls,
            speaker=answer.speaker,
        )

    def offer(self, draft: Answer, ruling: Ruling) -> None:
        """A complete draft was rejected; of several the best may stand in."""
        best = None if self.fallback is None else self.fallback.ruling
        if best is None or ruling.estimate.p_good >= best.estimate.p_good:
            self.fallback = Told(draft, ruling)

    def stand_in(
        self, told: Told, failed: Answer | None, error: ProviderError | BudgetExceeded
    ) -> list[Event]:
        """The events that put a rejected draft in the place of one that failed, or of none."""
        self.degraded, self.ruling, draft = True, told.ruling, told.answer
        why = (
            f"the answer is a draft that was rejected, for what was to follow failed ({error.kind})"
        )
        self.warnings += (why,)
        if failed is None or failed is draft:
            return []
        switched = self.switch(failed, draft.speaker.model, f"verifier_error:{error.kind}")
        return [switched] if draft.held else [switched, Chunk(draft.text, draft.speaker)]

    def rule(self, answer: Answer, ruling: Ruling, error: Exception | None = None) -> Decided:
        """The event that tells that a draft is kept, or not; `error`: how it failed."""
        self.ruling = ruling
        answer.row.reason = ruling.reason
        self.told.append(Told(answer, ruling))
        detail = answer.detail if error is None else str(error)
        return Decided(ruling, answer.speaker, "" if ruling.accepted else detail)

    def completed(self, answer: Answer, now: float) -> Completed:
        """The event that ends a turn."""
        self.answer = answer
        if all(told.answer is not answer for told in self.told):
            self.told.append(Told(answer, None))
        calls = answer.finished_calls()
        for bad in calls:
            if not bad.valid:
                self.warnings += (f"a tool call was not valid: {'; '.join(bad.problems)}",)
        if answer.lacking:
            self.warnings += (answer.lacking,)
        if answer.problem:
            self.warnings += (f"the answer is not in the form asked for: {answer.problem}",)
        return Completed(self.result(answer, now), calls, _message(answer, calls))

    def result(self, answer: Answer | None, now: float) -> CascadeResult:
        """The result with `answer` as its content, whole or partial."""
        rows, last = self.ledger.rows, len(self.tiers) - 1
        drafts = [row for row in rows if row.tier < last]
        waited = [row.latency or 0.0 for row in drafts if not row.judging]
        finals = [row for row in rows if row.tier == last]
        ahead = [row.ahead for row in rows if row.ahead is not None]
        first, ruling, started = self._first_visible, self.ruling, self.begin(now)
        result = CascadeResult(
            id=self.id,
            cascaded=self.switched,
            degraded=self.degraded,
            total_cost=float(self.ledger.total),
            draft_cost=float(exact_sum(row.usd for row in drafts)),
            verifier_cost=float(exact_sum(row.usd for row in finals)),
            cost_source=self.ledger.cost_source,
            latency_ms=(now - started) * 1e3,
            first_token_ms=None if first is None else (first - started) * 1e3,
            draft_latency_ms=sum(waited) * 1e3,
            verifier_latency_ms=sum(row.latency or 0.0 for row in finals) * 1e3,
            hedge_ms=sum(ahead) * 1e3 if ahead else None,
            confidence=ruling.estimate.p_good if ruling else None,
            threshold=ruling.threshold if ruling else None,
            reason=ruling.reason if ruling else "",
            complexity=self.rules.complexity,
            strategy=self.strategy,
            messages=[dict(message) for message in self.conversation],
            usage=self._usage(),
            attempts=[row.to_dict() for row in rows],
            warnings=list(self.warnings),
        )
        if answer is not None:
            self._tell(result, answer)
        return result

    def _tell(self, result: CascadeResult, answer: Answer) -> None:
        """Add what the answer itself says."""
        stop = answer.stop
        result.content = answer.text
        result.model_used = answer.speaker.model
        result.cost_saved = float(saved(self.ledger, answer.row, self.tiers[-1].price))
        if self.strategy == "cascade":
            result.draft_accepted = answer.speaker.phase == "draft" and not self.degraded
        result.parsed = answer.parsed
        if stop is not None:
            result.finish_reason = stop.reason
            result.truncated = stop.reason in ("length", "pause")
            calls = answer.finished_calls()
            valid = [call for call in calls if call.valid]
            result.tool_calls = [call.to_dict() for call in valid]
            result.messages.append(_message(answer, valid))
            lacking = answer.lacking and stop.reason == "tool_calls"
            if lacking or (calls and stop.reason in ("stop", "tool_calls")):
                result.finish_reason = "tool_calls" if valid else "invalid_tool_call"

    def error(self, kind: ErrorKind, answer: Answer | None, now: float) -> CascadeError:
        """The error that ends a query, with the result so far."""
        told = "; ".join(str(cause) for cause in self.causes)
        draft = None if self.fallback is None else self.fallback.answer.text
        result = self.partial(answer, now)
        return CascadeError(told, kind=kind, causes=self.causes, result=result, draft=draft)

    def partial(self, answer: Answer | None, now: float) -> CascadeResult:
        """The result of a query that came to no answer."""
        result = self.result(answer, now)
        result.draft_accepted = False if self.strategy == "cascade" else None
        result.cost_saved = 0.0
        result.finish_reason = None
        result.tool_calls = []
        result.messages = [dict(message) for message in self.conversation]
        return result

    def _usage(self) -> dict[str, int]:
        usage = self.ledger.usage
        return {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        }


def _message(answer: Answer, calls: Sequence[FinishedCall]) -> dict[str, Any]:
    """The answer as the assistant's message of a conversation, with these of its calls."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if calls:
        message["tool_calls"] = [
            {
                "id": finished.call.id,
                "type": "function",
                "function": {
                    "name": _UNFIT.sub("_", finished.call.name)[:64] or "unnamed",
                    "arguments": _arguments(finished),
                },
            }
            for finished in calls
        ]
    if answer.thinking:
        message["thinking_blocks"] = answer.thinking
        message["thinking_model"] = answer.speaker.model
    return message


def _arguments(finished: FinishedCall) -> str:
    """The arguments of a call as every server takes them back: many parse them, as an object.

    Arguments that are none are quoted, as far as a model needs them to see what was wrong.
    """
    if finished.arguments is not None:
        return finished.call.arguments
    quoted = finished.call.arguments[:QUOTED].encode("utf-8", "replace").decode()
    return msgspec.json.encode({"INVALID_JSON": quoted}).decode()
