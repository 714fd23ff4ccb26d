"""Answers in a form the caller wants: JSON, checked against a schema.

`wanted` reads `response_format`; the `Wanted` it gives makes one `JSONReader` for each answer.
"""

from __future__ import annotations

from .wanted import Wanted, wanted

__all__ = ["Wanted", "wanted"]
