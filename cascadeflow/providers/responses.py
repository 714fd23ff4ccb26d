"""OpenAI's Responses API: what its events mean. Pure; `encode` makes the request.

    response.created  (output_item.added  (<text>.delta*  <text>.done)*  output_item.done)*
    response.completed | response.incomplete | response.failed           `error` anywhere

- The JSON `type` names an event; the SSE name counts only where there is none.
- Which item an event is about: `responses_items.py`. Messages are the answer, several are one
  text; reasoning is kept apart, a `function_call` is a call. Others are tools the server runs
  itself: a thought without words, for the answer makes progress.
- A text is told up to four times: in pieces, whole, with its item, and with the response at the
  end. Each telling adds what is new in it; one that contradicts what was given out is damage, and
  so are messages whose pieces come mixed.
- Encrypted reasoning goes back with the conversation, in front of the text or call it led to.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ..errors import ProtocolError, ProviderError
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
from . import responses_words as words
from .chat_chunk import Logprobs, Token, read_logprobs, read_usage
from .chat_odd import is_error
from .failures import error_from_body, error_from_unread
from .finish import says_failure, stop_reason
from .lenient import Halves, as_arguments, begins_as_json, is_object, mend, read_object
from .responses_encode import encode
from .responses_items import Item, Items
from .responses_words import Json

if TYPE_CHECKING:
    from .catalog import Server
    from .sse import SSE

__all__ = ["Decoder", "encode"]

_OURS = ("message", "reasoning", "function_call")
_DETAIL_BYTES, _WORD = 2048, 80
"""How much is kept of a refusal, and how many characters of a reason."""

_Key: TypeAlias = tuple[str, int]
"""What a text is, and its place in its item."""


class _Increment(msgspec.Struct, gc=False):
    """The frequent event. Any other, and one with odd values, is refused: see `_feed_other`."""

    type: Literal["response.output_text.delta"]
    delta: str
    output_index: int
    content_index: int = 0
    logprobs: list[Token] | None = None


_INCREMENTS = msgspec.json.Decoder(_Increment)


class Decoder:
    """Turns the events of one response into deltas.

    `finished` and `done`: the closing event was seen, nothing more is to be read.
    """

    def __init__(self, server: Server) -> None:
        self.finished = False
        self.passing = False
        self.done = False
        self._server = server.name
        self._id: object = None
        self._items = Items()
        self._speaking: tuple[int, _Key] | None = None
        """The text that the latest piece of the answer belongs to, and the place of its item."""
        self._thoughts: list[Json] = []
        """Encrypted reasoning that nothing has followed yet."""
        self._sealed = False
        """There was some."""
        self._going: tuple[int, int] | None = None
        """Indexes of a text whose pieces pass as they are, to the end of `_pieces`."""
        self._pieces: list[str] = []
        self._halves = Halves()
        self._early: tuple[float, ...] = ()
        """Log-probabilities of tokens that are only part of a character."""
        self._usage: Usage | None = None
        self._reason: StopReason | None = None
        self._word = ""
        self._malformed = 0
        self._damaged = False
        self._warnings: dict[str, None] = {}

    def feed(self, events: SSE, out: list[Delta]) -> None:
        """Append what events of one type say.

        Raises:
            ProviderError: an event is an error, or the response failed.
            ProtocolError: a second response began inside the first.
        """
        for data in events.data:
            if self.done:
                return
            try:
                said = _INCREMENTS.decode(data)
            except (ValueError, RecursionError):
                self._feed_other(events.event, data.strip(), out)
                continue
            place, text = (said.output_index, said.content_index), said.delta
            if place == self._going and text and not (said.logprobs or self._halves.waiting):
                self._pieces.append(text)
                out.append(TextDelta(text))
                continue
            item = self._items.spoken(said.output_index)
            tokens = read_logprobs(Logprobs(said.logprobs)) if said.logprobs else ()
            self._say(item, ("text", said.content_index), text, out, tokens)
            pieces = item.said.get(("text", said.content_index))
            self._going = None if pieces is None or self._early else place
            self._pieces = pieces or []

    def whole(self, body: bytes, out: list[Delta]) -> None:
        """Append what a complete, not streamed, JSON answer says.

        Raises:
            ProviderError: it is an error object, it failed, or it was cut.
            ProtocolError: it is no response.
        """
        found = read_object(body)
        if found is None or not ("output" in found or is_error(found)):
            raise error_from_unread(body)
        if "output" not in found:
            raise error_from_body(found)
        self._end(found, "", out)

    def end(self) -> Stop:
        """The stream is over: how it ended, with the usage if it was reported."""
        if self._malformed:
            self._warnings[f"{self._malformed} event(s) could not be parsed"] = None
        refusal = "".join(item.text("refusal") for item in self._items.all)
        return Stop(
            reason="refusal" if self._reason and refusal else self._reason,
            usage=self._usage,
            raw_reason=self._word,
            detail=refusal.encode()[:_DETAIL_BYTES].decode("utf-8", "ignore"),
            warnings=tuple(self._warnings),
            damaged=self._damaged,
        )

    def _feed_other(self, event: str, data: bytes, out: list[Delta]) -> None:
        """Any event but a well-formed piece of text, by its type."""
        self._going = None
        if data == b"[DONE]":
            self.done = True
            return
        body = read_object(data)
        if body is not None:
            kind = body.get("type")
            self._dispatch(event, kind if isinstance(kind, str) else event, body, out)
        elif event == "error":
            raise error_from_body(data.decode("utf-8", "replace"))
        elif data in (b"", b"null"):
            pass
        elif event in ("", "message") or "response." in event or begins_as_json(data):
            # Words under a name of the server's own, as of a heartbeat, are none of the answer.
            self._miss()

    def _dispatch(self, event: str, kind: str, body: Json, out: list[Delta]) -> None:
        item, response = body.get("item"), body.get("response")
        text, _, step = kind.rpartition(".")
        if text in words.TEXTS and (step == "delta" or words.TEXTS[text][1] in body):
            self._take(text, step, body, out)
            return
        match step:
            case "added" if is_object(item):
                self._open(item, body, out)
            case "done" if is_object(item):
                self._close(item, body, out)
            case "created" if is_object(response):
                self._begin(response.get("id"))
            case "completed" | "incomplete" | "failed" | "cancelled" | "done" if text == "response":
                self._end(response if is_object(response) else body, step, out)
            case _ if event == "error" or words.is_failure(kind, body):
                raise error_from_body(body)
            case _ if "output_index" in body:
                out.append(ReasoningDelta(""))
            case _:
                pass  # The response is queued, or in progress; and what may be added.

    def _begin(self, id: object) -> None:
        if self._items.all and id != self._id:
            raise ProtocolError(
                f"a second response ({str(id)[:80]!r}) began before the first "
                f"({str(self._id)[:80]!r}) had ended; one answer is allowed",
                provider=self._server,
            )
        self._id = id

    def _take(self, text: str, step: str, body: Json, out: list[Delta]) -> None:
        """An event of a text: a piece of it, or the whole."""
        name, field = words.TEXTS[text]
        piece = body.get("delta" if step == "delta" else field)
        piece = as_arguments(piece) if name == "arguments" else piece
        if not isinstance(piece, str):
            if piece is not None and name == "text":
                self._miss()
            return
        part = words.read_index(body.get("content_index", body.get("summary_index"))) or 0
        item = self._items.of(words.HOLDERS[name], body)
        if step == "delta":
            self._say(item, (name, part), piece, out)
        else:
            self._settle(item, (name, part), item.text(name, part), piece, out)

    def _open(self, item: Json, body: Json, out: list[Delta]) -> None:
        """An item begins."""
        if item.get("type") not in _OURS:
            out.append(ReasoningDelta(""))
            return
        known = self._items.begun(item, body)
        if item.get("type") == "function_call":
            self._call(known, item, out)
            known.given = as_arguments(item.get("arguments"))

    def _call(self, known: Item, item: Json, out: list[Delta]) -> None:
        """Tell the id and the name of a call, unless that was done."""
        id, name = mend(words.string(item.get("call_id"))), mend(words.string(item.get("name")))
        if not known.called:
            self._give_thoughts(out, id)
        if not known.called or (id and not known.id) or (name and not known.name):
            known.called, known.id, known.name = True, known.id or id, known.name or name
            out.append(ToolCallDelta(known.place, known.id, known.name))

    def _close(self, item: Json, body: Json, out: list[Delta]) -> None:
        """An item has ended."""
        if item.get("type") not in _OURS:
            out.append(ReasoningDelta(""))
        elif (known := self._items.ended(item, body)).whole is None:
            self._fill(known, item, out)

    def _fill(self, known: Item, item: Json, out: list[Delta]) -> None:
        """Take from a whole item what its pieces left out."""
        known.whole = item
        if item.get("type") == "function_call":
            self._call(known, item, out)
            said = known.text("arguments")
            whole = as_arguments(item.get("arguments")) or ("" if said else known.given)
            self._settle(known, ("arguments", 0), said, whole, out)
            if item.get("status") != "incomplete":
                out.append(ToolCallDelta(known.place, closed=True))
            return
        for name, text in words.texts(item).items():
            self._settle(known, known.last(name), known.text(name), text, out)
        self._seal(item)

    def _seal(self, item: Json) -> None:
        """Keep encrypted reasoning."""
        if item.get("encrypted_content"):
            self._thoughts.append(item)
            self._sealed = True

    def _say(
        self, item: Item, key: _Key, piece: str, out: list[Delta], tokens: tuple[float, ...] = ()
    ) -> None:
        """A piece of a text; halves of a surrogate pair wait for each other."""
        text = self._halves.join((item.place, *key), piece)
        if not text:
            self._early += tokens
            return
        pieces = item.said.setdefault(key, [])
        match key[0]:
            case "text":
                if pieces and self._speaking != (item.place, key):
                    self._damage("the pieces of several texts came mixed")
                if self._thoughts and not any(each.called for each in self._items.all):
                    self._give_thoughts(out)
                self._speaking = (item.place, key)
                out.append(TextDelta(text, self._early + tokens))
                self._early = ()
            case "arguments":
                out.append(ToolCallDelta(item.place, arguments=text))
            case "summary" | "reasoning":
                out.append(ReasoningDelta(text))
            case _:
                pass  # A refusal is told at the end.
        pieces.append(text)

    def _settle(self, item: Item, key: _Key, said: str, whole: str, out: list[Delta]) -> None:
        """A text, of which `said` was given out, as it is now that it is whole."""
        whole, name = mend(whole), key[0]
        if whole and whole.startswith(said):
            self._halves.waiting.pop((item.place, *key), None)
            self._say(item, key, whole[len(said) :], out)
            return
        same = whole.strip() in said
        if name == "arguments" and not same:
            same = words.canonical(said) == words.canonical(whole)
        if not same and name in ("text", "arguments"):
            self._damage(f"the {name} that came in pieces is not what the server told in the end")

    def _give_thoughts(self, out: list[Delta], before: str = "") -> None:
        """Encrypted reasoning, with the id of the call that it led to."""
        mark = {"call_id": before} if before else {}
        out += [ReasoningDelta("", {**thought, **mark}) for thought in self._thoughts]
        self._thoughts = []

    # --- the end -------------------------------------------------------------------------------

    def _end(self, response: Json, step: str, out: list[Delta]) -> None:
        """The closing event, which tells the whole response once more.

        Raises:
            ProviderError: the response failed.
        """
        self._complete(words.objects(response.get("output")), out)
        for item in self._items.all:
            if item.called and not item.said:
                self._say(item, ("arguments", 0), item.given, out)
        for half in [*self._halves.flush()]:
            match half:
                case (int() as place, str() as name, int() as part):
                    self._say(self._items.all[place], (name, part), "\ufffd", out)
                case _:
                    pass
        self._give_thoughts(out)
        self._count(response.get("usage"), out)
        status, cause = words.how_ended(response, step)
        self._word = mend(cause or status)[:_WORD]
        match status:
            case "completed":
                called = any(item.called for item in self._items.all)
                self._reason = stop_reason(cause) or ("tool_calls" if called else "stop")
            case "incomplete" if not says_failure(cause):
                self._reason = stop_reason(cause) or "pause"
            case _ if response.get("error"):
                raise error_from_body({"error": response["error"]})
            case _:
                told = f"the server ended the answer with the status {self._word!r}"
                raise ProviderError(told, kind="server", retryable=True)
        self.finished = self.done = True

    def _complete(self, output: Sequence[Json], out: list[Delta]) -> None:
        """Take what was not streamed. Items may be left out here, and so have other places."""
        items = self._items.all
        if not items:
            for index, item in enumerate(output):
                self._close(item, {"output_index": index, "item": item}, out)
            return
        told = [words.texts(item) for item in output if item.get("type") == "message"]
        for name in ("text", "refusal"):
            whole = "".join(texts.get(name, "") for texts in told)
            said = [item for item in items if item.last(name) in item.said]
            if whole:
                last = said[-1] if said else self._items.of("message", {})
                so_far = "".join(item.text(name) for item in said)
                self._settle(last, last.last(name), so_far, whole, out)
        self._complete_calls(output, out)

    def _complete_calls(self, output: Sequence[Json], out: list[Delta]) -> None:
        """Take calls, and the encrypted reasoning before them."""
        late = not self._sealed
        known = iter(self._items.paired([i for i in output if i.get("type") == "function_call"]))
        for item in output:
            if item.get("type") == "reasoning" and late:
                self._seal(item)
            elif item.get("type") == "function_call":
                call = next(known) or self._items.begun(item, {"item": item})
                if late and call.called:
                    self._give_thoughts(out, call.id)
                if call.whole is None:
                    self._fill(call, item, out)

    def _count(self, usage: object, out: list[Delta]) -> None:
        wire = words.counts(usage)
        if wire is None:
            return
        self._usage = read_usage(wire, hidden_thinking=False)
        if self._usage is None:
            self._warnings["the server's token counts are not usable"] = None
        else:
            out.append(UsageDelta(self._usage))

    def _miss(self) -> None:
        """An event could not be read: part of the answer may be gone."""
        self._malformed += 1
        self._damaged = True

    def _damage(self, told: str) -> None:
        self._damaged = True
        self._warnings[told] = None
