"""The part of a schema that an unfinished value must fit already.

Of a value that grows member by member only such keywords can be asked that further members cannot
mend: the type of the whole, the schemas of members, which names are allowed, how many at most.
`required` and the like have to wait for the end. Keywords:
https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..providers.lenient import is_object
from ..tools.check import references

_LASTING: Final = frozenset({
    "$schema", "$defs", "definitions", "type",
    "properties", "patternProperties", "additionalProperties", "propertyNames", "maxProperties",
    "items", "prefixItems", "additionalItems", "maxItems", "uniqueItems",
})  # fmt: skip
_INSIDE: Final = ("#/$defs/", "#/definitions/")
"""References that lead to the same schema in the relaxed one."""


def relaxed(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """What members that are whole must fit; None if nothing can be said."""
    base = _resolved(schema)
    kept = {keyword: value for keyword, value in base.items() if keyword in _LASTING}
    if not kept.keys() - {"$schema", "$defs", "definitions"} or "$id" in base:
        return None
    return kept if all(each.startswith(_INSIDE) for each in references(kept)) else None


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition behind a schema that only names it, as pydantic gives for recursive models."""
    parent, _, name = str(schema.get("$ref", "")).rpartition("/")
    definitions = schema.get("$defs")
    if parent != "#/$defs" or not is_object(definitions) or not is_object(definitions.get(name)):
        return schema
    # Before 2019-09 whatever stands beside a reference is ignored; since then it holds too.
    return {"$defs": definitions, **definitions[name]}
