from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NotRequired, Optional, Union

import pytest
from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from cascadeflow.errors import ConfigError
from cascadeflow.tools.convert import RefusedArguments, converter
from cascadeflow.tools.signature import describe, name_of


class Unit(Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: float
    y: float = 0.0


class Place(TypedDict):
    city: str
    country: NotRequired[str]


class Node(BaseModel):
    """A tree."""

    title: str
    children: list[Node] = []


def schema(function: Callable[..., Any]) -> dict[str, Any]:
    return dict(describe(function)[1])


def properties(function: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema(function)["properties"]
    return found


def test_types_of_json_and_defaults() -> None:
    def f(a: str, b: int, c: float = 1.5, d: bool = True, e: str | None = None) -> None: ...

    assert schema(f) == {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "integer"},
            "c": {"type": "number", "default": 1.5},
            "d": {"type": "boolean", "default": True},
            "e": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    }


def test_no_parameters_make_an_empty_object() -> None:
    def f() -> None: ...

    assert schema(f) == {"type": "object", "properties": {}, "additionalProperties": False}


def test_unions_literals_and_collections() -> None:
    def f(
        a: Union[int, str],  # noqa: UP007 -- the older spelling is used, too
        b: Optional[int],  # noqa: UP045 -- the older spelling is used, too
        c: Literal["x", "y"],
        d: list[str],
        e: dict[str, int],
        g: tuple[int, str],
        h: set[int],
        i: Sequence[str],
    ) -> None: ...

    found = properties(f)
    assert found["a"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert found["b"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert found["c"] == {"type": "string", "enum": ["x", "y"]}
    assert found["d"] == {"type": "array", "items": {"type": "string"}}
    assert found["e"] == {"type": "object", "additionalProperties": {"type": "integer"}}
    assert found["g"]["prefixItems"] == [{"type": "integer"}, {"type": "string"}]
    assert found["h"]["uniqueItems"] is True
    assert found["i"] == {"type": "array", "items": {"type": "string"}}


def test_classes_become_local_definitions() -> None:
    def f(unit: Unit, level: Level, point: Point, place: Place, node: Node) -> None: ...

    found = schema(f)
    assert found["properties"]["unit"] == {"$ref": "#/$defs/Unit"}
    definitions = found["$defs"]
    assert definitions["Unit"]["enum"] == ["celsius", "kelvin"]
    assert definitions["Level"]["enum"] == [1, 2]
    assert definitions["Point"]["required"] == ["x"]
    assert definitions["Place"]["required"] == ["city"]
    assert definitions["Node"]["properties"]["title"] == {"type": "string"}
    assert definitions["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


def test_fields_of_pydantic_add_bounds_and_words() -> None:
    def f(
        days: Annotated[int, Field(ge=1, le=7, description="How many.")],
        hour: int = Field(12, description="Which."),
    ) -> None: ...

    assert schema(f)["required"] == ["days"]
    assert properties(f) == {
        "days": {"type": "integer", "minimum": 1, "maximum": 7, "description": "How many."},
        "hour": {"type": "integer", "default": 12, "description": "Which."},
    }


def test_names_that_pydantic_reserves_are_names_like_others() -> None:
    def f(
        schema: int, model_config: int, _hidden: int, json: int, p1: int, copy: int = 3
    ) -> None: ...

    assert list(properties(f)) == ["schema", "model_config", "_hidden", "json", "p1", "copy"]
    assert schema(f)["required"] == ["schema", "model_config", "_hidden", "json", "p1"]


def test_a_default_without_a_word_in_json_is_left_out() -> None:
    nothing: Any = object()

    def f(a: int = nothing, b: object = nothing, c: Unit = Unit.KELVIN) -> None: ...

    assert properties(f)["a"] == {"type": "integer"}
    assert properties(f)["b"] == {}
    assert properties(f)["c"]["default"] == "kelvin"
    assert "required" not in schema(f)


def google(city: str, days: int = 3) -> str:
    """Forecast the weather.

    Not for the past.

    Args:
        city: Where, in
            English.
        days (int): How many.
        other: Not there.

    Returns:
        Words.
    """
    return city


def numpy(city: str, days: int = 3) -> str:
    """
    Forecast the weather.

    Not for the past.

    Parameters
    ----------
    city : str
        Where, in
        English.
    days : int, optional
        How many.
    """
    return city


def rest(city: str, days: int = 3) -> str:
    """Forecast the weather.

    Not for the past.

    :param city: Where, in
        English.
    :param int days: How many.
    :returns: Words.
    """
    return city


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_docstrings_of_every_style_describe(function: Callable[..., Any]) -> None:
    assert describe(function)[0] == "Forecast the weather.\n\nNot for the past."
    assert properties(function)["city"]["description"] == "Where, in\nEnglish."
    assert properties(function)["days"]["description"] == "How many."
    assert list(properties(function)) == ["city", "days"]


def test_the_words_of_a_field_beat_those_of_the_docstring() -> None:
    def f(a: Annotated[int, Field(description="field")], b: Unit) -> None:
        """Do.

        Args:
            a: docstring
            b: docstring
        """

    assert properties(f)["a"]["description"] == "field"
    assert properties(f)["b"] == {"$ref": "#/$defs/Unit", "description": "docstring"}


def test_a_broken_docstring_is_no_error() -> None:
    def f(a: int) -> None:
        """Do.

        :param
        """

    assert describe(f)[0]


UNTYPED: dict[str, Any] = {}
"""Functions as they are written without annotations, which type checkers would not let pass."""
exec(
    """
def none(place, day=3): return place
def optional(day=3): return day
def collecting(*places): return places
def collecting_names(**places): return places
def positional(place, /): return place
def unresolvable(place: "Nothing"): return place
def unresolvable_result(place: str) -> "Nothing": return place
""",
    UNTYPED,
)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("collecting", "parameter 'places' collects arguments (*)"),
        ("collecting_names", "parameter 'places' collects arguments (**)"),
        ("positional", "parameter 'place' is positional-only"),
        ("none", "parameter 'place' has no annotation; annotate it, as in place: str"),
        ("unresolvable", "'Nothing' is not defined"),
    ],
)
def test_a_parameter_no_model_can_give_is_an_error(name: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        describe(UNTYPED[name])
    assert told in str(error.value)
    assert f"tool {name!r}" in str(error.value)


class Opaque:
    pass


def test_a_parameter_without_a_schema_is_named() -> None:
    def f(a: int, b: Opaque) -> None: ...
    def g(a: int, b: Callable[[], int]) -> None: ...
    def i(a: int, b: int = Field(3, alias="c")) -> None: ...

    for function in (f, g):
        with pytest.raises(ConfigError, match="parameter 'b' has no JSON Schema"):
            describe(function)
    with pytest.raises(ConfigError, match="alias"):
        describe(i)


def test_an_optional_parameter_without_annotation_takes_anything() -> None:
    assert properties(UNTYPED["optional"]) == {"day": {"default": 3}}


def test_the_annotation_of_the_result_does_not_matter() -> None:
    assert list(properties(UNTYPED["unresolvable_result"])) == ["place"]


def test_wrapped_functions_are_described_by_what_they_wrap() -> None:
    @functools.wraps(google)
    def wrapper(*args: Any, **kwargs: Any) -> object:
        return google(*args, **kwargs)

    assert schema(wrapper) == schema(google)


def test_a_function_is_described_once() -> None:
    assert describe(google) is describe(google)


def test_builtins_without_annotations_are_errors() -> None:
    for function in (len, max):
        with pytest.raises(ConfigError):
            describe(function)


def test_a_function_in_a_cache_is_described_as_itself() -> None:
    @functools.cache
    def area(side: int) -> int:
        """Area of a square."""
        return side * side

    assert describe(area) == describe(area.__wrapped__)
    assert (name_of(area), describe(area)[0]) == ("area", "Area of a square.")


# Arguments on their way in


def convert(function: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    found = converter(function)
    return arguments if found is None else found(arguments)


def test_arguments_become_what_the_annotations_name() -> None:
    def f(
        unit: Unit, point: Point, node: Node, day: date, price: Decimal, pair: tuple[int, str],
        several: set[int], places: list[Place], levels: dict[str, Level],
    ) -> None: ...  # fmt: skip

    found = convert(
        f, unit="kelvin", point={"x": 1}, node={"title": "a", "children": [{"title": "b"}]},
        day="2024-02-29", price="1.10", pair=[1, "a"], several=[1, 2], places=[{"city": "Rome"}],
        levels={"a": 2},
    )  # fmt: skip
    assert found == {
        "unit": Unit.KELVIN,
        "point": Point(1.0),
        "node": Node(title="a", children=[Node(title="b")]),
        "day": date(2024, 2, 29),
        "price": Decimal("1.10"),
        "pair": (1, "a"),
        "several": {1, 2},
        "places": [{"city": "Rome"}],
        "levels": {"a": Level.HIGH},
    }


def test_plain_arguments_are_passed_as_they_are() -> None:
    def f(a: str, b: list[dict[str, Any]], c: str | None = None, d: Literal["x"] = "x") -> None: ...

    assert converter(f) is None


def test_a_whole_number_is_an_integer_where_one_is_taken() -> None:
    def f(a: int, b: list[int] | None = None, c: float = 1.0, d: int | float = 1) -> None: ...

    converted = convert(f, a=5.0, b=[1.0, 2, 2.5], c=3.0, d=4.0)
    assert converted == {"a": 5, "b": [1, 2, 2.5], "c": 3.0, "d": 4.0}
    assert [type(each) for each in (converted["a"], *converted["b"])] == [int, int, int, float]
    assert (type(converted["c"]), type(converted["d"])) == (float, float)

    def with_a_date(day: date, n: int) -> None: ...

    assert repr(convert(with_a_date, day="2024-02-29", n=7.0)["n"]) == "7"


def test_only_given_arguments_are_passed_so_that_defaults_stay_the_functions_own() -> None:
    def f(unit: Unit = Unit.KELVIN, day: date | None = None, n: int = 3) -> None: ...

    assert convert(f, n=4) == {"n": 4}
    assert convert(f, unit="celsius") == {"unit": Unit.CELSIUS}


def test_the_default_of_a_field_is_its_value() -> None:
    several: Any = Field(default_factory=list)

    def f(a: int = Field(3), b: list[int] = several) -> None: ...

    assert convert(f) == {"a": 3, "b": []}


def test_validators_of_annotations_run() -> None:
    def even(value: int) -> int:
        if value % 2:
            raise ValueError("it must be even")
        return value

    def f(a: Annotated[int, AfterValidator(even)], when: datetime | None = None) -> None: ...

    f.__annotations__["a"] = Annotated[int, AfterValidator(even)]
    assert convert(f, a=2) == {"a": 2}
    with pytest.raises(RefusedArguments, match="a: Value error, it must be even"):
        convert(f, a=3)


def test_a_function_that_cannot_be_described_takes_its_arguments_as_they_are() -> None:
    def f(*args: Opaque, other: Opaque, **kwargs: Opaque) -> None: ...

    assert convert(f, other=1, more=2) == {"other": 1, "more": 2}
    assert converter(UNTYPED["unresolvable"]) is None
    assert converter(UNTYPED["none"]) is None
