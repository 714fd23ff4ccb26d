"""Questions about letters and words: reverse, count, palindrome, upper case, n-th word.

The text in question is quoted, or follows "the word" or "in". Slips: letters swapped or lost, a
count off by one, yes for no, the neighbouring word.
"""

from __future__ import annotations

import random
import re
from fractions import Fraction

from . import check
from .solution import Solution, Working, solution

VOCABULARY = (
    "strawberry", "banana", "lantern", "mississippi", "committee", "parallel", "bookkeeper",
    "balloon", "orchestra", "kitchen", "umbrella", "giraffe", "penguin", "notebook", "hammer",
    "window", "garden", "butterfly", "mountain",
)  # fmt: skip
PALINDROMES = ("level", "racecar", "rotator", "madam", "refer", "kayak")
SENTENCES = (
    "the quick brown fox jumps over the lazy dog",
    "a stitch in time saves nine",
    "all that glitters is not gold",
    "early birds catch more worms than late ones",
)
ORDINALS: tuple[str, ...] = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    "tenth",
)  # fmt: skip
VOWELS = frozenset("aeiou")

_QUOTED = re.compile(r"[\"“”]([^\"“”]{1,400})[\"“”]|(?<!\w)'([^']{1,400})'(?!\w)")
_NAMED = re.compile(
    r"\b(?:the word|the string|in|is)\s+(\w+)(?:\s+a palindrome)?\s*[?.!]?\s*$", re.IGNORECASE
)
_LETTER = re.compile(r"letter\s+[\"“']?(\w)\b|\bhow many ([a-z])(?:['’]?s)?\b", re.IGNORECASE)
_ORDINAL = re.compile(rf"\b({'|'.join(ORDINALS)}|last)\s+word\b", re.IGNORECASE)


def pose(rng: random.Random) -> str:
    """A question about a word, or about the words of a sentence."""
    word, sentence = rng.choice(VOCABULARY), rng.choice(SENTENCES)
    place = rng.randrange(len(sentence.split()))
    puzzle = rng.choice((*PALINDROMES, *VOCABULARY[:6]))
    tasks = (
        f'Reverse the word "{word}".',
        f'How many times does the letter "{rng.choice(word)}" appear in "{word}"?',
        f'Is "{puzzle}" a palindrome?',
        f'Write "{sentence}" in upper case.',
        f'What is the {ORDINALS[place]} word of "{sentence}"?',
        f'How many vowels are in "{word}"?',
        f'How many words are in "{sentence}"?',
    )
    return rng.choice(tasks)


def solve(text: str, rng: random.Random) -> Solution | None:
    """The task done; None: no text in question, or no task we know."""
    subject = _subject(text)
    if subject is None:
        return None
    asked = text.lower()
    if "palindrome" in asked:
        return _palindrome(subject)
    if re.search(r"\brevers|\bbackwards\b", asked):
        return _reverse(subject, rng)
    if match := _ORDINAL.search(asked):
        return _nth_word(subject, match[1])
    if re.search(r"\bhow many|\bcount\b|\bnumber of\b", asked):
        return _count(subject, asked)
    if re.search(r"\b(upper|lower)[ -]?case\b|\bcapital letters\b", asked):
        return _case(subject, "lower" not in asked, rng)
    return None


def _subject(text: str) -> str | None:
    quoted: list[str] = [first or second for first, second in _QUOTED.findall(text)]
    if quoted:
        return max(quoted, key=len)
    named = _NAMED.search(text)
    return named[1] if named else None


def _palindrome(subject: str) -> Solution:
    letters = [letter for letter in subject.lower() if letter.isalnum()]
    backwards = subject[::-1]
    yes, no = (Working(word, (f'Read backwards it is "{backwards}".',)) for word in ("yes", "no"))
    right, wrong = (yes, no) if letters == letters[::-1] else (no, yes)
    return solution("words", right, check.Choice(right.answer, ("yes", "no")), [wrong])


def _reverse(subject: str, rng: random.Random) -> Solution:
    result = subject[::-1]
    place = rng.randrange(max(len(result) - 1, 1))
    swapped = result[:place] + result[place : place + 2][::-1] + result[place + 2 :]
    lost = result[:place] + result[place + 1 :]
    slips = [Working(swapped), Working(lost), Working(result + result[-1])]
    return solution("words", Working(result), check.Exact(result), slips)


def _nth_word(subject: str, ordinal: str) -> Solution | None:
    parts = subject.split()
    place = len(parts) - 1 if ordinal == "last" else ORDINALS.index(ordinal)
    if place >= len(parts):
        return None
    near = [Working(parts[p]) for p in (place - 1, place + 1) if 0 <= p < len(parts)]
    near.append(Working(parts[place][::-1]))
    return solution("words", Working(parts[place]), check.Exact(parts[place]), near)


def _count(subject: str, asked: str) -> Solution | None:
    if match := _LETTER.search(asked):
        total = subject.lower().count((match[1] or match[2]).lower())
    elif "vowel" in asked:
        total = sum(letter in VOWELS for letter in subject.lower())
    elif "words" in asked:
        total = len(subject.split())
    elif re.search(r"\b(letters|characters)\b", asked):
        total = sum(letter.isalnum() or "characters" in asked for letter in subject)
    else:
        return None
    slips = [Working(str(total + off)) for off in (-1, 1, 2) if total + off >= 0]
    return solution("words", Working(str(total)), check.Number(Fraction(total)), slips)


def _case(subject: str, upper: bool, rng: random.Random) -> Solution:
    result = subject.upper() if upper else subject.lower()
    place = rng.randrange(len(result))
    slips = [
        Working(result[:place] + result[place].swapcase() + result[place + 1 :]),
        Working(result.swapcase()),
        Working(" ".join(result.split()[:-1]) or result[:-1]),
    ]
    return solution("words", Working(result), check.Exact(result, cased=True), slips)
