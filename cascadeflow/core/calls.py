"""Tool calls, put together from the fragments of a stream. Pure.

Servers cut calls in many ways: an index in every fragment or in none, the id once, always or never,
one index for several calls, whole calls in one fragment, names in pieces or repeated. A fragment is
brought to its call by these rules, the first that fits:

- its id is known: that call, unless a new index and a name come with it;
- its index is known: that call, unless both have ids, these differ, and a name comes with it or
  the arguments are complete: a server may give every fragment an id of its own;
- it has an id or a name of its own, and no call is waiting for them: a new call;
- it has neither index nor id: the call of the fragment before.

Names precede arguments. So a name that comes after arguments have begun is either the same name
once more, which says nothing, or the beginning of a new call.

    fragments ──add──▶ CallStarted  CallFragment*  CallClosed     for each call; they may interleave

Units: arguments are bounded in bytes of UTF-8, names in code points.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from ..errors import ProtocolError
from ..types import ToolCall, ToolCallDelta

MAX_CALLS = 128
"""Most calls in one message."""
MAX_ARGUMENTS = 1024 * 1024
"""Most bytes of the arguments of one call."""
MAX_NAME = 1024
"""Longest name of a tool, in code points; the APIs allow 64 or 128."""

_STRUCTURE = re.compile(r'\\(?:.|$)|["{}\[\]]', re.DOTALL)
_FENCE = "```"


class CallStarted(msgspec.Struct, gc=False):
    """The name of a call is whole. Comes once for each call, before anything else of it."""

    position: int
    """Which call of this message, from 0, in order of appearance."""
    id: str
    """The server's id, or one made up if it gave none or gave it twice; it does not change."""
    name: str


class CallFragment(msgspec.Struct, gc=False):
    """More raw JSON text of the arguments, never empty."""

    position: int
    arguments: str


class CallClosed(msgspec.Struct, gc=False):
    """Nothing more of this call is expected. Comes once for each call."""

    position: int


CallStep: TypeAlias = CallStarted | CallFragment | CallClosed


class Calls:
    """The tool calls of one message.

    Args:
        offered: names of the tools the model was offered. They settle whether a piece of a name
            that equals what is already there goes on with it or repeats it.
        prefix: of made-up ids, `<prefix><n>`. A caller that keeps several messages in one
            conversation gives each its own.
    """

    def __init__(self, offered: Iterable[str] = (), prefix: str = "call_") -> None:
        self._offered = frozenset(offered)
        self._prefix = prefix
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._ids: set[str] = set()
        self._last: _Call | None = None

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """Every call so far, with its arguments normalised; complete after `finish`."""
        return tuple(self.call(position) for position in range(len(self._calls)))

    def call(self, position: int) -> ToolCall:
        """One of `calls`, without the work of putting the others together."""
        call = self._calls[position]
        return ToolCall(self._settle_id(call), call.name, normalise_arguments(call.text()))

    def bare(self, position: int) -> bool:
        """Whether it is the last call so far, without arguments: perhaps it was cut off."""
        return position == len(self._calls) - 1 and not self._calls[position].text().strip()

    def repeated(self, position: int) -> bool:
        """Whether the server gave the same call, under the same id, before in this message."""
        call = self._calls[position]
        said = (call.given, call.name, call.size)
        twins = (
            each for each in self._calls[:position] if said == (each.given, each.name, each.size)
        )
        return bool(call.given) and any(each.text() == call.text() for each in twins)

    def add(self, delta: ToolCallDelta) -> list[CallStep]:
        """Take in the next fragment; say what is new about which call.

        Raises:
            ProtocolError: more calls, longer arguments or a longer name than the bounds allow.
        """
        steps: list[CallStep] = []
        call = self._find(delta)
        if call is None:
            if not (delta.id or delta.name or delta.arguments):
                return []
            call = self._begin(delta, steps)
        self._last = call
        if delta.id:
            self._take_id(call, delta.id)
        if delta.name:
            self._take_name(call, delta.name)
        if delta.arguments:
            call.append(delta.arguments)
            if call.announced:
                steps.append(CallFragment(call.position, delta.arguments))
            elif call.name:
                self._announce(call, steps)
        if delta.closed:
            call.ended = True
            self._announce(call, steps)
            if not self.bare(call.position):  # else what comes next will tell
                self._close(call, steps)
        return steps

    def finish(self) -> list[CallStep]:
        """The message has ended: announce and close what is still open."""
        steps: list[CallStep] = []
        for call in self._calls:
            self._close(call, steps)
        return steps

    def _find(self, delta: ToolCallDelta) -> _Call | None:
        """The call this fragment goes on with; None if it begins a new one."""
        known = self._by_id.get(delta.id) if delta.id else None
        if delta.index is not None:
            call = self._indexed(delta, known, self._by_index.get(delta.index))
        elif known is not None or self._last is None:
            call = known
        else:
            # The call before, unless an id of its own makes it another.
            another = delta.id and (self._last.given or delta.name)
            call = None if another else self._last
        if call is None or self._renewed(call, delta):
            return None
        if delta.index is not None and call.index is None:
            call.index = delta.index
            self._by_index[delta.index] = call
        return call

    def _indexed(self, delta: ToolCallDelta, known: _Call | None, at: _Call | None) -> _Call | None:
        if known is not None:
            new = at is None and delta.name and known.index is not None
            return None if new else known
        if at is not None:
            another = bool(delta.id and at.given)
            whole = bool(delta.name) or (not at.fickle and at.balanced())
            return None if another and whole else at
        if delta.id or delta.name:
            return None
        # Arguments only, under an index never seen: they belong to a call begun without one.
        return self._last if self._last is not None and self._last.index is None else None

    def _renewed(self, call: _Call, delta: ToolCallDelta) -> bool:
        """Whether a fragment under the address of `call` begins another call."""
        name = delta.name
        if not name or not call.name:
            return False
        if call.ended:
            return True
        if not call.size:
            if name == call.name or self._grows(call.name + name):
                return False  # the name once more, or a piece that goes on with it
            return call.name in self._offered
        if name != call.name:
            return True
        return bool(delta.arguments.strip()) and not delta.id and call.balanced()

    def _grows(self, longer: str) -> bool:
        """Whether an offered name begins so."""
        return any(name.startswith(longer) for name in self._offered)

    def _begin(self, delta: ToolCallDelta, steps: list[CallStep]) -> _Call:
        position = len(self._calls)
        if position == MAX_CALLS:
            raise ProtocolError(
                f"the message holds more than {MAX_CALLS} tool calls, the most allowed"
            )
        if self._calls:
            before = self._calls[-1]
            # It has its name; but one that is none of those offered may still grow.
            if before.name and (not self._offered or before.name in self._offered):
                self._announce(before, steps)
            # While brackets are open it goes on: fragments of parallel calls may alternate.
            if before.ended or (before.name and before.balanced()):
                self._close(before, steps)
        call = _Call(position, delta.index)
        self._calls.append(call)
        if delta.index is not None:
            self._by_index[delta.index] = call
        return call

    def _take_id(self, call: _Call, given: str) -> None:
        if call.given:
            call.fickle = call.fickle or given != call.given
            return
        call.given = given
        self._by_id[given] = call
        # An id made up before is known to the outside by now: it stays.
        if not call.id and given not in self._ids:
            call.id = given
            self._ids.add(given)

    def _settle_id(self, call: _Call) -> str:
        """The id of the call, made up now if it has none."""
        number = call.position
        while not call.id:
            made = f"{self._prefix}{number}"
            if made not in self._ids:
                call.id = made
                self._ids.add(made)
            number += MAX_CALLS
        return call.id

    def _take_name(self, call: _Call, piece: str) -> None:
        if call.name and call.size:
            return
        longer = call.name + piece
        if piece == call.name and not self._grows(longer):
            return
        if len(longer) > MAX_NAME:
            raise ProtocolError(
                f"tool call {call.position}: the name is longer than {MAX_NAME} characters, "
                "the most allowed"
            )
        call.name = longer

    def _announce(self, call: _Call, steps: list[CallStep]) -> None:
        """Tell the name, and the arguments that came before it."""
        if call.announced:
            return
        call.announced = True
        steps.append(CallStarted(call.position, self._settle_id(call), call.name))
        if held := call.text():
            steps.append(CallFragment(call.position, held))

    def _close(self, call: _Call, steps: list[CallStep]) -> None:
        self._announce(call, steps)
        if not call.closed:
            call.closed = True
            steps.append(CallClosed(call.position))


class _Call:
    """One call that may still grow."""

    __slots__ = (
        "_depth", "_escaped", "_opened", "_parts", "_quoted", "_scanned",
        "announced", "closed", "ended", "fickle", "given", "id", "index", "name", "position",
        "size",
    )  # fmt: skip

    def __init__(self, position: int, index: int | None) -> None:
        self.position = position
        self.index = index
        self.given = ""
        """The id the server gave."""
        self.fickle = False
        """It gave others too, in later fragments."""
        self.id = ""
        """The id the outside knows; unique in the message."""
        self.name = ""
        self.size = 0
        """Bytes of the arguments so far."""
        self.announced = False
        self.closed = False
        self.ended = False
        """The server itself said that the call is complete."""
        self._parts: list[str] = []
        self._scanned = 0
        self._depth = 0
        self._opened = self._quoted = self._escaped = False

    def append(self, fragment: str) -> None:
        """Keep a fragment of the arguments."""
        ascii_only = fragment.isascii()
        self.size += len(fragment) if ascii_only else len(fragment.encode("utf-8", "replace"))
        if self.size > MAX_ARGUMENTS:
            raise ProtocolError(
                f"tool call {self.position} ({self.name[:64]!r}): the arguments are longer than "
                f"{MAX_ARGUMENTS} bytes, the most allowed"
            )
        self._parts.append(fragment)

    def text(self) -> str:
        """The arguments so far."""
        return "".join(self._parts)

    def balanced(self) -> bool:
        """Whether every bracket that the arguments opened is closed again.

        Reads each fragment once, however often it is asked.
        """
        for part in self._parts[self._scanned :]:
            self._scan(part)
        self._scanned = len(self._parts)
        return self._opened and self._depth <= 0 and not self._quoted

    def _scan(self, part: str) -> None:
        # A backslash at the very end of a fragment escapes the first character of the next.
        start = 1 if self._escaped else 0
        self._escaped = False
        for match in _STRUCTURE.finditer(part, start):
            mark = match.group()
            if mark == '"':
                self._quoted = not self._quoted
            elif mark[0] == "\\":
                self._escaped = len(mark) == 1
            elif not self._quoted:
                self._opened = True
                self._depth += 1 if mark in "{[" else -1


def normalise_arguments(text: str) -> str:
    """Finished arguments as JSON text, where that is certain.

    Nothing at all is an object without members; a Markdown fence around the text is taken off.
    Anything else stays as it is, text after the first value included: what does not parse is for
    the validator to refuse, not to be cut into something the model did not say.
    """
    stripped = text.strip()
    fenced = stripped.startswith(_FENCE) and stripped.endswith(_FENCE)
    if fenced and len(stripped) >= 2 * len(_FENCE):
        inner = stripped[len(_FENCE) : -len(_FENCE)].strip()
        stripped = text = (inner[4:] if inner[:4].lower() == "json" else inner).strip()
    return text if stripped else "{}"
