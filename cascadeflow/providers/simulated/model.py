"""The two simulated models: a request in, the whole answer as tokens out. Pure and deterministic.

The answer is a function of the server's seed, the model's name, the messages and the tools; above
temperature 0 also of the request's seed. Time plays no part: the server paces the tokens.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec

from . import knowledge
from .mistakes import REFUSAL, TOOL_RATES, Draft, is_wrong, put
from .names import is_refusing, is_small
from .questions import understand
from .structured import as_format
from .tokens import dice, probability, tokens
from .tools import Call, choose, spoil
from .wire import Called, CalledFunction, ChatMessage, ChatRequest, Reply, Token

LONGEST_ANSWER = 512
"""Tokens after which a model stops by itself, with finish reason `length`."""
LIFE = 211393
"""Another number makes other mistakes; with this one the documents' examples show all outcomes."""
TOKENS_PER_MESSAGE = 4
"""Prompt tokens that each message costs beside its text, as with real chat formats."""

LARGE_BELIEF = {True: (9.0, 1.2), False: (1.2, 5.0), None: (4.0, 2.0)}
SMALL_BELIEF = {True: (5.0, 1.5), False: (2.2, 2.5), None: (4.0, 2.0)}
"""Beta distributions of the belief in an answer that is right, or wrong, or cannot be checked."""
SURER = 3
"""The odds of a word are those of the belief to this power: real models are all but certain."""

_JUDGE = re.compile(r"\blast answer\b.*(true or false|yes or no|to 10\b)", re.S | re.I)
_BRIEF = re.compile(r"\b(?:(one|single) word|only (with )?the (answer|number|result))\b", re.I)


def answer(request: ChatRequest, seed: int = 0) -> Reply:
    """What the model named in `request` answers, on a server with `seed`."""
    speaker = _Speaker(request, seed)
    texts = [message.text for message in request.messages]
    made = [message.tool_calls for message in request.messages if message.tool_calls]
    texts += [msgspec.json.encode(each).decode() for each in (*made, request.tools) if each]
    read = TOKENS_PER_MESSAGE * len(request.messages) + sum(len(tokens(text)) for text in texts)
    chosen = speaker.chosen()
    if chosen and not chosen[0].missing:
        return Reply((), speaker.called(chosen), "tool_calls", read)
    spoken = speaker.spoken(chosen[0].missing if chosen else ())
    limits = (request.max_tokens, request.max_completion_tokens, LONGEST_ANSWER)
    limit = min(limit for limit in limits if limit is not None)
    return Reply(spoken[:limit], (), "length" if len(spoken) > limit else "stop", read)


class _Speaker:
    """One request being answered: who speaks, to what, with which dice."""

    def __init__(self, request: ChatRequest, seed: int) -> None:
        asked = msgspec.json.encode((request.messages, request.tools)).hex()
        key = (LIFE, seed, request.model, asked)
        self._request = request
        self._small = is_small(request.model)
        self._temperature = 1.0 if request.temperature is None else request.temperature
        self._trait = dice("trait", *key).random()
        varied = (request.seed, self._temperature) if self._temperature else ""
        self._sample = dice("sample", *key, varied)
        self._after_tools = request.messages[-1].role == "tool"
        users = [message.text for message in request.messages if message.role == "user"]
        self._question = users[-1] if users else request.messages[-1].text

    def chosen(self) -> list[Call]:
        """The calls that the question asks for; none if it is to be answered with text."""
        request = self._request
        if request.tool_choice == "none" or self._after_tools or is_refusing(request.model):
            return []
        offered = [tool.function for tool in request.tools or ()]
        must = request.tool_choice == "required"
        found = choose(self._question, offered, forced=request.forced_tool, required=must)
        return found[:1] if request.parallel_tool_calls is False else found

    def called(self, chosen: list[Call]) -> list[Called]:
        """The calls that are made, one of them perhaps with a mistake."""
        if self._errs(*TOOL_RATES):
            place = self._sample.randrange(len(chosen))
            chosen[place] = spoil(chosen[place], self._sample)
        return [
            Called(
                f"call_{self._sample.getrandbits(96):024x}",
                CalledFunction(call.function.name, msgspec.json.encode(call.arguments).decode()),
            )
            for call in chosen
        ]

    def spoken(self, unclear: Sequence[str]) -> list[Token]:
        """The answer in text, up to a stop sequence; `unclear` are arguments to ask for."""
        draft = self._draft(unclear)
        text = as_format(self._request.response_format, draft.text)
        stop = self._request.stop or []
        for each in filter(None, [stop] if isinstance(stop, str) else stop):
            text = text.partition(each)[0]
        spans, end = draft.bearing(text), 0
        found: list[Token] = []
        for piece in tokens(text):
            start, end = end, end + len(piece)
            bears = any(low < end and start < high for low, high in spans)
            p = draft.certainty or probability(draft.right if bears else None, self._sample)
            found.append((piece, math.log(p)))
        return found

    def _draft(self, unclear: Sequence[str]) -> Draft:
        messages = self._request.messages
        if is_refusing(self._request.model):
            return Draft(REFUSAL)
        if unclear:
            names = " and ".join(unclear).replace("_", " ")
            return Draft(f"Please tell me the {names}, so that I can help with that.")
        if self._after_tools:
            return Draft(_results(messages))
        asked = _JUDGE.search(messages[-1].text)
        if asked and [message.role for message in messages[-3::2]] == ["user", "user"]:
            return self._verdict(asked[1].lower())
        found = understand(self._question, dice("slips", self._trait))
        if found is None:
            return Draft(knowledge.open_answer(self._question, small=self._small))
        skill, solved = found
        wrong = self._errs(skill.small, skill.large)
        system = [message.text for message in messages if message.role in ("system", "developer")]
        brief = _BRIEF.search("\n".join((*system, self._question))) is not None
        return put(solved, wrong, small=self._small, brief=brief, rng=self._sample)

    def _verdict(self, scale: str) -> Draft:
        """Of the answer before: a grade, or one of two words. First the question is solved."""
        question, answer = self._request.messages[-3:-1]
        found = understand(question.text, self._sample)
        right = found[1].accepts(answer.text) if found else None
        belief = self._sample.betavariate(*(SMALL_BELIEF if self._small else LARGE_BELIEF)[right])
        if scale == "to 10":
            return Draft(str(round(10 * belief)), certainty=max(belief, 1 - belief))
        yes, no = scale.split(" or ")
        most, least = max(belief, 1 - belief) ** SURER, min(belief, 1 - belief) ** SURER
        return Draft(yes if belief >= 0.5 else no, certainty=most / (most + least))

    def _errs(self, small: float, large: float) -> bool:
        rate = small if self._small else large
        return is_wrong(rate, self._trait, self._temperature, self._sample)


def _results(messages: Sequence[ChatMessage]) -> str:
    """The results behind the last answer, each with the call that gave it."""
    made = {call.id: call.function for message in messages for call in message.tool_calls or ()}
    said: list[str] = []
    for message in messages:
        if message.role != "tool":
            said.clear()
            continue
        call = made.get(message.tool_call_id or "", CalledFunction("the tool"))
        given = re.sub(r'"[^"]*":|["{}]', "", call.arguments).replace(",", ", ").strip()
        named = f"{call.name} ({given})" if given else call.name
        said.append(f"According to {named}: {message.text.strip() or 'nothing'}.")
    return " ".join(said)
