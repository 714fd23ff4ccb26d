"""Anthropic's Messages API: what its events mean. Pure; `encode` makes the request.

    message_start  (content_block_start  content_block_delta*  content_block_stop)*
    message_delta  message_stop                 `ping` and unknown events anywhere

- The JSON `type` names an event; the SSE name counts only where there is none.
- Blocks are known by their index and may be interleaved. Text blocks are the answer; thinking is
  kept apart, and a signed block is handed on whole when it ends; `tool_use` blocks are calls. Other
  blocks (tools the server runs itself, compaction) are its business: a thought without words, for
  the answer makes progress.
- One body holds one answer. What follows `message_stop`, or a second `message_start` behind a stop
  reason, is not read; a second message that begins inside the first is a `ProtocolError`, for its
  blocks have the same indexes (the official SDK writes both into one text). A head that is sent
  again before anything was said does no harm, nor one with the same id unless the blocks begin
  again too.
- `message_start` knows only the first generated tokens: unless `message_delta` reports the rest,
  `Stop.usage` is None. How tokens are counted: `anthropic_usage.py`.

Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import ProtocolError
from ..types import Delta, ReasoningDelta, Stop, StopReason, TextDelta, ToolCallDelta, UsageDelta
from .anthropic_block import IMPLIED, OURS, SAYING, Block
from .anthropic_encode import encode
from .anthropic_usage import Tally
from .failures import error_from_body, error_from_unread
from .finish import UNSAID, says_failure, stop_reason
from .lenient import as_arguments, begins_as_json, is_list, is_object, mend, read_object

if TYPE_CHECKING:
    from .catalog import Server
    from .sse import SSE

__all__ = ["Decoder", "encode"]

_OWN_REASONS: Mapping[str, StopReason] = {"compaction": "pause"}
_WORD = 80
"""Most characters of a stop reason that are kept."""
_DETAIL_BYTES = 2048
"""Most bytes of why the model refused that are kept."""
_EVENTS = frozenset((
    "", "message", "message_start", "message_delta", "message_stop",
    "content_block_start", "content_block_delta", "content_block_stop",
))  # fmt: skip
"""Names of events that carry the answer, in this API or without one."""


class _Piece(msgspec.Struct, gc=False):
    """`delta` of a `content_block_delta`; the type says which text is filled."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""


class _Increment(msgspec.Struct, gc=False):
    """The frequent event. Any other, and one with odd values, is refused: see `_feed_other`."""

    type: Literal["content_block_delta"]
    index: int
    delta: _Piece


_INCREMENTS = msgspec.json.Decoder(_Increment)


class Decoder:
    """Turns the events of one response into deltas.

    `finished`: a stop reason was seen. `done`: nothing more is to be read.
    """

    def __init__(self, server: Server) -> None:
        self.finished = False
        self.passing = False
        self.done = False
        self._server = server.name
        self._message: str | None = None
        """Id of the message; None before `message_start`."""
        self._blocks: dict[int, Block] = {}
        self._spoke = False
        self._again = False
        """The head was sent a second time, after something had been said."""
        self._plain: int | None = None
        """Index of an open text block whose deltas pass as they are."""
        self._latest = 0
        self._tally = Tally()
        self._reason: StopReason | None = None
        self._raw_reason = ""
        self._detail = ""
        self._malformed = 0
        self._damaged = False
        self._warnings: dict[str, None] = {}

    def feed(self, events: SSE, out: list[Delta]) -> None:
        """Append what events of one type say.

        Raises:
            ProviderError: an event is an error.
            ProtocolError: a second message began inside the first.
        """
        for data in events.data:
            if self.done:
                return
            try:
                increment = _INCREMENTS.decode(data)
            except (ValueError, RecursionError):
                self._feed_other(events.event, data.strip(), out)
                continue
            piece = increment.delta
            if increment.index != self._plain or piece.type != "text_delta":
                self._take(increment.index, piece, out)
            elif piece.text:
                out.append(TextDelta(piece.text))

    def whole(self, body: bytes, out: list[Delta]) -> None:
        """Append what a complete, not streamed, JSON answer says.

        Raises:
            ProviderError: it is an error object, or was cut.
            ProtocolError: it is neither that nor a message.
        """
        message = read_object(body)
        if message is None or not (is_list(message.get("content")) or _is_error(message)):
            raise error_from_unread(body)
        content = message.get("content")
        if not is_list(content):
            raise error_from_body(message)
        for index, block in enumerate(content):
            self._open(index, block, out)
            self._close(index, out, said=True)
        self._count(message.get("usage"), out, final=True)
        self._end_turn(message, out)
        self.done = True

    def end(self) -> Stop:
        """The stream is over: how it ended, with the usage if all of it was reported."""
        if self._malformed:
            self._warnings[f"{self._malformed} malformed event(s) in the stream"] = None
        if self.finished and not self.done:
            self._warnings["the stream ended without message_stop"] = None
        counted = self._tally.complete and (self.finished or self.done)
        return Stop(
            reason=self._reason,
            usage=self._tally.usage() if counted else None,
            raw_reason=self._raw_reason,
            detail=self._detail,
            warnings=(*self._warnings, *self._tally.warnings),
            damaged=self._damaged,
        )

    def _feed_other(self, event: str, data: bytes, out: list[Delta]) -> None:
        """Any event but a well-formed increment, by its type."""
        if not data and event != "error":
            return
        if data == b"[DONE]":
            self.done = True
            return
        body = read_object(data)
        if body is None:
            if event == "error":
                raise error_from_body(data.decode("utf-8", "replace"))
            # Words under a name of the server's own, as of a heartbeat, are none of the answer.
            if event in _EVENTS or begins_as_json(data):
                self._miss()
            return
        self._dispatch(self._string(body, "type") or event, event, body, out)

    def _dispatch(self, kind: str, event: str, body: dict[str, Any], out: list[Delta]) -> None:
        match kind:
            case "content_block_delta":
                delta = body.get("delta")
                if is_object(delta):
                    texts = (self._string(delta, key) for key in _Piece.__struct_fields__)
                    self._take(self._index(body), _Piece(*texts), out)
                elif delta:
                    self._miss()
            case "content_block_start":
                self._open(self._index(body), body.get("content_block"), out)
            case "content_block_stop":
                self._close(self._index(body), out, said=True)
            case "message_start":
                self._begin(body.get("message"), out)
            case "message_delta":
                self._count(body.get("usage"), out, final=True)
                self._end_turn(body.get("delta"), out)
            case "message_stop":
                self.done = True
            case _ if event == "error" or _is_error(body):
                raise error_from_body(body)
            case _:
                pass  # `ping`, and whatever the API may add.

    def _begin(self, message: object, out: list[Delta]) -> None:
        head = message if is_object(message) else {}
        name = head.get("id")
        name = name if isinstance(name, str) else ""
        if self._message is not None:
            if self.finished:
                self._warnings["a second message followed the first; it was not read"] = None
                self.done = True
                return
            if self._spoke and (not name or name != self._message):
                raise self._second(name)
            self._warnings["message_start was sent again"] = None
            self._again = self._spoke
        self._message = name
        self._count(head.get("usage"), out, final=False)

    def _second(self, name: str) -> ProtocolError:
        return ProtocolError(
            f"a second message ({name[:80]!r}) began before the first "
            f"({(self._message or '')[:80]!r}) had ended; one answer is allowed",
            provider=self._server,
        )

    def _end_turn(self, delta: object, out: list[Delta]) -> None:
        """Take the stop reason; what is still open then, ends with it."""
        raw = delta.get("stop_reason") if is_object(delta) else None
        if not is_object(delta) or not isinstance(raw, str) or raw.lower() in UNSAID:
            return
        raw = mend(raw)[:_WORD]
        if says_failure(raw):
            message = f"the answer ended with the stop reason {raw!r}"
            raise error_from_body({"type": "error", "error": {"message": message, "type": raw}})
        reason = stop_reason(raw) or _OWN_REASONS.get(raw)
        if reason is None:
            self._warnings[f"the stop reason {raw!r} is not known; taken as a plain stop"] = None
        self._reason, self._raw_reason = reason or "stop", raw
        details = delta.get("stop_details")
        told = (details.get("explanation"), details.get("category")) if is_object(details) else ()
        detail = next((text for text in told if isinstance(text, str) and text), "")
        self._detail = mend(detail).encode()[:_DETAIL_BYTES].decode("utf-8", "ignore")
        for index in list(self._blocks):
            self._close(index, out, said=False)
        self.finished = True

    def _open(self, index: int, content: object, out: list[Delta]) -> None:
        if self._again and index <= self._latest:
            raise self._second(self._message or "")
        if index in self._blocks:
            self._close(index, out, said=False)
        if not is_object(content):
            self._miss()
            return
        self._latest = index
        self._spoke = True
        block = self._blocks[index] = Block(self._string(content, "type"))
        match block.kind:
            case "text":
                self._say(index, block, self._string(content, "text"), out)
            case "thinking":
                self._think(block, self._string(content, "thinking"), out)
                block.seal = self._string(content, "signature")
            case "redacted_thinking":
                block.seal = self._string(content, "data")
            case "tool_use":
                name = mend(self._string(content, "name"))
                out.append(ToolCallDelta(index, mend(self._string(content, "id")), name))
                given = content.get("input")
                # The empty object that precedes fragments is no text.
                block.given = "" if given == {} else mend(as_arguments(given))
            case _:
                out.append(ReasoningDelta(""))

    def _take(self, index: int, piece: _Piece, out: list[Delta]) -> None:
        """One increment of a block. What is not of the block's own kind may be lost text."""
        block = self._blocks.get(index)
        if block is None or not block.kind:  # its `content_block_start` never came
            if piece.type == "input_json_delta":
                self._warnings["arguments of a tool call that never began"] = None
                self._damaged = self._damaged or not self.finished
            if piece.type not in IMPLIED:
                return
            self._spoke, self._latest = True, index
            block = self._blocks[index] = Block(IMPLIED[piece.type])
        if piece.type == "text_delta" and block.kind == "text":
            self._say(index, block, piece.text, out)
        elif piece.type == "thinking_delta" and block.kind == "thinking":
            self._think(block, piece.thinking, out)
        elif piece.type == "signature_delta" and block.kind == "thinking":
            block.seal = piece.signature
        elif piece.type == "input_json_delta" and block.kind == "tool_use":
            if text := block.join(piece.partial_json):
                block.given = ""
                out.append(ToolCallDelta(index, arguments=text))
        elif block.kind not in OURS:
            out.append(ReasoningDelta(""))
        elif piece.type in SAYING and (piece.text or piece.partial_json):
            self._miss()

    def _close(self, index: int, out: list[Delta], *, said: bool) -> None:
        """End a block; `said`: the server did, it is not only taken to have ended."""
        block = self._blocks.pop(index, None)
        if self._plain == index:
            self._plain = None
        if block is None:
            return
        rest = block.rest()
        match block.kind:
            case "text" if rest:
                out.append(TextDelta(rest))
            case "thinking" if rest:
                out.append(ReasoningDelta(rest))
            case "tool_use" if said or rest or block.given:
                out.append(ToolCallDelta(index, arguments=rest or block.given, closed=said))
            case _:
                pass
        if signed := block.signed():
            out.append(ReasoningDelta("", signed))

    def _say(self, index: int, block: Block, text: str, out: list[Delta]) -> None:
        text = block.join(text)
        self._plain = None if block.waiting else index
        if text:
            out.append(TextDelta(text))

    def _think(self, block: Block, text: str, out: list[Delta]) -> None:
        if text := block.join(text):
            out.append(ReasoningDelta(text))

    def _count(self, usage: object, out: list[Delta], *, final: bool) -> None:
        if self._tally.take(usage, final=final):
            out.append(UsageDelta(self._tally.usage()))

    def _string(self, holder: dict[str, Any], key: str) -> str:
        """A text; null is none, anything else is a loss."""
        value = holder.get(key)
        if isinstance(value, str):
            return value
        if value is not None:
            self._miss()
        return ""

    def _index(self, body: dict[str, Any]) -> int:
        index = body.get("index")
        return index if isinstance(index, int) else self._latest

    def _miss(self) -> None:
        """An event could not be read: part of the answer may be gone."""
        self._malformed += 1
        self._damaged = self._damaged or not self.finished


def _is_error(body: Mapping[str, Any]) -> bool:
    kind = body.get("type")
    bare = isinstance(kind, str) and kind.endswith("_error")
    return bare or "error" in (kind, body.get("object")) or bool(body.get("error"))
