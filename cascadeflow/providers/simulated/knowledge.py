"""What the models know by heart: capitals, with one right answer each, and a few open topics.

A topic fits if the question has no other words, in any order.
"""

from __future__ import annotations

import random
import re

from .solution import Solution, Words, Working

CAPITALS = {
    "Australia": ("Canberra", "Sydney"), "Austria": ("Vienna", "Salzburg"),
    "Brazil": ("Brasília", "Rio de Janeiro"), "Canada": ("Ottawa", "Toronto"),
    "China": ("Beijing", "Shanghai"), "Denmark": ("Copenhagen", "Aarhus"),
    "Egypt": ("Cairo", "Alexandria"), "Finland": ("Helsinki", "Turku"),
    "France": ("Paris", "Lyon"), "Germany": ("Berlin", "Frankfurt"),
    "India": ("New Delhi", "Mumbai"), "Italy": ("Rome", "Milan"), "Japan": ("Tokyo", "Osaka"),
    "Morocco": ("Rabat", "Casablanca"), "New Zealand": ("Wellington", "Auckland"),
    "Nigeria": ("Abuja", "Lagos"), "Norway": ("Oslo", "Bergen"), "Peru": ("Lima", "Cusco"),
    "Poland": ("Warsaw", "Kraków"), "Portugal": ("Lisbon", "Porto"),
    "Spain": ("Madrid", "Barcelona"), "Switzerland": ("Bern", "Zurich"),
    "Turkey": ("Ankara", "Istanbul"), "Vietnam": ("Hanoi", "Ho Chi Minh City"),
}  # fmt: skip
"""Country: capital, and the city that is often taken for it."""

_TOPICS = {
    "hello hi hey there": (
        "Hello! How can I help?",
        "Hello! How can I help you today? I can calculate, convert units, sort numbers, spell "
        "words, name capitals and explain a few topics.",
    ),
    "python": (
        "Python is a programming language.",
        "Python is a general-purpose programming language created by Guido van Rossum and first "
        "released in 1991. It is known for readable syntax, dynamic typing and a large standard "
        "library, and it is widely used for web services, data analysis, automation and machine "
        "learning.",
    ),
    "ai artificial intelligence": (
        "AI is when computers do things that need intelligence.",
        "Artificial intelligence is the field that builds systems able to do tasks which normally "
        "need human intelligence, such as understanding language, recognising images or planning. "
        "Most of today's systems learn patterns from large amounts of data instead of following "
        "rules written by hand.",
    ),
    "why sky blue": (
        "Because air scatters blue light.",
        "Sunlight contains all colours, and the molecules of the air scatter short wavelengths far "
        "more than long ones. So blue light reaches our eyes from every direction of the sky, "
        "while at sunset the long path removes the blue and leaves red.",
    ),
}
"""The words of a question, and the answers of the small and the large model to it."""
_FILLERS = "a an the is are s me please can you what whats tell about explain in one sentence"
_ASKED = re.compile(rf"\bcapital (?:city )?of ({'|'.join(CAPITALS)})\b", re.IGNORECASE)


def pose(rng: random.Random) -> str:
    """The capital of some country."""
    return f"What is the capital of {rng.choice(list(CAPITALS))}?"


def solve(text: str, rng: random.Random) -> Solution | None:
    """The capital asked for in `text`; None: none is asked for, or we do not know the country."""
    match = _ASKED.search(text)
    if match is None:
        return None
    capital, mistaken = CAPITALS[match[1].title()]
    slips = [Working(mistaken), Working(rng.choice(list(CAPITALS.values()))[1])]
    return Solution(Working(capital), Words(capital), slips)


def open_answer(question: str, *, small: bool) -> str:
    """What a model says to any other question; of what it does not know it says so."""
    asked = _words(question)
    for words, (short, full) in _TOPICS.items():
        if asked and asked <= _words(words):
            return short if small else full
    about = " ".join(re.findall(r"\w+", question)[:8])
    if small:
        return f'I do not have a reliable answer about "{about}".'
    return (
        f'You ask about "{about}". I am a simulated model: I compute arithmetic, units, lists and '
        "words exactly, and know a few topics, and this is not among them. Rather than guess, I "
        "suggest that you ask a real model in my place."
    )


def _words(text: str) -> frozenset[str]:
    words = re.findall(r"\w+", text.lower()[:400].replace("'", " "))
    return frozenset(words).difference(_FILLERS.split())
