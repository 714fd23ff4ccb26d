"""Whether an answer is in the language it should be in.

Two questions, both by counting. *Script*: which writing system most letters belong to. *Language*,
for Latin letters: which of seven languages owns most of the small words (the, der, les, ...). An
answer is off if it is clearly in one language, nothing that was asked contains that language in
more than traces, and nobody named a language or asked for a translation. Where a count is not
clear the answer is given the benefit of the doubt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from operator import itemgetter
from string import ascii_letters

from .query import holds

SCRIPTS = {
    "greek": re.compile("[\u0370-\u03ff]+"),
    "cyrillic": re.compile("[\u0400-\u052f]+"),
    "hebrew": re.compile("[\u0590-\u05ff]+"),
    "arabic": re.compile("[\u0600-\u06ff]+"),
    "indic": re.compile("[\u0900-\u0dff]+"),
    "thai": re.compile("[\u0e00-\u0e7f]+"),
    "kana": re.compile("[\u3040-\u30ff]+"),
    "han": re.compile("[\u3400-\u9fff]+"),
    "hangul": re.compile("[\uac00-\ud7af]+"),
}

_NO_LETTERS = str.maketrans("", "", ascii_letters)

_SMALL_WORDS = {
    "en": "the and of to that with for are this you it have from not which by what how why does "
    "who is",
    "de": "der die und das nicht ist ein eine den mit sich auf für dem von werden wird sind wie "
    "oder auch was warum ich",
    "fr": "les des est une dans pour que qui sur pas plus avec sont vous cette du et au quelle "
    "quel comment pourquoi la le je",
    "es": "el los las una por con para que del es como más pero su este son y se qué cuál cómo "
    "dónde la",
    "it": "il di che per una con sono del della gli non le è anche più nel alla qual quale come "
    "perché la",
    "pt": "o os as uma para com não que do da em são mais por dos é como ao qual você um",
    "nl": "de het een van en is dat niet op voor met zijn te aan ook worden deze er wat hoe waarom "
    "ik",
}
_LANGUAGES: dict[str, tuple[str, ...]] = {
    word: tuple(name for name, words in _SMALL_WORDS.items() if word in words.split())
    for words in _SMALL_WORDS.values()
    for word in words.split()
}

_NAMED = (
    # "translate" and "language"
    "translat", "language", "übersetz", "sprache", "tradu", "langue", "idioma", "lingua", "vertaal",
    "перевод", "перевед", "язык", "翻译", "翻譯", "翻訳", "语言", "言語", "번역",
    # names of languages, in a few of them
    "english", "german", "french", "spanish", "italian", "portug", "dutch", "russian", "chinese",
    "mandarin", "japanese", "korean", "arabic", "hebrew", "greek", "latin", "hindi", "polish",
    "turkish", "ukrain", "thai", "cyrillic", "kanji", "hiragana", "swedish", "esperanto",
    "englisch", "deutsch", "französisch", "spanisch", "italienisch", "niederländisch", "russisch",
    "anglais", "allemand", "français", "espagnol", "italien", "néerlandais", "russe", "chinois",
    "inglés", "alemán", "francés", "español", "italiano", "inglese", "tedesco", "francese",
    "spagnolo", "inglês", "alemão", "francês", "espanhol", "engels", "duits", "frans", "spaans",
    "английск", "немецк", "французск", "русск", "英语", "英文", "英語", "中文", "汉语", "漢語",
    "日语", "日文", "日本語", "法语", "德语", "영어", "한국어",
)  # fmt: skip

ANSWER_LETTERS = 48
"""Letters that must be seen before a script is named."""

ANSWER_WORDS = 8
"""Small words that must be seen before the language of an answer is named."""

READ_CHARS = 3_072
"""Characters of an answer that are counted; its language does not change after that."""


def names_a_language(text: str) -> bool:
    """Whether a text asks for a translation or names a language."""
    return holds(text.lower(), _NAMED)


class Profile:
    """Letters by script and small words by language of a text."""

    __slots__ = ("languages", "scripts", "size")

    def __init__(self, text: str = "") -> None:
        self.size = 0
        self.scripts: dict[str, int] = defaultdict(int)
        self.languages: dict[str, int] = defaultdict(int)
        if text:
            self.take(text)

    def take(self, text: str) -> None:
        """Count a piece, until `READ_CHARS` are counted."""
        text = text[: READ_CHARS - self.size]
        self.size += len(text)
        if text.isascii():
            letters = len(text) - len(text.translate(_NO_LETTERS))
        else:
            letters = sum(map(str.isalpha, text))
            for name, runs in SCRIPTS.items():
                found = sum(map(len, runs.findall(text)))
                self.scripts[name] += found
                letters -= found
        self.scripts["latin"] += max(0, letters)
        for word in text.lower().split():
            for name in _LANGUAGES.get(word.strip(".,;:!?¿¡\"'()*"), ()):
                self.languages[name] += 1

    def script(self) -> str:
        """The script of more than 60 % of the letters; empty if there is none, or too few letters.

        Kana settle that the Han characters beside them are Japanese, not another script.
        """
        joined = dict(self.scripts)
        if joined.get("kana"):
            joined["kana"] += joined.pop("han", 0)
        letters = sum(joined.values())
        name, count = max(joined.items(), key=itemgetter(1), default=("", 0))
        return name if letters >= ANSWER_LETTERS and count > 0.6 * letters else ""

    def language(self, at_least: int) -> str:
        """The language with at least twice the small words of the next; empty if unclear."""
        ranked = [("", 0), ("", 0), *sorted(self.languages.items(), key=itemgetter(1))]
        (_, second), (name, first) = ranked[-2:]
        return name if first >= max(at_least, 2 * second) else ""


def off_language(asked: Profile, answer: Profile) -> float:
    """1 if the answer is in a language or script that was not asked in, 0.6 if it seems so."""
    script, letters = answer.script(), sum(asked.scripts.values())
    if not script or not letters:
        return 0.0
    if script != "latin":
        # Traces of the script suffice; Han and kana are not told apart in a question.
        related = ("han", "kana") if script in ("han", "kana") else (script,)
        return 0.0 if any(asked.scripts[name] for name in related) else 1.0
    language = answer.language(ANSWER_WORDS)
    if not language:
        return 0.0
    known = asked.language(at_least=2) in ("", language) or asked.languages[language] >= 2
    if known and asked.scripts["latin"] > 0.3 * letters:
        return 0.0
    return 1.0 if answer.languages[language] >= 2 * ANSWER_WORDS else 0.6
