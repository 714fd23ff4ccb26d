"""Words of queries, descriptions and identifiers, brought to one form that can be compared.

Identifiers are split at underscores and capitals. A word is folded (case, accents), loses an
inflection and all behind its fifth letter, so that "calculate", "Calculator" and "calculation" are
one *stem*. That is crude, but needs no dictionary and works in inflected languages as well. Scripts
without spaces between words (Chinese, Japanese) are read as overlapping pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

STEM_CHARS = 5
LONGEST_WORD = 32
MOST_WORDS = 2_048
MOST_PAIRS = 512
"""Pairs of characters read of one run without spaces."""
MOST_CACHED = 1_024
"""Texts of tools that are kept."""

_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u2009\u202f\u2019](?=\d{3}(?!\d))")
_QUOTES = str.maketrans(dict.fromkeys("\u2018\u2019\u201a", "'") | dict.fromkeys("“”„«»「」", '"'))
_BOLD = re.compile(r"(?<![\w)\]*])\*\*([^*\n]{1,80})\*\*(?![\w(*])")
_SPACES = re.compile(r"[^\S\n]+")
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ENDINGS = ("ing", "ion", "ed", "er", "or", "ie", "es", "en", "e", "y")

_STOP = (
    "a an the of to in on at by for from with without as is are was were be been being am do does "
    "did doing has have had having it its this that these those there here i me my mine we us our "
    "you your he she they them his her their and or but if then than so not no yes can could will "
    "would should shall may might must let please help need want like know tell show give make "
    "what which who whom whose when where why how much many some any all each every both also "
    "about into over under between through up down out off per via just only very more most less "
    "s t m re ve ll d it's i'm im id hi hello hey dear thanks thank one use "
    "using used based given provided provide able "
    "der die das den dem des ein eine einen einem einer und oder nicht ist sind war ich du er sie "
    "es wir ihr mein dein für von mit auf aus bei nach zu zum zur im am wie was wer wo wann bitte "
    "kann kannst soll mir mich le la les un une des du de et ou ne pas est sont je tu il elle nous "
    "vous mon ton son pour par avec dans sur au aux que qui quoi comment où quel quelle peux "
    "el los las una y o no es son yo mi tu su para por con en del al lo qué que cómo cuál dónde "
    "puedes il gli i uno e è sono io mio per con nel della di da che come quale dove puoi "
    "os as um uma e ou não são eu meu para por com em no na do da que como qual onde pode "
    "het een en of niet is zijn ik jij mijn voor van met op uit bij naar hoe wat wie waar kun"
)
_GENERIC = (
    "get find calculate compute search retrieve fetch return create list show display determine "
    "check generate look perform obtain information info data detail value name number type result "
    "function tool specific specified certain particular various query input output parameter "
    "optional default example include current user string text item method object new set id "
    "question request answer"
)


def clean(text: str) -> str:
    """One writing of what has several: spaces, also in numbers, quotation marks, bold letters."""
    if not text.isascii():
        text = _THOUSANDS.sub("", text).translate(_QUOTES)
    return _SPACES.sub(" ", _BOLD.sub(r"\1", text))


def fold(text: str) -> str:
    """Lower case, without accents."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", lowered))
    return unicodedata.normalize("NFC", bare)


@lru_cache(maxsize=4 * MOST_CACHED)
def stem(word: str) -> str:
    """The stem of one folded word."""
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:STEM_CHARS]


def split(text: str) -> list[str]:
    """The folded words of a text or an identifier, in order."""
    found: list[str] = []
    for match in islice(_WORD.finditer(text), MOST_WORDS):
        word = match[0]
        if word.isascii():
            if word.islower():
                found.append(word)
            elif word[1:].islower() or word.isupper():
                found.append(word.lower())
            else:
                found += [part.lower() for part in _CAMEL.findall(word)]
        elif _DENSE.match(word):
            last = min(max(1, len(word) - 1), MOST_PAIRS)
            found += [word[place : place + 2] for place in range(last)]
        else:
            found.append(fold(word))
    return found


def stems(text: str) -> tuple[str, ...]:
    """The stems of all words of a text, in order."""
    return stems_of(split(text))


def stems_of(words: Iterable[str]) -> tuple[str, ...]:
    """The stems of folded words, in order."""
    return tuple(stem(word[:LONGEST_WORD]) for word in words)


STOP_WORDS = frozenset(map(fold, _STOP.split()))
"""Folded words without a meaning of their own."""
GENERIC_STEMS = frozenset(map(stem, _GENERIC.split()))
"""Stems that occur in tools of every kind."""


def content(words: Iterable[str]) -> frozenset[str]:
    """The stems of those folded words that carry meaning."""
    kept = frozenset(words) - STOP_WORDS
    return frozenset(stems_of(word for word in kept if len(word) > 1 or not word.isascii()))


@lru_cache(maxsize=MOST_CACHED)
def tool_content(text: str) -> frozenset[str]:
    """The same for texts of tools, which come again with every request."""
    return content(split(text))


def overlap(part: frozenset[str], whole: frozenset[str]) -> float:
    """The share of `part` that is in `whole`, 0 for an empty part; generic stems say little."""
    shared, total = (len(each) - 0.75 * len(each & GENERIC_STEMS) for each in (part & whole, part))
    return shared / total if part else 0.0
