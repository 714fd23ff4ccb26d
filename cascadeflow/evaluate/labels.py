"""How right the answers of recorded rows were, gathered from all lines that tell it.

A row tells it of itself, or a line on its `id` does, before or after it, in any of the files:

    {"id", "draft_correct", "verifier_correct"}
    {"feedback": id, "correct"}                   of the answer that the caller saw

Of several on one answer the one that is read last counts. A row that comes again, with the same
`id`, query and answers, counts once, with the labels of all its copies.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from ..errors import ConfigError

LABELS = ("draft_correct", "verifier_correct")
SEEN = "correct"
"""The label of the answer that the caller saw."""
TRUTHS = {"true": 1.0, "false": 0.0}
"""As spreadsheets write them."""

Line: TypeAlias = Mapping[str, Any]
Told: TypeAlias = list[tuple[int, str, float]]
"""Place of the line, label, how right. Labels that are not known are left out."""


def is_row(line: Line) -> bool:
    """Whether it is a row, not a line about one."""
    return line.get("feedback") is None and line.get("draft") is not None


def is_label(line: Line) -> bool:
    """Whether it only says how right the answers of a row were."""
    labelled = line.get("id") is not None and any(name in line for name in LABELS)
    return line.get("feedback") is not None or (labelled and line.get("draft") is None)


class Labels:
    """Every line is noted first; then each row, in the same order, can be completed."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bool] = {}
        """Whether each row has come; 16 bytes of each, so that many can be read."""
        self._again: dict[bytes, Told] = {}
        """What later copies of a row tell."""
        self._of: dict[str, Told] = {}
        """What other lines tell, by the id of the row."""
        self._matched: set[str] = set()
        self.copies = 0
        """Rows that were passed over, since they came before."""

    def note(self, place: int, line: Line, name: str) -> None:
        """Take in a line; `name` is that of its file.

        Raises:
            ConfigError: a label is not from 0 to 1.
        """
        told = _told(place, line)
        if is_row(line):
            key = _key(line, name)
            if key in self._rows:
                self._again.setdefault(key, []).extend(told)
            elif line.get("id") is not None:
                self._rows[key] = False
        elif is_label(line) and told:
            self._of.setdefault(_id(line), []).extend(told)

    def of(self, place: int, line: Line, name: str) -> dict[str, float | None] | None:
        """The labels of a row; None: it is a copy of one that came before."""
        key = _key(line, name)
        told = _told(place, line)
        if line.get("id") is not None:
            if self._rows.get(key):
                self.copies += 1
                return None
            self._rows[key] = True
            told += [*self._again.get(key, ()), *self._of.get(_id(line), ())]
            self._matched.add(_id(line))
        shown = LABELS[0] if line.get("accepted") else LABELS[1]
        known = {shown if label == SEEN else label: value for _, label, value in sorted(told)}
        return {label: known.get(label) for label in LABELS}

    @property
    def unmatched(self) -> list[str]:
        """The ids of labels that belong to none of the rows so far."""
        return [each for each in self._of if each not in self._matched]


def _id(line: Line) -> str:
    return str(line.get("id") if line.get("feedback") is None else line["feedback"])


def _told(place: int, line: Line) -> Told:
    names = LABELS if line.get("feedback") is None else (SEEN,)
    known = [(name, _label(name, line.get(name))) for name in names]
    return [(place, name, value) for name, value in known if value is not None]


def _label(name: str, given: object) -> float | None:
    """None where there is none: a cell left empty, or what pandas makes of one."""
    value = given
    if isinstance(given, str):
        text = given.strip().lower()
        try:
            value = TRUTHS.get(text) if text in TRUTHS or not text else float(text)
        except ValueError:
            value = -1
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, int | float) and 0 <= value <= 1:
        return float(value)
    raise ConfigError(f"{name} is {given!r}; it must be from 0 (wrong) to 1 (right)")


def _key(row: Line, name: str) -> bytes:
    """Of what was asked and answered, by which models: file names say that of some."""
    said = [row.get(field) for field in ("query", "messages", "draft", "verifier")]
    whole = json.dumps([str(row.get("id")), name.split("__")[1:], said], sort_keys=True)
    return hashlib.blake2b(whole.encode(), digest_size=16).digest()
