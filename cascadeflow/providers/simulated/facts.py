"""Capitals: facts with one right answer, and the city that is often taken for it."""

from __future__ import annotations

import random
import re

from . import check
from .solution import Solution, Working, solution

CAPITALS = {
    "Argentina": ("Buenos Aires", "Córdoba"), "Australia": ("Canberra", "Sydney"),
    "Austria": ("Vienna", "Salzburg"), "Belgium": ("Brussels", "Antwerp"),
    "Brazil": ("Brasília", "Rio de Janeiro"), "Canada": ("Ottawa", "Toronto"),
    "Chile": ("Santiago", "Valparaíso"), "China": ("Beijing", "Shanghai"),
    "Denmark": ("Copenhagen", "Aarhus"), "Egypt": ("Cairo", "Alexandria"),
    "Ethiopia": ("Addis Ababa", "Gondar"), "Finland": ("Helsinki", "Turku"),
    "France": ("Paris", "Lyon"), "Germany": ("Berlin", "Frankfurt"),
    "Greece": ("Athens", "Thessaloniki"), "India": ("New Delhi", "Mumbai"),
    "Indonesia": ("Jakarta", "Surabaya"), "Ireland": ("Dublin", "Cork"),
    "Italy": ("Rome", "Milan"), "Japan": ("Tokyo", "Osaka"), "Kenya": ("Nairobi", "Mombasa"),
    "Mexico": ("Mexico City", "Guadalajara"), "Morocco": ("Rabat", "Casablanca"),
    "New Zealand": ("Wellington", "Auckland"), "Nigeria": ("Abuja", "Lagos"),
    "Norway": ("Oslo", "Bergen"), "Peru": ("Lima", "Cusco"), "Poland": ("Warsaw", "Kraków"),
    "Portugal": ("Lisbon", "Porto"), "Spain": ("Madrid", "Barcelona"),
    "Sweden": ("Stockholm", "Gothenburg"), "Switzerland": ("Bern", "Zurich"),
    "Turkey": ("Ankara", "Istanbul"), "Vietnam": ("Hanoi", "Ho Chi Minh City"),
}  # fmt: skip
"""Country: capital, and the city mistaken for it."""

_ASKED = re.compile(
    rf"\bcapital (?:city )?of ({'|'.join(CAPITALS)})\b|\b({'|'.join(CAPITALS)})['’]s capital\b",
    re.IGNORECASE,
)
_SPELLED = {country.lower(): country for country in CAPITALS}


def pose(rng: random.Random) -> str:
    """The capital of some country."""
    return f"What is the capital of {rng.choice(list(CAPITALS))}?"


def solve(text: str, rng: random.Random) -> Solution | None:
    """The capital asked for in `text`; None: none is asked for, or we do not know the country."""
    match = _ASKED.search(text)
    if match is None:
        return None
    country = _SPELLED[(match[1] or match[2]).lower()]
    capital, mistaken = CAPITALS[country]
    others = [Working(mistaken), Working(rng.choice(list(CAPITALS.values()))[1])]
    return solution("facts", Working(capital), check.Choice(capital, (capital, mistaken)), others)
