"""Answers in a form the caller wants: JSON, checked against a schema.

`wanted` reads `response_format`: a type that pydantic can describe, a JSON Schema, or one of
OpenAI's objects (https://platform.openai.com/docs/api-reference/chat/create). The last is the
normal form, which `Request.response_format` holds. What it gives makes one reader for each answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..core.structure import Structure
from ..errors import ConfigError
from ..providers.lenient import is_mapping
from ..tools.schema import compiled
from ..tools.show import escaped, shown
from ..tools.strict_json import UnusableJSON, dumps, loads
from .reader import JSONReader
from .schemas import described, is_strict, is_type, relaxed

if TYPE_CHECKING:
    from jsonschema_rs import Validator

__all__ = ["Wanted", "wanted"]

ALLOWED: Final = (
    'allowed are a type such as a pydantic model, a JSON Schema, {"type": "json_schema", '
    '"json_schema": {"name": ..., "schema": ...}}, {"type": "json_object"} and {"type": "text"}'
)
NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What OpenAI allows as the name of a format."""

_NAMED: Final = frozenset({"name", "description", "schema", "strict"})
_KEYWORDS: Final = frozenset({
    "$ref", "type", "properties", "required", "additionalProperties", "items", "prefixItems",
    "enum", "const", "anyOf", "oneOf", "allOf", "not", "if", "patternProperties",
})  # fmt: skip
"""A mapping without any of these is no schema: as one it would allow anything."""


class Wanted(msgspec.Struct, frozen=True):
    """The form of an answer."""

    format: Mapping[str, Any]
    """The normal form, of the type "json_object" or "json_schema"."""
    whole: Validator | None
    """What the answer must fit; None for any object."""
    partial: Validator | None

    def structure(self) -> Structure:
        """A reader of one answer."""
        return JSONReader(self.whole, self.partial)


def wanted(given: object) -> Wanted | None:
    """Check a `response_format`; None if it asks for text.

    Raises:
        ConfigError: it is none of the forms, its schema is not valid or refers to another, or the
            extra `[tools]`, which checks schemas, is not installed.
    """
    if is_type(given):
        return _checked(_name(given), described(given))
    if given is None or not is_mapping(given):
        raise _wrong(given, f"is of type {type(given).__name__}")
    match given.get("type"):
        case "text" if len(given) == 1:
            return None
        case "json_object" if len(given) == 1:
            return Wanted({"type": "json_object"}, None, None)
        case "json_schema":
            return _named(given)
        case _ if _KEYWORDS.isdisjoint(given):
            raise _wrong(given, "holds no keyword of a JSON Schema")
        case _:
            return _checked(_name(given), given)


def _named(given: Mapping[str, Any]) -> Wanted:
    """OpenAI's form with a schema in it."""
    inner = given.get("json_schema")
    if len(given) != 2 or not is_mapping(inner) or not is_mapping(inner.get("schema")):
        raise _wrong(given, "holds no schema under json_schema alone")
    if unknown := inner.keys() - _NAMED:
        raise _wrong(given, f"json_schema holds {', '.join(sorted(map(shown, unknown)))}")
    name, strict = inner.get("name", "response"), inner.get("strict")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _wrong(given, f"the name is {shown(name)}; it must match {NAME.pattern}")
    if not isinstance(strict, bool | None):
        raise _wrong(given, f"strict is {shown(strict)}; it must be True, False or None")
    return _checked(name, inner["schema"], {"name": name, **inner})


def _checked(name: str, given: Mapping[str, Any], inner: Mapping[str, Any] | None = None) -> Wanted:
    """A schema under a name; `inner`: what OpenAI's form said of it."""
    try:
        text = dumps(given)
        whole = compiled(text)
        schema: Any = loads(text)
        partial = relaxed(schema)
        early = None if partial is None else compiled(dumps(partial))
    except UnusableJSON as error:
        raise _wrong(given, str(error)) from None
    said = {"name": name, "strict": is_strict(schema)} if inner is None else inner
    form = {"type": "json_schema", "json_schema": {**said, "schema": schema}}
    return Wanted(form, whole, early)


def _name(given: object) -> str:
    """A name for a schema: that of the class, or its title."""
    title = given.get("title") if is_mapping(given) else shown(given)
    if isinstance(given, type):
        title = given.__name__
    name = re.sub(r"[^a-zA-Z0-9_-]+", "_", title if isinstance(title, str) else "")[:64]
    return name.strip("_") or "response"


def _wrong(given: object, why: str) -> ConfigError:
    return ConfigError(f"response_format is {shown(given)}: {escaped(why, 300)}; {ALLOWED}")
