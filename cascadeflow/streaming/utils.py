"""Tool arguments while they arrive: the public names of the incremental JSON parser.

    parser = ProgressiveJSONParser()
    result = parser.feed('{"location": "Par')   # state in_string, value {"location": "Par"}
    result = parser.feed('is"}')                # state complete, value {"location": "Paris"}

How it works, and what the live value shows when, is in `incremental_json`.
"""

from __future__ import annotations

from .incremental_json import ProgressiveJSONParser
from .json_grammar import JSONParseState, ParseResult

__all__ = ["JSONParseState", "ParseResult", "ProgressiveJSONParser"]
