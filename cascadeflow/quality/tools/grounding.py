"""Does the value of an argument come from somewhere?

A *degree* in [0, 1]: 1 if the value stands in the conversation, as text, number, date or in other
words; less if only a part of it does; 0 if nothing there leads to it. A default of the schema needs
no source; an option of an enumeration, or an example in the description, needs less.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from .numbers import all_readings, numbers
from .question import Question, compact
from .schema import Json, is_number, mapping, same, sequence
from .words import clean, fold, stems, tool_content

MOST_LEAVES = 64
"""Values of one argument that are looked at."""
MOST_LEVELS = 8
LONGEST_CODE = 12
MOST_TEXT = 2_000
"""Characters of a value that are looked at."""

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_MONTHS = (
    ("jan", "gen", "ene", "янв"), ("feb", "fev", "фев"), ("mar", "мар"),
    ("apr", "avr", "abr", "апр"), ("may", "mai", "mag", "mei", "мая", "май"),
    ("jun", "juin", "giu", "июн"), ("jul", "juil", "lug", "июл"), ("aug", "aou", "ago", "авг"),
    ("sep", "set", "сен"), ("oct", "okt", "ott", "out", "окт"), ("nov", "ноя"),
    ("dec", "dez", "dic", "дек"),
)  # fmt: skip
SIGNS = {
    "usd": ("dollar", "$", "us"), "eur": ("euro", "€"), "gbp": ("pound", "£", "sterling"),
    "jpy": ("yen", "¥", "円"), "cny": ("yuan", "rmb", "元"), "inr": ("rupee", "₹"),
    "cad": ("canad",), "aud": ("austral",), "chf": ("franc", "frank"), "krw": ("won", "₩"),
    "km": ("kilomet",), "kg": ("kilo",), "cm": ("centim",), "mm": ("millim",), "mi": ("mile",),
    "celsius": ("°c", "metric"), "fahrenheit": ("°f",), "usa": ("united states", "u.s", "america"),
    "us": ("united states", "u.s", "america"), "uk": ("united kingdom", "britain", "england"),
    "en": ("english", "englisch"), "fr": ("french", "franz", "français"), "de": ("german", "deut"),
    "es": ("spanish", "espa", "spanisch"), "it": ("italia",), "pt": ("portug",), "zh": ("chin",),
    "ja": ("japan",), "ko": ("korea",), "ru": ("russia",), "nyc": ("new york",),
    "male": ("man", "he ", "his ", "mr", "boy", "father"),
    "female": ("woman", "she", "her", "mrs", "girl", "mother"),
    "asc": ("ascend", "lowest"), "desc": ("descend", "highest"),
    "1d": ("dai", "day"), "1wk": ("week",), "1mo": ("month",),
}  # fmt: skip
"""Beginnings of the words that a code stands for."""
_CODED = re.compile(r"symbol|ticker|code|abbrev|iso|currenc|unit|state|country|lang")
_FACTORS = (0.01, 100.0)
CONVERSIONS = (1000.0, 60.0, 3600.0, 12.0, 24.0, 7.0, 365.0)
"""Between common units."""

DEFAULT_CHARS = 60
"""Of a description, behind the word "default"."""
_MARKS = ".,;:'\"`()[]$"

PART_OPTION = 0.6
PART_EXAMPLE = 0.5
PART_CONVERTED = 0.6
PART_ZERO = 0.5
PART_ONE = 0.3
PART_QUALIFIED = 0.8
PART_CODE = 0.7
PART_UNASKED_CODE = 0.2
PART_FLAG = 0.35
PART_OFF = 0.6


class Leaf(msgspec.Struct, frozen=True):
    """One value of the arguments that is no object or array."""

    name: str
    """Of the argument or member it stands for."""
    value: Any
    schema: dict[str, Any]

    @property
    def described(self) -> str:
        """The folded description of the schema, as far as it is read."""
        text = self.schema.get("description")
        return fold(text[:MOST_TEXT]) if isinstance(text, str) else ""


def leaves(name: str, node: Json, value: Json) -> list[Leaf]:
    """The values inside an argument; at most 64 of them."""
    return list(islice(_inside(Leaf(name, value, mapping(node)), 0), MOST_LEAVES))


def _inside(leaf: Leaf, level: int) -> Iterator[Leaf]:
    value, schema = leaf.value, leaf.schema
    if level > MOST_LEVELS:
        return
    if isinstance(value, dict):
        properties = mapping(schema.get("properties"))
        for name, member in mapping(value).items():
            yield from _inside(Leaf(name, member, mapping(properties.get(name))), level + 1)
    elif isinstance(value, list):
        inner = mapping(schema.get("items"))
        for item in sequence(value)[:MOST_LEAVES]:
            yield from _inside(Leaf(leaf.name, item, inner), level + 1)
    elif value is not None:
        yield leaf


def degree(leaf: Leaf, question: Question) -> float:
    """How much of a value comes from the conversation or the schema."""
    value = leaf.value
    if "default" in leaf.schema and same(leaf.schema["default"], value):
        return 1.0
    _, _, behind = leaf.described.partition("default")
    told = {word.strip(_MARKS) for word in behind[:DEFAULT_CHARS].split()}
    if told and fold(str(value)[:DEFAULT_CHARS]) in told:
        return 1.0
    if isinstance(value, bool):  # A switch is asked for if the words of its name are.
        asked = tool_content(leaf.name) & question.stems
        return 1.0 if asked else PART_FLAG if value else PART_OFF
    if is_number(value):
        return _number(size(value), question.known_numbers)
    return _option(value[:MOST_TEXT], leaf, question) if isinstance(value, str) else 0.0


def size(value: Json) -> float:
    """The absolute value of a number; infinite if it has no float."""
    try:
        return abs(float(value))
    except OverflowError:
        return math.inf


def _number(value: float, known: frozenset[float]) -> float:
    """The degree of a number without its sign."""
    if _near(value, known):
        return 1.0
    if any(_near(value * factor, known) for factor in _FACTORS):
        return 0.9
    if any(_near(value * by, known) or _near(value / by, known) for by in CONVERSIONS):
        return PART_CONVERTED
    return PART_ZERO if value == 0 else PART_ONE if value == 1 else 0.0


def _near(value: float, known: frozenset[float]) -> bool:
    return value in known or round(value, 6) in known


def _option(value: str, leaf: Leaf, question: Question) -> float:
    """A string; the schema may list it or name it as an example."""
    found = text_degree(value, question)
    described = leaf.described
    if found == PART_CODE and described and not _CODED.search(f"{fold(leaf.name)} {described}"):
        found = PART_UNASKED_CODE
    if found == 1.0:
        return found
    folded, default = fold(value), leaf.schema.get("default")
    if isinstance(default, str) and "/" in default:
        # Of an address or a path: the share of its parts that those of the default begin with.
        parts, known = value.split("/"), default[:MOST_TEXT].split("/")
        alike = sum(part == other for part, other in zip(parts, known, strict=False))
        found = max(found, alike / len(parts))
    if value in sequence(leaf.schema.get("enum")):
        return max(found, PART_OPTION)
    return max(found, PART_EXAMPLE) if folded and folded in leaf.described else found


def text_degree(value: str, question: Question) -> float:
    """How much of a string stands in the conversation."""
    folded = fold(clean(value)).strip()
    if len(folded) > 2 and folded in question.source:
        return 1.0
    tight = compact(folded)
    if len(tight) > 2 and tight in question.compact:
        return 1.0
    head, comma, _ = folded.partition(", ")
    qualified = PART_QUALIFIED if comma and len(head) > 2 and head in question.source else 0.0
    words, counts = stems(folded), numbers(folded)
    known = sum(word in question.stems for word in words)
    known += sum(not values.isdisjoint(question.known_numbers) for values in counts)
    parts = known / max(1, len(words) + len(counts))
    return max(_date(folded, question), _named_otherwise(folded, question), qualified, parts)


def _date(folded: str, question: Question) -> float:
    """The share of year, month and day of a date that are known."""
    found = _DATE.match(folded)
    if found is None:
        return 0.0
    first, second, third = (int(part) for part in found.groups() if part)
    year, month, day = (third, second, first) if found[4] else (first, second, third)
    known = (float(year) in question.known_numbers) + (float(day) in question.known_numbers)
    # Where the day comes first for some and the month for others, either may be meant.
    months = (month, day) if found[4] else (month,)
    names = [name for each in months if 1 <= each <= 12 for name in _MONTHS[each - 1]]
    named = any(word.startswith(tuple(names)) for word in question.stems)
    return (known + (named or any(float(each) in question.known_numbers for each in months))) / 3


def _named_otherwise(folded: str, question: Question) -> float:
    """Codes of currencies, units, languages; names that are shortened: AAPL for Apple."""
    if len(folded) > LONGEST_CODE:
        return 0.0
    if any(sign in question.source for sign in SIGNS.get(folded, ())):
        return 1.0
    if not (2 <= len(folded) <= 5 and folded.isalpha()):
        return 0.0
    return PART_CODE * any(_shortens(folded, fold(name)) for name in question.names)


def _shortens(code: str, name: str) -> bool:
    """Whether a code of letters may stand for a name: all of them are in it, the first is first."""
    return code[0] == name[0] and set(code) <= set(name)


def used_numbers(found: list[Leaf]) -> tuple[frozenset[float], frozenset[float]]:
    """Every number that the values hold; and the same with percentages read both ways."""
    used: set[float] = set()
    scaled: set[float] = set()
    for leaf in found:
        value = leaf.value
        if isinstance(value, str):
            used |= all_readings(numbers(value[:MOST_TEXT]))
        elif is_number(value):
            number = size(value)
            used.add(number)
            scaled |= {round(number * factor, 6) for factor in _FACTORS}
    return frozenset(used), frozenset(used | scaled)
