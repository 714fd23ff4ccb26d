"""What users of `ProgressiveJSONParser` rely on: the live value, states, bounds and flags."""

from __future__ import annotations

import json
import sys

import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.streaming.utils import JSONParseState, ParseResult, ProgressiveJSONParser


def feed_all(text: str, size: int, parser: ProgressiveJSONParser | None = None) -> ParseResult:
    parser = parser or ProgressiveJSONParser(max_size=8 << 20)
    result = parser.feed("")
    for at in range(0, len(text), size):
        result = parser.feed(text[at : at + size])
    return result


def test_an_open_string_shows_what_has_come_of_it() -> None:
    parser = ProgressiveJSONParser()
    assert parser.feed('{"location": "Par').value == {"location": "Par"}
    assert parser.feed("is").value == {"location": "Paris"}
    assert parser.feed(", Fr\\u00e").value == {"location": "Paris, Fr"}
    assert parser.feed('9"}').value == {"location": "Paris, Fré"}


def test_a_key_without_a_value_and_an_open_number_or_literal_are_left_out() -> None:
    parser = ProgressiveJSONParser()
    assert parser.feed('{"a').value == {}
    assert parser.feed('": ').value == {}
    assert parser.feed("12").value == {}
    assert parser.feed("34, ").value == {"a": 1234}
    assert parser.feed('"b": [1.5, tr').value == {"a": 1234, "b": [1.5]}
    assert parser.feed("ue, -").value == {"a": 1234, "b": [1.5, True]}


def test_containers_are_updated_in_place() -> None:
    parser = ProgressiveJSONParser()
    value = parser.feed('{"rows": [').value
    rows = value["rows"]
    parser.feed('{"id": 1}, "x')
    assert value["rows"] is rows
    assert rows == [{"id": 1}, "x"]
    assert parser.feed('y"]}').value is value
    assert rows == [{"id": 1}, "xy"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", JSONParseState.EMPTY),
        (" \n", JSONParseState.EMPTY),
        ("{", JSONParseState.IN_OBJECT),
        ('{"a": 1', JSONParseState.IN_NUMBER),
        ('{"a": 1 ', JSONParseState.IN_OBJECT),
        ('{"a": 1,', JSONParseState.IN_OBJECT),
        ('{"a', JSONParseState.IN_KEY),
        ('{"' + "a" * 100, JSONParseState.IN_KEY),
        ('{"a\\n', JSONParseState.IN_KEY),
        ('{"a"', JSONParseState.IN_OBJECT),
        ('{"a":', JSONParseState.IN_OBJECT),
        ('{"a": "', JSONParseState.IN_STRING),
        ('{"a": "x\\', JSONParseState.IN_STRING),
        ('{"a": "x"', JSONParseState.IN_OBJECT),
        ("[", JSONParseState.IN_ARRAY),
        ("[1,", JSONParseState.IN_ARRAY),
        ("[1", JSONParseState.IN_NUMBER),
        ("[1e", JSONParseState.IN_NUMBER),
        ("[t", JSONParseState.IN_LITERAL),
        ("fals", JSONParseState.IN_LITERAL),
        ("-", JSONParseState.IN_NUMBER),
        ("1.", JSONParseState.IN_NUMBER),
        ("[]", JSONParseState.COMPLETE),
        ('"x" ', JSONParseState.COMPLETE),
        ("[1}", JSONParseState.INVALID),
    ],
)
def test_the_state_names_the_innermost_open_thing(text: str, state: JSONParseState) -> None:
    assert ProgressiveJSONParser().parse(text).state is state
    assert feed_all(text, 1).state is state


def test_a_number_by_itself_is_complete_wherever_it_could_end() -> None:
    parser = ProgressiveJSONParser()
    seen = [(result.complete, result.value) for result in map(parser.feed, "-12.5e1 ")]
    assert seen == [
        (False, None),
        (True, -1),
        (True, -12),
        (False, None),
        (True, -12.5),
        (False, None),
        (True, -125.0),
        (True, -125.0),
    ]


def test_null_is_complete_and_nothing_is_not() -> None:
    assert ProgressiveJSONParser().parse("null").complete
    assert not ProgressiveJSONParser().parse("").complete


def test_parse_reads_by_itself_and_leaves_the_stream_alone() -> None:
    parser = ProgressiveJSONParser()
    parser.feed('{"a": [1')
    assert parser.parse('["x').value == ["x"]
    assert parser.parse("]").state is JSONParseState.INVALID
    assert parser.feed("]}").value == {"a": [1]}


def test_an_error_keeps_what_came_before_it_and_stays() -> None:
    parser = ProgressiveJSONParser()
    first = parser.feed('{"a": 1, "b": "x\ny", "c": 2}')
    assert first.value == {"a": 1, "b": "x"}
    assert first.position == 16
    assert first.error == (
        "character 16: unexpected '\\n'; allowed: no control character in a string"
    )
    assert parser.feed('"}') == first


def test_positions_count_characters_across_fragments() -> None:
    parser = ProgressiveJSONParser()
    for fragment in ('{"ключ', '": "🗝\\u0', '041", "b": tr', "u"):
        assert parser.feed(fragment).error is None
    assert parser.feed("e, x").position == len('{"ключ": "🗝\\u0041", "b": true, ')


def test_halves_of_a_surrogate_pair_are_joined_across_fragments() -> None:
    text = '["\\ud83d\\ude00", "\\ud83d\\udE00x"]'
    for size in range(1, len(text)):
        result = feed_all(text, size)
        assert result.value == ["\U0001f600", "\U0001f600x"]
        assert not result.lone_surrogates


def test_a_half_pair_is_not_shown_before_its_other_half_may_have_come() -> None:
    parser = ProgressiveJSONParser()
    assert parser.feed('["a\\ud83d').value == ["a"]
    result = parser.feed("b")
    assert result.value == ["a\ufffdb"]
    assert result.lone_surrogates


def test_raw_surrogates_of_the_fragments_become_valid_unicode_too() -> None:
    assert feed_all('["\ud83d\ude00 \ud83d"]', 1).value == ["\U0001f600 \ufffd"]


def test_duplicate_keys_are_told_and_the_last_value_wins() -> None:
    result = feed_all('{"a": 1, "b": {"a": 2}, "a": 3, "a": 4, "\\u0062": 5}', 3)
    assert result.duplicates == ("a", "b")
    assert result.value == {"a": 4, "b": 5}


def test_no_more_than_sixteen_duplicate_keys_are_told() -> None:
    text = "{" + ", ".join(f'"{n}": 0, "{n}": 1' for n in range(1000)) + "}"
    result = feed_all(text, 16)
    assert result.duplicates == tuple(str(n) for n in range(16))


def test_an_open_string_is_shown_whole_up_to_8192_characters() -> None:
    parser = ProgressiveJSONParser()
    parser.feed('{"text": "')
    for count in range(1, 8192 // 16 + 1):
        result = parser.feed("sixteen letters.")
        assert result.unshown == 0
        assert len(result.value["text"]) == count * 16


@pytest.mark.parametrize("letter", ["x", "é", "字", "🗝", "\\n", "\\u5b57"])
def test_a_longer_open_string_lags_by_less_than_a_64th_until_it_is_refreshed(letter: str) -> None:
    parser = ProgressiveJSONParser()
    parser.feed('["')
    plain: str = json.loads(f'"{letter}"')
    for count in range(1, 4000):
        result = parser.feed(letter * 5)
        shown = result.value[0]
        assert len(shown) + result.unshown == count * 5
        assert result.unshown == 0 or result.unshown * 64 < len(shown)
    result = parser.refresh()
    assert (result.value, result.unshown) == ([plain * 19995], 0)
    assert parser.feed('!"]').value == [plain * 19995 + "!"]


def test_a_long_string_that_closes_is_shown_whole() -> None:
    text = json.dumps({"text": "x" * 50_001, "after": 1})
    assert feed_all(text, 16).value == json.loads(text)


def test_text_longer_than_the_bound_is_an_error_at_the_bound() -> None:
    text = '"' + "x" * (5 << 20) + '"'
    for size in (len(text), 1 << 16, 1 << 20):
        result = feed_all(text, size, ProgressiveJSONParser())
        assert (result.error_kind, result.position) == ("size", 1 << 20)
        assert result.error == "character 1048576: more than 1048576 characters"
        assert len(result.value) == (1 << 20) - 1


def test_an_error_before_the_size_bound_counts_first() -> None:
    for size in (1, 3, 100):
        result = feed_all("[1, x" + " " * 50, size, ProgressiveJSONParser(max_size=10))
        assert (result.error_kind, result.position) == ("syntax", 4)


def test_a_text_may_be_as_long_as_the_bound() -> None:
    assert ProgressiveJSONParser(max_size=4).parse("[12]").complete
    assert ProgressiveJSONParser(max_size=4).parse("[12] ").error_kind == "size"


@pytest.mark.parametrize("unit", ["[", '{"a":', '[{"b": '])
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_depth_100_000_is_an_error_at_the_bound(unit: str, size: int) -> None:
    result = feed_all(unit * 100_000, size, ProgressiveJSONParser(max_depth=64))
    assert result.error_kind == "depth"
    prefix = (unit * 100)[: result.position]
    assert prefix.count("[") + prefix.count("{") == 64
    assert ProgressiveJSONParser(max_depth=64).parse(prefix).error is None


def test_siblings_do_not_count_as_depth() -> None:
    assert ProgressiveJSONParser(max_depth=2).parse("[[], [], {}, []]").complete


@pytest.mark.parametrize("size", [1, 16, 10_000])
def test_integers_are_exact_up_to_4300_characters_whatever_the_interpreter_allows(
    size: int,
) -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        result = feed_all(f"[{'7' * 4300}, {'7' * 4300}]", size)
        alone = feed_all("7" * 4300, 1000)
    finally:
        sys.set_int_max_str_digits(limit)
    assert result.value == [int("7" * 4300)] * 2
    assert alone.value == int("7" * 4300)
    longer = feed_all("[" + "7" * 4301 + "]", size)
    assert (longer.error_kind, longer.position) == ("number", 4301)


@pytest.mark.parametrize("text", ["1e309", "-1e309", "[1e400, 2]", '{"a": 1.5e999}', "2e9999999"])
def test_a_number_out_of_range_is_an_error_at_its_first_character(text: str) -> None:
    for size in (1, 100):
        result = feed_all(text, size)
        assert result.error_kind == "number"
        assert text[result.position] in "-12"
        assert text[: result.position].rstrip(' [{"a:') == ""


def test_of_two_faults_of_a_number_the_first_counts_whatever_the_cuts() -> None:
    for text in ("[1e" + "9" * 5000, "[1e-" + "9" * 5000, "[1" + "0" * 5000 + "e5"):
        assert feed_all(text, 1) == feed_all(text, 333) == feed_all(text, len(text))


@pytest.mark.parametrize(("max_depth", "max_size"), [(0, 10), (10, 0), (-1, 10)])
def test_a_bound_below_one_is_a_config_error(max_depth: int, max_size: int) -> None:
    with pytest.raises(ConfigError, match="must be >= 1"):
        ProgressiveJSONParser(max_depth=max_depth, max_size=max_size)


def test_long_tokens_of_every_kind_survive_small_fragments() -> None:
    value = {
        "k" * 500: "v" * 500,
        "κ" * 100: ["é" * 300, "tab\t" * 100, 10**300, -(10**100), 1.5e-300, None],
        "deep": [[[{"a": [True, False]}]]],
    }
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        for size in (1, 2, 3, 7, 16, 63, 64, 65, 1000):
            assert feed_all(text, size).value == value
