"""Arguments of a tool call, read from the query: enum values, dates, numbers, places, quotes.

What the query does not hold is left out, unless the schema has a default for a required parameter.
Schemas are JSON, hence `Any`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from . import calendar_dates, numerals, sums
from .jsontypes import Json, as_array, as_object

QUOTED = re.compile(r"[\"“]([^\"”]{1,400})[\"”]|(?<!\w)'([^']{1,400})'(?!\w)")
"""Text in quotes."""
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w")
_URL = re.compile(r"https?://[^\s,;]+")
_PROPER = re.compile(r"(?<![\w.])(?:[A-ZÀ-Þ][\w'’-]*)(?:\s+(?:de|of|la|del)?\s*[A-ZÀ-Þ][\w'’-]*)*")
_NO_NAMES = frozenset((
    "What", "What's", "Whats", "Which", "Who", "Where", "When", "Why", "How", "Is", "Are",
    "Can", "Could", "Please", "Tell", "Show", "Give", "Get", "Find", "The", "A", "An", "In",
    "On", "At", "And", "Or", "I", "Do", "Does", "Will", "Convert", "Calculate", "Compute",
    "Add", "Send", "Book", "Search", "Look", "Set", "Create", "Check", "Compare", "Write",
    "Translate", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    "Celsius", "Fahrenheit", "Multiply", "Schedule", "Play", "Turn", "Remind", "Use", "Call",
    "Let", "Now", "Also", "Then",
))  # fmt: skip
_ABOUT = re.compile(r"\b(?:for|about|of|on|that|to)\s+(.{2,200}?)[?.!]*$", re.IGNORECASE)
_PLACE = (
    "city",
    "location",
    "place",
    "country",
    "town",
    "destination",
    "origin",
    "region",
    "where",
)
_ADDRESSEE = ("to", "recipient", "cc", "from", "sender")
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10}
_COUNT = re.compile(rf"\b(?:{'|'.join(_COUNTS)})\b", re.IGNORECASE)
_SOMEWHERE = re.compile(
    r"\b(?:in|at|near|for)\s+([^\W\d_]+(?: [^\W\d_]+)?)\s*[?.!]*$", re.IGNORECASE
)
_NOWHERE = frozenset(("me", "today", "tomorrow", "now", "the", "a", "it", "this", "general"))
_FREE = (
    "query",
    "text",
    "message",
    "question",
    "topic",
    "term",
    "keyword",
    "content",
    "title",
    "body",
)


def fill(schema: Mapping[str, Any], piece: str, query: str) -> dict[str, Any]:
    """Values for the parameters of `schema` found in `piece`.

    What is required or has listed values is also looked for in the whole `query`.
    """
    properties = as_object(schema.get("properties"))
    required = as_array(schema.get("required"))
    listed = _listed(properties)
    reader = _Reader(piece, listed)
    whole = _Reader(query, listed)
    filled: dict[str, Any] = {}
    for name, about in properties.items():
        about = as_object(about)
        value = reader.value(name, about)
        if value is None and query and (name in required or "enum" in about):
            value = whole.value(name, about)
        if value is None and query and name in required:
            value = about.get("default")
        if value is not None:
            filled[name] = value
    return filled


def _listed(properties: Mapping[str, Any]) -> frozenset[str]:
    """The values that the schema lists itself, in lower case."""
    enums = (as_array(as_object(about).get("enum")) for about in properties.values())
    return frozenset(str(value).lower() for values in enums for value in values)


class _Reader:
    """Takes values out of a text; each number and name is used once, in order."""

    def __init__(self, text: str, listed: frozenset[str]) -> None:
        self._text = text
        self._no_place = _NOWHERE | listed
        self._quotes: list[str] = [one or other for one, other in QUOTED.findall(text)]
        self._dates = [day.isoformat() for day in calendar_dates.find(text)]
        bare = calendar_dates.without(_URL.sub(" ", QUOTED.sub(" ", text)))
        self._bare = _COUNT.sub(lambda match: str(_COUNTS[match[0].lower()]), bare)
        self._numbers = numerals.numbers(self._bare)
        self._names = [name for found in _PROPER.findall(bare) if (name := _name(found))]

    def value(self, name: str, about: Mapping[str, Any]) -> Json:
        """The value of one parameter; None: the text holds none."""
        if values := as_array(about.get("enum")):
            return self._enum(values)
        match about.get("type"):
            case "integer":
                return int(number) if (number := self._number(name)) is not None else None
            case "number":
                return _plain(number) if (number := self._number(name)) is not None else None
            case "boolean":
                return self._boolean(name)
            case "array":
                return self._array(as_object(about.get("items")))
            case "object":
                return fill(about, self._text, "") or None
            case _:
                return self._string(name.lower(), about)

    def _enum(self, values: list[Any]) -> Json:
        text = self._text.lower()
        shown = [value for value in values if _occurs(str(value).lower(), text)]
        return max(shown, key=lambda value: len(str(value)), default=None)

    def _number(self, name: str) -> Fraction | None:
        """The number beside the parameter's name ("radius 5", "3 days"), else the next unused."""
        word = re.escape(name.lower().replace("_", " "))
        beside = re.search(rf"\b{word}\w*\D{{0,6}}({numerals.NUMBER})", self._bare, re.IGNORECASE)
        beside = beside or re.search(rf"({numerals.NUMBER})\s+{word}", self._bare, re.IGNORECASE)
        if beside and (number := numerals.parse(beside[1])) in self._numbers:
            self._numbers.remove(number)
            return number
        return self._numbers.pop(0) if self._numbers else None

    def _boolean(self, name: str) -> bool | None:
        word = re.escape(name.lower().removeprefix("is_").replace("_", " "))
        if not re.search(rf"\b{word}", self._text, re.IGNORECASE):
            return None
        return not re.search(rf"\b(?:no|not|without|don't)\b[^.]{{0,20}}\b{word}", self._text, re.I)

    def _array(self, items: Mapping[str, Any]) -> list[Any] | None:
        if items.get("type") in ("number", "integer"):
            found: list[Any] = [_plain(number) for number in self._numbers]
            self._numbers = []
        else:
            found = [*self._quotes, *self._names]
        return found or None

    def _string(self, name: str, about: Mapping[str, Any]) -> str | None:
        purpose = f"{name} {about.get('description') or ''}".lower()
        if "date" in name or about.get("format") == "date":
            return self._dates.pop(0) if self._dates else self._relative_day()
        if "mail" in name or about.get("format") == "email" or name in _ADDRESSEE:
            address = _first(_EMAIL, self._text)
            if address or name not in _ADDRESSEE:
                return address
        if quote := self._named_quote(name):
            return quote
        if "url" in name or about.get("format") == "uri":
            return _first(_URL, self._text)
        if "expression" in name or "formula" in name:
            return sums.find(self._text)
        if any(word in purpose for word in _PLACE):
            return self._names.pop(0) if self._names else self._somewhere()
        if self._quotes:
            return self._quotes.pop(0)
        if any(word in name for word in _FREE):
            return self._rest()
        return self._names.pop(0) if self._names else None

    def _named_quote(self, name: str) -> str | None:
        """The quoted text right after the parameter's name: `subject "Hello"`."""
        beside = re.search(
            rf"\b{re.escape(name)}\b[^\w\"“]{{0,4}}[\"“]([^\"”]+)[\"”]", self._text, re.I
        )
        if beside and beside[1] in self._quotes:
            self._quotes.remove(beside[1])
            return beside[1]
        return None

    def _somewhere(self) -> str | None:
        match = _SOMEWHERE.search(self._text)
        return match[1] if match and match[1].lower() not in self._no_place else None

    def _relative_day(self) -> str | None:
        return _first(re.compile(r"\b(?:today|tomorrow|yesterday)\b", re.IGNORECASE), self._text)

    def _rest(self) -> str | None:
        match = _ABOUT.search(self._text)
        return (match[1] if match else self._text).strip(" ?.!") or None


def placeholder(about: Mapping[str, Any]) -> Json:
    """A value of the right type for a parameter of which nothing is known."""
    if values := as_array(about.get("enum")):
        return values[0]
    empty: dict[str, Json] = {
        "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}
    }  # fmt: skip
    return empty.get(str(about.get("type")), "unknown")


def missing(schema: Mapping[str, Any], filled: Mapping[str, Any]) -> list[str]:
    """The required parameters that are not filled."""
    return [str(name) for name in as_array(schema.get("required")) if str(name) not in filled]


def _name(found: str) -> str:
    """A capitalised phrase without the words that merely begin a sentence."""
    words = found.split()
    while words and words[0] in _NO_NAMES:
        words.pop(0)
    return " ".join(words).removesuffix("'s").removesuffix("’s")


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[0].strip() if match else None


def _occurs(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def _plain(number: Fraction) -> int | float:
    return int(number) if number == int(number) else float(number)
