"""How the words of a reasoning lean to the option it settles on.

Writers of questions make the right option the longest and rarely the extreme one; a reasoning that
was followed speaks of the chosen option, above all near its end, and of the others less.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .accounts import values
from .comparisons import stem

END_CHARS = 250
"""Characters before the statement that conclude."""
MOST_WORDS = 4_096
THREE_TIMES = 3.0
_WORD = re.compile(r"[^\W\d_]{2,}")
_NEGATED = re.compile(r"\b(?:not|except|false|incorrect|least|nicht|falsch|sauf|excepto|tranne)\b")
_SYMBOL = re.compile(r"[=^∫√π°]")
QUESTION_END = 300
_WITHOUT_MEANING = (
    "the an of to in on at for and or but is are was were be by with as that this it its from not "
    "than then which all both no if"
)
_SMALL = frozenset(_WITHOUT_MEANING.split())


def leaning(texts: Mapping[str, str], letter: str, body: str) -> dict[str, float]:
    """What speaks for the option `letter` of `texts` in the reasoning `body`; each in [0, 1]."""
    chosen = texts.get(letter, "").strip()
    if not chosen:
        return {}
    sizes = [len(text) for text in texts.values()]
    wanted = {key: _words(text) for key, text in texts.items()}
    folded = body.lower()
    others = [text for key, text in texts.items() if key != letter]
    return {
        "option_longest": float(len(chosen) >= max(map(len, map(str.strip, others)), default=0)),
        "option_length": min(1.0, len(chosen) * len(sizes) / (sum(sizes) + 1) / THREE_TIMES),
        "option_spoken_of": _margin(wanted, letter, _words(body)),
        "option_concluded": _margin(wanted, letter, _words(body[-END_CHARS:])),
        "option_quoted": float(_quoted(chosen, folded)),
        "others_quoted": min(1.0, sum(_quoted(text, folded) for text in others) / 4),
        "option_extreme": float(_extreme(list(texts.values()), chosen)),
        "however": min(1.0, folded.count("however") / 2),
    }


def asked_of(stem_text: str) -> dict[str, float]:
    """What makes the question hard, each in [0, 1]; `stem_text` is it without its options."""
    words = _WORD.findall(stem_text)[:MOST_WORDS]
    return {
        "query_symbols": min(1.0, len(_SYMBOL.findall(stem_text)) / 5),
        "query_word_length": min(1.0, sum(map(len, words)) / max(1, len(words)) / 10),
        "query_negated": float(bool(_NEGATED.search(stem_text[-QUESTION_END:].lower()))),
    }


def _words(text: str) -> frozenset[str]:
    return frozenset(map(stem, _WORD.findall(text.lower())[:MOST_WORDS])) - _SMALL


def _margin(wanted: Mapping[str, frozenset[str]], letter: str, said: frozenset[str]) -> float:
    """Share of the chosen option's words that were said, against the best of the others; 0.5: as
    much."""
    shares = {key: len(words & said) / max(1, len(words)) for key, words in wanted.items()}
    best = max((share for key, share in shares.items() if key != letter), default=0.0)
    return (shares[letter] - best + 1) / 2


def _quoted(option: str, body: str) -> bool:
    text = option.strip(" .").lower()
    return len(text) > 2 and text in body


def _extreme(texts: Sequence[str], chosen: str) -> bool:
    """Whether the options are numbers, and the chosen one is the least or the largest of them."""
    numbers = [found[0] for found in map(values, texts) if found]
    own = values(chosen)
    if not own or len(numbers) < 3 or len(numbers) < 0.8 * len(texts):
        return False
    try:
        sizes = [top / bottom for top, bottom in numbers]
        return own[0][0] / own[0][1] in (min(sizes), max(sizes))
    except (OverflowError, ZeroDivisionError):
        return False
