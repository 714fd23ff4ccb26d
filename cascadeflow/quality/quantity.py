"""Numbers in a query: the quantities it gives, whether it asks for one, how hard that looks.

    "forty-two eggs, 20% off, two-thirds of 1,500, twice"  ->  42, 20 %, 2/3, 1500, 2

By words, in several languages. "How many" asks for a count, which is whole and not negative, unless
what is counted can be cut into parts. A question may be harder than its length shows: it asks for
the beginning and gives the end, moves people through time, or puts a condition behind itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .equations import arithmetic_runs
from .rational import NUMBER, Rational, number, ratio

MANY_NUMBERS = 4
"""Numbers in a query from which any question in it is taken to ask for another one."""
MOST_WORDS_AROUND = 8
"""Words around an expression that is the whole question."""
MOST_WORDS = 1_024
MOST_QUANTITIES = 64
MOST_NAMES = 5
NAMES_ARE_NOUNS = 9
"""Capitalised words from which they are taken for the nouns of a language that writes them so."""

TO_NINETEEN = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_MULTIPLES = {
    2: "twice double doubles doubled zwei doppelt deux dos doble due doppio",
    3: "triple tripled thrice drei trois tres tre",
    4: "vier quatre cuatro quattro",
    12: "dozen",
    100: "hundred",
}
_HALVES = frozenset(("half", "hälfte", "moitié", "mitad", "metà"))
_WORDED: dict[str, Rational] = {
    **{word: (value, 1) for value, word in enumerate(TO_NINETEEN.split(), 2)},
    **{word: (10 * value, 1) for value, word in enumerate(TENS.split(), 2)},
    **{word: (value, 1) for value, words in _MULTIPLES.items() for word in words.split()},
    **dict.fromkeys(_HALVES, (1, 2)),
}
_PARTS = {
    "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "tenth": 10,
}  # fmt: skip
_COUNTED = (
    "one two three four five six seven eight nine ten eleven twelve dozen twenty thirty fifty "
    "hundred half third quarter twice double triple times zwei drei vier halb hälfte doppelt deux "
    "trois quatre moitié dos tres cuatro mitad doble due tre quattro metà doppio dois três metade "
    "dobro twee drie helft"
)
_NUMBER_WORDS = frozenset(_COUNTED.split())
_NONE_WORDS = frozenset(("zero", "none", "no", "null", "keine", "aucun", "ninguno", "nessuno"))
_DENSE_NUMBERS = frozenset("零一二两三四五六七八九十百千万")

_IMPERATIVES = (
    "calculate", "compute", "find the", "determine the", "berechne", "calcul", "calcol", "bereken",
    "вычисли", "計算", "计算",
)  # fmt: skip
_QUANTITIES = (
    "how many", "how much", "how long", "how far", "how old", "how fast", "how tall", "how big",
    "how heavy", "calculate", "compute", "wie viel", "wieviel", "berechne", "combien", "calcul",
    "cuánt", "cuant", "quant", "calcol", "hoeveel", "bereken", "сколько", "вычисли", "多少", "几个",
    "計算", "计算", "いくつ", "いくら", "何個", "何人", "何円", "何本",
)  # fmt: skip
_WHAT = (
    "what is", "what was", "what will", "what are", "what does", "how high", "how deep", "how wide",
    "wie hoch", "was ist", "quel est", "quelle est", "cuál es", "qual è", "qual é", "wat is",
    *_QUANTITIES,
)  # fmt: skip
_COUNTS = (
    "how many", "wie viele", "combien de", "cuántos", "cuántas", "quanti ", "quante ", "quantos",
    "quantas", "hoeveel", "сколько",
)  # fmt: skip
_MEASURED = (
    "total sum cost price number amount average percent percentage probability value difference "
    "product age profit income salary length weight height distance speed rate score pay earn"
)
_MEASURES = frozenset(_MEASURED.split())
_PARTED = (
    "hours minutes seconds miles pounds dollars cups gallons feet inches meters metres kilometers "
    "kilometres liters litres ounces kg grams acres percent points years months weeks days tons "
    "times stunden minuten meter liter kilo gramm euro heures mètres litres horas litros metros "
    "ore metri litri uur geld"
)
_DIVISIBLE = frozenset(_PARTED.split())

_AT_FIRST = (
    "original", "initial", "start with", "started with", "at first", "begin", " before ",
    "at the start", "ursprünglich", "anfangs", "zu beginn", "au début", "al principio",
    "inizialmente",
)  # fmt: skip
_CONDITIONS = (" if ", " wenn ", " falls ", " si ")
_SHIFT = re.compile(
    r"\byears? ago\b|\bin \w+ (?:more )?years?\b|\byears? from now\b|\bvor \w+ jahren\b|"
    r"\bin \w+ jahren\b|\bil y a \w+ ans\b|\bdans \w+ ans\b|\bhace \w+ años\b|\bfra \w+ anni\b"
)
_ASKS = re.compile(r"how (?:many|much|long|far|old)|what|calculate|find|[?？]")
_NAME = re.compile(r"(?<=[^\W\d_A-Z] )[A-Z][a-z]+|(?<=, )[A-Z][a-z]+")
_TOKEN = re.compile(r"\d[\d,]*/\d+|\d[\d.,]*%?|\.\d+|[^\W\d_]+(?:'[^\W\d_]+)?|[.!?;,:]")
_BREAK = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_CLAUSE = re.compile(
    r"(?:[^.!?。！？\n]|\.(?=\d)|(?<=\b[A-Z][a-z])\.|(?<=\b[A-Z][a-z][a-z])\.)+[?？]?"
)
"""A sentence; neither the point of a number nor that of a title ("Mrs.") ends it."""


def sentences(text: str) -> list[str]:
    """The sentences of a text; a point within a number ends none."""
    return [found for found in _BREAK.split(text) if found.strip()]


def quantities(query: str) -> list[Rational]:
    """The quantities of a question, in order; at most 64."""
    found: list[Rational] = []
    tokens = _TOKEN.findall(query.lower().replace("-", " "))[:MOST_WORDS]
    around = ["", *tokens, ""]
    unread = 0
    for at, token in enumerate(tokens):
        if at >= unread and (read := _digits(token) or _worded(token, around[at], around[at + 2])):
            value, count = read
            found.append(value)
            unread = at + count
    return found[:MOST_QUANTITIES]


def _digits(token: str) -> tuple[Rational, int] | None:
    """The value of a token, if it is a number in digits, and how many tokens that takes."""
    if not (token[0].isdecimal() or (token[0] == "." and len(token) > 1)):
        return None
    top, _, bottom = token.rstrip("%").partition("/")
    try:
        value = number(top, comma=False)[0]
        return (ratio(value[0], value[1] * int(bottom[:9])) if bottom else value), 1
    except ValueError:
        return None


def _worded(word: str, before: str, ahead: str) -> tuple[Rational, int] | None:
    """The same of a number in words."""
    if part := _PARTS.get(word.removesuffix("s")):
        given = before in ("a", "the", "of", "one", "another") and word != "quarters"
        return ((1, part), 1) if given else None
    if word not in _WORDED:
        return None
    value, bottom = _WORDED[word]
    if part := _PARTS.get(ahead.removesuffix("s")):
        return ratio(value, part * bottom), 2
    unit = _WORDED.get(ahead, (0, 1))[0]
    if value in range(20, 91, 10) and 0 < unit < 10 and ahead in TO_NINETEEN:
        return (value + unit, 1), 2
    return (value, bottom), 1


def _words(text: str) -> list[str]:
    return [word.strip(".,;:!?()\"'") for word in text.lower().replace("-", " ").split()]


def has_number(query: str) -> bool:
    """Whether a number is written, in digits or in words, half and twice among them."""
    return bool(NUMBER.search(query)) or not _NUMBER_WORDS.isdisjoint(_words(query))


def _count_numbers(query: str) -> int:
    return len(NUMBER.findall(query)) + sum(word in _NUMBER_WORDS for word in _words(query))


def has_number_word(text: str) -> bool:
    """Whether a number is written in words."""
    named = not (_NUMBER_WORDS | _NONE_WORDS).isdisjoint(_words(text))
    return named or not _DENSE_NUMBERS.isdisjoint(text)


def asks_for_a_number(query: str) -> bool:
    """Whether a query is a calculation: numbers and a question of quantity, or an expression."""
    if bare_expression(query):
        return True
    count = _count_numbers(query)
    asking = _WHAT if count >= MANY_NUMBERS else _QUANTITIES
    return count >= 2 and any(_is_of_quantity(each, asking) for each in _CLAUSE.findall(query))


def _is_of_quantity(sentence: str, asking: Sequence[str]) -> bool:
    """Whether a sentence asks how many or how much, or tells to calculate."""
    folded = sentence.strip().lower()
    if folded.startswith(_IMPERATIVES) or ", calculate" in folded:
        return True
    if not folded.endswith(("?", "？")):
        return False
    if any(phrase in folded for phrase in asking):
        return True
    return "what" in folded and not _MEASURES.isdisjoint(_words(folded))


def asks_for_a_count(query: str) -> bool:
    """Whether the answer has to be a whole number that is not negative."""
    folded = query.lower()
    for phrase in _COUNTS:
        if phrase in folded:
            return _DIVISIBLE.isdisjoint(_words(folded.rpartition(phrase)[2])[:3])
    return False


def bare_expression(query: str) -> str:
    """The expression of a query such as "What is 12 * 7?", if all its numbers stand in it."""
    runs = arithmetic_runs(query)
    if len(runs) != 1 or len(_words(query)) - len(runs[0].split()) > MOST_WORDS_AROUND:
        return ""
    return runs[0] if len(NUMBER.findall(runs[0])) == _count_numbers(query) else ""


def asked(query: str) -> str:
    """The sentence that asks, lower-cased; the last one if none does."""
    found = [sentence.lower() for sentence in sentences(query)]
    asking = [sentence for sentence in found if _ASKS.search(sentence)]
    return (asking or found or [""])[-1]


def wording(query: str) -> dict[str, float]:
    """What makes the calculation hard, each in [0, 1]."""
    folded, ask = " ".join(query.lower().split()), f" {asked(query)}"
    names = len(set(_NAME.findall(query)))
    return {
        "asks_backwards": float(any(phrase in folded for phrase in _AT_FIRST)),
        "names": min(1.0, names / MOST_NAMES) if names < NAMES_ARE_NOUNS else 0.0,
        "asks_other_time": float(bool(_SHIFT.search(folded))),
        "asks_on_condition": float(any(word in ask for word in _CONDITIONS)),
    }
