"""Whether a query asks for a number, and which kind.

By words of quantity in several languages, together with numbers to calculate with. "How many" asks
for a count, which is whole and not negative, unless what is counted can be cut into parts.
"""

from __future__ import annotations

import re

from .equations import arithmetic_runs

NUMBER = re.compile(r"\d[\d.,]*")

_IN_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve dozen twenty thirty fifty "
    "hundred half third quarter twice double triple times zwei drei vier halb hälfte doppelt deux "
    "trois quatre moitié dos tres cuatro mitad doble due tre quattro metà doppio dois três metade "
    "dobro twee drie helft"
)
_NUMBER_WORDS = frozenset(_IN_WORDS.split())
_NONE_WORDS = frozenset(("zero", "none", "no", "null", "keine", "aucun", "ninguno", "nessuno"))
_DENSE_NUMBERS = frozenset("零一二两三四五六七八九十百千万")
_QUANTITIES = (
    "how many", "how much", "how long", "how far", "how old", "how fast", "how tall", "how big",
    "how heavy", "calculate", "compute", "wie viel", "wieviel", "berechne", "combien", "calcul",
    "cuánt", "cuant", "quant", "calcol", "hoeveel", "bereken", "сколько", "вычисли", "多少", "几个",
    "計算", "计算", "いくつ", "いくら", "何個", "何人", "何円", "何本",
)  # fmt: skip
_IMPERATIVES = (
    "calculate", "compute", "find the", "determine the", "berechne", "calcul", "calcol", "bereken",
    "вычисли", "計算", "计算",
)  # fmt: skip
_MEASURED = (
    "total sum cost price number amount average percent percentage probability value difference "
    "product age profit income salary length weight height distance speed rate score pay earn"
)
_MEASURES = frozenset(_MEASURED.split())
_COUNTS = (
    "how many", "wie viele", "combien de", "cuántos", "cuántas", "quanti ", "quante ", "quantos",
    "quantas", "hoeveel", "сколько",
)  # fmt: skip
_PARTED = (
    "hours minutes seconds miles pounds dollars cups gallons feet inches meters metres kilometers "
    "kilometres liters litres ounces kg grams acres percent points years months weeks days tons "
    "times stunden minuten meter liter kilo gramm euro heures mètres litres horas litros metros "
    "ore metri litri uur geld"
)
_DIVISIBLE = frozenset(_PARTED.split())
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=\d))+[?？]?")
MANY_NUMBERS = 4
"""Numbers in a query from which any question at its end is taken to ask for another one."""
QUESTION_CHARS = 160
_WHAT = (
    "what is", "what was", "what will", "what are", "what does", "how high", "how deep", "how wide",
    "wie hoch", "was ist", "quel est", "quelle est", "cuál es", "qual è", "qual é", "wat is",
)  # fmt: skip
MOST_WORDS_AROUND = 8
"""Words around an expression that is the whole question."""


def _words(text: str) -> list[str]:
    return [word.strip(".,;:!?()\"'") for word in text.lower().replace("-", " ").split()]


def count_numbers(query: str) -> int:
    """Numbers in digits and in words, half and twice among them."""
    return len(NUMBER.findall(query)) + sum(word in _NUMBER_WORDS for word in _words(query))


def has_number_word(text: str) -> bool:
    """Whether a number is written in words."""
    words = set(_words(text))
    named = not (words.isdisjoint(_NUMBER_WORDS) and words.isdisjoint(_NONE_WORDS))
    return named or not _DENSE_NUMBERS.isdisjoint(text)


def asks_for_a_number(query: str) -> bool:
    """Whether a query is a calculation: numbers and a question of quantity, or an expression."""
    if bare_expression(query):
        return True
    count = count_numbers(query)
    if count >= 2 and any(map(_is_of_quantity, _SENTENCE.findall(query))):
        return True
    return count >= MANY_NUMBERS and _asks_what(query)


def _asks_what(query: str) -> bool:
    """Whether the query ends in a question for one thing, or for a degree of it."""
    last = query.rstrip()[-QUESTION_CHARS:].lower()
    asking = any(phrase in last for phrase in _WHAT + _QUANTITIES)
    return asking and last.endswith(("?", "？"))


def _is_of_quantity(sentence: str) -> bool:
    """Whether a sentence asks how many or how much, or tells to calculate."""
    folded = sentence.strip().lower()
    if folded.startswith(_IMPERATIVES) or ", calculate" in folded:
        return True
    if not folded.endswith(("?", "？")):
        return False
    if any(phrase in folded for phrase in _QUANTITIES):
        return True
    return "what" in folded and not _MEASURES.isdisjoint(_words(folded))


def asks_for_a_count(query: str) -> bool:
    """Whether the answer has to be a whole number that is not negative."""
    folded = query.lower()
    counted = [phrase for phrase in _COUNTS if phrase in folded]
    if not counted:
        return False
    behind = folded.rpartition(counted[0])[2]
    return _DIVISIBLE.isdisjoint(_words(behind)[:3])


def bare_expression(query: str) -> str:
    """The expression of a query such as "What is 12 * 7?", if all its numbers stand in it."""
    runs = arithmetic_runs(query)
    if len(runs) != 1 or len(_words(query)) - len(runs[0].split()) > MOST_WORDS_AROUND:
        return ""
    return runs[0] if len(NUMBER.findall(runs[0])) == count_numbers(query) else ""
