"""How values are written, against what their parameters ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice

from .grounding import MOST_TEXT, Leaf
from .jsontypes import Json, mapping, sequence
from .offer import Tool
from .question import Question
from .words import fold

MOST_ITEMS = 64
_CODE = re.compile(r"=|\*\*|\blambda\b")
_EXAMPLE = re.compile(r"\b(?:e\.? ?g\b|for example|such as|example:|like|format)[^;()]{0,80}")


def writing(found: Iterable[Leaf], question: Question) -> dict[str, float]:
    """What is odd about strings: code the query does not hold, a place without its region."""
    texts = [(leaf, leaf.value[:MOST_TEXT]) for leaf in found if isinstance(leaf.value, str)]
    return {
        "code_value": float(
            any(_CODE.search(text) and text not in question.text for _, text in texts)
        ),
        "region_missing": float(any(_lacks_region(leaf, text) for leaf, text in texts)),
    }


def _lacks_region(leaf: Leaf, text: str) -> bool:
    """Whether "city and state, e.g. Boston, MA" was asked for and only the city given."""
    described = leaf.schema.description
    if not text or "," in text or not isinstance(described, str):
        return False
    folded = fold(described[:MOST_TEXT])
    example = _EXAMPLE.search(folded)
    return "state" in folded and example is not None and "," in example[0][5:]


def whole_numbers(tool: Tool, arguments: Mapping[str, Json]) -> bool:
    """Whether a list holds integers alone where the schema asks for numbers with fractions."""
    for name, value in islice(arguments.items(), MOST_ITEMS):
        wanted = mapping(mapping(tool.properties.get(name)).get("items")).get("type")
        items = sequence(value)[:MOST_ITEMS]
        if wanted == "number" and items and all(type(item) is int for item in items):
            return True
    return False
