"""OpenAI's chat completions, and every server that speaks the dialect. Pure: no I/O.

`encode` makes the body of a request, `Decoder` reads the events of the answer. Where servers
differ, a field of `Server` says how.
Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

import msgspec

from ..errors import ProviderError
from ..types import (
    Delta,
    ReasoningDelta,
    Stop,
    StopReason,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageDelta,
)
from .chat_chunk import (
    Call,
    Choice,
    Chunk,
    ChunkDelta,
    Function,
    WireUsage,
    decode_chunk,
    decode_plain,
    read_logprobs,
    read_usage,
    says_more,
    says_nothing,
)
from .chat_encode import encode
from .chat_odd import Json, is_error, read_chunk
from .failures import error_from_body, error_from_unread
from .finish import UNSAID, more_telling, says_failure, stop_reason
from .inline_thinking import InlineThinking
from .lenient import Halves, begins_as_json, loads, mend, read_object
from .sse import SSE

if TYPE_CHECKING:
    from .catalog import Server

__all__ = ["Decoder", "encode"]

_REFUSAL_BYTES = 2048
_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Decoder:
    """Reads one answer: events in, deltas out, then a `Stop`.

    Events are decoded into typed structs; what they refuse (an odd shape, half a surrogate pair,
    bytes that are not UTF-8) takes the lenient way through `chat_odd.read_chunk`.
    An event that cannot be read at all is counted and named in `Stop.warnings`.

    Some servers say with every chunk that the answer has ended: what is said after a finish takes
    it back, unless it has another id than the answer up to then, for then it is a second answer.
    """

    def __init__(self, server: Server) -> None:
        self.finished = False
        """The model said why it ended."""
        self.passing = False
        """It said so beside a piece of the answer."""
        self.done = False
        """`[DONE]` was seen: nothing more is to be read."""
        self._server = server
        self._reason: StopReason | None = None
        self._word = ""
        self._usage: Usage | None = None
        self._counted = False
        """`_usage` counts all that was said so far."""
        self._refusal = ""
        self._warnings: dict[str, None] = {}
        self._malformed = 0
        self._damaged = False
        self._failure: ProviderError | None = None
        self._said = False
        self._called = False
        self._id = ""
        """Of the first chunk that has one."""
        self._ended = False
        """A chunk with a finish had that id again: what has another is none of the answer."""
        self._closely = True
        """Chunks are to be read with all their fields: up to the first text, and after a finish."""
        self._thoughts: list[str] = []
        """What the server wants back with the calls."""
        self._inline: InlineThinking | None = InlineThinking(server.thought_tag)
        self._early_logprobs: tuple[float, ...] = ()
        self._halves = Halves()
        self._odd = False
        """The strings at hand have not been checked by a strict parser."""

    def feed(self, events: SSE, out: list[Delta]) -> None:
        """Append the deltas of events of one type to `out`.

        Raises:
            ProviderError: the server reports a failure; what it said before is in `out`.
        """
        pieces: Iterable[bytes] = events.data
        if events.event not in ("", "message"):
            if events.event == "error" and not self.done:
                raise _reported(events.data[0])
            # Words under a name of the server's own, as of a heartbeat, are none of the answer.
            pieces = filter(begins_as_json, pieces)
        for data in pieces:
            if self.done:
                return
            if self._closely:
                self._read(data, out)
                continue
            try:
                (choice,) = decode_plain(data).choices
            except _REFUSED:
                self._read(data, out)
                continue
            text, found = choice.delta.content, choice.logprobs
            logprobs = () if found is None else read_logprobs(found)
            if text and not (self._early_logprobs or self._halves.waiting):
                self._counted = False
                out.append(TextDelta(text, logprobs))
            else:
                self._take_text(text, logprobs, out)

    def end(self) -> Stop:
        """The end of the answer; its reason is None if the server gave none."""
        if self._malformed:
            self._warn(f"{self._malformed} event(s) could not be parsed")
        reason = self._reason if self.finished or self.done else None
        if reason is None and self.done and self._server.unnamed_finish:
            reason = "tool_calls" if self._called else "stop"
        if reason is not None and self._refusal:
            reason = "refusal"
        refusal = self._refusal.encode()[:_REFUSAL_BYTES]
        return Stop(
            reason=reason,
            usage=self._usage if self._counted else None,
            raw_reason=self._word,
            detail=refusal.decode("utf-8", "ignore"),
            warnings=tuple(self._warnings),
            damaged=self._damaged,
        )

    def whole(self, body: bytes, out: list[Delta]) -> None:
        """Append the deltas of an answer that came as one JSON object.

        Raises:
            ProviderError: the body is an error object, or was cut.
            ProtocolError: it is not a JSON object at all.
        """
        found = read_object(body)
        if found is None:
            raise error_from_unread(body)
        self._take_odd(found, out)
        self._flush(out)
        self.done = True

    def _read(self, data: bytes, out: list[Delta]) -> None:
        """Take an event that is more than text."""
        try:
            chunk = decode_chunk(data)
        except _REFUSED:
            chunk = None
        if (
            chunk is not None
            and not chunk.error
            and isinstance(choices := chunk.choices, list)
            and not (choices and choices[0].delta is None)
        ):
            self._take(chunk, out)
            return
        data = data.strip()
        if data == b"[DONE]":
            self._flush(out)
            self.done = True
        elif data and data != b"null":
            found = read_object(data)
            if found is None:
                self._count_malformed()
            else:
                self._take_odd(found, out)

    def _take_odd(self, body: Json, out: list[Delta]) -> None:
        self._odd, ended = True, self.finished
        error = error_from_body(body) if is_error(body) else None
        try:
            self._take(read_chunk(body, whole=not self._said), out)
        except ValueError:
            self._count_malformed()
        except ProviderError as found:
            # A finish that is called an error says less than the error beside it.
            error = error or found
        finally:
            self._odd = False
        if error is not None:
            self.finished = ended
            raise error

    def _take(self, chunk: Chunk, out: list[Delta]) -> None:
        """Append what the chunk says, then raise what it complains about."""
        ended, name = self.finished, chunk.id or ""
        known, self._id = name == self._id, self._id or name
        if self._ended and name and not known and says_more(chunk):
            self._warn("a second answer followed the first; it was not read")
            self.done = True
            return
        for choice in chunk.choices or ():
            if not choice.index:
                self._take_choice(choice, out)
        # A server that gives every chunk an id of its own never gives one twice.
        self._ended = self._ended or (self.finished and known and bool(name))
        usage, groq = chunk.usage, chunk.x_groq
        if groq is not None:
            usage = usage or groq.usage
            if groq.error:
                self._failure = error_from_body({"error": groq.error})
        if usage is not None:
            self._take_usage(usage, out)
        if self._failure is not None:
            self.finished = ended
            raise self._failure

    def _take_choice(self, choice: Choice, out: list[Delta]) -> None:
        delta = choice.delta
        if delta is not None:
            self._said = True
            before = len(out)
            self._take_thought(delta, out)
            if delta.content is not None:
                logprobs = () if choice.logprobs is None else read_logprobs(choice.logprobs)
                self._take_text(delta.content, logprobs, out)
            if delta.refusal:
                self._refusal += self._mended("refusal", delta.refusal)
                self._refusal = self._refusal[:_REFUSAL_BYTES]
            if delta.tool_calls:
                for call in delta.tool_calls:
                    self._take_call(call, out)
            elif delta.function_call is not None:
                self._take_call(Call(index=0, function=delta.function_call), out)
            self.passing = len(out) > before
            if self.passing:
                self._counted = self.finished = False
        if choice.usage is not None:
            self._take_usage(choice.usage, out)
        if choice.error or (choice.finish_reason or "").lower() not in UNSAID:
            self._finish(choice, out)

    def _take_text(self, text: str, logprobs: tuple[float, ...], out: list[Delta]) -> None:
        """Tokens that are only part of a character have log-probabilities but no text yet."""
        text = self._mended("text", text)
        inline = self._inline
        if inline is not None:
            thought, text = inline.split(text)
            if inline.over:
                self._inline, self._closely = None, False
            if thought:
                out.append(ReasoningDelta(thought))
            if inline.within or thought:
                self._early_logprobs = logprobs = ()
        logprobs = self._early_logprobs + logprobs
        self._early_logprobs = () if text else logprobs
        if text:
            self._counted = False
            out.append(TextDelta(text, logprobs))

    def _take_thought(self, delta: ChunkDelta, out: list[Delta]) -> None:
        """One thought may stand in several fields: it is taken from the first that has it."""
        thought = delta.reasoning_content or delta.reasoning
        if not thought and delta.reasoning_details:
            thought = "".join(part.text or part.summary or "" for part in delta.reasoning_details)
        if thought and (thought := self._mended("thought", thought)):
            out.append(ReasoningDelta(thought))
            if self._server.thoughts_back:
                self._thoughts.append(thought)

    def _take_call(self, call: Call, out: list[Delta]) -> None:
        function = call.function or Function(call.name, call.arguments)
        fragment = ToolCallDelta(
            index=call.index,
            id=self._mended(("id", call.index), call.id or ""),
            name=self._mended(("name", call.index), function.name or ""),
            arguments=self._mended(("arguments", call.index), function.arguments or ""),
        )
        if call.extra_content:
            out.append(ReasoningDelta("", {"id": fragment.id, "extra_content": call.extra_content}))
        if fragment.id or fragment.name or fragment.arguments:
            self._called = True
            out.append(fragment)

    def _take_usage(self, wire: WireUsage, out: list[Delta]) -> None:
        """Cumulative: the last one counts, and one that cannot be right takes it back."""
        if says_nothing(wire):
            return
        usage = read_usage(wire, hidden_thinking=self._server.hidden_thinking)
        if usage is None:
            self._warn("the server's token counts are not usable")
        elif usage != self._usage:
            out.append(UsageDelta(usage))
        self._usage = usage
        self._counted = True

    def _finish(self, choice: Choice, out: list[Delta]) -> None:
        self._flush(out)
        if self._thoughts and self._called:
            out.append(ReasoningDelta("", {"reasoning_content": "".join(self._thoughts)}))
            self._thoughts = []
        word = mend(choice.finish_reason or "error")
        if choice.error:
            self._failure = error_from_body({"error": choice.error})
            return
        if says_failure(word):
            ended = f"the server ended the answer with finish_reason {word!r}"
            self._failure = ProviderError(ended, kind="server", retryable=True)
            return
        reason = stop_reason(word)
        if reason is None:
            self._warn(f"unknown finish_reason {word[:80]!r}, taken for 'stop'")
            reason = "stop"
        if self._reason is None or more_telling(reason, self._reason):
            self._reason, self._word = reason, word
        self.finished = self._closely = True

    def _mended(self, key: Hashable, text: str) -> str:
        return self._halves.join(key, text) if self._odd or self._halves.waiting else text

    def _flush(self, out: list[Delta]) -> None:
        """Give out what was held back, and U+FFFD for a character whose second half never came."""
        if self._inline is not None:
            thought, text = self._inline.flush()
            if thought:
                out.append(ReasoningDelta(thought))
            if text:
                self._inline = None
                out.append(TextDelta(text, self._early_logprobs))
                self._early_logprobs = ()
        for key in self._halves.flush():
            match key:
                case "text":
                    out.append(TextDelta("\ufffd"))
                case "thought":
                    out.append(ReasoningDelta("\ufffd"))
                case ("arguments", int() | None as index):
                    out.append(ToolCallDelta(index, arguments="\ufffd"))
                case _:
                    pass

    def _count_malformed(self) -> None:
        self._malformed += 1
        self._damaged = self._damaged or not self.finished

    def _warn(self, text: str) -> None:
        if len(self._warnings) < 20:
            self._warnings[text] = None


def _reported(data: bytes) -> ProviderError:
    """What an event of type error means."""
    try:
        return error_from_body(loads(data))
    except ValueError:
        return error_from_body(data.decode("utf-8", "replace"))
