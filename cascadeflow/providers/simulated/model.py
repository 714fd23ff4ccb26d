"""The two simulated models: a request in, the whole answer as tokens out. Pure and deterministic.

The answer is a function of the server's seed, the model's name, the messages and the tools; above
temperature 0 also of the request's seed. Time plays no part: the server paces the tokens.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from . import knowledge, logprobs, tokens
from .dice import dice
from .logprobs import Token
from .mistakes import HEDGED_RIGHT, TOOL_RATES, is_wrong, outcome
from .names import is_refusing, is_small
from .phrasing import REFUSAL, bearing, put, style
from .questions import understand
from .structured import as_format
from .tool_choice import choose, results_text
from .tool_mistakes import spoil
from .wire import ChatMessage, ChatRequest

LONGEST_ANSWER = 512
"""Tokens after which a model stops by itself, with finish reason `length`."""
TOKENS_PER_MESSAGE = 4
"""Prompt tokens that each message costs beside its text, as with real chat formats."""

FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call: its arguments as JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    tokens: tuple[Token, ...]
    calls: tuple[Call, ...]
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int

    @property
    def text(self) -> str:
        """The text of the answer."""
        return "".join(token.text for token in self.tokens)


@dataclass(frozen=True, slots=True)
class _Draft:
    """An answer before it is cut into tokens."""

    text: str
    right: bool = True
    values: tuple[str, ...] = ()
    """Texts on which the answer hangs."""


def answer(request: ChatRequest, seed: int = 0) -> Reply:
    """What the model named in `request` answers, on a server with `seed`."""
    speaker = _Speaker(request, seed)
    calls = speaker.calls()
    if calls:
        return _reply(request, (), calls, "tool_calls")
    spoken, finish = _cut(speaker.spoken(), request)
    return _reply(request, spoken, (), finish)


def prompt_tokens(request: ChatRequest) -> int:
    """Tokens of the prompt: messages, calls made earlier and the offered tools."""
    texts = [message.text for message in request.messages]
    for message in request.messages:
        texts.extend(
            call.function.name + call.function.arguments for call in message.tool_calls or ()
        )
    if request.tools:
        texts.append(msgspec.json.encode(request.tools).decode())
    return TOKENS_PER_MESSAGE * len(request.messages) + sum(map(tokens.count, texts))


class _Speaker:
    """One request being answered: who speaks, to what, with which dice."""

    def __init__(self, request: ChatRequest, seed: int) -> None:
        key = (seed, request.model, msgspec.json.encode((request.messages, request.tools)).hex())
        self._request = request
        self._small = is_small(request.model)
        self._temperature = 1.0 if request.temperature is None else request.temperature
        self._trait = dice("trait", *key).random()
        fixed = self._temperature == 0
        self._sample = dice("sample", *key, "" if fixed else (request.seed, self._temperature))
        last = request.messages[-1]
        self._after_tools = last.role in ("tool", "function")
        self._unclear: list[str] = []
        users = [message.text for message in request.messages if message.role == "user"]
        self._question = users[-1] if users else last.text
        system = [m.text for m in request.messages if m.role in ("system", "developer")]
        self._style = style("\n".join(system), self._question)

    def calls(self) -> tuple[Call, ...]:
        """The tool calls the model makes; none if it answers with text."""
        request = self._request
        if not request.tools or request.tool_choice == "none" or self._after_tools:
            return ()
        if is_refusing(request.model):
            return ()
        offered = [tool.function for tool in request.tools]
        required = request.tool_choice == "required"
        chosen = choose(self._question, offered, forced=request.forced_tool, required=required)
        if chosen and chosen[0].missing:
            self._unclear = chosen[0].missing
            return ()
        if request.parallel_tool_calls is False:
            chosen = chosen[:1]
        rate = TOOL_RATES.small if self._small else TOOL_RATES.large
        if chosen and is_wrong(rate, self._trait, self._temperature, self._sample):
            place = self._sample.randrange(len(chosen))
            chosen[place] = spoil(chosen[place], self._sample)
        return tuple(
            Call(
                self._call_id(),
                choice.function.name,
                msgspec.json.encode(choice.arguments).decode(),
            )
            for choice in chosen
        )

    def _call_id(self) -> str:
        return f"call_{self._sample.getrandbits(96):024x}"

    def spoken(self) -> list[Token]:
        """The answer in text, uncut."""
        draft = self._draft()
        text = as_format(self._request.response_format, self._style.dress(draft.text))
        return _tokens(text, draft, self._sample)

    def _draft(self) -> _Draft:
        if is_refusing(self._request.model):
            return _Draft(REFUSAL)
        if self._unclear:
            names = " and ".join(name.replace("_", " ") for name in self._unclear)
            return _Draft(f"Please tell me the {names}, so that I can help with that.")
        if self._after_tools:
            return _Draft(results_text(_results(self._request.messages)))
        rng = self._sample
        solved = understand(self._question, dice("slips", self._trait))
        if solved is None:
            return self._open()
        decided = outcome(
            solved, small=self._small, trait=self._trait, temperature=self._temperature, sample=rng
        )
        text = put(decided, solved.unit, small=self._small, brief=self._style.brief, rng=rng)
        values = (decided.working.answer, *decided.working.doubtful)
        return _Draft(text, decided.right, values)

    def _open(self) -> _Draft:
        text = knowledge.known(self._question, small=self._small)
        if text is None:
            return _Draft(knowledge.unknown(self._question, small=self._small), not self._small)
        if self._small and self._sample.random() < HEDGED_RIGHT:
            text = f"I'm not sure, but I think this is it: {text}"
        return _Draft(text)


def _results(messages: list[ChatMessage]) -> list[tuple[str, dict[str, Any], str]]:
    """The results at the end of the conversation, each with the call it answers."""
    made = {call.id: call.function for message in messages for call in message.tool_calls or ()}
    results: list[tuple[str, dict[str, Any], str]] = []
    for message in reversed(messages):
        if message.role not in ("tool", "function"):
            break
        call = made.get(message.tool_call_id or "")
        results.append(
            (
                call.name if call else "the tool",
                _decoded(call.arguments if call else "{}"),
                message.text,
            )
        )
    return results[::-1]


def _decoded(arguments: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(arguments, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _tokens(text: str, draft: _Draft, rng: random.Random) -> list[Token]:
    """Cut `text` and give each token its probability."""
    spans = bearing(text, draft.values)
    found: list[Token] = []
    start = 0
    for piece in tokens.tokens(text):
        end = start + len(piece)
        bears = any(low < end and start < high for low, high in spans)
        probability = logprobs.certainty(draft.right, rng) if bears else logprobs.wording(rng)
        found.append(logprobs.token(piece, probability, rng))
        start = end
    return found


def _cut(spoken: list[Token], request: ChatRequest) -> tuple[tuple[Token, ...], FinishReason]:
    """Apply stop sequences, then the token limit."""
    finish: FinishReason = "stop"
    text = "".join(token.text for token in spoken)
    hits = [place for stop in request.stops if stop and (place := text.find(stop)) >= 0]
    if hits:
        spoken = _before(spoken, min(hits))
    limit = min(request.limit or LONGEST_ANSWER, LONGEST_ANSWER)
    if len(spoken) > limit:
        spoken, finish = spoken[:limit], "length"
    return tuple(spoken), finish


def _before(spoken: list[Token], place: int) -> list[Token]:
    """The tokens of the first `place` characters; the last one may be shortened."""
    kept: list[Token] = []
    for token in spoken:
        if place <= 0:
            break
        kept.append(Token(token.text[:place], token.logprob, token.others))
        place -= len(token.text)
    return kept


def _reply(
    request: ChatRequest, spoken: tuple[Token, ...], calls: tuple[Call, ...], finish: FinishReason
) -> Reply:
    made = sum(tokens.count(call.name) + tokens.count(call.arguments) for call in calls)
    return Reply(spoken, calls, finish, prompt_tokens(request), len(spoken) + made)
