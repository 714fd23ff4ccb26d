"""The incremental parser against RFC 8259: a corpus in the manner of JSONTestSuite, and properties.

y_: must be accepted. n_: must be rejected; the number is the position of the first wrong character,
None if the text is only unfinished. i_: RFC 8259 leaves it open; ours is the stated answer.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.streaming.utils import JSONParseState, ParseResult, ProgressiveJSONParser

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | None"

VALID = {
    "y_array_empty": "[]",
    "y_array_nested_empty": "[[], [[]], {}]",
    "y_array_spaces": "[ 1 ,\t2\r\n, 3 ]",
    "y_array_mixed": '[null, 1, "1", {}, [], true, false]',
    "y_object_empty": " { } ",
    "y_object_empty_key": '{"": 0}',
    "y_object_spaces": '{ "a" : 1 , "b" : { "c" : [ ] } }',
    "y_object_escaped_key": '{"a\\u0062\\n": "c"}',
    "y_object_nul_in_key": '{"foo\\u0000bar": 42}',
    "y_object_long_key": '{"' + "k" * 300 + '": [1]}',
    "y_object_unicode_key": '{"ключ 鍵 🗝": 1}',
    "y_string_all_escapes": '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    "y_string_backslash_at_end": '["\\\\"]',
    "y_string_escaped_backslash_u": '"\\\\u0041"',
    "y_string_unicode_escape": '"\\u0060\\u012a\\u12AB"',
    "y_string_pair": '"\\uD83d\\uDE39\\ud83d\\udc8d"',
    "y_string_raw_unicode": '"€𝄞 ñ ￿"',
    "y_string_del_and_separators": '"\x7f\u2028\u2029\ufeff"',
    "y_string_escaped_noncharacter": '"\\uFFFF\\uDBFF\\uDFFE"',
    "y_string_escaped_controls": '"\\u0000\\u001f"',
    "y_string_like_a_comment": '"a/*b*/c//d"',
    "y_string_by_itself": '"x"',
    "y_number_zero": "0",
    "y_number_minus_zero": "[-0, -0.0]",
    "y_number_exponents": "[1E22, 1e-2, 1e+2, 0e1, 0e+1, 123.456e78, -1.5E-3]",
    "y_number_tiny": "[1e-999]",
    "y_number_huge_integer": "[" + "9" * 400 + ", -" + "1234567890" * 80 + "]",
    "y_number_many_decimals": "[0." + "1" * 700 + "]",
    "y_number_by_itself": " -12.5e1 ",
    "y_literals": "[true, false, null]",
    "y_literal_by_itself": "null\n",
    "y_depth_128": "[" * 128 + "]" * 128,
}
INVALID: dict[str, tuple[str, int | None]] = {
    "n_empty": ("", None),
    "n_space_only": (" \n", None),
    "n_array_unclosed": ("[1, 2", None),
    "n_array_trailing_comma": ("[1,]", 3),
    "n_array_double_comma": ("[1,,2]", 3),
    "n_array_comma_first": ("[,1]", 1),
    "n_array_missing_comma": ("[1 2]", 3),
    "n_array_closed_as_object": ("[1}", 2),
    "n_array_colon": ('["a": 1]', 4),
    "n_array_extra_close": ("[1]]", 3),
    "n_object_unclosed": ('{"a": 1', None),
    "n_object_trailing_comma": ('{"a": 1,}', 8),
    "n_object_missing_colon": ('{"a" 1}', 5),
    "n_object_missing_value": ('{"a":}', 5),
    "n_object_double_colon": ('{"a"::1}', 5),
    "n_object_key_unquoted": ("{a: 1}", 1),
    "n_object_key_single_quotes": ("{'a': 1}", 1),
    "n_object_key_number": ("{1: 1}", 1),
    "n_object_closed_as_array": ('{"a": 1]', 7),
    "n_object_bracket_in_place_of_key": ("{]", 1),
    "n_object_garbage_after": ('{"a": 1} x', 9),
    "n_object_comment": ('{"a": /* one */ 1}', 6),
    "n_string_unclosed": ('["a', None),
    "n_string_single_quotes": ("['a']", 1),
    "n_string_escape_x": ('"\\x41"', 2),
    "n_string_escape_quote_single": ('"\\\'"', 2),
    "n_string_escape_newline": ('"\\\n"', 2),
    "n_string_escape_capital_u": ('"\\U0041"', 2),
    "n_string_escape_short": ('"\\u12"', 5),
    "n_string_escape_not_hex": ('"\\u12G4"', 5),
    "n_string_escape_full_width_digit": ('"\\u00１1"', 5),
    "n_string_newline": ('"a\nb"', 2),
    "n_string_tab": ('["\t"]', 2),
    "n_string_nul": ('"\0"', 1),
    "n_string_control_after_escape": ('"\\n\x1f"', 3),
    "n_string_control_in_key": ('{"a\x01": 1}', 3),
    "n_number_leading_zero": ("[01]", 2),
    "n_number_leading_zeros_negative": ("[-01]", 3),
    "n_number_minus": ("[-]", 2),
    "n_number_minus_minus": ("[--1]", 2),
    "n_number_plus": ("[+1]", 1),
    "n_number_dot_first": ("[.5]", 1),
    "n_number_dot_last": ("[1.]", 3),
    "n_number_dot_exponent": ("[1.e1]", 3),
    "n_number_two_dots": ("[1.2.3]", 4),
    "n_number_exponent_empty": ("[1e]", 3),
    "n_number_exponent_sign_only": ("[1e+]", 4),
    "n_number_hex": ("[0x1]", 2),
    "n_number_underscore": ("[1_000]", 2),
    "n_number_letter_after": ("[1a]", 2),
    "n_number_full_width": ("[１]", 1),
    "n_number_arabic_digit": ("[1٢]", 2),
    "n_number_nan": ("[NaN]", 1),
    "n_number_minus_nan": ("[-NaN]", 2),
    "n_number_infinity": ("[Infinity]", 1),
    "n_number_minus_infinity": ("[-Infinity]", 2),
    "n_literal_capital": ("[True]", 1),
    "n_literal_cut_short": ("[tru]", 4),
    "n_literal_misspelt": ("[nul1]", 4),
    "n_literal_too_long": ("[nulll]", 5),
    "n_literal_python": ("[None]", 1),
    "n_space_form_feed": ("[\f]", 1),
    "n_space_no_break": ("[\u00a0]", 1),
    "n_space_byte_order_mark": ("\ufeff{}", 0),
    "n_two_values": ("{} {}", 3),
    "n_comment": ("// x\n1", 0),
    "n_backtick": ("```json", 0),
}
OPEN: dict[str, tuple[str, JSON, int | None]] = {
    "i_number_overflow": ("[1e400]", [], 1),
    "i_number_overflow_negative": ('{"a": -1e9999}', {}, 6),
    "i_number_integer_too_long": ("[" + "1" * 4301 + "]", [], 4301),
    "i_depth_129": ("[" * 129, None, 128),
    "i_string_lone_high": ('["\\ud800"]', ["\ufffd"], None),
    "i_string_lone_low": ('["x\\udc00y"]', ["x\ufffdy"], None),
    "i_string_inverted_pair": ('["\\ude00\\ud83d"]', ["\ufffd\ufffd"], None),
    "i_string_high_then_escape": ('["\\ud83d\\n"]', ["\ufffd\n"], None),
    "i_string_two_highs": ('["\\ud83d\\ud83d\\ude00"]', ["\ufffd\U0001f600"], None),
    "i_key_lone": ('{"\\ud83d": 1}', {"\ufffd": 1}, None),
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def written(value: JSON, ascii_only: bool, indent: int | None) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent)


json_texts = st.builds(written, json_values, st.booleans(), st.sampled_from([None, 0, 1]))
json_like = st.text(alphabet='{}[]:,"\\ \nub0123456789.eE+-truefalsn\x01\ud83d\ude00é', max_size=24)
PIECES = [
    *'{}[]:,"\\a01 ',
    *("\\u", "\\ud83d", "\\ude00", '"a"', '"b\\n"', '"a":', "12", "-1", "1.5", "1e9", "1e999"),
    *("true", "nul", "null"),
]
json_soup = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
cuts = st.lists(st.integers(0, 60), max_size=12)


def damage(text: str, at: int, piece: str) -> str:
    at %= len(text) + 1
    return text[:at] + piece + text[at + 1 :]


damaged = st.builds(
    damage, json_texts, st.integers(0, 200), st.sampled_from([*PIECES, "", "\x01", "x"])
)
any_text = json_texts | json_like | json_soup | damaged


def feed(fragments: list[str]) -> ParseResult:
    parser = ProgressiveJSONParser()
    for fragment in fragments:
        parser.feed(fragment)
    return parser.refresh()


def cut(text: str, at: list[int]) -> list[str]:
    edges = [0, *sorted(min(edge, len(text)) for edge in at), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def whole_pairs(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mended(value: JSON) -> JSON:
    match value:
        case str():
            return whole_pairs(value)
        case list():
            return [mended(item) for item in value]
        case dict():
            return {whole_pairs(key): mended(item) for key, item in value.items()}
        case _:
            return value


def finite(digits: str) -> float:
    value = float(digits)
    if abs(value) == float("inf"):
        raise ValueError(digits)
    return value


def no_constant(name: str) -> float:
    raise ValueError(name)


def strict_loads(text: str) -> tuple[bool, JSON]:
    """What the standard library makes of the text, held to RFC 8259: is it valid, and its value."""
    if text.startswith("\ufeff"):
        return False, None
    try:
        return True, mended(json.loads(text, parse_float=finite, parse_constant=no_constant))
    except ValueError:
        return False, None


def begins(part: JSON, whole: JSON) -> bool:
    """True if `part` is `whole` as it may be seen before its text has ended."""
    match part:
        case str():
            return isinstance(whole, str) and whole.startswith(part)
        case list():
            return isinstance(whole, list) and parts_begin(part, whole)
        case dict():
            return (
                isinstance(whole, dict)
                and list(part) == list(whole)[: len(part)]
                and parts_begin(list(part.values()), list(whole.values()))
            )
        case _:
            return part == whole and type(part) is type(whole)


def parts_begin(parts: list[JSON], wholes: list[JSON]) -> bool:
    if not parts:
        return True
    last = len(parts) - 1
    return parts[:last] == wholes[:last] and begins(parts[last], wholes[last])


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_valid_text_is_accepted_with_the_value_of_the_standard_library(text: str) -> None:
    for fragments in ([text], list(text)):
        result = feed(fragments)
        assert (result.error, result.complete) == (None, True)
        assert result.value == json.loads(text)
        assert repr(result.value) == repr(json.loads(text))


@pytest.mark.parametrize(("text", "position"), INVALID.values(), ids=INVALID.keys())
def test_invalid_text_is_reported_at_its_first_wrong_character(
    text: str, position: int | None
) -> None:
    for fragments in ([text], list(text)):
        result = feed(fragments)
        assert not result.complete
        if position is None:
            assert result.error is None
        else:
            assert (result.state, result.error_kind) == (JSONParseState.INVALID, "syntax")
            assert result.position == position
            assert result.error is not None
            assert f"character {position}: " in result.error


@pytest.mark.parametrize(("text", "value", "position"), OPEN.values(), ids=OPEN.keys())
def test_what_the_standard_leaves_open_is_decided_in_one_way(
    text: str, value: JSON, position: int | None
) -> None:
    for fragments in ([text], list(text)):
        result = feed(fragments)
        if position is None:
            assert result.complete
            assert result.lone_surrogates
        else:
            assert result.error_kind in ("number", "depth")
            assert result.position == position
        if value is not None:
            assert result.value == value


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_no_prefix_of_a_valid_text_is_an_error(text: str) -> None:
    parser = ProgressiveJSONParser()
    for char in text:
        result = parser.feed(char)
        assert result.error is None


@given(json_texts)
def test_each_prefix_is_part_of_the_final_value_and_complete_only_if_it_is_json(text: str) -> None:
    final = mended(json.loads(text))
    parser = ProgressiveJSONParser()
    for end, char in enumerate(text, 1):
        result = parser.feed(char)
        valid, value = strict_loads(text[:end])
        assert result.error is None
        assert result.complete == valid
        assert result.position == end
        if valid:
            assert result.value == value
        elif result.value is not None:
            assert begins(result.value, final)
    assert parser.refresh().value == final


@given(any_text, cuts)
def test_any_split_of_any_text_gives_the_same_result(text: str, at: list[int]) -> None:
    whole = ProgressiveJSONParser().parse(text)
    assert feed(cut(text, at)) == whole
    assert feed(list(text)) == whole


@given(any_text)
def test_the_verdict_and_the_value_are_those_of_the_standard_library_held_to_the_rfc(
    text: str,
) -> None:
    result = ProgressiveJSONParser().parse(text)
    valid, value = strict_loads(text)
    assert result.complete == valid
    if valid:
        assert result.value == value
        assert repr(result.value) == repr(value)


@given(any_text)
def test_an_error_lies_exactly_where_the_text_can_no_longer_be_valid(text: str) -> None:
    result = ProgressiveJSONParser().parse(text)
    if result.error_kind == "syntax":
        before = ProgressiveJSONParser().parse(text[: result.position])
        there = ProgressiveJSONParser().parse(text[: result.position + 1])
        assert before.error is None
        assert there.error == result.error


@given(any_text)
def test_every_value_is_valid_unicode_and_can_be_written_as_json(text: str) -> None:
    value = ProgressiveJSONParser().parse(text).value
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
