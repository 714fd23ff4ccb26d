"""What is asked, and what is known: the query, and the conversation that values may come from.

The query is what the user said last, in one message or several. Values may also come from the
system prompt, earlier turns, the results of tools and the arguments of calls made before.
Everything is read lazily and once; texts are capped, the newest messages first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import dropwhile, islice

import msgspec

from ...types import Message, Request
from ..query import capped, message_text
from .numbers import all_readings, numbers
from .schema import mapping, sequence
from .words import GENERIC_STEMS, STOP_WORDS, clean, content, fold, split, stems

MOST_CONTEXT = 16_384
"""Characters of the conversation around the query that values are looked for in."""
MOST_ASKED = 4
"""Messages in a row that are read as one query."""
MOST_MARKED = 48
"""Names and quotations of the query that are looked at."""
_QUOTED = re.compile(r"""(?<!\w)'([^'\n]{1,80})'(?!\w)|"([^"\n]{1,80})"|`([^`\n]{1,80})`""")
_NAME = re.compile(r"(?<=[^\W_] )[A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)*|(?<=, )[A-Z][^\W\d_]+")
_NO_QUANTITY = re.compile(
    r"(?:(?<!\d)[eE]|[^\W\d_eE])-?\d[\w.]*|\^\d+|^ ?\d{1,2}[.)] ", re.MULTILINE
)
_JOINED = re.compile(
    r"(?<![^\W_])[^\W_]++[\"')\]]?"
    r"(?:, and |, or |, | and | or | und | oder | et | ou | y | e | en | и |、|，)"
    r"(?:the |an? |in |for |of |to |from |at |der |die |das |le |la |el )?[\"'(\[]?([^\W_]+)"
)
_SENTENCE = re.compile(r"(?<=[.?!])\s+|(?<=[。？！])")
_BOUND = re.compile(
    r"\b(?:of|for|in|with|given|at|on|from|by|if|when|that|to|within|during|between|using|von|für|mit"
    r"|aus|bei|wenn|de|du|des|pour|en|dans|avec|con|para|del|di|per|da|do|van|voor|met)\b",
    re.IGNORECASE,
)
_ADDING = frozenset((
    "also", "additionally", "then", "second", "secondly", "third", "finally", "another",
    "furthermore", "moreover", "plus", "respectively", "lastly", "afterwards", "first",
    "auch", "ausserdem", "dann", "zweitens", "zusatzlich", "aussi", "ensuite", "puis", "egalement",
    "tambien", "ademas", "luego", "despues", "anche", "poi", "inoltre", "tambem", "depois", "ook",
    "daarna", "также", "затем", "потом",
))  # fmt: skip
PART_ADDING = 0.5
PART_LIST = 0.2
LONGEST_FOCUS = 80
"""Characters of an asking sentence without a preposition that are read for what it asks."""
_DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday "
    "january february march april may june july august september october november december"
)
_NO_NAMES = STOP_WORDS.union(*((word, word[:3]) for word in _DAYS.split()))
_IDENTIFIER = re.compile(r"[a-z][A-Z]|[^\W\d]_[^\W\d]|`")
_DROPPED = str.maketrans("", "", " \t\r\n*^_-'\"`.,()")


def compact(text: str) -> str:
    """Folded, without spaces and the marks that are written now so and now so."""
    return fold(text).translate(_DROPPED)


class _Function(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class _PastCall(msgspec.Struct):
    function: _Function = msgspec.field(default_factory=_Function)


def _asked(request: Request) -> Iterator[str]:
    """What the user said last, in one message or in several, the last one first."""
    said = (each for each in reversed(request.messages) if not _holds_results(each))
    for message in dropwhile(lambda each: each.get("role") != "user", said):
        if message.get("role") != "user":
            return
        yield message_text(message)


def _holds_results(message: Message) -> bool:
    """In Anthropic's API the results of tools come as a message of the user."""
    return any(
        mapping(part).get("type") == "tool_result" for part in sequence(message.get("content"))
    )


class Question:
    """One request, read as a question that tool calls answer."""

    def __init__(self, request: Request) -> None:
        self._request = request
        said = list(islice(_asked(request), MOST_ASKED))
        self.text = clean(capped("\n".join(reversed(said))))

    @cached_property
    def past_calls(self) -> list[tuple[str, str]]:
        """Name and arguments of the calls that answered this query so far."""
        calls = (call for message in self._since_query() for call in _calls_of(message))
        return [(call.name, call.arguments) for call in calls]

    @cached_property
    def answered(self) -> bool:
        """Whether results of tools follow the query."""
        return any(message.get("role") == "tool" for message in self._since_query())

    def _since_query(self) -> list[Message]:
        since: list[Message] = []
        for message in reversed(self._request.messages):
            if message.get("role") == "user" and not _holds_results(message):
                break
            since.append(message)
        return since

    @cached_property
    def source(self) -> str:
        """The folded text of the query and of what is around it."""
        texts: list[str] = [self.text]
        left = MOST_CONTEXT
        for message in reversed(self._request.messages):
            parts = [clean(message_text(message)), *(call.arguments for call in _calls_of(message))]
            texts += (part[:left] for part in parts if part != self.text)
            left -= sum(map(len, parts))
            if left <= 0:
                break
        return fold("\n".join(texts))

    @cached_property
    def compact(self) -> str:
        """The source without spaces and punctuation."""
        return compact(self.source)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of the source."""
        return frozenset(stems(self.source))

    @cached_property
    def known_numbers(self) -> frozenset[float]:
        """Every reading of every number of the source."""
        return all_readings(numbers(self.source))

    @cached_property
    def split(self) -> list[str]:
        """The folded words of the query, in order."""
        return split(self.text)

    @cached_property
    def asked(self) -> frozenset[str]:
        """The stems of the query that carry meaning."""
        return content(self.split)

    @cached_property
    def asks(self) -> list[frozenset[str]]:
        """The stems of what is asked for, "freezing point" in "What is the freezing point of ...".

        They stand before the first preposition: of the first question, or, where there is none,
        of any sentence.
        """
        sentences = [each.rstrip() for each in _SENTENCE.split(self.text)]
        questions = (each for each in sentences if each.endswith(("?", "？")))
        asking = next(filter(_head, islice(questions, MOST_MARKED)), None)
        found = map(_head, [asking] if asking else sentences[:MOST_MARKED])
        return list(filter(None, (each - GENERIC_STEMS for each in found)))

    @property
    def technical(self) -> bool:
        """Whether the query holds identifiers of a program."""
        return bool(_IDENTIFIER.search(self.text))

    @cached_property
    def numbers(self) -> list[frozenset[float]]:
        """The numbers of the query, each with its readings."""
        return numbers(self.text)

    @cached_property
    def digits(self) -> list[frozenset[float]]:
        """The quantities of the query in digits; not parts of names, powers, places in a list."""
        return numbers(_NO_QUANTITY.sub(" ", self.text), worded=False)

    @cached_property
    def quotations(self) -> list[str]:
        """What stands in quotation marks in the query."""
        found = islice(_QUOTED.finditer(self.text), MOST_MARKED)
        return [next(filter(None, match.groups())) for match in found]

    @cached_property
    def names(self) -> list[str]:
        """Capitalised words of the query that do not begin a sentence, neighbours together."""
        found = islice(_NAME.finditer(self.text), MOST_MARKED)
        return [match[0] for match in found if fold(match[0]) not in _NO_NAMES]

    @cached_property
    def several(self) -> float:
        """How much speaks for several asks in one, in [0, 1].

        Told by words that add an ask and by lists of values.
        """
        # "Paris, Rome and Oslo": the second of two words may be the first of two others.
        first = _JOINED.search(self.text)
        again = first and _JOINED.search(self.text, first.start(1))
        words = frozenset(self.split)
        told = PART_ADDING * min(2, len(words & _ADDING))
        told += PART_LIST * sum(map(bool, (first, again)))
        return min(1.0, told)


def _head(sentence: str) -> frozenset[str]:
    """The stems in front of the first preposition; of a beginning if there are none."""
    bound = _BOUND.search(sentence)
    head = content(split(sentence[: bound.start()])) if bound else None
    return head or content(split(sentence[:LONGEST_FOCUS]))


def _calls_of(message: Message) -> list[_Function]:
    """The calls of an assistant message; none if they are not in the usual shape."""
    try:
        calls = msgspec.convert(message.get("tool_calls") or [], list[_PastCall])
    except msgspec.ValidationError:
        return []
    return [call.function for call in calls]
